"""The key names what a graph makes, and nothing else."""

import copy
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comfy_widgets.errors import WorkflowError
from comfy_widgets.graphs import fingerprint, key
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


@given(st.permutations(sorted(wan())))
def test_node_ids_and_their_order_do_not_matter(order):
    names = {old: f"n{new}" for old, new in zip(sorted(wan()), order, strict=True)}
    assert fingerprint(renumbered(wan(), names)) == fingerprint(wan())


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
