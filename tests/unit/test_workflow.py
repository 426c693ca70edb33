"""Loading, binding and filling a workflow, and what is said when that can't be done."""

import json
import time
from pathlib import Path

import pytest

from comfy_widgets import RANDOM, Workflow
from comfy_widgets.errors import BindingError, InputFileError, UIFormatError, WorkflowError
from tests.lib.graphs import wan


@pytest.fixture
def workflow():
    return Workflow(wan(keyframe=True), name="wan")


@pytest.fixture
def keyframe(tmp_path):
    path = tmp_path / "first frame.PNG"
    path.write_bytes(b"not really a picture")
    return path


def test_the_inputs_that_people_change_are_found(workflow):
    assert workflow.bindings == {
        "prompt": "6.text",
        "negative": "7.text",
        "seed": "3.seed",
        "steps": "3.steps",
        "cfg": "3.cfg",
        "width": "55.width",
        "height": "55.height",
        "length": "55.length",
        "fps": "57.fps",
        "keyframe": "56.image",
    }
    assert workflow.bindings.value("prompt") == "a hill"


def test_prompts_are_told_apart_by_the_sampler_and_not_by_their_order_or_title():
    graph = wan()
    graph["3"]["inputs"]["positive"], graph["3"]["inputs"]["negative"] = ["7", 0], ["6", 0]
    assert Workflow(graph).bindings["prompt"] == "7.text"


def test_prompts_are_found_through_nodes_that_carry_both():
    graph = wan()
    graph["60"] = {
        "class_type": "WanImageToVideo",
        "inputs": {
            "positive": ["6", 0],
            "negative": ["7", 0],
            "width": 320,
            "height": 192,
            "length": 9,
            "batch_size": 1,
        },
    }
    graph["3"]["inputs"] |= {"positive": ["60", 0], "negative": ["60", 1], "latent_image": ["60", 2]}
    assert Workflow(graph).bindings["prompt"] == "6.text"
    assert Workflow(graph).bindings["negative"] == "7.text"


def test_a_negative_made_of_the_prompt_is_none():
    graph = wan()
    graph["7"] = {"class_type": "ConditioningZeroOut", "inputs": {"conditioning": ["6", 0]}}
    workflow = Workflow(graph)
    assert workflow.bindings["prompt"] == "6.text"
    assert "negative" not in workflow.bindings
    assert "negative" not in Workflow(wan()).bind(prompt="7.text").bindings


def test_one_input_takes_one_value():
    workflow = Workflow(wan()).bind(also="6.text")
    with pytest.raises(BindingError, match=r"prompt and also are one input, 6\.text"):
        workflow.fill(prompt="a fox", also="a whale")
    assert workflow.fill(prompt="a fox", also="a fox").inputs["prompt"] == "a fox"
    with pytest.raises(BindingError, match="one input"):
        workflow.fill(prompt="a fox", inputs={"6.text": "a whale"})


def test_conditioning_on_the_negative_side_is_no_prompt():
    graph = wan()
    graph["70"] = {"class_type": "ConditioningSetTimestepRange", "inputs": {"conditioning": ["7", 0], "start": 0.0}}
    graph["3"]["inputs"]["negative"] = ["70", 0]
    bindings = Workflow(graph).bindings
    assert (bindings["prompt"], bindings["negative"]) == ("6.text", "7.text")
    del graph["3"]["inputs"]["negative"], graph["3"]["inputs"]["positive"]
    graph["3"]["inputs"]["conditioning"] = ["6", 0]
    assert Workflow(graph).bindings["prompt"] == "6.text"


def test_texts_under_other_names_and_of_several_parts_are_named():
    graph = wan()
    graph["6"] = {
        "class_type": "CLIPTextEncodeFlux",
        "inputs": {"clip": ["38", 0], "clip_l": "a", "t5xxl": "b", "guidance": 3.5},
    }
    assert Workflow(graph).bindings.ambiguous["prompt"] == ["6.clip_l", "6.t5xxl"]
    graph = wan()
    graph["6"]["inputs"]["text"] = ["60", 0]
    graph["60"] = {
        "class_type": "StringConcatenate",
        "inputs": {"string_a": "a fox", "string_b": "at dusk", "delimiter": ", "},
    }
    assert Workflow(graph).bindings.ambiguous["prompt"] == ["60.string_a", "60.string_b"]


@pytest.mark.parametrize(
    ("graph", "words"),
    [
        ('{"1": {"class_type": "A", "inputs": [1]}}', "inputs of node 1"),
        ('{"1": {"class_type": "A", "inputs": {"x": ' + "[" * 600 + "]" * 600 + "}}}", "nested too deeply"),
        ("[" * 200_000 + "]" * 200_000, "nested too deeply"),
    ],
    ids=["inputs without names", "deep inputs", "deep file"],
)
def test_what_is_no_graph_is_told_by_its_name(tmp_path, graph, words):
    path = tmp_path / "odd.json"
    path.write_text(graph)
    with pytest.raises(WorkflowError, match=f"odd.*{words}"):
        Workflow.load(path)


def test_two_seeds_are_listed_and_none_is_chosen():
    graph = wan()
    graph["4"] = {**graph["3"], "inputs": {**graph["3"]["inputs"], "latent_image": ["3", 0]}}
    graph["8"]["inputs"]["samples"] = ["4", 0]
    workflow = Workflow(graph)
    assert "seed" not in workflow.bindings
    assert sorted(workflow.bindings.ambiguous["seed"]) == ["3.seed", "4.seed"]
    assert "choose one of  3.seed (KSampler), 4.seed (KSampler)" in repr(workflow.bindings)
    with pytest.raises(BindingError, match=r"Several inputs could be 'seed': .*workflow\.bind\(seed="):
        workflow.fill(seed=1)
    assert workflow.bind(seed="4.seed").fill(seed=9).graph["4"]["inputs"]["seed"] == 9


def test_the_last_picture_is_told_from_the_first():
    graph = wan(keyframe=True)
    graph["61"] = {"class_type": "LoadImage", "inputs": {"image": "last.png"}}
    graph["55"]["inputs"]["end_image"] = ["61", 0]
    bindings = Workflow(graph).bindings
    assert (bindings["keyframe"], bindings["end_keyframe"]) == ("56.image", "61.image")


def test_an_input_fed_by_a_primitive_is_followed_to_it():
    graph = wan()
    graph["70"] = {"class_type": "PrimitiveInt", "inputs": {"value": 3, "control_after_generate": "fixed"}}
    graph["71"] = {"class_type": "Reroute", "inputs": {"": ["70", 0]}}
    graph["3"]["inputs"]["seed"] = ["71", 0]
    filled = Workflow(graph).fill(seed=8)
    assert filled.graph["70"]["inputs"]["value"] == 8


def test_an_input_fed_by_a_node_of_many_values_is_refused(workflow):
    graph = wan()
    graph["6"]["inputs"]["text"] = ["72", 0]
    graph["72"] = {"class_type": "Concatenate", "inputs": {"a": "x", "b": "y"}}
    with pytest.raises(BindingError, match=r"fed by node 72 \(Concatenate\).*72\.a, 72\.b"):
        Workflow(graph).bind(prompt="6.text")


def test_binding_by_title_and_by_the_longest_id():
    graph = wan()
    graph["6.1"] = {"class_type": "Note", "inputs": {"text": "other"}}
    workflow = Workflow(graph)
    assert workflow.bind(note="6.1.text").bindings["note"] == "6.1.text"
    assert workflow.bind(prompt="Positive prompt.text").bindings["prompt"] == "6.text"


def test_two_nodes_of_one_title_are_both_named():
    graph = wan()
    graph["7"]["_meta"] = {"title": "Positive prompt"}
    with pytest.raises(BindingError, match="2 nodes are called 'Positive prompt': 6, 7"):
        Workflow(graph).bind(prompt="Positive prompt.text")


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("6.txt", "Did you mean 6.text"),
        ("Positve prompt.text", "Did you mean 'Positive prompt'"),
        ("99.x", "No node has"),
    ],
)
def test_an_address_that_leads_nowhere_names_the_nearest(workflow, address, words):
    with pytest.raises(BindingError, match=words):
        workflow.bind(prompt=address)


def test_an_unknown_binding_names_the_nearest(workflow):
    with pytest.raises(BindingError, match=r"no binding 'promt'\. Did you mean 'prompt'"):
        workflow.fill(promt="x")


@pytest.mark.parametrize(
    ("name", "value"),
    [("seed", "seven"), ("seed", 1.5), ("seed", True), ("prompt", 3), ("seed", None)],
)
def test_a_value_of_the_wrong_kind_is_refused(workflow, name, value):
    with pytest.raises(BindingError, match=f"{name} takes a value like"):
        workflow.fill(**{name: value})


@pytest.mark.parametrize(("name", "value"), [("cfg", 5.5), ("fps", 23.976), ("cfg", 6)])
def test_a_number_that_the_editor_saved_without_its_point_takes_fractions(name, value):
    """It writes 5.0 as 5."""
    graph = wan()
    graph["3"]["inputs"]["cfg"], graph["57"]["inputs"]["fps"] = 5, 24
    assert Workflow(graph).fill(**{name: value}).inputs[name] == value


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("name", ["cfg", "seed"])
def test_what_json_can_not_hold_is_no_number(workflow, name, value):
    with pytest.raises(BindingError, match=f"{name} takes a number, not {value}"):
        workflow.fill(**{name: value})


def test_an_input_that_is_linked_takes_no_value(workflow):
    with pytest.raises(BindingError, match=r"3\.model is fed by node 48 \(ModelSamplingSD3\).*instead: 48\.shift"):
        workflow.fill(inputs={"3.model": "wan.safetensors"})


def test_ten_thousand_nodes_of_one_title_take_no_time():
    """Each is a keyframe, or has a seed: two seconds where nothing is done once for each pair of nodes."""
    same = {"_meta": {"title": "same"}}
    graph = {"0": {"class_type": "LoadImage", "inputs": {"image": "a.png"}, **same}}
    for number in range(1, 10_000, 2):
        noise = {"image": [str(number - 1), 0], "seed": number}
        graph[str(number)] = {"class_type": "ImageAddNoise", "inputs": noise, **same}
        picture = {"image": "a.png", "before": [str(number), 0]}
        graph[str(number + 1)] = {"class_type": "LoadImage", "inputs": picture, **same}
    graph["end"] = {"class_type": "SaveImage", "inputs": {"images": ["10000", 0], "filename_prefix": "x"}}
    began = time.monotonic()
    workflow = Workflow(graph)
    assert workflow.bind(seed="9999.seed").fill(seed=7).fingerprint != workflow.fill().fingerprint
    assert (len(workflow.bindings.ambiguous["seed"]), len(workflow.bindings.ambiguous["keyframe"])) == (5_000, 5_001)
    assert len(repr(workflow)) + len(workflow._repr_html_()) < 5_000
    with pytest.raises(BindingError, match=r"10001 nodes are called 'same': 0, 1, 2, 3, 4, 5, 6, 7 and 9993 more\."):
        workflow.bind(seed="same.seed")
    with pytest.raises(BindingError, match=r"could be 'seed': 1\.seed \(same\), .* and 4992 more\."):
        workflow.fill(seed=1)
    assert time.monotonic() - began < 30


def test_several_values_lead_to_a_sweep(workflow):
    with pytest.raises(BindingError, match=r"one value, not several.*sweep"):
        workflow.fill(seed=range(3))


def test_filling_leaves_the_workflow_alone(workflow):
    filled = workflow.fill(prompt="a lighthouse", seed=7.0)
    assert filled.graph["6"]["inputs"]["text"] == "a lighthouse"
    assert filled.graph["3"]["inputs"]["seed"] == 7
    assert workflow.bindings.value("prompt") == "a hill"
    assert filled.inputs["prompt"] == "a lighthouse"
    assert filled.inputs["steps"] == 4


def test_a_random_seed_is_drawn_and_recorded(workflow):
    one, two = workflow.fill(seed=RANDOM), workflow.fill(seed=RANDOM)
    assert one.inputs["seed"] == one.graph["3"]["inputs"]["seed"] != two.inputs["seed"]


def test_a_keyframe_goes_by_its_content(workflow, keyframe, tmp_path):
    copied = tmp_path / "copy.png"
    copied.write_bytes(keyframe.read_bytes())
    one, two = workflow.fill(keyframe=keyframe), workflow.fill(keyframe=str(copied))
    name = one.graph["56"]["inputs"]["image"]
    assert name.startswith("cw_")
    assert name.endswith(".png")
    assert one.files[0].name == name
    assert one.fingerprint == two.fingerprint
    assert one.inputs["keyframe"] == "first frame.PNG"
    copied.write_bytes(b"another picture")
    assert workflow.fill(keyframe=copied).fingerprint != one.fingerprint


def test_a_missing_keyframe_is_named(workflow):
    with pytest.raises(InputFileError, match=r"nowhere\.png can't be read"):
        workflow.fill(keyframe="nowhere.png")


def test_a_keyframe_is_one_file(workflow, keyframe):
    with pytest.raises(BindingError, match=r"keyframe takes one value.*studio\.sweep\(…, keyframe=\["):
        workflow.fill(keyframe=[keyframe, keyframe])
    for nothing in (None, 5):
        with pytest.raises(BindingError, match=r"keyframe takes a file, not (None|5)"):
            workflow.fill(keyframe=nothing)


def test_an_address_takes_a_string_as_it_is_and_a_path_as_a_file(workflow, keyframe):
    assert workflow.fill(inputs={"56.image": "on_the_server.png"}).graph["56"]["inputs"]["image"] == "on_the_server.png"
    assert workflow.fill(inputs={"56.image": keyframe}).files[0].path == keyframe


def test_seconds_set_the_length_that_video_models_take(workflow):
    assert workflow.fill(seconds=2).inputs["length"] == 49
    assert workflow.fill(seconds=2, fps=16).inputs["length"] == 33


def test_loading_says_what_is_wrong(tmp_path):
    path = tmp_path / "w.json"
    with pytest.raises(WorkflowError, match="There is no workflow file"):
        Workflow.load(path)
    path.write_text("{not json")
    with pytest.raises(WorkflowError, match=r"w\.json is not JSON.*Export it again"):
        Workflow.load(path)
    path.write_text(json.dumps({"nodes": [], "links": [], "version": 0.4}))
    with pytest.raises(UIFormatError, match=r"saved from ComfyUI's editor.*await studio\.load\(path\)"):
        Workflow.load(path)
    for other in ([1], {}, {"1": {"inputs": {}}}, "text"):
        path.write_text(json.dumps(other))
        with pytest.raises(WorkflowError, match="is not a graph"):
            Workflow.load(path)


def test_loading_takes_a_file_and_the_body_of_a_request(tmp_path):
    path = tmp_path / "wan.json"
    for told in (wan(), {"prompt": wan(), "client_id": "x"}):
        path.write_text(json.dumps(told), encoding="utf-8-sig")
        assert Workflow.load(path).name == "wan"
        assert Workflow.load(Path(path)).graph == wan()


def test_bindings_show_themselves(workflow):
    assert "prompt    6.text     a hill" in repr(workflow.bindings)
    assert "<code>6.text</code>" in workflow.bindings._repr_html_()
    evil = workflow.fill(prompt="<script>alert(1)</script>")
    assert "<script>" not in Workflow(evil.graph)._repr_html_()
