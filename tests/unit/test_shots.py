"""Shots: their prompt text, what they set in a workflow, and their JSON."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comfy_widgets import Workflow
from comfy_widgets.errors import TimelineError
from comfy_widgets.shots import ENHANCERS, Shot
from tests.lib.graphs import wan

SHOT = Shot(
    "shot-01",
    "  A lighthouse  ",
    scene="scene-001",
    title="The light",
    purpose="opening",
    keyframe=Path("keyframes") / "01.png",
    end_keyframe="keyframes/02.png",
    negative="blurry",
    seed=0,
    seconds=2.5,
    enhancers={"Mood": ["calm", "cold"], "Framing": ["wide"], "Lens": []},
    inputs={"cfg": 4.5},
)


def test_the_text_is_description_purpose_enhancers_style():
    text = "A lighthouse Shot purpose: opening (Framing: wide; Mood: calm, cold) Style: ink"
    assert SHOT.text("ink") == text
    assert SHOT.text() == text.removesuffix(" Style: ink")


@pytest.mark.parametrize(
    ("shot", "text"),
    [
        (Shot("a", "x"), "x"),
        (Shot("a", ""), ""),
        (Shot("a", "", purpose="p"), "Shot purpose: p"),
        (Shot("a", "x", enhancers={"Mood": []}), "x"),
        (Shot("a", "x", enhancers={"Mood": "calm"}), "x (Mood: calm)"),
        (Shot("a", "x", enhancers={"Pacing": ["slow"], "Framing": ["wide"]}), "x (Framing: wide; Pacing: slow)"),
    ],
)
def test_what_is_not_said_leaves_no_trace(shot, text):
    assert shot.text() == text
    assert shot.text("") == text


def test_an_enhancer_that_there_is_not_is_no_silence():
    with pytest.raises(TimelineError, match=r"Shot a: There is no enhancer 'lens'. Did you mean 'Lens'"):
        Shot("a", "x", enhancers={"lens": ["35 mm"]}).text()
    with pytest.raises(TimelineError, match=r"'Colour'.*Framing, Movement"):
        Shot("a", "x", enhancers={"Colour": ["red"]}).bindings()


def test_a_shot_sets_what_it_has():
    assert SHOT.bindings() == {
        "prompt": SHOT.text(),
        "negative": "blurry",
        "keyframe": Path("keyframes/01.png"),
        "end_keyframe": "keyframes/02.png",
        "seed": 0,
        "seconds": 2.5,
        "cfg": 4.5,
    }
    assert Shot("a", "x").bindings("ink") == {"prompt": "x Style: ink"}


def test_inputs_of_a_shot_go_before_its_fields():
    assert Shot("a", "x", seed=1, inputs={"seed": 2, "prompt": "y"}).bindings() == {"seed": 2, "prompt": "y"}


def test_a_shot_fills_a_workflow():
    filled = Workflow(wan()).fill(**Shot("a", "x", seed=3, seconds=1).bindings())
    assert (filled.inputs["prompt"], filled.inputs["seed"], filled.inputs["length"]) == ("x", 3, 25)


def test_json_has_what_is_set_and_nothing_else():
    assert Shot("a", "x").to_json() == {"id": "a", "prompt": "x"}
    told = SHOT.to_json()
    assert told["keyframe"] == "keyframes/01.png"
    assert told["seed"] == 0
    assert Shot.from_json(json.loads(json.dumps(told))).to_json() == told


def test_a_file_among_the_inputs_is_json_too():
    shot = Shot("a", "x", inputs={"mask": Path("masks") / "01.png", "cfg": 4.5})
    assert json.loads(json.dumps(shot.to_json()))["inputs"] == {"mask": "masks/01.png", "cfg": 4.5}


def test_fields_of_later_versions_are_left_out():
    assert Shot.from_json({"id": "a", "prompt": "x", "colour": "red"}) == Shot("a", "x")


TEXTS = st.none() | st.text(min_size=1)


@given(
    st.builds(
        Shot,
        id=st.text(),
        prompt=st.text(),
        scene=TEXTS,
        title=TEXTS,
        purpose=TEXTS,
        negative=TEXTS,
        seed=st.none() | st.integers(),
        seconds=st.none() | st.floats(allow_nan=False, allow_infinity=False),
        enhancers=st.dictionaries(st.sampled_from(ENHANCERS), st.lists(st.text(), min_size=1)),
        inputs=st.dictionaries(st.text(), st.integers() | st.text()),
    )
)
def test_any_shot_comes_back_from_json(shot):
    assert Shot.from_json(json.loads(json.dumps(shot.to_json()))) == shot
