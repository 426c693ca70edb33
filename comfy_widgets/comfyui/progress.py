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
                return self._with({node: 1.0 for node in nodes})
            case Executing(node=node):
                return self._at(node, None)
            case Step(node=node, value=value, max=top):
                return self._at(node, (value, top))
            case NodeStates(nodes=nodes):
                told = self._with({node: _share(value, top, over) for node, (value, top, over) in nodes.items()})
                running = [(node, state) for node, state in nodes.items() if not state[2]]
                return told._at(running[-1][0], running[-1][1][:2]) if running else told
            case Executed(node=node):
                return self._with({node: 1.0})
            case Preview():
                return replace(self, preview=event)
        return self

    def _at(self, node: str, step: tuple[float, float] | None) -> "Progress":
        # A node that counts nothing is reported as 0 of 1: there is no step to show.
        shown = (int(step[0]), int(step[1])) if step and step[1] > 1 else None
        if node == self.node and step is None:
            shown = self.step
        moved = replace(self, node=node, step=shown)
        return moved._with({node: _share(*step, over=False)}) if step else moved

    def _with(self, shares: Mapping[str, float]) -> "Progress":
        done = dict(self.done)
        for node, share in shares.items():
            # Nodes of an expanded subgraph are called "5.0.2": their parent in the graph carries them.
            if node in self.graph:
                done[node] = max(done.get(node, 0.0), share)
        weights = {node: _weight(spec) for node, spec in self.graph.items()}
        total = sum(weights.values()) or 1.0
        reached = sum(weights[node] * share for node, share in done.items()) / total
        return replace(self, done=done, fraction=max(self.fraction, RENDERED * min(reached, 1.0)))


def _share(value: float, top: float, over: bool) -> float:
    return 1.0 if over else min(value / top, 1.0) if top > 0 else 0.0


def _weight(node: Any) -> float:
    steps = (node.get("inputs") or {}).get("steps") if isinstance(node, Mapping) else None
    return float(max(steps, 1)) if isinstance(steps, int | float) else 1.0
