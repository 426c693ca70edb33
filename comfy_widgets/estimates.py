"""How long a graph will probably be executed, from earlier takes of graphs like it."""

import json
from collections import deque
from collections.abc import Mapping
from statistics import median
from typing import Any

from comfy_widgets.cache import TakeCache

_RECENT = 5
_SEEDS = {"seed", "noise_seed"}


class Estimates:
    """Seconds that graphs took to execute, learnt from a folder of takes.

    Parameters
    ----------
    cache
        Whose takes tell; read when first asked, blocking.
    """

    def __init__(self, cache: TakeCache) -> None:
        self._cache = cache
        self._seconds: dict[tuple[str, str, str], deque[float]] | None = None

    def expected(self, graph: Mapping[str, Any], server: str, renderer: str) -> float | None:
        """The median of the latest executions of graphs with the same nodes and sizes there, None without any."""
        if self._seconds is None:
            self._seconds = {}
            for take in self._cache.takes():
                self.learn(take.graph, take.server, take.renderer, take.render_seconds)
        known = self._seconds.get((shape(graph), server, renderer))
        return median(known) if known else None

    def learn(self, graph: Mapping[str, Any], server: str, renderer: str, seconds: float | None) -> None:
        """Remember one execution."""
        if self._seconds is not None and seconds is not None:
            kind = (shape(graph), server, renderer)
            self._seconds.setdefault(kind, deque(maxlen=_RECENT)).append(seconds)


def shape(graph: Mapping[str, Any]) -> str:
    """What decides how long a graph takes: its node classes and numbers, without seeds and texts.

    Examples
    --------
    >>> one = {"3": {"class_type": "KSampler", "inputs": {"steps": 4, "seed": 1}}}
    >>> two = {"9": {"class_type": "KSampler", "inputs": {"steps": 4, "seed": 2}}}
    >>> shape(one) == shape(two)
    True
    """
    nodes = []
    for node in graph.values():
        numbers = {
            name: value
            for name, value in (node.get("inputs") or {}).items()
            if isinstance(value, int | float) and name not in _SEEDS
        }
        nodes.append([node.get("class_type"), sorted(numbers.items())])
    return json.dumps(sorted(nodes, key=repr))
