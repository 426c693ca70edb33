"""Where the nodes of a graph stand in its picture: layers from left to right, few crossings, straight ways (pure).

A link that passes over layers gets a spot in each of them, so that it leads between the boxes and not behind them.
All is settled by the graph's own order, so that the same graph always looks the same.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TypeVar

from comfy_widgets.graphs import Graph, links

K = TypeVar("K")

# A node's place is (its id, -1); where a link of it passes through layer n is (its id, n).
Spot = tuple[str, int]

_SWEEPS = 12


@dataclass(frozen=True)
class Layout:
    """Where everything stands, in units of boxes and gaps.

    Attributes
    ----------
    layers
        The spots of each layer from the top.
    ways
        From a spot to one of the next layer.
    heights
        The middle of each spot, from 0 at the top.
    """

    layers: list[list[Spot]]
    ways: list[tuple[Spot, Spot]]
    heights: Mapping[Spot, float]


def layout(graph: Graph, box: float, gap: float) -> Layout:
    """Place the nodes of a graph; links that close a circle are not followed.

    Parameters
    ----------
    graph
        In ComfyUI's API format.
    box, gap
        How high a box is, and how much is left free below it.
    """
    drawing = _Drawing(graph)
    drawing.untangle()
    return Layout(drawing.layers, drawing.ways, drawing.heights(box, gap))


@dataclass
class _Drawing:
    """A graph while its spots are ordered."""

    graph: Graph
    layers: list[list[Spot]] = field(default_factory=list)
    ways: list[tuple[Spot, Spot]] = field(default_factory=list)

    def __post_init__(self) -> None:
        edges = list(_edges(self.graph))
        layer = _layers(list(self.graph), edges)
        self.layers = [[] for _ in range(max(layer.values(), default=-1) + 1)]
        for node_id in self.graph:
            self.layers[layer[node_id]].append((node_id, -1))
        ways: dict[tuple[Spot, Spot], None] = {}
        for source, target in edges:
            before: Spot = (source, -1)
            for passed in range(layer[source] + 1, layer[target]):
                spot = (source, passed)
                if spot not in self.layers[passed]:
                    self.layers[passed].append(spot)
                ways[before, spot] = None
                before = spot
            ways[before, (target, -1)] = None
        self.ways = list(ways)
        self._left = _grouped((target, source) for source, target in self.ways)
        self._right = _grouped(self.ways)

    def untangle(self) -> None:
        """Order each layer by where its neighbours stand, to and fro, and keep what crosses least."""
        best, least = [list(layer) for layer in self.layers], self._crossings()
        for sweep in range(_SWEEPS):
            forward = sweep % 2 == 0
            neighbours = self._left if forward else self._right
            for number in self._order(forward=forward):
                place = self._places()
                # Sorting is stable: what has no neighbours on this side stays where it is.
                self.layers[number].sort(key=lambda spot: _mean(place[n] for n in neighbours.get(spot, [spot])))
            crossings = self._crossings()
            if crossings < least:
                best, least = [list(layer) for layer in self.layers], crossings
        self.layers = best

    def heights(self, box: float, gap: float) -> dict[Spot, float]:
        """The middle of each spot: as near to its neighbours as the others of its layer allow."""
        height = {spot: place * (box + gap) for spot, place in self._places(within=False).items()}
        for sweep in range(_SWEEPS):
            forward = sweep % 2 == 0
            for number in self._order(forward=forward):
                layer = self.layers[number]
                wanted = [self._wanted(spot, height, forward=forward) for spot in layer]
                sizes = [box if way < 0 else 0.0 for _, way in layer]
                steps = [(one + other) / 2 + gap for one, other in pairwise(sizes)]
                height |= zip(layer, _spaced(wanted, steps), strict=True)
        top = min((height[spot] for spot in height), default=0.0)
        return {spot: y - top for spot, y in height.items()}

    def _wanted(self, spot: Spot, height: Mapping[Spot, float], *, forward: bool) -> float:
        near = (self._left if forward else self._right).get(spot)
        return _mean(
            height[other] for other in near or [*self._left.get(spot, ()), *self._right.get(spot, ())] or [spot]
        )

    def _order(self, *, forward: bool) -> Iterable[int]:
        numbers = range(len(self.layers))
        return numbers if forward else reversed(numbers)

    def _places(self, *, within: bool = True) -> dict[Spot, float]:
        """Where each spot stands in its layer, as a share of it or counted from its middle."""
        return {
            spot: (number + 0.5) / len(layer) if within else number - len(layer) / 2
            for layer in self.layers
            for number, spot in enumerate(layer)
        }

    def _crossings(self) -> int:
        rank = {spot: number for layer in self.layers for number, spot in enumerate(layer)}
        crossings = 0
        for layer in self.layers:
            ends = sorted((rank[spot], rank[other]) for spot in layer for other in self._right.get(spot, ()))
            crossings += sum(
                ends[i][1] > end[1] and ends[i][0] < end[0] for n, end in enumerate(ends) for i in range(n)
            )
        return crossings


def _edges(graph: Graph) -> Iterator[tuple[str, str]]:
    """The links as (source, target), each pair once, without those that close a circle."""
    done: set[str] = set()
    for root in graph:
        way = {root: iter(sorted(set(links(graph, root).values()), key=list(graph).index))} if root not in done else {}
        while way:
            node_id = next(reversed(way))
            source = next(way[node_id], None)
            if source is None:
                done.add(node_id)
                del way[node_id]
            elif source not in way:
                yield source, node_id
                if source not in done:
                    way[source] = iter(sorted(set(links(graph, source).values()), key=list(graph).index))


def _layers(nodes: list[str], edges: list[tuple[str, str]]) -> dict[str, int]:
    """A layer for each node: right of all that it takes; what takes nothing stands beside its first taker."""
    takers, sources = _grouped(edges), _grouped((target, source) for source, target in edges)
    layer: dict[str, int] = {}
    missing = {node_id: len(sources.get(node_id, ())) for node_id in nodes}
    ready = [node_id for node_id in nodes if not missing[node_id]]
    for node_id in ready:
        layer[node_id] = max((layer[source] + 1 for source in sources.get(node_id, ())), default=0)
        for taker in takers.get(node_id, ()):
            missing[taker] -= 1
            if not missing[taker]:
                ready.append(taker)
    for node_id in nodes:
        if node_id in takers and node_id not in sources:
            layer[node_id] = min(layer[taker] for taker in takers[node_id]) - 1
    return layer


def _grouped(pairs: Iterable[tuple[K, K]]) -> dict[K, list[K]]:
    grouped: dict[K, list[K]] = {}
    for one, other in pairs:
        grouped.setdefault(one, []).append(other)
    return grouped


def _mean(numbers: Iterable[float]) -> float:
    listed = list(numbers)
    return sum(listed) / len(listed)


def _spaced(wanted: list[float], steps: list[float]) -> list[float]:
    """The nearest to what is wanted that keeps the order and these distances."""
    offsets = [0.0]
    for step in steps:
        offsets.append(offsets[-1] + step)
    # What would overlap moves together, to where its members want to be on average.
    blocks: list[tuple[float, int]] = []
    for want, offset in zip(wanted, offsets, strict=False):
        mean, count = want - offset, 1
        while blocks and blocks[-1][0] > mean:
            before, many = blocks.pop()
            mean, count = (before * many + mean * count) / (many + count), many + count
        blocks.append((mean, count))
    places = [mean for mean, count in blocks for _ in range(count)]
    return [place + offset for place, offset in zip(places, offsets, strict=False)]
