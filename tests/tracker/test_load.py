"""A workflow as the editor saves it goes from file to take in three lines, and again with the server stopped."""

import json

import pytest

from comfy_widgets import Studio
from comfy_widgets.demo import DemoServer
from comfy_widgets.errors import UIFormatError, WorkflowError
from comfy_widgets.ui_files import kept_beside

UI = {
    "version": 0.4,
    "nodes": [
        {
            "id": 1,
            "type": "LabSlow",
            "widgets_values": [3, 0.01, "none", 5, "fixed", ""],
            "inputs": [{"name": "image", "type": "IMAGE", "link": None}],
            "outputs": [{"name": "IMAGE", "type": "IMAGE", "links": [1]}],
        },
        {
            "id": 2,
            "type": "SaveImage",
            "title": "Keep it",
            "widgets_values": ["lab/ui"],
            "inputs": [{"name": "images", "type": "IMAGE", "link": 1}],
        },
        {"id": 3, "type": "Note", "widgets_values": ["remember the milk"]},
    ],
    "links": [[1, 1, 0, 2, 0, "IMAGE"]],
}


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "lab_ui.json"
    path.write_text(json.dumps(UI))
    return path


async def test_from_file_to_take_and_again_without_a_server(tmp_path, saved):
    async with DemoServer(step_seconds=0.0) as server, Studio(server.url, cache=tmp_path / "takes") as studio:
        workflow = await studio.load(saved)
        take = await studio.submit(workflow, seed=9)
        assert server.journal.gets("/object_info") == 1
    assert workflow.bindings["seed"] == "1.seed"
    assert workflow.graph["2"]["_meta"]["title"] == "Keep it"
    assert "3" not in workflow.graph
    async with Studio(offline=True, cache=tmp_path / "takes") as studio:
        again = await studio.load(saved)
        assert again.graph == workflow.graph
        assert await studio.submit(again, seed=9) == take.as_cached()


async def test_a_file_that_was_changed_is_converted_again(studio, server, saved):
    await studio.load(saved)
    changed = json.loads(saved.read_text())
    changed["nodes"][0]["widgets_values"][0] = 7
    saved.write_text(json.dumps(changed))
    assert (await studio.load(saved)).graph["1"]["inputs"]["steps"] == 7
    assert json.loads(kept_beside(saved).read_text())["prompt"]["1"]["inputs"]["steps"] == 7
    assert server.journal.gets("/object_info") == 2


async def test_without_a_server_it_says_what_is_missing(tmp_path, saved):
    async with Studio(offline=True, cache=tmp_path) as studio:
        with pytest.raises(UIFormatError, match=r"converting it takes a server.*Load it once while a server runs"):
            await studio.load(saved)
        with pytest.raises(WorkflowError, match="There is no workflow file"):
            await studio.load(tmp_path / "nowhere.json")


async def test_an_unknown_class_is_named(studio, saved):
    saved.write_text(saved.read_text().replace("LabSlow", "LabOfTomorrow"))
    with pytest.raises(WorkflowError, match="LabOfTomorrow"):
        await studio.load(saved)
    assert not kept_beside(saved).exists()


def test_in_a_script(tmp_path, saved):
    with DemoServer(step_seconds=0.0) as server, Studio(server.url, cache=tmp_path / "takes") as studio:
        workflow = studio.load(saved).result()
        assert studio.run(workflow, seed=3).path.exists()
