"""What feeds an input of a node in ComfyUI's editor, followed through all that only the editor knows (pure).

Reroutes, primitives, setters and getters, bypassed nodes and the borders of subgraphs are not in a graph that a server
gets. They are told by their shape, not by their class: a server's class names every input, so one without a name is the
editor's.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, NamedTuple

from comfy_widgets.editor.levels import BYPASSED, MUTED, Level, Link, Subgraphs, first_word, is_setter
from comfy_widgets.editor.values import MISSING, Node, saved
from comfy_widgets.errors import WorkflowError

_ANY = ("*", "", "0", "None")


class Role(Enum):
    """What a node is to the graph."""

    CLASS = auto()
    SUBGRAPH = auto()
    NOTE = auto()
    REROUTE = auto()
    PRIMITIVE = auto()
    SETTER = auto()
    GETTER = auto()
    UNKNOWN = auto()


class Output(NamedTuple):
    """An output of a node that the graph has."""

    node_id: str
    slot: int


@dataclass(frozen=True)
class Value:
    """A value that stands in for a link: a primitive's, or one that a subgraph shows for its input."""

    value: Any


class Gone(NamedTuple):
    """A link that leads to a muted node: the input goes with it."""


Source = Output | Value | Gone | None


class _Step(NamedTuple):
    """A link to be followed, and the type that is asked for at its end."""

    level: Level
    key: str
    kind: str


class Roles:
    """Tells what nodes are.

    Parameters
    ----------
    subgraphs
        Those of the workflow.
    classes
        The classes of the server.
    """

    def __init__(self, subgraphs: Subgraphs, classes: Mapping[str, Any]) -> None:
        self.subgraphs = subgraphs
        self._classes = classes

    def of(self, level: Level, node: Node) -> Role:
        """What a node is; `Role.UNKNOWN` where it is neither a class of the server nor of an editor's shape."""
        if self.subgraphs.stands_for(node):
            return Role.SUBGRAPH
        if node["type"] in self._classes:
            return Role.CLASS
        inputs, outputs = node.get("inputs") or [], node.get("outputs") or []
        if not any(entry.get("link") is not None for entry in inputs) and not any(one.get("links") for one in outputs):
            # Linked to nothing, it says nothing to anybody, whatever it is.
            return Role.NOTE
        if len(inputs) <= 1 and len(outputs) <= 1:
            return self._of_shape(level, node, inputs, outputs)
        return Role.UNKNOWN

    def _of_shape(self, level: Level, node: Node, inputs: list[Any], outputs: list[Any]) -> Role:
        if inputs and outputs and not inputs[0].get("name"):
            return Role.REROUTE
        if is_setter(node) and first_word(node):
            return Role.SETTER
        if not inputs and outputs[0].get("widget"):
            return Role.PRIMITIVE
        if not inputs and self.setter(level, node) is not None:
            return Role.GETTER
        return Role.UNKNOWN

    @staticmethod
    def setter(level: Level, getter: Node) -> tuple[Level, Node] | None:
        """The setter whose value a getter gives: its class is the getter's with set for get, and both have one name."""
        kind, name = str(getter["type"]).lower(), first_word(getter)
        around: Level | None = level
        while around is not None and name and "get" in kind:
            nodes = around.setters.get((kind.replace("get", "set", 1), name), [])
            if len(nodes) > 1:
                ids = " and ".join(f"{around.path}{node['id']}" for node in nodes)
                raise WorkflowError(
                    f"Nodes {ids} both set {name!r}, which node {level.path}{getter['id']} gets.",
                    hint="Give them different names in ComfyUI and save the workflow again.",
                )
            if nodes:
                return around, nodes[0]
            around = around.outer
        return None


class Links:
    """Follows links to what feeds them.

    Parameters
    ----------
    roles
        What the nodes are.
    """

    def __init__(self, roles: Roles) -> None:
        self._roles = roles
        self._ways: dict[Role, Callable[[_Step, Node, int], Source | _Step]] = {
            Role.CLASS: lambda step, node, slot: Output(f"{step.level.path}{node['id']}", slot),
            Role.SUBGRAPH: self._into,
            Role.REROUTE: self._back,
            Role.SETTER: self._back,
            Role.GETTER: self._to_setter,
            Role.PRIMITIVE: self._primitive,
            # The graph does not come about with such a node in it, but all of them are to be named at once.
            Role.UNKNOWN: lambda step, node, slot: Output(f"{step.level.path}{node['id']}", slot),
        }

    def source(self, level: Level, entry: Mapping[str, Any]) -> Source:
        """What feeds an input of a node: an output, a value, or None where nothing does.

        Parameters
        ----------
        level
            Where the node is.
        entry
            The input as it was saved.

        Raises
        ------
        WorkflowError
            If links go round in a circle of nodes that only the editor knows.
        """
        step = _Step(level, str(entry.get("link")), str(entry.get("type")))
        seen: set[tuple[str, str]] = set()
        hosts: list[tuple[Level, str]] = []
        while (link := step.level.links.get(step.key)) is not None:
            if (step.level.path, step.key) in seen:
                raise WorkflowError(
                    f"Node {step.level.path}{link.target} depends on itself through its links.",
                    hint="Open the workflow in ComfyUI and cut the circle.",
                )
            seen.add((step.level.path, step.key))
            if link.origin == step.level.entrance and step.level.outer is not None:
                name = step.level.input_name(link.slot)
                outside = step.level.entries.get(name or "", {}).get("link")
                hosts.append((step.level, name or ""))
                if outside is None or str(outside) not in step.level.outer.links:
                    return _shown(hosts)
                step = _Step(step.level.outer, str(outside), step.kind)
                continue
            hosts.clear()
            after = self._through(step, link)
            if not isinstance(after, _Step):
                return after
            step = after
        return None

    def _through(self, step: _Step, link: Link) -> Source | _Step:
        node = step.level.nodes.get(link.origin)
        if node is None:
            return None
        if node.get("mode") == MUTED:
            return Gone()
        if node.get("mode") == BYPASSED:
            entry = _passed_on(node, link.slot, step.kind)
            return _Step(step.level, str(entry.get("link")), str(entry.get("type"))) if entry else None
        way = self._ways.get(self._roles.of(step.level, node))
        return way(step, node, link.slot) if way else None

    def _into(self, step: _Step, node: Node, slot: int) -> Source | _Step:
        inner = self._roles.subgraphs.inside(step.level, node)
        return _Step(inner, inner.results.get(slot, ""), step.kind)

    @staticmethod
    def _back(step: _Step, node: Node, slot: int) -> Source | _Step:  # noqa: ARG004 - all ways take the same
        return _Step(step.level, str(node["inputs"][0].get("link")), step.kind)

    def _to_setter(self, step: _Step, node: Node, slot: int) -> Source | _Step:
        found = self._roles.setter(step.level, node)
        if found is None:
            return None
        level, setter = found
        return Gone() if setter.get("mode") == MUTED else self._back(_Step(level, step.key, step.kind), setter, slot)

    @staticmethod
    def _primitive(step: _Step, node: Node, slot: int) -> Source:  # noqa: ARG004
        shown = [value for (node_id, _), value in step.level.proxied.items() if node_id == str(node["id"])]
        values = saved(node)
        own = next(iter(values.values() if isinstance(values, dict) else values), MISSING)
        value = shown[0] if shown else own
        return None if value is MISSING else Value(value)


def _shown(hosts: list[tuple[Level, str]]) -> Value | None:
    """The value that the outermost of nested hosts shows for an input that nothing feeds."""
    return next((Value(level.shown[name]) for level, name in reversed(hosts) if name in level.shown), None)


def _passed_on(node: Node, slot: int, kind: str) -> Mapping[str, Any] | None:
    """The input that a bypassed node passes on: in the same place, else of the type asked for, else one that fits."""
    inputs: list[Mapping[str, Any]] = node.get("inputs") or []
    outputs = node.get("outputs") or []
    if not inputs:
        return None
    if kind in _ANY:
        return inputs[slot] if slot < len(inputs) else inputs[0]
    given = str(outputs[slot].get("type")) if slot < len(outputs) else kind
    fitting = [one for one in inputs if _joins(str(one.get("type")), given) and _joins(str(one.get("type")), kind)]
    if slot < len(inputs) and any(entry is inputs[slot] for entry in fitting):
        return inputs[slot]
    return next((entry for entry in inputs if str(entry.get("type")) == kind), fitting[0] if fitting else None)


def _joins(one: str, other: str) -> bool:
    """Whether the editor lets two types be linked; a type can be several with commas between."""
    if one in _ANY or other in _ANY:
        return True
    return bool(set(one.lower().split(",")) & set(other.lower().split(",")))
