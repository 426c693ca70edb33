"""What an earlier kernel left behind is picked up, and nobody's row locks anything."""

import asyncio
import json
import time

import httpx
import pytest

from comfy_widgets import Studio, Workflow, saving
from comfy_widgets.comfyui import tracker
from comfy_widgets.errors import FetchFailed, JobFailed, Lost, NodeFailed
from comfy_widgets.jobs import JobStatus
from tests.tracker.test_scenarios import graph, save, slow

pytestmark = pytest.mark.slow


async def left_behind(server, folder, workflow):
    """A studio that was closed while its job ran."""
    held = server.hold("KSampler")
    async with Studio(server.url, cache=folder) as studio:
        job = studio.submit(workflow, seed=1)
        await held
    assert job.status is JobStatus.LOST
    with pytest.raises(Lost, match=r"closed while it was being made.*studio\.resume"):
        await job
    return job, held


async def test_resume_follows_what_goes_on(server, tmp_path, workflow):
    job, held = await left_behind(server, tmp_path, workflow)
    async with Studio(server.url, cache=tmp_path) as studio:
        (resumed,) = studio.resume()
        assert resumed.id == job.id
        assert studio.resume() == []
        held.release()
        take = await resumed
        assert take.inputs["seed"] == 1
        assert (await studio.submit(workflow, seed=1)) == take.as_cached()
    assert server.journal.posts("/prompt") == 1
    assert not list((tmp_path / "unfinished").iterdir())


async def test_what_is_resumed_is_the_job_for_who_asks_for_the_same(server, tmp_path, workflow):
    _, held = await left_behind(server, tmp_path, workflow)
    async with Studio(server.url, cache=tmp_path) as studio:
        (resumed,) = studio.resume()
        assert studio.submit(workflow, seed=1) is resumed
        held.release()
        assert (await resumed).path.exists()


async def test_cells_that_are_run_again_get_the_job_that_goes_on(server, studio, workflow):
    held = server.hold("KSampler")
    job = studio.submit(workflow, seed=1)
    await held
    async with Studio(server.url, cache=studio.cache.folder) as again:
        assert again.resume() == [job]
        assert again.submit(workflow, seed=1) is job
        held.release()
        assert (await job).path.exists()
    assert server.journal.posts("/prompt") == 1


async def test_two_who_follow_one_prompt_both_hear_of_its_end(server, studio, workflow, monkeypatch):
    monkeypatch.setattr(saving, "PAUSE_SECONDS", (0.01,))
    server.inject("view:truncate=50@mp4#*")
    job = studio.submit(workflow, seed=1)
    with pytest.raises(FetchFailed):
        await job
    server.heal()
    again = job.resubmit()
    assert (await job.fetch()).path == (await again).path
    assert server.journal.posts("/prompt") == 1


async def test_what_left_nothing_is_not_fetched_and_keeps_its_end(server, studio, workflow):
    server.inject("node:error@KSampler")
    failed = studio.submit(workflow, seed=1)
    with pytest.raises(NodeFailed):
        await failed
    why = failed.error
    with pytest.raises(JobFailed, match=r"left no file.*resubmit"):
        failed.fetch()
    assert (failed.status, failed.error) == (JobStatus.ERROR, why)


async def test_resume_fetches_what_has_ended(server, tmp_path, workflow):
    _, held = await left_behind(server, tmp_path, workflow)
    held.release()
    async with Studio(server.url, cache=tmp_path) as studio:
        (resumed,) = studio.resume()
        assert (await resumed).path.exists()
    assert server.journal.posts("/prompt") == 1


async def test_asking_again_finds_it_too(server, tmp_path, workflow):
    job, held = await left_behind(server, tmp_path, workflow)
    async with Studio(server.url, cache=tmp_path) as studio:
        again = studio.submit(workflow, seed=1)
        held.release()
        await again
        assert again.id == job.id
    assert server.journal.posts("/prompt") == 1


@pytest.mark.parametrize("resumes", [True, False])
async def test_what_was_left_behind_is_found_under_another_name_of_this_machine(server, tmp_path, workflow, resumes):
    job, held = await left_behind(server, tmp_path, workflow)
    held.release()
    async with Studio(server.url.replace("127.0.0.1", "localhost"), cache=tmp_path) as studio:
        (again,) = studio.resume() if resumes else [studio.submit(workflow, seed=1)]
        assert (await again).prompt_id == job.id
    assert server.journal.posts("/prompt") == 1
    assert not list((tmp_path / "unfinished").iterdir())


async def test_two_studios_with_two_names_of_one_server_render_once(server, studio, workflow):
    held = server.hold("KSampler")
    first = studio.submit(workflow, seed=1)
    await held
    async with Studio(server.url.replace("127.0.0.1", "localhost"), cache=studio.cache.folder) as other:
        second = other.submit(workflow, seed=1)
        held.release()
        assert (await second).path == (await first).path
    assert server.journal.posts("/prompt") == 1


@pytest.mark.usefixtures("hasty")
async def test_resume_keeps_the_row_of_what_is_lost(server, tmp_path, workflow):
    job, _ = await left_behind(server, tmp_path, workflow)
    await server.restarted()
    async with Studio(server.url, cache=tmp_path) as studio:
        (resumed,) = studio.resume()
        await resumed.ended()
        assert resumed.status is JobStatus.LOST
        assert (tmp_path / "unfinished" / f"{job.id}.json").exists()
        assert (await resumed.resubmit()).path.exists()
    assert server.journal.posts("/prompt") == 2
    assert not list((tmp_path / "unfinished").iterdir())


@pytest.mark.parametrize("resumes", [True, False])
async def test_what_ended_with_a_record_that_can_not_be_read_is_told_once(server, tmp_path, resumes):
    # ComfyUI dies when it tells such an output to a socket.
    server.inject("http:404@GET /ws#*")
    poisoned = Workflow(graph(a=slow(), n={"class_type": "LabUnserializable", "n": 1}, b=save("a")))
    held = server.hold("LabSlow")
    async with Studio(server.url, cache=tmp_path) as studio:
        job = studio.submit(poisoned, "shot-01")
        await held
    held.release()
    await idle(server)
    async with Studio(server.url, cache=tmp_path) as studio:
        (again,) = studio.resume() if resumes else [studio.submit(poisoned, "shot-01")]
        await again.ended()
    assert isinstance(again.error, NodeFailed)
    assert "its record is unreadable" in again.error.what
    assert (again.error.shot, again.error.prompt_id) == ("shot-01", job.id)
    assert again.error.hint
    assert server.journal.posts("/prompt") == 1
    assert not list((tmp_path / "unfinished").iterdir())


async def idle(server):
    """Wait until the server has no more to do."""
    async with httpx.AsyncClient(base_url=server.url) as client, asyncio.timeout(10):
        while (await client.get("/prompt")).json()["exec_info"]["queue_remaining"]:
            pass


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("created", ["2026-01-01T00:00:00+00:00", None])
async def test_a_row_of_a_host_that_is_gone_locks_nothing(server, studio, workflow, created):
    """A container was restarted under another name between its row and its POST."""
    job = studio.submit(workflow, seed=1)
    key = (await job).key
    folder = studio.cache.folder
    for path in folder.glob("*_*"):
        path.unlink()
    row = {
        "key": key,
        "prompt_id": "3b0e4f0c-0000-4000-8000-000000000000",
        "server": str(studio.address),
        "graph": job.request.filled.graph,
        "inputs": {},
        "name": "wan",
        "created": created or job.take.made,
        "owner": {"host": "another-host", "pid": 7, "start": None},
    }
    (folder / "unfinished" / f"{row['prompt_id']}.json").write_text(json.dumps(row))
    assert (await studio.submit(workflow, seed=1)).path.exists()
    assert server.journal.posts("/prompt") == 2


async def test_a_download_outlives_the_tracker_that_has_nothing_to_follow(studio, server, workflow, monkeypatch):
    monkeypatch.setattr(tracker, "LINGER_SECONDS", 0.05)
    server.inject("view:slow=20000")
    took = time.monotonic()
    take = await studio.submit(workflow, seed=1)
    assert time.monotonic() - took > 3 * tracker.LINGER_SECONDS
    assert take.path.exists()
    assert server.journal.gets("/view") == 1


async def test_a_studio_that_is_closed_cuts_no_download_of_another(studio, server, workflow, tmp_path):
    server.inject("view:slow=20000")
    job = studio.submit(workflow, seed=1)
    async for _ in job.updates():
        if job.status is JobStatus.SAVING:
            break
    await Studio(server.url, cache=tmp_path / "others").close()
    assert (await job).path.exists()
    assert server.journal.gets("/view") == 1


async def test_an_interrupt_that_hits_the_tracker_cuts_no_download(studio, server, workflow, monkeypatch):
    server.inject("view:slow=4000")
    first = studio.submit(workflow, seed=1)
    async for _ in first.updates():
        if first.status is JobStatus.SAVING:
            break
    held = server.hold("KSampler")
    second = studio.submit(workflow, seed=2)
    await held
    hits, work = [], tracker.Tracker._work

    async def interrupted(self):
        if not hits:
            hits.append(first.status)
            raise KeyboardInterrupt
        await work(self)

    monkeypatch.setattr(tracker.Tracker, "_work", interrupted)
    tracker.tracker_for(studio.address)._ask()
    await first
    server.heal()
    held.release()
    await second
    assert hits == [JobStatus.SAVING]
    assert server.journal.gets("/view") == 2
