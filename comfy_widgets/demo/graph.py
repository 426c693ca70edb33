"""A prompt's graph while it runs: its nodes, those that were expanded into it, and which may run next."""

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

Link: TypeAlias = list[Any]


def is_link(value: Any) -> bool:
    """Whether an input's value is a link ``[node_id, slot]``."""
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], int)


class Graph:
    """The nodes of one prompt, and the ones that nodes expanded into.

    Parameters
    ----------
    nodes
        The graph as it was posted.
    """

    def __init__(self, nodes: dict[str, Any]) -> None:
        self.posted = nodes
        self._expanded: dict[str, dict[str, Any]] = {}
        self._parents: dict[str, str] = {}

    def __getitem__(self, node_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self._expanded[node_id] if node_id in self._expanded else self.posted[node_id]
        return found

    def __contains__(self, node_id: str) -> bool:
        return node_id in self._expanded or node_id in self.posted

    def add(self, node_id: str, node: dict[str, Any], parent: str) -> None:
        """Add a node that `parent` expanded into."""
        self._expanded[node_id] = node
        self._parents[node_id] = parent

    def parent(self, node_id: str) -> str | None:
        """The node that this one was expanded from."""
        return self._parents.get(node_id)

    def display(self, node_id: str) -> str:
        """The posted node that people see at work for this one."""
        while node_id in self._parents:
            node_id = self._parents[node_id]
        return node_id

    def real(self, node_id: str) -> str:
        """The posted node that a node was made for; ComfyUI gives its parent's name here."""
        return self.display(node_id)

    def names(self, node_id: str) -> dict[str, str | None]:
        """The four names that history and previews give a node."""
        return {
            "node_id": node_id,
            "display_node": self.display(node_id),
            "parent_node": self.parent(node_id),
            "real_node_id": self.real(node_id),
        }

    def sources(self, node_id: str) -> Iterator[str]:
        """The nodes that feed this one, an id for each link."""
        for value in self[node_id].get("inputs", {}).values():
            if is_link(value):
                yield value[0]


class CycleError(Exception):
    """Nodes wait for one another."""


class Schedule:
    """The nodes that still have to run, and the order that ComfyUI would take.

    Parameters
    ----------
    graph
        The graph.
    is_done
        Whether a node's outputs are known already.
    is_eager
        Whether a node is an output node or runs beside others; such nodes go first.
    """

    def __init__(self, graph: Graph, is_done: Callable[[str], bool], is_eager: Callable[[str], bool]) -> None:
        self._graph = graph
        self._is_done = is_done
        self._is_eager = is_eager
        self._waits: dict[str, set[str]] = {}
        self._feeds: dict[str, list[str]] = {}
        self._paused: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self._waits)

    def add(self, node_id: str) -> None:
        """Schedule a node and everything it needs that is not done."""
        open_ids = [node_id]
        while open_ids:
            current = open_ids.pop()
            if current in self._waits:
                continue
            self._waits[current] = set()
            self._feeds.setdefault(current, [])
            for source in self._graph.sources(current):
                if not self._is_done(source):
                    open_ids.append(source)
                    self.hold(current, source)

    def hold(self, node_id: str, source: str) -> None:
        """Let a node wait for another one."""
        if source not in self._waits[node_id]:
            self._waits[node_id].add(source)
            self._feeds.setdefault(source, []).append(node_id)

    def pick(self) -> str | None:
        """The node to run next; None while all that could run are paused.

        Raises
        ------
        CycleError
            If nothing can ever run.
        """
        ready = [node_id for node_id, waits in self._waits.items() if not waits and node_id not in self._paused]
        if not ready:
            if self._paused:
                return None
            raise CycleError
        return self._first_eager(ready) or ready[0]

    def _first_eager(self, ready: list[str]) -> str | None:
        """The first ready node that is eager, else that feeds an eager one, else that is two links away from one."""
        if found := next(filter(self._is_eager, ready), None):
            return found
        distances: list[Callable[[str], list[str]]] = [
            lambda node_id: self._feeds[node_id],
            lambda node_id: [far for near in self._feeds[node_id] for far in self._feeds[near]],
        ]
        for reach in distances:
            for node_id in ready:
                if any(self._is_eager(fed) for fed in reach(node_id)):
                    return node_id
        return None

    def done(self, node_id: str) -> None:
        """A node has run: those it feeds wait for it no longer."""
        for fed in self._feeds.pop(node_id, []):
            self._waits[fed].discard(node_id)
        del self._waits[node_id]

    def pause(self, node_id: str) -> None:
        """A node works in the background; others may run."""
        self._paused.add(node_id)

    def resume(self, node_id: str) -> None:
        """A paused node may be picked again."""
        self._paused.discard(node_id)

    def stuck(self) -> str:
        """The node to blame for a cycle: the posted one that was expanded into it, else the first that is in it."""
        cycle = [node_id for node_id in self._waits if self._waits_for_itself(node_id)]
        expanded = (self._graph.display(node_id) for node_id in cycle if self._graph.display(node_id) != node_id)
        return next(expanded, cycle[0])

    def _waits_for_itself(self, node_id: str) -> bool:
        """Whether a way leads from a node through what it waits for back to it."""
        open_ids, seen = list(self._waits[node_id]), set[str]()
        while open_ids:
            current = open_ids.pop()
            if current == node_id:
                return True
            if current not in seen:
                seen.add(current)
                open_ids += self._waits.get(current, ())
        return False
