"""The values that the editor saved with a node, and which input each of them is."""

import pytest

from comfy_widgets.convert import to_api
from comfy_widgets.errors import WorkflowError
from tests.lib.editor import node, socket, takes, workflow


def inputs_of(saved, info, **more):
    """The inputs that one node of a class has in the graph."""
    return to_api(workflow(node(1, "Made", saved, **more)), {"Made": info})["1"]["inputs"]


@pytest.mark.parametrize(
    ("values", "graph"),
    [
        ([7, "randomize", 20], {"seed": 7, "steps": 20}),
        ([7, 20], {"seed": 7, "steps": 20}),
        ([7, "fixed", 20, "left over"], {"seed": 7, "steps": 20}),
        ([7, "fixed"], {"seed": 7, "steps": 4}),
        ([], {"seed": 0, "steps": 4}),
        (None, {"seed": 0, "steps": 4}),
        ([None, "fixed", None], {"seed": 0, "steps": 4}),
        ({"steps": 20, "seed": 7}, {"seed": 7, "steps": 20}),
        ({"seed": 7, "videopreview": {"hidden": False}}, {"seed": 7, "steps": 4}),
    ],
)
def test_values_go_to_the_inputs_in_declared_order(values, graph):
    info = takes(
        {"seed": ["INT", {"control_after_generate": True}], "image": ["IMAGE"], "steps": ["INT", {"default": 4}]}
    )
    info["output"] = ["IMAGE"]
    assert inputs_of(values, info, inputs=[socket("image")]) == graph


@pytest.mark.parametrize(
    ("spec", "values", "value"),
    [
        (["INT", {}], [5, "increment", "text"], 5),
        (["INT", {"control_after_generate": False}], [5, "text"], 5),
        ([[1, 2], {"control_after_generate": True}], [2, "fixed", "", "text"], 2),
        (["COMBO", {"options": ["a", "b"], "control_after_generate": True}], ["b", "randomize", "text"], "b"),
    ],
)
def test_a_seeds_control_is_left_out_however_it_is_declared(spec, values, value):
    info = takes({"seed": spec, "text": ["STRING", {}]})
    assert inputs_of(values, info) == {"seed": value, "text": "text"}


def test_a_control_that_the_class_does_not_tell_is_left_out():
    info = takes({"rand": ["INT", {}], "steps": ["INT", {}], "how": [["fixed", "free"]]})
    assert inputs_of([5, "increment", 9, "fixed"], info) == {"rand": 5, "steps": 9, "how": "fixed"}


@pytest.mark.parametrize(
    "values",
    [
        ["a.png", 0.5, "fill"],
        ["a.png", "image", 0.5, "fill"],
        ["a.png", 0.5, "fill", "image"],
        ["a.png", 0.5, "fill", None],
    ],
)
def test_the_button_beside_a_file_is_left_out(values):
    info = takes({"image": [["a.png"], {"image_upload": True}]}, {"scale": ["FLOAT", {}], "mode": [["fit", "fill"]]})
    assert inputs_of(values, info) == {"image": "a.png", "scale": 0.5, "mode": "fill"}


def test_the_button_is_told_from_text():
    info = takes({"image": [["a.png"], {"image_upload": True}]}, {"text": ["STRING", {}]})
    assert inputs_of(["a.png", "image", "hello"], info) == {"image": "a.png", "text": "hello"}
    assert inputs_of(["a.png", "", "image"], info) == {"image": "a.png", "text": ""}


def test_saved_names_are_headings_for_the_list():
    info = takes({"steps": ["INT", {}], "sampler": [["euler", "heun"]]})
    named = {"added_since": 3, "sampler": "heun", "steps": 20}
    assert inputs_of([3, "euler", 20], info, widgets_values_named=named) == {"steps": 20, "sampler": "euler"}


def test_saved_names_in_another_order_count():
    info = takes({"b": ["INT", {}], "a": ["INT", {}]})
    assert inputs_of([2, 1], info, widgets_values_named={"a": 1, "b": 2}) == {"b": 2, "a": 1}


def test_a_renamed_input_gets_no_default_in_its_place():
    info = takes({"steps": ["INT", {}], "model_name": ["STRING", {"default": "any"}]})
    assert inputs_of([20, "mine"], info, widgets_values_named={"steps": 20, "name": "mine"}) == {"steps": 20}


def test_a_list_is_told_from_a_link():
    info = takes({"tags": [["a", "b"], {"multiselect": True}]})
    assert inputs_of([["a", "b"]], info) == {"tags": {"__value__": ["a", "b"]}}


def test_an_input_that_must_be_linked_takes_no_value():
    info = takes({"frames": ["INT", {"forceInput": True}], "fps": ["INT", {}]})
    assert inputs_of([24], info, inputs=[socket("frames", type="INT")]) == {"fps": 24}


def test_a_type_that_nothing_gives_is_filled_in_the_editor():
    info = takes({"look": ["COLOUR_CURVE", {}], "fps": ["INT", {}]})
    assert inputs_of([{"points": 2}, 24], info) == {"look": {"points": 2}, "fps": 24}


def test_a_class_that_takes_any_name_gets_what_was_saved_under_one():
    info = takes({"model": ["STRING", {}]}, {})
    named = {"model": "m", "lora_1": {"on": True, "lora": "x"}, "add": ""}
    assert inputs_of(list(named.values()), info, widgets_values_named=named) == {
        "model": "m",
        "lora_1": {"on": True, "lora": "x"},
    }


def test_settings_that_a_class_does_not_name_are_not_dropped_silently():
    with pytest.raises(WorkflowError, match=r"node 1 \('Loras', Made\) has settings that its class does not name"):
        inputs_of(["m", {"on": True, "lora": "x"}], takes({"model": ["STRING", {}]}, {}), title="Loras")


def test_a_value_that_its_input_cannot_hold_is_named():
    info = takes({"cfg": ["FLOAT", {}], "sampler": [["euler"]]})
    with pytest.raises(WorkflowError, match=r"node 1 \(Made\).*another version.*'euler' can't be its cfg") as caught:
        inputs_of(["euler", 5], info)
    assert caught.value.node_id == "1"


def test_what_stands_behind_a_link_may_be_anything():
    info = takes({"cfg": ["FLOAT", {"default": 1.5}], "sampler": [["euler"]]})
    assert inputs_of(["", "euler"], info, inputs=[socket("cfg", 9, type="FLOAT", widget=True)])["sampler"] == "euler"


def test_a_number_that_is_none_is_named():
    with pytest.raises(WorkflowError, match=r"node 1 \(Made\) has nan for cfg"):
        inputs_of([float("nan")], takes({"cfg": ["FLOAT", {}]}))


def test_a_missing_model_is_kept_for_preflight_to_name():
    assert inputs_of(["gone.safetensors"], takes({"name": [["here.safetensors"], {}]})) == {"name": "gone.safetensors"}
