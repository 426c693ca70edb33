"""What differs between takes, and the widget that shows it."""

import json

import pytest

from comfy_widgets.differences import differences
from comfy_widgets.errors import InputFileError
from comfy_widgets.widgets import Compare
from comfy_widgets.widgets.pieces import handle
from tests.unit.test_widgets_kit import Kit

LONG = "A lighthouse at {}, long lens, waves breaking on black rock, slow push in"
NASTY = "<img src=x onerror=alert(1)>"


@pytest.fixture
def kit(tmp_path, monkeypatch):
    return Kit(tmp_path, monkeypatch)


def texts(told):
    return [[(fact.name, fact.text) for fact in facts] for facts in told.each]


def test_what_is_equal_is_said_once(kit):
    first = kit.take(inputs={"prompt": "dusk", "seed": 7, "steps": 20}, width=1280, height=544, seconds=5.0)
    second = kit.take(inputs={"prompt": "dusk", "seed": 8, "steps": 20}, width=1280, height=544, seconds=2.0)
    told = differences([first, second])
    assert texts(told) == [[("seed", "7"), ("length", "5.0 s")], [("seed", "8"), ("length", "2.0 s")]]
    assert [(fact.name, fact.text) for fact in told.same] == [
        ("prompt", "dusk"),
        ("steps", "20"),
        ("size", "1280×544"),
    ]


def test_of_long_prompts_the_words_that_differ_are_shown(kit):
    takes = [kit.take(inputs={"prompt": LONG.format(when)}) for when in ("dusk", "the break of dawn", "night")]
    told = differences(takes)
    assert texts(told) == [[("prompt", "dusk")], [("prompt", "the break of dawn")], [("prompt", "night")]]
    assert told.each[0][0].whole == LONG.format("dusk")


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (LONG.format("dusk"), LONG.format("dusk") + ", cold light", ["—", "cold light"]),
        ("red " + LONG, "blue " + LONG, ["red", "blue"]),
        ("a " * 30, "a " * 31, ["—", "a"]),
    ],
)
def test_words_at_either_end(kit, one, other, expected):
    told = differences([kit.take(inputs={"prompt": one}), kit.take(inputs={"prompt": other})])
    assert [facts[0].text for facts in told.each] == expected


def test_an_input_that_one_take_does_not_have(kit):
    told = differences([kit.take(inputs={"seed": 1}), kit.take(inputs={"seed": 1, "lora strength": 0.8})])
    assert texts(told) == [[("lora strength", "—")], [("lora strength", "0.8")]]


def test_equal_inputs_are_told_apart_by_their_graphs(kit):
    def graph(steps):
        return {
            "3": {"class_type": "KSampler", "inputs": {"steps": steps, "model": ["4", 0], "filename_prefix": steps}}
        }

    told = differences([kit.take(graph=graph(20)), kit.take(graph=graph(30))])
    assert texts(told) == [[("KSampler steps", "20")], [("KSampler steps", "30")]]


def test_takes_that_differ_in_nothing(kit):
    assert differences([kit.take(), kit.take()]).each == [[], []]


def test_the_wire_form(kit):
    first, second = kit.take(inputs={"seed": 1}), kit.take(take_number=2, inputs={"seed": 2})
    state = Compare(first, second).get_state()["state"]
    assert set(state) == {"seq", "takes", "same", "each"}
    assert [take["id"] for take in state["takes"]] == [handle(first), handle(second)]
    assert state["each"] == [[["seed", "1", "1"]], [["seed", "2", "2"]]]
    json.dumps(state)


def test_pieces_of_all_that_are_shown(kit):
    first, second = kit.take(b"first"), kit.take(b"second", take_number=2)
    compare = Compare(first, second)
    for take, data in ((first, b"first"), (second, b"second")):
        assert kit.ask(compare, "read", "piece", take=handle(take), offset=0)[1] == [data]


def test_takes_of_one_key_from_two_folders(kit):
    here = kit.take(b"here", poster=b"\xfe", graph={"1": {"class_type": "here"}})
    there = kit.take(b"there", folder="other", poster=b"\xff", graph={"1": {"class_type": "there"}})
    compare = Compare([here, there])
    names = [take["id"] for take in compare.state["takes"]]
    assert names[0] == handle(here) == handle(there) != names[1]
    for name, data, picture in zip(names, (b"here", b"there"), (b"\xfe", b"\xff"), strict=True):
        assert kit.ask(compare, "read", "piece", take=name, offset=0)[1] == [data]
        assert kit.ask(compare, "read", "poster", take=name)[1] == [picture]
        [[_, title, *_]] = kit.ask(compare, "read", "graph", take=name)[0]["graph"]
        assert title == data.decode()


@pytest.mark.parametrize("count", [0, 1, 5])
def test_two_to_four(kit, count):
    with pytest.raises(InputFileError, match="two to four"):
        Compare(*[kit.take(take_number=number) for number in range(1, count + 1)])


def test_videos_only(kit):
    with pytest.raises(InputFileError, match="videos"):
        Compare(kit.take(), kit.take(take_number=2, kind="image"))


def test_the_static_face_is_text_where_it_is_text(kit):
    compare = Compare(kit.take(inputs={"prompt": NASTY}, shot=NASTY), kit.take(take_number=2, inputs={"prompt": "b"}))
    data, _ = compare._repr_mimebundle_()
    assert NASTY not in data["text/html"]
    assert "&lt;img src=x" in data["text/html"]
    assert repr(compare).startswith("Compare(")
