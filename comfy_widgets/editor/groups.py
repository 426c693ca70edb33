"""Group nodes, which ComfyUI's editor had before subgraphs: each becomes a subgraph of its own (pure).

A group node shows the free inputs and outputs of the nodes in it, and their widgets, one after the other, without
saying which is whose. Where the counts do not add up, it stays what it is, and the conversion names it.
"""

import re
from collections.abc import Mapping
from typing import Any, TypeGuard

from comfy_widgets.editor.shape import definitions, node_damages
from comfy_widgets.editor.values import Node

_PREFIX = re.compile(r"^workflow[>/]")


def name_of(node: Node, workflow: Mapping[str, Any]) -> str | None:
    """The group that a node stands for."""
    name = _PREFIX.sub("", node["type"])
    return name if name != node["type"] and name in _groups(workflow) else None


def as_subgraphs(workflow: Mapping[str, Any]) -> Mapping[str, Any]:
    """The workflow with a subgraph for each group node that can be read."""
    if not _groups(workflow):
        return workflow
    nodes, found = [], []
    for node in workflow["nodes"]:
        name = name_of(node, workflow)
        definition = _definition(node, _groups(workflow)[name], f"group node {node['id']}") if name else None
        nodes.append({**node, "type": definition["id"]} if definition else node)
        found += [definition] if definition else []
    # What the host shows has gone to the nodes inside, so it must not count twice.
    hosts = {definition["id"] for definition in found}
    nodes = [{**node, "widgets_values": []} if node["type"] in hosts else node for node in nodes]
    return {**workflow, "nodes": nodes, "definitions": {"subgraphs": [*definitions(workflow), *found]}}


def _groups(workflow: Mapping[str, Any]) -> Mapping[str, Any]:
    groups = (workflow.get("extra") or {}).get("groupNodes")
    return groups if isinstance(groups, Mapping) else {}


def _definition(host: Node, group: Any, key: str) -> dict[str, Any] | None:
    if not _is_group(group):
        return None
    inside = [link for link in group["links"] if _is_inside(link, group["nodes"])]
    nodes = _with_values(host, group["nodes"])
    entries = [entry for entry in host.get("inputs") or [] if not entry.get("widget")]
    free = _free_inputs(group["nodes"], {(link[2], link[3]) for link in inside})
    given = _free_outputs(group, {(link[0], link[1]) for link in inside})
    if nodes is None or len(free) != len(entries) or len(given) != len(host.get("outputs") or []):
        return None
    links = [[*link[:4], "*"] for link in inside]
    links += [[-10, slot, *target, "*"] for slot, target in enumerate(free)]
    links += [[*source, -20, slot, "*"] for slot, source in enumerate(given)]
    for number, (_, _, target, slot, _) in enumerate(links):
        if target != -20:
            nodes[target]["inputs"][slot]["link"] = number
    return {
        "id": key,
        "name": key,
        "nodes": nodes,
        "links": [[number, *link] for number, link in enumerate(links)],
        "inputs": [{"name": entry.get("name"), "type": entry.get("type")} for entry in entries],
        "outputs": [{"name": entry.get("name"), "type": entry.get("type")} for entry in host.get("outputs") or []],
    }


def _is_group(group: Any) -> TypeGuard[Mapping[str, Any]]:
    # Inputs that a person hid, as config tells, are counted nowhere.
    if not isinstance(group, Mapping) or group.get("config"):
        return False
    lists = [group.get("nodes"), group.get("links"), group.get("external") or []]
    return all(isinstance(one, list) for one in lists) and not any(
        damage
        for node in group["nodes"]
        for damage in node_damages("it", {**node, "id": 0} if isinstance(node, Mapping) else node)
    )


def _is_inside(link: Any, nodes: list[Node]) -> bool:
    """Whether a link of a group leads from one of its nodes to another; to others there are only halves."""
    match link:
        case [int(source), int(slot), int(target), int(place), *_] if min(source, slot, target, place) >= 0:
            return (
                max(source, target) < len(nodes)
                and slot < len(nodes[source].get("outputs") or [])
                and place < len(nodes[target].get("inputs") or [])
            )
    return False


def _with_values(host: Node, nodes: list[Node]) -> list[dict[str, Any]] | None:
    """The nodes of a group with what the host shows for their widgets."""
    shown = host.get("widgets_values") or []
    own = [node.get("widgets_values") or [] for node in nodes]
    if not all(isinstance(values, list) for values in [shown, *own]) or (shown and len(shown) != sum(map(len, own))):
        return None
    rest = iter(shown or [value for values in own for value in values])
    return [
        {
            **node,
            "id": number,
            "inputs": [{**entry, "link": None} for entry in node.get("inputs") or []],
            "widgets_values": [next(rest) for _ in values],
        }
        for number, (node, values) in enumerate(zip(nodes, own, strict=True))
    ]


def _free_inputs(nodes: list[Node], taken: set[tuple[int, int]]) -> list[tuple[int, int]]:
    slots = [(number, slot) for number, node in enumerate(nodes) for slot, _ in enumerate(node.get("inputs") or [])]
    return [place for place in slots if place not in taken]


def _free_outputs(group: Mapping[str, Any], used: set[tuple[int, int]]) -> list[tuple[int, int]]:
    outside = [told[:2] for told in group.get("external") or [] if isinstance(told, list)]
    return [
        (number, slot)
        for number, node in enumerate(group["nodes"])
        for slot, _ in enumerate(node.get("outputs") or [])
        if (number, slot) not in used or [number, slot] in outside
    ]
