"""Without a server: what is on disk is served and says so, what is not is told with what comes nearest."""

import shutil
import socket
import sys

import pytest

from comfy_widgets import Shot, Studio, Timeline, Workflow
from comfy_widgets.demo import DemoServer, Settings, process
from comfy_widgets.errors import DemoError, NotCached, Rejected, ServerUnreachable
from tests.lib.notebooks import NOTEBOOKS
from tests.tracker.test_a_take import png


def nobody():
    """An address at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
async def folder(tmp_path, workflow, keyframes, picture):
    """A folder with takes of three requests."""
    async with DemoServer(step_seconds=0.0) as server, Studio(server.url, cache=tmp_path / "takes") as studio:
        await studio.submit(workflow, Shot("shot-01", "a lighthouse on a hill", seed=1))
        await studio.submit(workflow, Shot("shot-02", "gulls", seed=2))
        await studio.submit(keyframes, Shot("shot-03", "a bay", seed=3, keyframe=picture))
    return tmp_path / "takes"


@pytest.fixture
def picture(tmp_path):
    return shutil.copyfile(NOTEBOOKS / "keyframes" / "lighthouse.jpg", tmp_path / "bay.jpg")


@pytest.fixture
def no_server_starts(monkeypatch):
    def refuse(_settings):
        raise DemoError("The embedded server did not start: no sockets here")

    monkeypatch.setattr(process, "Process", refuse)
    # One that another test started would do.
    monkeypatch.setattr(process, "_running", {})


async def test_any_studio_that_reaches_nobody_serves_what_is_on_disk_and_says_so(folder, workflow):
    async with Studio(nobody(), cache=folder) as studio:
        job = studio.submit(workflow, "shot-01", prompt="a lighthouse on a hill", seed=1)
        assert (await job).cached
        assert (job.source, job.message) == ("cache", "the server can't be reached")


async def test_a_simulated_clip_is_not_what_another_machine_would_have_made(folder, workflow):
    async with Studio("http://gpu-1.invalid:8188", cache=folder) as studio:
        with pytest.raises(ServerUnreachable, match=r"shot-02_\w+\.mp4 is the same, but simulated.*offline=True"):
            await studio.submit(workflow, prompt="gulls", seed=2)


async def test_an_offline_studio_serves_what_is_on_disk_and_says_so(folder, workflow):
    async with Studio(offline=True, cache=folder) as studio:
        job = studio.submit(workflow, prompt="gulls", seed=2)
        assert (await job).shot == "shot-02"
        assert (job.source, job.message) == ("cache", "offline")


async def test_with_a_server_nothing_is_said_of_it(folder, workflow):
    async with DemoServer() as server, Studio(server.url, cache=folder) as studio:
        job = studio.submit(workflow, prompt="gulls", seed=2)
        await job
        assert job.message == ""
        assert server.journal.posts("/prompt") == 0


async def test_the_embedded_server_is_not_started_for_what_is_on_disk(folder, workflow, no_server_starts):
    async with Studio.demo(cache=folder) as studio:
        assert (await studio.submit(workflow, prompt="gulls", seed=2)).cached
        assert studio.resume() == []
        assert not studio.server.started


async def test_that_it_does_not_start_is_told_with_what_is_not_on_disk(folder, workflow, no_server_starts):
    async with Studio.demo(cache=folder) as studio:
        with pytest.raises(DemoError, match=r"no sockets here.*The nearest take, shot-02_.*seed 9 \(there 2\)"):
            await studio.submit(workflow, prompt="gulls", seed=9)


async def test_nor_for_a_picture_that_cannot_be_sent(tmp_path):
    (tmp_path / "notes.txt").write_text("no picture")
    workflow = Workflow.load(NOTEBOOKS / "workflows" / "wan22_ti2v.json")
    async with Studio.demo(cache=tmp_path / "takes") as studio:
        with pytest.raises(Rejected, match=r"keyframe|notes\.txt"):
            await studio.submit(workflow, keyframe=tmp_path / "notes.txt", seed=9)
        assert not studio.server.started


async def test_without_the_extra_what_is_on_disk_is_served(folder, workflow, monkeypatch):
    monkeypatch.setitem(sys.modules, "comfy_widgets.demo", None)
    async with Studio.demo(cache=folder) as studio:
        assert (await studio.submit(workflow, prompt="gulls", seed=2)).cached
        with pytest.raises(DemoError, match=r"pip install 'comfy-widgets\[demo\]'"):
            await studio.submit(workflow, prompt="gulls", seed=9)


async def test_the_embedded_server_starts_with_what_is_not_on_disk(tmp_path, workflow):
    async with Studio.demo(cache=tmp_path, step_seconds=0.0) as studio:
        assert not studio.server.started
        assert not (await studio.submit(workflow, seed=1)).cached
        assert studio.server.started


async def test_the_embedded_server_is_started_again_when_it_has_ended(tmp_path, workflow):
    async with Studio.demo(cache=tmp_path, step_seconds=0.0) as studio:
        await studio.submit(workflow, seed=1)
        process.start(Settings(step_seconds=0.0)).stop()
        assert (await studio.submit(workflow, seed=2)).seconds


@pytest.mark.parametrize(
    ("asked", "differs"),
    [
        ({"prompt": "gulls", "seed": 9}, r"shot-02_\w+\.mp4, differs in: seed 9 \(there 2\)\."),
        (
            {"prompt": "a lighthouse on a rock", "seed": 1},
            r"shot-01_\w+\.mp4, differs in: prompt a lighthouse on a rock",
        ),
        ({"prompt": "gulls", "seed": 2, "width": 640}, r"shot-02_\w+\.mp4, differs in: width 640 \(there 320\)\."),
        ({"prompt": "gulls", "seed": 4, "width": 640}, r"differs in: seed 4 \(there 2\), width 640 \(there 320\)\."),
    ],
)
async def test_a_miss_names_the_inputs_that_differ_from_the_nearest_take(folder, workflow, asked, differs):
    async with Studio(offline=True, cache=folder) as studio:
        with pytest.raises(NotCached, match=differs) as caught:
            await studio.submit(workflow, **asked)
    lines = caught.value._render_traceback_()
    assert lines[-2].startswith("  The nearest take")
    assert lines[-1].startswith("  → Ask for what was made, or run it with a server")


async def test_another_picture_under_the_same_name_is_another_input(folder, keyframes, picture):
    picture.write_bytes(png())
    async with Studio(offline=True, cache=folder) as studio:
        with pytest.raises(NotCached, match=r"shot-03_\w+\.mp4, differs in: LoadImage image another file\."):
            await studio.submit(keyframes, Shot("shot-03", "a bay", seed=3, keyframe=picture))


async def test_a_picture_that_nobody_can_read_is_told_without_a_server(folder, keyframes, picture):
    picture.write_bytes(b"no picture")
    async with Studio(offline=True, cache=folder) as studio:
        with pytest.raises(Rejected, match=r"LoadImage \(node 56\), image: .*bay\.jpg can't be read as a picture"):
            await studio.submit(keyframes, keyframe=picture)


async def test_a_miss_with_a_server_gone_tells_both(folder, workflow):
    async with Studio(nobody(), cache=folder) as studio:
        for _ in range(2):
            with pytest.raises(ServerUnreachable, match=r"Nobody answers.*Start ComfyUI.*seed 9 \(there 2\)"):
                await studio.submit(workflow, prompt="gulls", seed=9)


async def test_another_take_needs_a_server(folder, workflow):
    async with Studio(offline=True, cache=folder) as studio:
        with pytest.raises(NotCached, match=r"another take needs a server \(fresh=True\)"):
            await studio.submit(workflow, prompt="gulls", seed=2, fresh=True)


async def test_an_empty_folder_has_no_nearest_take(tmp_path, workflow):
    async with Studio(offline=True, cache=tmp_path) as studio:
        with pytest.raises(NotCached, match="never made") as caught:
            await studio.submit(workflow, prompt="gulls")
    assert "nearest" not in str(caught.value)


async def test_a_sandbox_may_forbid_connections_in_its_own_way(folder, workflow, monkeypatch):
    def refuse(*_arguments):
        raise RuntimeError("not here")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    async with Studio("http://127.0.0.1:8188", cache=folder) as studio:
        assert (await studio.submit(workflow, prompt="gulls", seed=2)).cached
        with pytest.raises(ServerUnreachable, match=r"can.t be reached"):
            await studio.submit(workflow, prompt="gulls", seed=9)


async def test_a_film_is_made_of_what_is_on_disk(folder, workflow, tmp_path):
    async with Studio(nobody(), cache=folder) as studio:
        shots = [Shot("shot-01", "a lighthouse on a hill", seed=1), Shot("shot-02", "gulls", seed=2)]
        timeline = Timeline(shots, workflow=workflow, studio=studio, file=tmp_path / "film.json")
        batch = await timeline.generate()
        assert [row["status"] for row in batch.summary().rows()] == ["complete", "complete"]
        film = await timeline.export(tmp_path / "film.mp4")
        assert film.stat().st_size > 0
