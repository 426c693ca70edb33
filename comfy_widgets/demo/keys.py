"""What a node's result depends on, as a hash: equal hashes share one result."""

import hashlib
import json
import math
import uuid
from typing import Any

from comfy_widgets.demo.context import World
from comfy_widgets.demo.graph import Graph, is_link


class Signatures:
    """The hashes of a graph's nodes: of the class, the inputs and everything upstream, never of node ids.

    Parameters
    ----------
    graph
        The graph.
    world
        What nodes may look at to tell whether something changed on disk.
    """

    def __init__(self, graph: Graph, world: World) -> None:
        self._graph = graph
        self._world = world
        self._known: dict[str, str] = {}

    def of(self, node_id: str) -> str:
        """The hash of a node; of one whose graph is broken, a hash that equals no other."""
        if node_id not in self._known:
            # A cycle comes back here before its hash is known; it never runs, so any hash will do.
            self._known[node_id] = uuid.uuid4().hex
            self._known[node_id] = self._hash(node_id)
        return self._known[node_id]

    def _hash(self, node_id: str) -> str:
        node = self._graph[node_id]
        node_type = self._world.nodes.get(node.get("class_type", ""))
        inputs: dict[str, Any] = node.get("inputs", {})
        if node_type is None or any(is_link(value) and value[0] not in self._graph for value in inputs.values()):
            return uuid.uuid4().hex
        literal = {name: value for name, value in inputs.items() if not is_link(value)}
        changed = node_type().changed(self._world, literal)
        if isinstance(changed, float) and math.isnan(changed):
            changed = uuid.uuid4().hex
        facts = [
            node_type.name,
            changed,
            sorted(
                [name, [self.of(value[0]), value[1]] if is_link(value) else ["=", value]]
                for name, value in inputs.items()
            ),
        ]
        return hashlib.sha256(json.dumps(facts, default=str).encode()).hexdigest()
