"""What was rendered is kept and belongs to all who asked for it; nothing is rendered that nobody wants any more."""

import asyncio

import pytest

from comfy_widgets import Shot, Studio, Workflow, saving
from comfy_widgets.cache import TakeCache
from comfy_widgets.comfyui import tracker
from comfy_widgets.comfyui.capabilities import Capabilities
from comfy_widgets.comfyui.client import Client
from comfy_widgets.comfyui.replies import OutputFile
from comfy_widgets.demo import DemoServer
from comfy_widgets.errors import CacheError, JobFailed, Lost
from comfy_widgets.jobs import JobStatus
from tests.lib.graphs import wan
from tests.lib.takes import request
from tests.tracker.test_scenarios import graph, save, slow

pytestmark = pytest.mark.slow


async def test_a_studio_that_was_told_to_close_refuses_at_once(server, workflow, tmp_path):
    studio = Studio(server.url, cache=tmp_path / "takes")
    await studio.submit(workflow, seed=1)
    studio.close()
    with pytest.raises(JobFailed, match="The studio is closed"):
        studio.submit(workflow, seed=2)


async def test_what_was_asked_for_right_before_the_close_is_over_and_holds_nobody_up(server, workflow, tmp_path):
    async with Studio(server.url, cache=tmp_path / "takes") as other:
        studio = Studio(server.url, cache=tmp_path / "takes")
        job = studio.submit(workflow, seed=2)
        # Before its task has had a turn.
        await studio.close()
        assert job.over
        with pytest.raises(Lost, match="closed"):
            await job
        again = other.submit(workflow, seed=2)
        assert again is not job
        assert (await again).path.is_file()


async def test_a_closed_studio_asks_for_nothing_more(server, studio, workflow):
    held = server.hold("KSampler")
    sweep = studio.sweep(workflow, seed=range(4))
    await held
    await studio.close()
    held.release()
    await sweep
    assert [item.status for item in sweep] == ["lost", "error", "error", "error"]
    assert "closed" in str(list(sweep.errors.values())[-1])
    assert server.journal.posts("/prompt") == 1
    with pytest.raises(JobFailed, match="closed"):
        studio.submit(workflow, seed=9)


async def test_a_studio_that_is_closed_while_it_submits_follows_nothing_more(server, studio, workflow, monkeypatch):
    sending = asyncio.Event()

    async def answers_never(*_args, **_more):
        sending.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(Client, "submit", answers_never)
    job = studio.submit(workflow, seed=1)
    await sending.wait()
    follower = tracker.tracker_for(studio.address)
    await studio.close()
    assert not follower._prompts
    # The server may have it.
    assert (job.status, job.error.prompt_id) == (JobStatus.LOST, job.id)
    assert studio.cache.unfinished.rows()


async def test_what_was_stopped_is_not_tried_again_whatever_its_end_is_called(server, studio, monkeypatch):
    """A node may turn the interrupt into an error of its own."""
    failing = graph(f={"class_type": "LabFail", "image": ["a", 0], "message": "no"}, a=slow(), b=save("f"))
    workflow = Workflow(failing, bindings={"prompt": "b.filename_prefix"})
    held = server.hold("LabFail")
    batch = studio.generate([Shot("s", "x")], workflow, retries=2)
    await held
    asked = asyncio.Event()

    async def without_effect(_client, _prompt_id):
        asked.set()

    monkeypatch.setattr(Client, "stop", without_effect)
    batch.cancel()
    await asked.wait()
    held.release()
    await batch
    assert (batch.items[0].status, batch.items[0].attempts) == ("error", 1)
    assert server.journal.posts("/prompt") == 1


async def test_a_take_belongs_to_all_shots_that_asked_while_it_was_made(server, studio, workflow):
    await studio.generate([Shot("a", "x", seed=1), Shot("b", "x", seed=1)], workflow)
    assert server.journal.posts("/prompt") == 1
    assert studio.cache.takes(shot="a") == studio.cache.takes(shot="b") != []


async def test_two_kernels_that_use_a_take_are_both_listed(studio, workflow):
    batch = await studio.generate([Shot("a", "x", seed=1)], workflow)
    take = batch.takes["a"]
    for shot in ("b", "c"):
        # Each has read the sidecar before the other wrote it.
        TakeCache(studio.cache.folder).note_use(take, None, shot)
    assert [len(studio.cache.takes(shot=shot)) for shot in "abc"] == [1, 1, 1]


async def test_a_take_that_was_removed_is_not_brought_back_by_its_use(studio, workflow):
    batch = await studio.generate([Shot("a", "x", seed=1)], workflow)
    take = batch.takes["a"]
    studio.cache.prune(max_bytes=0)
    assert studio.cache.note_use(take, None, "b") is take
    assert list(studio.cache.folder.glob("*_*.json")) == []


async def test_favourites_that_cannot_be_read_are_not_pruned(studio, workflow):
    await studio.submit(workflow, seed=1)
    (studio.cache.folder / "marks.json").write_text("<<<<<<< HEAD")
    with pytest.raises(CacheError, match=r"marks\.json"):
        studio.cache.prune(max_bytes=0)
    assert len(studio.cache.takes()) == 1


async def test_a_file_beside_the_video_that_is_gone_costs_no_take(server, studio, caplog):
    server.inject("view:missing@png#*")
    both = wan() | {"60": {"class_type": "SaveImage", "inputs": {"images": ["8", 0], "filename_prefix": "x"}}}
    take = await studio.submit(Workflow(both), seed=1)
    assert (take.kind, take.also) == ("video", ())
    assert "is not on the server any more" in caplog.text
    assert server.journal.posts("/prompt") == 1


def test_a_take_that_is_json_is_not_its_own_sidecar(tmp_path):
    cache = TakeCache(tmp_path)
    part = cache.take_part("p", 0)
    part.write_bytes(b'{"poses": []}')
    origin = saving.Origin(request(), "ab" * 32, "p", "s", Capabilities("comfyui", None))
    take = saving._keep(cache, origin, [OutputFile("2", "poses.json", "", "output")], [part])
    assert take.path.read_bytes() == b'{"poses": []}'
    assert cache.find("ab" * 32).path == take.path


def test_what_a_closed_loop_left_in_the_line_holds_nobody_up(tmp_path):
    with DemoServer(step_seconds=0.0) as server:
        studio, workflow = Studio(server.url, cache=tmp_path), Workflow(wan())

        async def submitted():
            return studio.submit(workflow, seed=1)

        loop = asyncio.new_event_loop()
        loop.run_until_complete(submitted())
        loop.close()

        async def another():
            async with asyncio.timeout(20):
                await studio.submit(workflow, seed=2)

        asyncio.run(another())


async def test_who_comes_while_an_idle_tracker_lets_go_is_followed(server, studio, workflow, monkeypatch):
    monkeypatch.setattr(tracker, "LINGER_SECONDS", 0.05)
    await studio.submit(workflow, seed=1)
    letting_go, close = asyncio.Event(), Client.close

    async def slowly(client):
        if not letting_go.is_set():
            letting_go.set()
            await asyncio.wait_for(followed.wait(), 10)
        await close(client)

    followed, follow = asyncio.Event(), tracker.Tracker.follow

    def tell(*given):
        followed.set()
        return follow(*given)

    monkeypatch.setattr(Client, "close", slowly)
    monkeypatch.setattr(tracker.Tracker, "follow", tell)
    await letting_go.wait()
    async with asyncio.timeout(20):
        assert (await studio.submit(workflow, seed=2)).path.exists()
