"""Workflows of the editor, turned into what a server takes; and what is said when that can't be done."""

import copy
import json
from pathlib import Path

import pytest

from comfy_widgets.convert import to_api
from comfy_widgets.errors import WorkflowError
from comfy_widgets.preflight import preflight
from tests.lib.editor import node, output, socket, subgraph, takes, workflow

DATA = Path(__file__).parent / "data"
CLASSES = json.loads((DATA / "ui_object_info.json").read_text("utf-8"))


def told(name):
    """A workflow, and the graph that it means; the editor makes the same of it, but for what newer releases lose."""
    case = json.loads((DATA / f"ui_{name}.json").read_text("utf-8"))
    return case["workflow"], case["graph"]


@pytest.mark.parametrize("name", ["one_level", "subgraphs", "proxies", "nested_proxies", "proxied_primitive", "group"])
def test_a_workflow_becomes_the_graph_that_it_means(name):
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


def test_a_getter_without_a_setter_says_what_is_missing():
    saved = joined(node(4, "GetNode", ["a"], outputs=[output(9)]), links=[(9, 4, 0, 2, 0, "IMAGE")])
    with pytest.raises(WorkflowError, match=r"No node sets 'a', which node 4 \(GetNode\) gets\. Its Set node"):
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
        "Install ComfyUI 0.9.1 or newer and the custom nodes foo-pack there, or remove what needs it."
    )
    assert (caught.value.node_id, caught.value.node_title) == ("3", "My loader")


def test_an_unknown_class_names_the_nearest():
    with pytest.raises(WorkflowError, match=r"Or did you mean Film\?"):
        to_api(joined(node(3, "Flim", inputs=[socket("images", 9)]), links=[(9, 1, 0, 3, 0, "IMAGE")]), FILM)


def test_the_pack_of_a_node_goes_with_it():
    """So that a server without that pack is told of by its name, from the graph alone."""
    saved = joined(links=[(9, 1, 0, 2, 0, "IMAGE")])
    saved["nodes"][0] |= {"properties": {"cnr_id": "comfyui-shots", "ver": "1.0.3", "Node name for S&R": "Shot"}}
    graph = to_api(saved, FILM)
    assert graph["1"]["_meta"] == {"title": "Shot", "cnr_id": "comfyui-shots", "ver": "1.0.3"}
    assert graph["2"]["_meta"] == {"title": "Film"}
    problems = preflight(graph, {"Film": FILM["Film"]})
    assert problems[0].todo.startswith("Install the custom nodes comfyui-shots there")


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


TEXT = {
    "Text": {**takes({"text": ["STRING", {}], "seed": ["INT", {"control_after_generate": True}]}), "output": ["TEXT"]}
}


def hosted(values, *, inputs=("text", "seed"), **more):
    """What a node inside a subgraph gets, where the host shows these values."""
    sockets = [socket(name, number, widget=True) for number, name in enumerate(inputs)]
    inner = subgraph(
        "a",
        node(1, "Text", ["own", 1, "fixed"], inputs=sockets),
        links=[(number, -10, number, 1, number, "*") for number, _ in enumerate(inputs)],
        inputs=[(name, "*") for name in inputs],
    )
    saved = workflow(node(7, "a", values, **more), definitions={"subgraphs": [inner]})
    return to_api(saved, TEXT)["7:1"]["inputs"]


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        (["shown", 2], {"text": "shown", "seed": 2}),
        ([None, 2], {"text": "own", "seed": 2}),
        (["shown"], {"text": "shown", "seed": 1}),
        ([], {"text": "own", "seed": 1}),
        (None, {"text": "own", "seed": 1}),
        ({"seed": 2}, {"text": "own", "seed": 2}),
    ],
)
def test_a_host_shows_the_values_of_its_inputs(values, shown):
    assert hosted(values) == shown


def test_a_control_at_a_host_is_left_out():
    assert hosted([2, "randomize", "shown"], inputs=("seed", "text")) == {"text": "shown", "seed": 2}


def test_an_input_that_the_class_does_not_have_gets_no_value():
    assert hosted(["shown", "flow", 2], inputs=("text", "sampling", "seed")) == {"text": "shown", "seed": 2}


def test_a_renamed_input_feeds_the_widget_it_was_made_of():
    sockets = [{**socket("prompt", 0, widget=True), "widget": {"name": "text"}}]
    primitive = node(2, "PrimitiveNode", ["told"], outputs=[output(0, widget={"name": "text"})])
    saved = workflow(node(1, "Text", ["own", 1, "fixed"], inputs=sockets), primitive, links=[(0, 2, 0, 1, 0, "STRING")])
    assert to_api(saved, TEXT)["1"]["inputs"] == {"text": "told", "seed": 1}


def test_a_host_that_is_linked_shows_nothing():
    inner = subgraph(
        "a",
        node(1, "Text", ["own", 1, "fixed"], inputs=[socket("text", 0, widget=True)]),
        links=[(0, -10, 0, 1, 0, "STRING")],
        inputs=[("text", "STRING")],
    )
    outer = subgraph(
        "b",
        node(2, "a", ["an earlier one"], inputs=[socket("text", 6, widget=True)]),
        node(3, "Reroute", inputs=[socket("", 5, type="*")], outputs=[output(6)]),
        links=[(5, -10, 0, 3, 0, "*"), (6, 3, 0, 2, 0, "STRING")],
        inputs=[("in", "*")],
    )
    saved = workflow(node(9, "b"), definitions={"subgraphs": [outer, inner]})
    assert to_api(saved, TEXT)["9:2:1"]["inputs"] == {"text": "own", "seed": 1}


def test_a_socket_that_was_added_since_takes_no_value():
    info = {"Made": takes({"mask": ["MASK"], "fps": ["INT", {}]}), **FILM}
    assert to_api(workflow(node(1, "Made", [24])), info)["1"]["inputs"] == {"fps": 24}


def test_a_muted_setter_takes_what_it_feeds_with_it():
    saved = joined(
        node(3, "SetNode", ["shot"], inputs=[socket("IMAGE", 1)], mode=2),
        node(4, "GetNode", ["shot"], outputs=[output(9)]),
        links=[(1, 1, 0, 3, 0, "IMAGE"), (9, 4, 0, 2, 0, "IMAGE")],
    )
    assert to_api(saved, FILM)["2"]["inputs"] == {}


def grouped(**more):
    """A film beside a group of a shot and a film, whose shot is used outside, too."""
    inside = [node(0, "Shot", outputs=[output(), output(type="MASK")]), node(0, "Film", inputs=[socket("images")])]
    group = {"nodes": inside, "links": [[0, 0, 1, 0, 5, "IMAGE"]], "external": [[0, 0, "IMAGE"]], **more}
    return workflow(
        node(3, "workflow/Both", outputs=[output(9), output(type="MASK")]),
        node(2, "Film", inputs=[socket("images", 9)]),
        links=[(9, 3, 0, 2, 0, "IMAGE")],
        extra={"groupNodes": {"Both": group}},
    )


def test_a_group_node_gives_what_is_used_outside_too():
    graph = to_api(grouped(), FILM)
    assert {number: told["inputs"] for number, told in graph.items()} == {
        "2": {"images": ["3:0", 0]},
        "3:0": {},
        "3:1": {"images": ["3:0", 0]},
    }


def test_a_group_node_with_hidden_inputs_is_named():
    with pytest.raises(WorkflowError, match=r"This group node can't be read: node 3 \(workflow/Both\)"):
        to_api(grouped(config={"0": {"output": {"1": {"visible": False}}}}), FILM)
