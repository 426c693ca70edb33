"""Which values, links and local files a server takes."""

from pathlib import Path

import pytest

from comfy_widgets.expected import LocalFile
from comfy_widgets.preflight import preflight
from tests.unit.test_preflight import CLASSES, given_class, node, show, wrong_with


@pytest.mark.parametrize(
    ("value", "spec"),
    [
        # Python's own conversions are the server's.
        ("5", ["INT", {"min": 0}]),
        (5.7, ["INT"]),
        (True, ["INT"]),
        ("0.5", ["FLOAT", {"max": 1.0}]),
        (3, ["STRING"]),
        (None, ["STRING"]),
        ({"a": 1}, ["STRING"]),
        ("no", ["BOOLEAN"]),
        ("anything", ["IMAGE"]),
        (7, ["*"]),
        (1.0, [[1, 2]]),
        (True, [[True, False]]),
        # The new form, and what it may leave open.
        ("a", ["COMBO", {"options": ["a", "b"]}]),
        ("x", ["COMBO", {}]),
        ("x", ["COMBO"]),
        ("x", ["COMBO", {"options": [], "remote": {"route": "/x"}}]),
        ({"__value__": ["a", "b"]}, ["COMBO", {"options": ["a", "b"], "multiselect": True}]),
        ({"__value__": [1, 2]}, ["CURVE"]),
        # Files that a class finds where its list does not reach.
        ("sub/a.png", [["b.png"], {"image_upload": True}]),
        ("a.png [output]", [["b.png"], {"image_upload": True}]),
        ("a.heic5", [["b.png"], {"image_upload": True}]),
        ("cw_0123456789abcdef.png", [["b.png"], {"image_upload": True}]),
        ("cw_0123456789abcdef.mp4", [["b.mp4"]]),
        # What nobody can read.
        ("x", []),
        ("x", "IMAGE"),
        (5, ["INT", None]),
        (5, ["INT", {"min": None, "max": "x"}]),
        ("x", [["a"], "odd"][1:]),
    ],
)
def test_what_a_server_takes_passes(value, spec):
    assert wrong_with(value, spec) == []


@pytest.mark.parametrize(
    ("value", "spec", "kind"),
    [
        ("5.0", ["INT"], "invalid_input_type"),
        ("x", ["FLOAT"], "invalid_input_type"),
        ({"__value__": [1]}, ["INT"], "invalid_input_type"),
        (float("nan"), ["FLOAT"], "not_a_number"),
        (float("inf"), ["INT"], "not_a_number"),
        ({"points": [[0, float("nan")]]}, ["CURVE"], "not_a_number"),
        ("c", ["COMBO", {"options": ["a", "b"]}], "value_not_in_list"),
        ({"__value__": ["a", "c"]}, ["COMBO", {"options": ["a", "b"], "multiselect": True}], "value_not_in_list"),
        ("cw_short.png", [["b.png"], {"image_upload": True}], "value_not_in_list"),
        ("a.mp4", [["b.mp4"], {"video_upload": True}], "value_not_in_list"),
        ("", [["b.safetensors"]], "value_not_in_list"),
        (["1", 0, 0], ["INT"], "bad_linked_input"),
    ],
)
def test_what_a_server_would_not_take_does_not(value, spec, kind):
    assert wrong_with(value, spec) == [kind]


@pytest.mark.parametrize(
    ("given", "taken", "fits"),
    [
        ("IMAGE", "IMAGE", True),
        ("IMAGE", "IMAGE,MASK", True),
        ("LATENT, MASK", "IMAGE,MASK", True),
        ("IMAGE", "*", True),
        ("*", "IMAGE", True),
        ("COMFY_MATCHTYPE_V3", "IMAGE", True),
        ("IMAGE", "COMFY_MATCHTYPE_V3", True),
        (["a", "b"], [["a", "b"]], True),
        ("COMBO", [["a", "b"]], True),
        ("COMBO", "COMBO", True),
        ("IMAGE", "MASK", False),
        ("STRING", [["a", "b"]], False),
        ("IMAGE", "INT", False),
    ],
)
def test_types_of_links(given, taken, fits):
    spec = taken if isinstance(taken, list) else [taken]
    classes = given_class(spec) | {"Give": {"input": {}, "output": [given], "output_node": False}}
    graph = {"1": node("Show", it=["2", 0]), "2": node("Give")}
    assert [problem.kind for problem in preflight(graph, classes)] == ([] if fits else ["return_type_mismatch"])


def test_the_right_output_of_the_same_node_is_named():
    graph = show() | {"1": node("LoadImage", image="start.png"), "9": node("PreviewImage", images=["1", 1])}
    assert preflight(graph, CLASSES)[0].todo == "Its output 0 does."


DYNAMIC = {
    "Save": {
        "input": {
            "required": {
                "format": [
                    "COMFY_DYNAMICCOMBO_V3",
                    {
                        "options": [
                            {"key": "mp4", "inputs": {"required": {"codec": ["COMBO", {"options": ["h264"]}]}}},
                            {"key": "webm", "inputs": {"required": {"crf": ["INT", {"max": 63}]}}},
                            {"key": "auto", "inputs": {}},
                        ]
                    },
                ],
                "images": ["COMFY_AUTOGROW_V3", {"template": {"input": {"required": {"image": ["IMAGE", {}]}}}}],
            }
        },
        "output": [],
        "output_node": True,
    }
}


@pytest.mark.parametrize(
    ("inputs", "kinds"),
    [
        ({"format": "mp4", "format.codec": "h264"}, []),
        ({"format": "auto"}, []),
        ({"format": "auto", "format.codec": "left over"}, []),
        ({"format": "mp4", "format.codec": "av1"}, ["value_not_in_list"]),
        ({"format": "mp4"}, ["required_input_missing"]),
        ({"format": "webm", "format.crf": 99}, ["value_bigger_than_max"]),
        ({"format": "avi"}, ["value_not_in_list"]),
        ({}, ["required_input_missing"]),
        ({"format": "auto", "images.image0": ["7", 0]}, ["unknown_link"]),
    ],
)
def test_inputs_that_a_choice_brings_in_have_dotted_names(inputs, kinds):
    assert [problem.kind for problem in preflight({"1": node("Save", **inputs)}, DYNAMIC)] == kinds


UPLOADS = {kind: ["COMBO", {"options": ["a"], f"{kind}_upload": True}] for kind in ("image", "video", "audio", "file")}


@pytest.mark.parametrize(
    ("wanted", "kind", "wrong"),
    [
        ("image", "image", None),
        ("image", None, "keys/a.png can't be read as a picture."),
        ("image", "video", "keys/a.png is a video, and it takes a picture."),
        ("video", "image", None),
        ("video", "audio", "keys/a.png is sound, and it takes a video."),
        ("audio", "video", None),
        ("audio", "image", "keys/a.png is a picture, and it takes sound."),
        ("file", None, None),
    ],
)
def test_a_local_file_that_can_not_be_read_is_named(wanted, kind, wrong):
    files = {"cw_0123456789abcdef.png": LocalFile(Path("keys/a.png"), kind)}
    graph = {"1": node("Show", it="cw_0123456789abcdef.png")}
    problems = preflight(graph, given_class(UPLOADS[wanted]), files)
    assert [problem.wrong for problem in problems] == ([] if wrong is None else [wrong])
    assert problems.refused is bool(wrong)
    assert all(problem.kind == "unreadable_file" for problem in problems)


def test_a_node_pack_may_read_what_nobody_else_can():
    files = {"cw_0123456789abcdef.exr": LocalFile(Path("a.exr"), None)}
    classes = given_class(UPLOADS["image"], python_module="custom_nodes.exr")
    problems = preflight({"1": node("Show", it="cw_0123456789abcdef.exr")}, classes, files)
    assert len(problems) == 1
    assert not problems.refused
