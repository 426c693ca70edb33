"""The static picture of a graph: all nodes, no overlaps, the same each time, and nothing of a graph becomes html."""

import itertools
import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comfy_widgets import Workflow
from comfy_widgets.graph_layout import layout
from comfy_widgets.workflow_picture import MOST_NODES, picture
from tests.lib.graphs import wan

SVG = "{http://www.w3.org/2000/svg}"


def svg(shown):
    """The drawing in the html; it must be well-formed XML."""
    return ET.fromstring(re.search(r"<svg.*</svg>", shown, re.DOTALL)[0])


def boxes(shown):
    return [
        (float(rect.get("x")), float(rect.get("y")), float(rect.get("width")), float(rect.get("height")))
        for rect in svg(shown).iter(f"{SVG}rect")
    ]


def texts(shown):
    return [text.text for text in svg(shown).iter(f"{SVG}text")]


def chain(length):
    return {
        str(n): {"class_type": "Step", "inputs": {"it": [str(n - 1), 0]} if n else {"seed": 1}} for n in range(length)
    }


graphs = st.lists(st.lists(st.integers(0, 40), max_size=4), min_size=1, max_size=30).map(
    lambda nodes: {
        str(n): {"class_type": f"Node{n}", "inputs": {f"in{i}": [str(to), 0] for i, to in enumerate(sources)}}
        for n, sources in enumerate(nodes)
    }
)


def test_a_workflow_shows_its_picture_above_its_bindings():
    shown = Workflow(wan())._repr_html_()
    assert shown.index("<svg") < shown.index("<table")
    assert len(boxes(shown)) == len(wan())
    said = texts(shown)
    assert said[said.index("Positive prompt") + 1] == "prompt"
    assert said[said.index("KSampler") + 1] == "seed, steps, cfg"


def test_bindings_by_title_are_marked_too():
    shown = Workflow(wan(), bindings={"words": "Positive prompt.text"})._repr_html_()
    assert texts(shown)[texts(shown).index("Positive prompt") + 1] == "words"


def test_what_feeds_stands_left_of_what_it_feeds():
    graph = wan(keyframe=True)
    placed = layout(graph, 36, 14)
    column = {node_id: n for n, layer in enumerate(placed.layers) for node_id, way in layer if way < 0}
    for node_id, node in graph.items():
        sources = [value[0] for value in node["inputs"].values() if isinstance(value, list)]
        assert all(column[source] < column[node_id] for source in sources)
    assert column["56"] == column["55"] - 1
    assert column["58"] == len(placed.layers) - 1


def test_a_small_workflow_crosses_nothing_and_fits_beside_a_cell():
    placed = layout(wan(), 36, 14)
    order = {spot: n for layer in placed.layers for n, spot in enumerate(layer)}
    layer_of = {spot: n for n, layer in enumerate(placed.layers) for spot in layer}
    for (a, b), (c, d) in itertools.combinations(placed.ways, 2):
        if layer_of[a] == layer_of[c]:
            assert (order[a] - order[c]) * (order[b] - order[d]) >= 0
    wide, high = map(float, svg(picture(wan())).get("viewBox").split()[2:])
    assert wide < 1200
    assert high < 300


@settings(max_examples=60, deadline=None)
@given(graphs)
def test_any_graph_is_drawn_once_within_its_frame_and_without_overlaps(graph):
    shown = picture(graph)
    assert shown == picture(graph)
    drawn = boxes(shown)
    assert len(drawn) == len(graph)
    wide, high = map(float, svg(shown).get("viewBox").split()[2:])
    for x, y, w, h in drawn:
        assert x >= 0
        assert y >= 0
        assert x + w <= wide
        assert y + h <= high
    for (x, y, _, h), (other_x, other_y, _, _) in itertools.combinations(drawn, 2):
        assert x != other_x or abs(y - other_y) >= h


@settings(max_examples=60, deadline=None)
@given(graphs)
def test_links_lead_between_the_boxes(graph):
    placed = layout(graph, 36, 14)
    for layer in placed.layers:
        for one, other in itertools.pairwise(layer):
            assert placed.heights[other] - placed.heights[one] > 13.9
    ends = {(source[0], target[0]) for source, target in placed.ways if target[1] < 0}
    edges = {
        (link[0], node_id)
        for node_id, node in graph.items()
        for link in node["inputs"].values()
        if link[0] in graph and link[0] != node_id
    }
    assert ends <= edges


def test_a_circle_is_drawn_as_far_as_it_goes():
    graph = chain(3)
    graph["0"]["inputs"]["it"] = ["2", 0]
    assert len(boxes(picture(graph))) == 3


def test_strings_of_a_graph_are_text():
    graph = {"1": {"class_type": "<b>", "inputs": {}, "_meta": {"title": '"><script>x</script>&'}}}
    shown = picture(graph, {"1": ["<i>mark"]})
    assert "<script>" not in shown
    assert "<i>" not in shown
    root = svg(shown)
    assert root.find(f".//{SVG}title").text == '"><script>x</script>& · node 1 · <b>'
    assert "<i>mark" in texts(shown)


@pytest.mark.parametrize("title", ["W" * 80, "長い題名" * 10, "a" * 60, "il" * 60])
def test_long_titles_are_cut_and_told_in_full_on_hover(title):
    graph = {"1": {"class_type": "Node", "_meta": {"title": title}}}
    shown = picture(graph)
    assert texts(shown)[0].endswith("…")
    assert len(texts(shown)[0]) < 40
    assert title in svg(shown).find(f".//{SVG}title").text


def test_of_many_nodes_there_is_a_count():
    assert len(boxes(picture(chain(MOST_NODES)))) == MOST_NODES
    shown = picture(chain(MOST_NODES + 1))
    assert f"{MOST_NODES + 1} nodes" in shown
    assert "<svg" not in shown
    assert "10000 nodes" in picture(chain(10_000))


def test_it_takes_its_colours_from_the_page():
    shown = picture(wan(), {"6": ["prompt"]})
    colours = set(re.findall(r'(?:fill|stroke)="([^"]+)"', shown)) - {"none", "currentColor"}
    assert colours == {"var(--jp-brand-color1,#1e88e5)"}


def test_it_says_what_it_is_to_those_who_cannot_see_it():
    assert svg(picture(wan())).get("role") == "img"
    assert svg(picture(wan())).get("aria-label") == "Graph of 11 nodes, which ends in SaveVideo"
