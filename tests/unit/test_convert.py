"""Workflows of the editor, turned into what a server takes; and what is said when that can't be done."""

import copy
import json
from pathlib import Path

import pytest

from comfy_widgets.convert import to_api
from comfy_widgets.errors import WorkflowError

DATA = Path(__file__).parent / "data"
CLASSES = json.loads((DATA / "ui_object_info.json").read_text("utf-8"))


def told(name):
    """A workflow, and the graph that the editor itself makes of it."""
    case = json.loads((DATA / f"ui_{name}.json").read_text("utf-8"))
    return case["workflow"], case["graph"]


def socket(name, link=None, *, type="IMAGE", widget=False):  # noqa: A002 - as the editor calls it
    return {"name": name, "type": type, "link": link, **({"widget": {"name": name}} if widget else {})}


def output(*links, type="IMAGE", **more):  # noqa: A002
    return {"name": type, "type": type, "links": list(links), **more}


def node(number, kind, values=None, *, inputs=(), outputs=(), **more):
    saved = {"id": number, "type": kind, "mode": 0, "inputs": list(inputs), "outputs": list(outputs), **more}
    return saved if values is None else {**saved, "widgets_values": values}


def workflow(*nodes, links=(), **more):
    return {"nodes": list(nodes), "links": [list(link) for link in links], "version": 0.4, **more}


def inputs_of(saved, info, **more):
    """The inputs that one node of a class has in the graph."""
    return to_api(workflow(node(1, "Made", saved, **more)), {"Made": info})["1"]["inputs"]


def takes(required, optional=None, **more):
    """A class, as a server tells it."""
    return {
        "input": {"required": required, **({} if optional is None else {"optional": optional})},
        "output": [],
        **more,
    }


@pytest.mark.parametrize("name", ["one_level", "subgraphs", "proxies", "nested_proxies", "proxied_primitive", "group"])
def test_the_graph_is_the_one_that_the_editor_makes(name):
    saved, graph = told(name)
    assert to_api(saved, CLASSES) == graph


@pytest.mark.parametrize("name", ["one_level", "subgraphs", "proxies"])
def test_nothing_is_changed_in_what_was_given(name):
    saved, _ = told(name)
    before = copy.deepcopy(saved)
    to_api(saved, CLASSES)
    assert saved == before


def test_both_forms_of_links_mean_the_same():
    saved, graph = told("one_level")
    names = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")
    saved["links"] = [dict(zip(names, link, strict=True)) for link in saved["links"]]
    # The newer form also knows points where a link bends; the link still goes from node to node.
    saved |= {"version": 1, "reroutes": [{"id": 1, "pos": [5, 5], "linkIds": [saved["links"][0]["id"]]}]}
    saved["links"][0]["parentId"] = 1
    assert to_api(saved, CLASSES) == graph


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


def test_a_number_that_is_none_is_named():
    with pytest.raises(WorkflowError, match=r"node 1 \(Made\) has nan for cfg"):
        inputs_of([float("nan")], takes({"cfg": ["FLOAT", {}]}))


def test_a_missing_model_is_kept_for_preflight_to_name():
    assert inputs_of(["gone.safetensors"], takes({"name": [["here.safetensors"], {}]})) == {"name": "gone.safetensors"}


FILM = {"Film": {**takes({"images": ["IMAGE"]}), "output": []}, "Shot": {**takes({}), "output": ["IMAGE", "MASK"]}}


def joined(*between, links, **more):
    """A shot, what stands between, and a film that link 9 leads to."""
    shot = node(1, "Shot", outputs=[output(1), output(2, type="MASK")])
    film = node(2, "Film", inputs=[socket("images", 9)])
    return workflow(shot, *between, film, links=links, **more)


def test_a_setter_and_its_getters_are_a_link():
    saved = joined(
        node(3, "SetNode", ["shot"], inputs=[socket("IMAGE", 1)], outputs=[output(type="*")], title="Set_shot"),
        node(4, "GetNode", ["shot"], outputs=[output(9)], title="Get_shot"),
        links=[(1, 1, 0, 3, 0, "IMAGE"), (9, 4, 0, 2, 0, "IMAGE")],
    )
    assert to_api(saved, FILM)["2"]["inputs"] == {"images": ["1", 0]}


def test_two_setters_of_one_name_are_an_error():
    setters = [node(n, "easy setNode", ["a"], inputs=[socket("IMAGE", n)], outputs=[output()]) for n in (3, 5)]
    getter = node(4, "easy getNode", ["a"], outputs=[output(9)])
    links = [(3, 1, 0, 3, 0, "IMAGE"), (5, 1, 0, 5, 0, "IMAGE"), (9, 4, 0, 2, 0, "IMAGE")]
    with pytest.raises(WorkflowError, match=r"Nodes 3 and 5 both set 'a', which node 4 gets"):
        to_api(joined(*setters, getter, links=links), FILM)


def test_a_getter_without_a_setter_is_an_unknown_class():
    saved = joined(node(4, "GetNode", ["a"], outputs=[output(9)]), links=[(9, 4, 0, 2, 0, "IMAGE")])
    with pytest.raises(WorkflowError, match=r"node 4 \(GetNode\)"):
        to_api(saved, FILM)


@pytest.mark.parametrize(
    ("sockets", "source"),
    [
        ([socket("a", 2, type="MASK"), socket("b", 1)], ["1", 0]),
        ([socket("a", 2, type="MASK")], None),
        ([socket("a", 1, type="LATENT,IMAGE")], ["1", 0]),
        ([], None),
    ],
)
def test_a_bypassed_node_passes_on_what_fits(sockets, source):
    saved = joined(
        # Its class need not be known: it is not sent.
        node(3, "Missing", inputs=sockets, outputs=[output(9)], mode=4),
        links=[(1, 1, 0, 3, 0, "IMAGE"), (2, 1, 1, 3, 0, "MASK"), (9, 3, 0, 2, 0, "IMAGE")],
    )
    assert to_api(saved, FILM)["2"]["inputs"] == ({"images": source} if source else {})


def test_a_muted_node_takes_the_inputs_that_it_feeds_with_it():
    info = {**FILM, "Film": takes({"images": ["IMAGE"], "fps": ["INT", {"default": 8}]})}
    film = node(2, "Film", [24], inputs=[socket("images", 9), socket("fps", 8, type="INT", widget=True)])
    muted = node(3, "Missing", outputs=[output(9), output(8, type="INT")], mode=2)
    saved = workflow(muted, film, links=[(9, 3, 0, 2, 0, "IMAGE"), (8, 3, 1, 2, 1, "INT")])
    assert to_api(saved, info) == {"2": {"inputs": {}, "class_type": "Film", "_meta": {"title": "Film"}}}


def test_reroutes_in_a_circle_are_an_error():
    saved = joined(
        node(3, "Reroute", inputs=[socket("", 4, type="*")], outputs=[output(5, 9)]),
        node(4, "Reroute", inputs=[socket("", 5, type="*")], outputs=[output(4)]),
        links=[(4, 4, 0, 3, 0, "IMAGE"), (5, 3, 0, 4, 0, "IMAGE"), (9, 3, 0, 2, 0, "IMAGE")],
    )
    with pytest.raises(WorkflowError, match="depends on itself through its links"):
        to_api(saved, FILM)


def test_a_link_that_is_not_there_is_none():
    assert to_api(joined(links=[]), FILM)["2"]["inputs"] == {}


def test_every_unknown_class_is_named_with_its_pack():
    saved = workflow(
        node(3, "FooLoader", outputs=[output(1)], title="My loader", properties={"cnr_id": "foo-pack"}),
        node(4, "FooSaver", inputs=[socket("image", 1)], properties={"cnr_id": "comfy-core", "ver": "0.9.1"}),
        links=[(1, 3, 0, 4, 0, "IMAGE")],
    )
    with pytest.raises(WorkflowError) as caught:
        to_api(saved, FILM)
    assert str(caught.value) == (
        "The server does not have the class of node 3 ('My loader', FooLoader), node 4 (FooSaver). "
        "Install ComfyUI 0.9.1 or newer and foo-pack there, or remove what needs it."
    )
    assert (caught.value.node_id, caught.value.node_title) == ("3", "My loader")


def test_what_is_linked_to_nothing_is_left_out():
    assert to_api(workflow(node(3, "Bookmark", ["go"]), node(4, "FooLoader", outputs=[output()])), FILM) == {}


def test_a_group_node_that_does_not_add_up_is_named():
    saved = joined(
        node(3, "workflow>Two steps", inputs=[socket("image", 1)], outputs=[output(9)]),
        links=[(1, 1, 0, 3, 0, "IMAGE"), (9, 3, 0, 2, 0, "IMAGE")],
        extra={"groupNodes": {"Two steps": {"nodes": []}}},
    )
    with pytest.raises(WorkflowError, match=r"This group node can't be read: node 3"):
        to_api(saved, FILM)


def subgraph(key, *nodes, links=(), inputs=(), outputs=()):
    return {
        "id": key,
        "name": f"Subgraph {key}",
        "nodes": list(nodes),
        "links": [list(link) for link in links],
        "inputs": [{"name": name, "type": kind} for name, kind in inputs],
        "outputs": [{"name": name, "type": kind} for name, kind in outputs],
    }


def test_a_subgraph_that_contains_itself_is_an_error():
    saved = workflow(
        node(1, "a"), definitions={"subgraphs": [subgraph("a", node(2, "b")), subgraph("b", node(3, "a"))]}
    )
    with pytest.raises(WorkflowError, match=r"The subgraph 'Subgraph a' contains itself, at node 1:2:3"):
        to_api(saved, FILM)


def test_definitions_may_be_nested_too():
    inner = subgraph("b", node(3, "Shot", outputs=[output()]))
    saved = workflow(
        node(1, "a"),
        definitions={"subgraphs": [{**subgraph("a", node(2, "b")), "definitions": {"subgraphs": [inner]}}]},
    )
    assert list(to_api(saved, FILM)) == ["1:2:3"]


def test_an_input_that_is_an_output_passes_through():
    through = subgraph("a", links=[(1, -10, 0, -20, 0, "IMAGE")], inputs=[("in", "IMAGE")], outputs=[("out", "IMAGE")])
    saved = joined(
        node(3, "a", inputs=[socket("in", 1)], outputs=[output(9)]),
        links=[(1, 1, 0, 3, 0, "IMAGE"), (9, 3, 0, 2, 0, "IMAGE")],
        definitions={"subgraphs": [through]},
    )
    assert to_api(saved, FILM)["2"]["inputs"] == {"images": ["1", 0]}


def test_subgraphs_that_double_are_stopped():
    definitions = [subgraph(str(n), node(1, str(n + 1)), node(2, str(n + 1))) for n in range(40)]
    saved = workflow(node(1, "0"), definitions={"subgraphs": [*definitions, subgraph("40")]})
    with pytest.raises(WorkflowError, match="more than 50000 nodes"):
        to_api(saved, FILM)


@pytest.mark.parametrize(
    ("saved", "message"),
    [
        ([], "no workflow of ComfyUI's editor"),
        ({"3": {"class_type": "Shot", "inputs": {}}}, "no workflow of ComfyUI's editor"),
        ({"nodes": [], "version": 7}, "of version 7, which is not known"),
        ({"nodes": [], "version": "new"}, "of version 'new', which is not known"),
        ({"nodes": [{"type": "Shot"}]}, "a node of it has no id"),
        ({"nodes": [{"id": 1, "type": "Shot"}, {"id": 1, "type": "Shot"}]}, "Two nodes have the id 1"),
    ],
)
def test_what_cannot_be_read_is_told(saved, message):
    with pytest.raises(WorkflowError, match=message):
        to_api(saved, FILM)


def test_ten_thousand_nodes_in_a_row_are_followed():
    reroutes = [
        node(n, "Reroute", inputs=[socket("", n, type="*")], outputs=[output(n + 1)]) for n in range(10, 10_010)
    ]
    links = [(10, 1, 0, 10, 0, "IMAGE"), *((n + 1, n, 0, n + 1, 0, "IMAGE") for n in range(10, 10_010))]
    film = node(2, "Film", inputs=[socket("images", 10_010)])
    saved = workflow(node(1, "Shot", outputs=[output(10)]), *reroutes, film, links=links)
    assert to_api(saved, FILM)["2"]["inputs"] == {"images": ["1", 0]}
