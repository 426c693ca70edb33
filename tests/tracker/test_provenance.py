"""Every take tells where it comes from, and can be varied and read back."""

import json
from dataclasses import replace

import pytest

from comfy_widgets import Shot, Studio, Workflow
from comfy_widgets.demo import DemoServer
from comfy_widgets.errors import Rejected
from tests.lib.graphs import wan
from tests.lib.notebooks import NOTEBOOKS
from tests.tracker.test_a_take import png


async def test_a_variation_names_its_parent_and_what_changed(studio, workflow):
    take = await studio.submit(workflow, Shot("shot-01", "a hill", scene="scene-001"), seed=1)
    other = await studio.rerun(take, seed=2, prompt="a dune")
    assert (other.scene, other.shot) == ("scene-001", "shot-01")
    assert other.parent == take.key
    assert other.changed == {"seed": [1, 2], "prompt": ["a hill", "a dune"]}
    sidecar = json.loads(other.path.with_suffix(".json").read_text("utf-8"))
    assert sidecar["parent"] == take.key
    assert sidecar["changed"]["seed"] == [1, 2]
    (read,) = (found for found in studio.cache.takes() if found.parent)
    assert read.changed == other.changed


async def test_a_variation_of_nothing_is_the_take(studio, server, workflow):
    take = await studio.submit(workflow, seed=1)
    assert await studio.rerun(take) == take.as_cached()
    assert server.journal.posts("/prompt") == 1


async def test_a_variation_keeps_its_keyframe(studio, server, keyframes, tmp_path):
    path = tmp_path / "frame.png"
    path.write_bytes(png())
    take = await studio.submit(keyframes, seed=1, keyframe=path)
    other = await studio.rerun(take, seed=2)
    assert other.inputs["keyframe"] == "frame.png"
    assert other.changed == {"seed": [1, 2]}
    assert server.journal.posts("/upload/image") == 1


async def test_a_variation_brings_its_keyframe_to_another_server(studio, keyframes, tmp_path, monkeypatch):
    """As the embedded one is on another day."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "frame.png"
    path.write_bytes(png())
    take = await studio.submit(keyframes, seed=1, keyframe=path)
    assert list(take.files.values()) == ["frame.png"]
    async with DemoServer(step_seconds=0.0) as server, Studio(server.url, cache=studio.cache.folder) as other:
        (read,) = other.cache.takes()
        assert (await other.rerun(read, seed=2)).files == take.files
        assert server.journal.posts("/upload/image") == 1


@pytest.mark.parametrize("becomes", [None, b"another picture"])
async def test_a_keyframe_that_is_gone_is_told_before_a_slot_is_spent(
    studio, keyframes, tmp_path, monkeypatch, becomes
):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "frame.png"
    path.write_bytes(png())
    take = await studio.submit(keyframes, seed=1, keyframe=path)
    path.write_bytes(becomes) if becomes else path.unlink()
    assert not (await studio.rerun(take, seed=2)).cached
    async with DemoServer(step_seconds=0.0) as server, Studio(server.url, cache=studio.cache.folder) as other:
        with pytest.raises(Rejected, match=r"image: This server does not have its file, frame\.png\. Give it again"):
            await other.rerun(take, seed=3)
        assert server.journal.posts("/prompt") == 0


async def test_where_a_keyframe_lies_elsewhere_nothing_tells_of_the_machine(studio, keyframes, tmp_path):
    path = tmp_path / "frame.png"
    path.write_bytes(png())
    take = await studio.submit(keyframes, seed=1, keyframe=path)
    assert take.files == {}
    assert str(tmp_path) not in take.path.with_suffix(".json").read_text("utf-8")


async def test_the_file_itself_tells_what_made_it(studio, workflow):
    take = await studio.submit(workflow, prompt="a lighthouse", seed=7)
    read = Workflow.load(take.path)
    assert read.fill().key("demo") == take.key
    assert read.bindings.value("prompt") == "a lighthouse"
    assert take.workflow.fill().key("demo") == take.key


SAVING = {
    "webm": {"class_type": "SaveWEBM", "inputs": {"codec": "vp9", "fps": 24.0, "crf": 32.0}},
    "png": {"class_type": "SaveImage", "inputs": {}},
}


@pytest.mark.parametrize("kind", SAVING)
async def test_other_files_that_comfyui_writes_tell_it_too(studio, kind):
    graph = wan(keyframe=True)
    graph["58"] = {**SAVING[kind], "inputs": {**SAVING[kind]["inputs"], "images": ["8", 0], "filename_prefix": "x"}}
    keyframe = NOTEBOOKS / "keyframes" / "lighthouse.jpg"
    take = await studio.submit(Workflow(graph), seed=7, length=5, keyframe=keyframe)
    assert take.path.suffix == f".{kind}"
    assert Workflow.load(take.path).fill().key("demo") == take.key


async def test_what_differs_is_told(studio, workflow):
    one = await studio.submit(workflow, seed=1)
    two = await studio.submit(workflow, seed=2)
    told = one.diff(two)
    assert [[fact.text for fact in each] for each in told.each] == [["1"], ["2"]]
    assert "prompt" in {fact.name for fact in told.same}
    assert repr(told).splitlines()[:2] == ["      1  2", "seed  1  2"]
    assert "<td" in told._repr_html_()
    assert repr(one.diff(one)) == "Nothing differs."


async def test_names_of_ones_own_stay_with_the_take(studio, workflow):
    """Also where several inputs could be meant, so that nobody has to choose again."""
    graph = wan()
    graph["59"] = {"class_type": "ImageAddNoise", "inputs": {"image": ["8", 0], "seed": 5, "strength": 0.1}}
    graph["57"]["inputs"]["images"] = ["59", 0]
    named = Workflow(graph).bind(seed="3.seed", motion="ModelSamplingSD3.shift")
    take = await studio.submit(named, seed=1, motion=5.5, length=5)
    assert take.bindings["motion"] == "48.shift"
    (read,) = studio.cache.takes()
    assert read.workflow.bindings == named.bindings == take.bindings
    other = await studio.rerun(read, motion=3, seed=2)
    assert other.changed == {"motion": [5.5, 3], "seed": [1, 2]}


async def test_a_take_of_an_earlier_version_finds_its_names(studio, workflow):
    take = await studio.submit(workflow, seed=1)
    assert replace(take, bindings={}).workflow.bindings == workflow.bindings


async def test_a_variation_that_was_left_behind_keeps_its_parent_and_names(studio, server, workflow):
    named = workflow.bind(motion="ModelSamplingSD3.shift")
    take = await studio.submit(named, seed=1)
    held = server.hold("KSampler", step=2)
    studio.rerun(take, motion=3)
    await held
    await studio.close()
    held.release()
    async with Studio(server.url, cache=studio.cache.folder) as later:
        (job,) = later.resume()
        other = await job
    assert (other.parent, other.changed) == (take.key, {"motion": [8.0, 3]})
    assert other.bindings["motion"] == "48.shift"
