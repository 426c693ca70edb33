"""What a server leaves out of a graph is said, and the rest is not kept as if it were all."""

import logging

import pytest

from comfy_widgets import Studio, Workflow
from comfy_widgets.errors import NotCached, Rejected
from comfy_widgets.jobs import JobStatus
from tests.lib.graphs import wan
from tests.tracker.test_a_take import png
from tests.tracker.test_scenarios import graph, save, slow


def without_images():
    return {"class_type": "SaveImage", "filename_prefix": "lab/z"}


async def test_a_still_beside_a_video_without_its_model_is_not_kept_as_the_video(studio, server, caplog):
    caplog.set_level(logging.WARNING)
    nodes = wan() | graph(a=slow(), b=save("a", "still"))
    nodes["37"]["inputs"]["unet_name"] = "not_there.safetensors"
    job = studio.submit(Workflow(nodes))
    still = await job
    assert still.kind == "image"
    assert job.message.startswith("The server left out: UNETLoader (node 37): ")
    assert "not_there.safetensors" in job.message
    assert job.message in caplog.text
    # It is the take of who asks for the still alone.
    assert (await studio.submit(Workflow(graph(a=slow(), b=save("a"))))).path == still.path
    assert server.journal.posts("/prompt") == 1


async def test_what_is_left_is_not_rendered_again(studio, server):
    workflow = Workflow(graph(a=slow(), b=save("a"), c=without_images()))
    take = await studio.submit(workflow)
    held = server.hold("LabSlow")
    again = studio.submit(workflow)
    assert (await again).path == take.path
    assert again.take.cached
    assert "SaveImage (node c)" in again.message
    assert not list(studio.cache.folder.glob("unfinished/*"))
    held.release()
    assert (await studio.submit(workflow, fresh=True)).path != take.path


async def test_what_was_left_out_is_made_once_its_file_is_there(studio, server):
    load = {"class_type": "LoadImage", "image": "added.png"}
    workflow = Workflow(graph(a=slow(), b=save("a"), l=load, c=save("l", "lab/z")))
    part = studio.submit(workflow)
    assert not (await part).also
    (server.folders.of("input") / "added.png").write_bytes(png())
    whole = studio.submit(workflow)
    assert len((await whole).also) == 1
    assert whole.take.key != part.take.key
    assert not whole.message
    assert (await studio.submit(workflow)).path == whole.take.path
    assert server.journal.posts("/prompt") == 2


async def test_offline_the_rest_is_told_as_what_it_is(studio):
    workflow = Workflow(graph(a=slow(), b=save("a"), c=without_images()))
    take = await studio.submit(workflow)
    async with Studio(offline=True, cache=studio.cache.folder) as offline:
        with pytest.raises(NotCached, match=rf"{take.path.name} is a part of it: the server left out the rest\."):
            await offline.submit(workflow)


async def test_what_another_kernel_left_is_not_kept_as_all(server, tmp_path):
    """Why is told to who submits it alone; the record tells what was executed."""
    workflow = Workflow(graph(a=slow(), b=save("a"), c=without_images()))
    held = server.hold("LabSlow")
    async with Studio(server.url, cache=tmp_path) as studio:
        studio.submit(workflow)
        await held
    held.release()
    async with Studio(server.url, cache=tmp_path) as studio:
        job = studio.submit(workflow)
        take = await job
        assert job.message == "The server left out: SaveImage (node c)."
        assert take.key == workflow.fill().key("demo", without=["c"])
        assert studio.cache.find(workflow.fill().key("demo")) is None
    assert server.journal.posts("/prompt") == 1


async def test_a_preview_is_not_the_take_of_what_was_left_out(studio, server):
    server.inject("http:500@GET /object_info#*")
    workflow = Workflow(graph(a=slow(), p={"class_type": "PreviewImage", "images": ["a", 0]}, c=without_images()))
    job = studio.submit(workflow)
    with pytest.raises(Rejected, match=r"left out all that this graph is for\. SaveImage \(node c\): .*Correct"):
        await job
    assert job.status is JobStatus.ERROR
    assert server.journal.posts("/interrupt")
    assert not list(studio.cache.folder.glob("unfinished/*"))
