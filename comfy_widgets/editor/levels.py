"""A workflow as ComfyUI's editor saves it: its nodes and links, level by level where subgraphs are nested (pure)."""

import re
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from comfy_widgets.editor.shape import SAVE_AGAIN, definitions
from comfy_widgets.editor.values import Node, is_control, saved
from comfy_widgets.errors import WorkflowError

MUTED, BYPASSED = 2, 4
# Old proxies name a widget of a nested subgraph as "23: text".
_PREFIX = re.compile(r"^\s*\d+\s*:\s*")
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")


class Link(NamedTuple):
    """Where a link starts and ends."""

    origin: str
    slot: int
    target: str
    target_slot: int


@dataclass(eq=False)
class Level:
    """One graph of the editor in one place: the workflow itself, or a subgraph where a node stands for it.

    Attributes
    ----------
    saved
        The graph as it was saved.
    host
        The node that stands for it one level further out, None for the workflow itself.
    outer
        The level of that node.
    path
        What the ids of its nodes begin with: ``"19:"``, and ``"19:7:"`` one level deeper.
    shown
        The values that the host shows for the subgraph's inputs, by name.
    proxied
        The values that the host shows for widgets inside, by node id and name.
    """

    saved: Mapping[str, Any]
    host: Node | None = None
    outer: "Level | None" = None
    path: str = ""
    shown: dict[str, Any] = field(default_factory=dict)
    proxied: dict[tuple[str, str], Any] = field(default_factory=dict)

    @cached_property
    def nodes(self) -> dict[str, Node]:
        """The nodes by id."""
        found: dict[str, Node] = {}
        for node in self.saved.get("nodes") or []:
            if str(node["id"]) in found:
                raise WorkflowError(f"Two nodes have the id {self.path}{node['id']}.", hint=SAVE_AGAIN)
            found[str(node["id"])] = node
        return found

    @cached_property
    def links(self) -> dict[str, Link]:
        """The links by id, from both forms in which they are saved."""
        return {key: link for entry in self.saved.get("links") or [] for key, link in _link(entry)}

    @cached_property
    def entrance(self) -> str:
        """The id by which links start at the subgraph's inputs."""
        return str((self.saved.get("inputNode") or {}).get("id", -10))

    @cached_property
    def exit(self) -> str:
        """The id by which links end at the subgraph's outputs."""
        return str((self.saved.get("outputNode") or {}).get("id", -20))

    @cached_property
    def results(self) -> dict[int, str]:
        """The link that leads to each output of the subgraph."""
        found: dict[int, str] = {}
        for key, link in self.links.items():
            if link.target == self.exit:
                found.setdefault(link.target_slot, key)
        return found

    @cached_property
    def setters(self) -> dict[tuple[str, str], list[Node]]:
        """The nodes that keep a value under a name for getters, by class and name."""
        found: dict[tuple[str, str], list[Node]] = {}
        for node in self.nodes.values():
            name = first_word(node)
            if name and is_setter(node):
                found.setdefault((str(node["type"]).lower(), name), []).append(node)
        return found

    def input_name(self, slot: int) -> str | None:
        """What an input of the subgraph is called."""
        inputs = self.saved.get("inputs") or []
        return str(inputs[slot].get("name")) if 0 <= slot < len(inputs) else None

    @cached_property
    def entries(self) -> dict[str, Mapping[str, Any]]:
        """The inputs that the host was saved with, by name."""
        return {str(entry.get("name")): entry for entry in (self.host or {}).get("inputs") or []}


def _link(entry: Any) -> Iterator[tuple[str, Link]]:
    if isinstance(entry, Mapping):
        parts = [entry.get(name) for name in ("id", "origin_id", "origin_slot", "target_id", "target_slot")]
    else:
        parts = list(entry[:5]) if isinstance(entry, list) else []
    match parts:
        case [key, origin, int(slot), target, int(target_slot)] if min(slot, target_slot) >= 0:
            yield str(key), Link(str(origin), slot, str(target), target_slot)


def first_word(node: Node) -> str | None:
    """The first text that a node was saved with: what a setter and its getters call their value."""
    values = saved(node)
    found = values.values() if isinstance(values, dict) else values
    return next((value for value in found if isinstance(value, str) and value), None)


def is_setter(node: Node) -> bool:
    """Whether a node has a setter's shape: "set" in its class, and one input that is called by its type."""
    inputs = node.get("inputs") or []
    if len(inputs) != 1 or len(node.get("outputs") or []) > 1:
        return False
    called = inputs[0].get("name") in (inputs[0].get("type"), "*")
    return called and "set" in [word.lower() for word in _WORDS.findall(node["type"])]


def is_getter(node: Node) -> bool:
    """Whether a node has a getter's shape: "get" in its class, a name, and no input."""
    named = "get" in [word.lower() for word in _WORDS.findall(node["type"])] and first_word(node) is not None
    return named and not node.get("inputs")


class Subgraphs:
    """The subgraphs that a workflow brings along, wherever they are defined.

    Parameters
    ----------
    workflow
        As it was saved.
    """

    def __init__(self, workflow: Mapping[str, Any]) -> None:
        self.definitions: dict[str, Mapping[str, Any]] = {}
        waiting: list[Mapping[str, Any]] = [workflow]
        while waiting:
            for definition in definitions(waiting.pop()):
                self.definitions[str(definition.get("id"))] = definition
                waiting.append(definition)
        self._levels: dict[tuple[int, str], Level] = {}

    def stands_for(self, node: Node) -> bool:
        """Whether a node stands for a subgraph."""
        return node["type"] in self.definitions

    def inside(self, level: Level, node: Node) -> Level:
        """The level behind a node that stands for a subgraph.

        Raises
        ------
        WorkflowError
            If the subgraph contains itself.
        """
        key = (id(level), str(node["id"]))
        if key not in self._levels:
            definition = self.definitions[node["type"]]
            around: Level | None = level
            while around is not None:
                if around.saved is definition:
                    raise WorkflowError(
                        f"The subgraph {definition.get('name') or node['type']!r} contains itself, at node "
                        f"{level.path}{node['id']}.",
                        hint="Open the workflow in ComfyUI and remove that node.",
                    )
                around = around.outer
            inner = Level(definition, node, level, f"{level.path}{node['id']}:")
            _promote(inner)
            self._levels[key] = inner
        return self._levels[key]


def _promote(level: Level) -> None:
    """Read the values that a host shows for what is inside: by proxies in older files, by its inputs in newer ones."""
    host = level.host or {}
    values = saved(host)
    proxies = _proxies(host)
    if proxies:
        listed = list(values) if isinstance(values, list) else list(values.values())
        for (node_id, name), value in zip(proxies, listed, strict=False):
            _place(level, node_id, name, value)
    elif isinstance(values, dict):
        level.shown |= {name: values[name] for name in _promoted(level) if values.get(name) is not None}
    else:
        level.shown |= dict(_in_order(_promoted(level), values))
    if level.outer is not None:
        # The host further out shows the value of a widget that this host only passes on.
        for (node_id, name), value in level.outer.proxied.items():
            if node_id == str(host.get("id")):
                _place_by_name(level, _PREFIX.sub("", name), value)


def _proxies(host: Node) -> list[tuple[str, str]]:
    told = (host.get("properties") or {}).get("proxyWidgets")
    entries = told if isinstance(told, list) else []
    return [(str(one[0]), str(one[1])) for one in entries if isinstance(one, list) and len(one) > 1]


def _place(level: Level, node_id: str, name: str, value: Any) -> None:
    if value is None:
        return
    if node_id == "-1":
        level.shown[name] = value
    else:
        level.proxied[node_id, name] = value


def _place_by_name(level: Level, name: str, value: Any) -> None:
    if any(entry.get("name") == name for entry in level.saved.get("inputs") or []):
        level.shown[name] = value
        return
    for node_id, inner in _proxies(level.host or {}):
        if inner == name:
            _place(level, node_id, inner, value)


def _promoted(level: Level) -> list[str]:
    """The inputs of a subgraph that show a widget of a node inside, in order."""
    shown = {
        link.slot
        for key, link in level.links.items()
        if link.origin == level.entrance and (node := level.nodes.get(link.target)) is not None
        for entry in node.get("inputs") or []
        if str(entry.get("link")) == key and entry.get("widget")
    }
    inputs = level.saved.get("inputs") or []
    return [str(entry.get("name")) for slot, entry in enumerate(inputs) if slot in shown]


def _in_order(names: list[str], values: list[Any]) -> Iterator[tuple[str, Any]]:
    # Some files keep the control of a seed beside it, though it is no input.
    controls = len(values) > len(names)
    rest = deque(values)
    for name in names:
        value = rest.popleft() if rest else None
        if value is not None:
            yield name, value
        if controls and isinstance(value, int | float) and rest and is_control(rest[0]):
            rest.popleft()
