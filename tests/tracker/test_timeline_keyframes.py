"""What a timeline's shots begin and end with: pictures that are given, made here, or left by the shot before."""

import pytest

from comfy_widgets import Shot, Workflow
from tests.lib.graphs import wan
from tests.lib.timelines import statuses
from tests.tracker.test_scenarios import graph, save, slow

pytestmark = pytest.mark.slow


async def test_a_chain_begins_where_the_one_before_ended(timeline_of, keyframes, picture, server):
    shots = [Shot("a", "x", keyframe=picture(), seed=1), Shot("b", "y", seed=2), Shot("c", "z", seed=3)]
    timeline = timeline_of(shots, workflow=keyframes, chain=True)
    await timeline.generate()
    assert statuses(timeline) == ["complete"] * 3
    frames = timeline.studio.cache.folder / "frames"
    assert timeline.chosen["b"].inputs["keyframe"] == f"{timeline.chosen['a'].path.stem}.png"
    assert (frames / timeline.chosen["c"].inputs["keyframe"]).is_file()
    posts = server.journal.posts("/prompt")
    await timeline.generate(everything=True)
    assert server.journal.posts("/prompt") == posts


async def test_a_chain_breaks_where_it_fails_and_goes_on_behind(timeline_of, keyframes, picture):
    shots = [
        Shot("a", "x", keyframe="nowhere.png"),
        Shot("b", "y"),
        Shot("c", "z", keyframe=picture(), seed=3),
        Shot("d", "z", seed=4),
    ]
    timeline = timeline_of(shots, workflow=keyframes, chain=True)
    batch = await timeline.generate()
    assert statuses(timeline) == ["error", "error", "complete", "complete"]
    assert "Shot b: The shot before it, a, left no take" in str(batch.errors["b"])


async def test_a_shot_without_a_keyframe_says_so(timeline_of, keyframes, picture):
    timeline = timeline_of([Shot("a", "x"), Shot("b", "y", keyframe=picture())], workflow=keyframes)
    batch = await timeline.generate()
    assert statuses(timeline) == ["error", "complete"]
    assert "timeline.edit('a', keyframe=" in str(batch.errors["a"])


async def test_first_and_last_frame(timeline_of, keyframes, picture):
    both = keyframes.graph | {
        "60": {"class_type": "LoadImage", "inputs": {"image": "x.png"}},
        "61": {"class_type": "SaveImage", "inputs": {"images": ["60", 0], "filename_prefix": "end"}},
    }
    workflow = Workflow(both, bindings={**keyframes.bindings, "keyframe": "56.image", "end_keyframe": "60.image"})
    shots = [Shot("a", "x", keyframe=picture("a")), Shot("b", "x", keyframe=picture("a"), end_keyframe=picture("b"))]
    timeline = timeline_of(shots, workflow=workflow)
    batch = await timeline.generate()
    assert statuses(timeline) == ["error", "complete"]
    assert "has no end keyframe" in str(batch.errors["a"])
    assert timeline.chosen["b"].inputs["end_keyframe"] == "b.png"


async def test_keyframes_are_made_here(timeline_of, keyframes, server):
    text_to_image = Workflow(
        graph(a=slow(text=""), b=save("a")), name="still", bindings={"prompt": "a.text", "seed": "a.seed"}
    )
    timeline = timeline_of([Shot("a", "x", seed=1, seconds=0.5)], workflow=keyframes, keyframes=text_to_image)
    await timeline.make_keyframes()
    assert timeline["a"].keyframe
    await timeline.generate()
    assert statuses(timeline) == ["complete"]
    timeline.save()
    assert timeline_of((), workflow=keyframes)["a"].keyframe == timeline["a"].keyframe
    timeline.undo()
    assert timeline["a"].keyframe is None


async def test_keyframes_that_wait_for_their_turn_are_made_as_they_are_then(timeline_of, keyframes, server):
    timeline = timeline_of(keyframes=Workflow(wan(), name="stills"), workflow=keyframes, one_at_a_time=True)
    held = server.hold("KSampler")
    batch = timeline.make_keyframes()
    await held
    timeline.edit("shot-02", prompt="said later")
    timeline.delete("shot-03")
    held.release()
    await batch
    assert [take.inputs["prompt"] for take in batch.takes.values()] == ["view 1", "said later"]


async def test_a_chain_follows_what_was_changed_while_it_waited(timeline_of, keyframes, picture, server):
    shots = [
        Shot(name, name, seed=place, keyframe=picture() if name == "a" else None) for place, name in enumerate("abcd")
    ]
    timeline = timeline_of(shots, workflow=keyframes, chain=True)
    held = server.hold("KSampler")
    batch = timeline.generate()
    await held
    timeline.delete("b")
    timeline.edit("d", keyframe=picture("own"))
    held.release()
    await batch
    assert batch.errors == {}
    assert timeline.chosen["c"].inputs["keyframe"] == f"{timeline.chosen['a'].path.stem}.png"
    assert timeline.chosen["d"].inputs["keyframe"] == "own.png"


async def test_a_keyframe_that_was_made_is_not_set_again_when_the_cell_is_run_again(timeline_of, keyframes):
    how = {"workflow": keyframes, "keyframes": Workflow(wan(), name="stills")}
    timeline = timeline_of([Shot("a", "x", seed=1)], **how)
    await timeline.make_keyframes()
    timeline.edit("a", keyframe=None)
    again = timeline_of([Shot("a", "x", seed=1)], **how)
    assert again["a"].keyframe is None
    assert not again.can_undo
