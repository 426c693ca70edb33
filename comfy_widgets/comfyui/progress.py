"""Events of one prompt as one fraction, the node at work and its latest preview (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from comfy_widgets.comfyui.events import Cached, Event, Executed, Executing, NodeStates, Preview, Step
from comfy_widgets.comfyui.replies import node_title

# The rest is for fetching the file: 1.0 is said when the take is on disk.
RENDERED = 0.95


@dataclass(frozen=True)
class Progress:
    """How far a prompt is.

    Parameters
    ----------
    graph
        What was submitted: its nodes weigh 1, those that count steps weigh as many as they have.
    """

    graph: Mapping[str, Any]
    done: Mapping[str, float] = field(default_factory=dict)
    node: str | None = None
    step: tuple[int, int] | None = None
    preview: Preview | None = None
    fraction: float = 0.0

    @property
    def node_title(self) -> str | None:
        """The title of the node at work."""
        return node_title(self.graph, self.node) if self.node else None

    def after(self, event: Event) -> "Progress":
        """What is known after an event; the fraction never goes back."""
        match event:
            case Cached(nodes=nodes):
                known = _with(self, dict.fromkeys(nodes, 1.0))
            case Executing(node=node):
                known = _at(self, node, None)
            case Step(node=node, value=value, max=top):
                known = _at(self, node, (value, top))
            case NodeStates(nodes=nodes):
                known = _with(self, {node: _share(value, top, over) for node, (value, top, over) in nodes.items()})
                running = [(node, (value, top)) for node, (value, top, over) in nodes.items() if not over]
                known = _at(known, *running[-1]) if running else known
            case Executed(node=node):
                known = _with(self, {node: 1.0})
            case Preview():
                known = replace(self, preview=event)
            case _:
                known = self
        return known


def _at(known: Progress, node: str, step: tuple[float, float] | None) -> Progress:
    """A node is at work, at this step of so many."""
    # A node that counts nothing is reported as 0 of 1: there is no step to show.
    shown = (int(step[0]), int(step[1])) if step and step[1] > 1 else None
    if node == known.node and step is None:
        shown = known.step
    moved = replace(known, node=node, step=shown)
    return _with(moved, {node: _share(*step, over=False)}) if step else moved


def _with(known: Progress, shares: Mapping[str, float]) -> Progress:
    """So much of these nodes is done."""
    done = dict(known.done)
    for node, share in shares.items():
        # Nodes of an expanded subgraph are called "5.0.2": their parent in the graph carries them.
        if node in known.graph:
            done[node] = max(done.get(node, 0.0), share)
    weights = {node: _weight(spec) for node, spec in known.graph.items()}
    total = sum(weights.values()) or 1.0
    reached = sum(weights[node] * share for node, share in done.items()) / total
    return replace(known, done=done, fraction=max(known.fraction, RENDERED * min(reached, 1.0)))


def _share(value: float, top: float, over: bool) -> float:
    return 1.0 if over else min(value / top, 1.0) if top > 0 else 0.0


def _weight(node: Any) -> float:
    steps = (node.get("inputs") or {}).get("steps") if isinstance(node, Mapping) else None
    return float(max(steps, 1)) if isinstance(steps, int | float) else 1.0
