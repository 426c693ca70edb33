"""From a request to a take on disk, on any server."""

import asyncio
import os
import uuid

import av
import pytest

from comfy_widgets import Studio, Workflow
from comfy_widgets.comfyui.client import Client
from comfy_widgets.errors import FetchFailed, NodeFailed, Rejected
from comfy_widgets.jobs import JobStatus
from tests.anywhere.graphs import films, picture, still


async def test_a_clip_comes_whole(studio, color):
    take = await studio.submit(still(color, count=12, fps=12.0, size=96))
    assert (take.width, take.height, take.frames, take.fps, take.codec) == (96, 96, 12, 12.0, "h264")


async def test_what_was_made_is_served_and_nothing_is_sent(studio, asked, color):
    made = await studio.submit(still(color))
    again = await studio.submit(still(color))
    assert (again.path, made.cached, again.cached) == (made.path, False, True)
    assert len(asked.of("POST", "/prompt")) == 1


async def test_what_was_made_is_there_without_the_server(studio, color):
    made = await studio.submit(still(color))
    async with Studio(cache=studio.cache.folder, offline=True) as offline:
        assert (await offline.submit(still(color))).path == made.path


async def test_the_same_again_is_saved_again(studio, color):
    """The server serves the same graph from its cache and names the old file: ours is saved anew."""
    one = await studio.submit(still(color))
    two = await studio.submit(still(color), fresh=True)
    assert one.path != two.path
    assert one.frames == two.frames == 8


async def test_the_same_request_while_it_is_made_is_the_same_job(studio, busy, asked, color):
    one, two = studio.submit(still(color)), studio.submit(still(color))
    assert one is two
    await busy.cancel()
    await one
    assert len(asked.of("POST", "/prompt")) == 1


async def test_two_studios_on_one_folder_ask_once(place, studio, busy, asked, color):
    async with place.studio(studio.cache.folder) as other:
        jobs = [studio.submit(still(color)), other.submit(still(color))]
        await busy.cancel()
        takes = await asyncio.gather(*jobs)
    assert takes[0].path == takes[1].path
    assert len(asked.of("POST", "/prompt")) == 1


async def test_a_take_carries_its_workflow(studio, asked, color):
    take = await studio.submit(still(color))
    assert take.workflow.graph == still(color).graph
    assert (await studio.submit(take.workflow)).cached
    carried = Workflow.load(take.path).graph
    # What the server wrote into the file itself, under the name that was asked for.
    assert carried["1"]["inputs"]["color"] == color
    assert carried["4"]["inputs"]["filename_prefix"].startswith("tests/still_")
    assert len(asked.of("POST", "/prompt")) == 1


def painted(path, color):
    frame = av.VideoFrame(64, 48, "rgb24")
    frame.planes[0].update((color.to_bytes(3, "big") * 64 + bytes(frame.planes[0].line_size - 192)) * 48)
    with av.open(str(path), "w", format="image2") as container:
        stream = container.add_stream("png", rate=1)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "rgb24"
        container.mux([*stream.encode(frame), *stream.encode(None)])
    return path


async def test_a_picture_goes_there_and_back(studio, tmp_path, color):
    take = await studio.submit(picture(), keyframe=painted(tmp_path / "frame.png", color))
    assert (take.kind, take.width, take.height) == ("image", 64, 48)


async def test_a_picture_that_is_there_is_not_sent_again(studio, asked, tmp_path, color):
    path = painted(tmp_path / "frame.png", color)
    await studio.submit(picture(), keyframe=path)
    renamed = path.rename(tmp_path / "of another name.png")
    await studio.submit(picture(), fresh=True, keyframe=renamed)
    assert len(asked.of("POST", "/upload/image")) == 1
    assert len(asked.of("POST", "/prompt")) == 2


async def test_many_at_once(studio, color):
    jobs = [studio.submit(still(color + n, count=4)) for n in range(6)]
    await asyncio.gather(*jobs)
    assert {job.status for job in jobs} == {JobStatus.COMPLETE}
    assert len({job.id for job in jobs}) == len({job.take.path for job in jobs}) == 6
    assert all(str(uuid.UUID(job.id)) == job.id for job in jobs)


async def test_all_files_of_a_job_come(studio, color):
    job = studio.submit(films(color, 3))
    await job
    assert [take.frames for take in job.takes] == [30, 30, 30]
    assert len({take.fps for take in job.takes}) == 3


async def test_a_sweep_is_made_and_found_again(studio, asked, color):
    workflow = still(color).bind(colour="1.color")
    sweep = studio.sweep(workflow, colour=[color + 1, color + 2])
    await sweep
    assert [take.frames for take in sweep.takes.values()] == [8, 8]
    await studio.sweep(workflow, colour=[color + 2, color + 1])
    assert len(asked.of("POST", "/prompt")) == 2


async def test_a_download_that_was_cut_goes_on_where_it_was(studio, asked, monkeypatch, color):
    fetch, cut = Client.fetch, []

    async def once_cut(self, output, into, on_bytes):
        whole = await fetch(self, output, into, on_bytes)
        if not cut:
            cut.append(into.stat().st_size // 2)
            os.truncate(into, cut[0])
            raise FetchFailed("Cut for the test.")
        return whole

    monkeypatch.setattr(Client, "fetch", once_cut)
    take = await studio.submit(films(color, 1))
    assert take.frames == 30
    first, second = asked.of("GET", "/view")
    assert "range" not in first.headers
    assert second.headers["range"] == f"bytes={cut[0]}-"
    assert second.headers["if-match"].startswith('"')


async def test_a_fetch_that_failed_is_made_up_for_without_rendering(studio, asked, monkeypatch, color):
    async def fails(*_):
        raise FetchFailed("The network is down for the test.")

    monkeypatch.setattr("comfy_widgets.saving.PAUSE_SECONDS", ())
    with monkeypatch.context() as patch:
        patch.setattr(Client, "fetch", fails)
        job = studio.submit(still(color))
        with pytest.raises(FetchFailed, match=r"job\.fetch\(\)"):
            await job
    assert (await job.fetch()).frames == 8
    assert len(asked.of("POST", "/prompt")) == 1


async def test_a_graph_that_is_refused(studio, color):
    with pytest.raises(Rejected, match=r"RepeatImageBatch|EmptyImage|refused"):
        await studio.submit(still(color), inputs={"2.amount": -5})


async def test_the_servers_own_refusal_is_readable(studio, monkeypatch, color):
    """Without preflight: what the server itself says of a value and of a class."""

    async def nothing_known(*_, **__):
        return None

    monkeypatch.setattr("comfy_widgets.comfyui.classes.Classes.known", nothing_known)
    with pytest.raises(Rejected, match="amount"):
        await studio.submit(still(color), inputs={"2.amount": -5})
    graph = still(color).graph
    with pytest.raises(Rejected, match="NodeOfNoPack"):
        await studio.submit(Workflow(graph | {"1": {"class_type": "NodeOfNoPack", "inputs": {}}}))


async def test_a_node_that_fails(studio, color):
    """A name that leads out of the output folder fails when it is saved, not before."""
    with pytest.raises((NodeFailed, Rejected)):
        await studio.submit(still(color), inputs={"4.filename_prefix": "../../outside"})
