"""A workflow as the editor saves it: from its file to a take, and again without a server."""

import json
import shutil

import pytest

from comfy_widgets import Studio, Workflow, to_api
from comfy_widgets.demo import DemoServer
from comfy_widgets.errors import UIFormatError
from comfy_widgets.ui_files import kept_beside
from tests.lib import templates
from tests.lib.notebooks import NOTEBOOKS

OURS = NOTEBOOKS / "workflows" / "wan22_ui.json"
KEYFRAME = NOTEBOOKS / "keyframes" / "lighthouse.jpg"
SMALL = {"width": 64, "height": 64, "length": 9}


@pytest.fixture(params=["ours", "the template that ComfyUI ships"])
def file(request, tmp_path):
    """A file that was saved from the editor, alone in its folder."""
    path = tmp_path / "wan22.json"
    if request.param == "ours":
        return shutil.copyfile(OURS, path)
    path.write_text(json.dumps(dict(templates.templates())["video_wan2_2_5B_ti2v"]), "utf-8")
    return path


async def test_from_file_to_take_in_three_lines_and_again_with_the_server_stopped(file, tmp_path):
    async def take_of(url):
        async with Studio(url, cache=tmp_path / "takes") as studio:
            workflow = await studio.load(file)
            # In the template the keyframe is bypassed.
            inputs = {"keyframe": KEYFRAME} if "keyframe" in workflow.bindings else {}
            return await studio.submit(workflow, prompt="a lighthouse", **SMALL, **inputs)

    async with DemoServer(step_seconds=0.0) as server:
        url = server.url
        take = await take_of(url)
        assert server.journal.posts("/prompt") == 1
        assert not take.cached
    again = await take_of(url)
    assert again.cached
    assert (again.path, again.width, again.height, again.frames) == (take.path, 64, 64, 9)
    assert Workflow.load(take.path).fill().key("demo") == take.key


async def test_it_is_converted_once(file, studio, server):
    one, two = await studio.load(file), await studio.load(file)
    assert one.graph == two.graph
    assert server.journal.gets("/object_info") == 1
    file.write_text(file.read_text("utf-8") + " ", "utf-8")
    assert (await studio.load(file)).graph == one.graph
    assert server.journal.gets("/object_info") == 2


async def test_without_a_server_it_says_what_to_do(file, tmp_path):
    async with Studio(offline=True, cache=tmp_path / "takes") as studio:
        with pytest.raises(UIFormatError, match=r"takes a server.*Load it once while a server runs"):
            await studio.load(file)


async def test_what_is_kept_beside_the_notebooks_is_what_the_server_makes_of_it(studio):
    kept = json.loads(kept_beside(OURS).read_text("utf-8"))
    made = to_api(json.loads(OURS.read_text("utf-8")), await studio._pipeline.object_info())
    assert kept["prompt"] == made
    assert (await studio.load(OURS)).graph == made
