"""The key names what a graph makes, and nothing else."""

import copy
import json
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comfy_widgets.errors import WorkflowError
from comfy_widgets.graphs import _plain, fingerprint, key, links, upstream
from tests.lib.graphs import wan


def renumbered(graph, names):
    """The same graph under other node ids, in another order."""

    def told(value):
        return [names[value[0]], value[1]] if isinstance(value, list) else value

    nodes = [
        (names[node_id], {**node, "inputs": {name: told(value) for name, value in node["inputs"].items()}})
        for node_id, node in graph.items()
    ]
    return dict(reversed(nodes))


VALUES = st.one_of(
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.none(),
    st.text(max_size=4),
    st.dictionaries(st.text(max_size=3), st.integers(0, 3), max_size=2),
    st.builds(lambda value: {"__value__": value}, st.lists(st.integers(0, 3), max_size=3)),
)
CLASSES = st.sampled_from(["KSampler", "CLIPTextEncode", "VAEDecode"])


@st.composite
def graphs(draw):
    """A graph of nodes that have values and links to earlier ones, of which the last is saved."""
    graph = {}
    for number in range(draw(st.integers(1, 6))):
        values = draw(st.dictionaries(st.sampled_from(["text", "seed", "für", "x.y"]), VALUES, max_size=3))
        sources = draw(st.lists(st.sampled_from(sorted(graph)), max_size=3)) if graph else []
        linked = {f"in{place}": [source, draw(st.integers(0, 1))] for place, source in enumerate(sources)}
        graph[f"{number}"] = {"class_type": draw(CLASSES), "inputs": values | linked}
    saved = {"images": [max(graph), 0], "filename_prefix": draw(st.text(max_size=3))}
    return graph | {"save": {"class_type": "SaveVideo", "inputs": saved}}


@settings(max_examples=60)
@given(graphs(), st.randoms(use_true_random=False))
def test_node_ids_and_their_order_do_not_matter(graph, random):
    ids = [f"n{number}" for number in range(len(graph))]
    random.shuffle(ids)
    other = renumbered(graph, dict(zip(graph, ids, strict=True)))
    nodes = list(other.items())
    random.shuffle(nodes)
    assert fingerprint(dict(nodes)) == fingerprint(graph)


@settings(max_examples=60)
@given(graphs(), st.text(max_size=5))
def test_titles_do_not_matter(graph, title):
    titled = {node_id: {**node, "_meta": {"title": title, "cnr_id": "x"}} for node_id, node in graph.items()}
    assert fingerprint(titled) == fingerprint(graph)


@settings(max_examples=60)
@given(graphs(), st.data())
def test_previews_and_leftovers_do_not_matter(graph, data):
    source = data.draw(st.sampled_from(sorted(graph)))
    between = {"class_type": "ImageInvert", "inputs": {"image": [source, 0], "x": data.draw(VALUES)}}
    preview = {"class_type": "PreviewImage", "inputs": {"images": ["between", 0]}}
    leftover = {"class_type": "LoadImage", "inputs": {"image": "left over"}}
    assert fingerprint(graph | {"between": between, "preview": preview, "left": leftover}) == fingerprint(graph)


@settings(max_examples=60)
@given(graphs())
def test_a_whole_number_is_itself_with_and_without_its_point(graph):
    def pointed(value):
        match value:
            case bool():
                return value
            case int() if not isinstance(value, bool):
                return float(value)
            case float() if value.is_integer():
                return int(value)
            case dict():
                return {name: pointed(inner) for name, inner in value.items()}
        return value

    other = {node_id: {**node, "inputs": pointed(node["inputs"])} for node_id, node in graph.items()}
    assert fingerprint(other) == fingerprint(graph)


@settings(max_examples=60)
@given(graphs(), st.data())
def test_any_input_that_reaches_the_output_matters(graph, data):
    reached = [node_id for node_id in upstream(graph, ["save"]) if node_id != "save"]
    node_id = data.draw(st.sampled_from(reached))
    inputs = graph[node_id]["inputs"]
    name = data.draw(st.sampled_from([*sorted(inputs), "new"]))
    if name in links(graph, node_id):
        source, slot = inputs[name]
        value = data.draw(st.one_of(st.just([source, 1 - slot]), VALUES))
    else:
        value = data.draw(VALUES.filter(lambda value: name not in inputs or plain(value) != plain(inputs[name])))
    changed = {**graph, node_id: {**graph[node_id], "inputs": {**inputs, name: value}}}
    assert fingerprint(changed) != fingerprint(graph)


@settings(max_examples=60)
@given(graphs(), st.data())
def test_the_class_of_what_reaches_the_output_matters(graph, data):
    node_id = data.draw(st.sampled_from([*upstream(graph, ["save"])]))
    changed = {**graph, node_id: {**graph[node_id], "class_type": "Other"}}
    assert fingerprint(changed) != fingerprint(graph)


def plain(value):
    """What a value means: 5 and 5.0 are one, true and 1 are not, and letters are composed."""
    return json.dumps(_plain(value), sort_keys=True)


@pytest.mark.parametrize(
    ("node", "field", "value"),
    [
        ("6", "text", "a Hill"),
        ("3", "seed", 2),
        ("3", "cfg", 5.5),
        ("55", "length", 13),
        ("57", "fps", 25.0),
        ("37", "unet_name", "x"),
    ],
)
def test_every_value_matters(node, field, value):
    graph = wan()
    graph[node]["inputs"][field] = value
    assert fingerprint(graph) != fingerprint(wan())


def test_the_slot_of_a_link_matters():
    graph = wan()
    graph["57"]["inputs"]["images"] = ["8", 1]
    assert fingerprint(graph) != fingerprint(wan())


def test_what_makes_nothing_does_not_matter():
    graph = wan()
    graph["58"]["inputs"]["filename_prefix"] = "elsewhere"
    graph["6"]["_meta"] = {"title": "Renamed"}
    graph["90"] = {"class_type": "PreviewImage", "inputs": {"images": ["8", 0]}}
    graph["91"] = {"class_type": "LoadImage", "inputs": {"image": "muted.png"}}
    assert fingerprint(graph) == fingerprint(wan())


def test_a_linked_file_name_does_not_matter_either():
    graph = wan()
    graph["92"] = {"class_type": "PrimitiveString", "inputs": {"value": "video/a"}}
    graph["58"]["inputs"]["filename_prefix"] = ["92", 0]
    assert fingerprint(graph) == fingerprint(wan())


def test_numbers_and_letters_are_compared_by_what_they_mean():
    one, two = wan(), wan()
    one["57"]["inputs"]["fps"], two["57"]["inputs"]["fps"] = 24, 24.0
    one["6"]["inputs"]["text"] = unicodedata.normalize("NFD", "für Élise")
    two["6"]["inputs"]["text"] = unicodedata.normalize("NFC", "für Élise")
    assert fingerprint(one) == fingerprint(two)


def test_true_is_not_one():
    one, two = wan(), wan()
    one["3"]["inputs"]["flag"], two["3"]["inputs"]["flag"] = True, 1
    assert fingerprint(one) != fingerprint(two)


def test_a_lone_surrogate_has_a_key():
    graph = wan()
    graph["6"]["inputs"]["text"] = "broken \ud83c emoji"
    assert len(fingerprint(graph)) == 64


def test_a_simulated_clip_has_another_key_than_a_real_take():
    assert key(fingerprint(wan()), "demo") != key(fingerprint(wan()), "comfyui")


def test_a_graph_without_a_saving_node_is_named_by_its_ends():
    graph = {"1": {"class_type": "A", "inputs": {"x": 1}}, "2": {"class_type": "B", "inputs": {"a": ["1", 0]}}}
    other = copy.deepcopy(graph)
    other["1"]["inputs"]["x"] = 2
    assert fingerprint(graph) != fingerprint(other)


def test_a_circle_is_an_error_that_names_a_node():
    graph = wan()
    graph["37"]["inputs"]["unet_name"] = ["8", 0]
    with pytest.raises(WorkflowError, match="depends on itself"):
        fingerprint(graph)


def test_a_long_chain_is_no_trouble():
    graph = {str(n): {"class_type": "A", "inputs": {"a": [str(n - 1), 0] if n else 1}} for n in range(5000)}
    assert len(fingerprint(graph)) == 64
