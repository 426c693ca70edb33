"""One prompt while it runs: what is known of it, and how its client and its history are told."""

import asyncio
import time
import traceback
from dataclasses import dataclass, field
from typing import Any

from comfy_widgets.demo.graph import Graph, Schedule
from comfy_widgets.demo.keys import Signatures
from comfy_widgets.demo.nodes.base import Result
from comfy_widgets.demo.progress import ProgressBoard
from comfy_widgets.demo.sockets import Hub


@dataclass(slots=True)
class Known:
    """A node's result, kept for the next prompt."""

    values: tuple[Any, ...]
    ui: dict[str, list[Any]] | None
    meta: dict[str, Any]


class NodeRaised(Exception):  # noqa: N818 - it carries the node's error
    """A node raised; where, and with what inputs."""

    def __init__(self, node_id: str, cause: BaseException, inputs: dict[str, Any]) -> None:
        super().__init__(str(cause))
        self.node_id = node_id
        self.cause = cause
        self.inputs = inputs


@dataclass(slots=True)
class Run:
    """One prompt while it runs.

    Parameters
    ----------
    hub
        Where events go.
    prompt_id, graph, client_id, extra, outputs
        The prompt, as it was queued.
    board, signatures
        Its progress, and its nodes' hashes.
    """

    hub: Hub
    prompt_id: str
    graph: Graph
    client_id: str | None
    extra: dict[str, Any]
    outputs: list[str]
    board: ProgressBoard
    signatures: Signatures
    schedule: Schedule = field(init=False)
    messages: list[Any] = field(default_factory=list)
    executed: list[str] = field(default_factory=list)
    done: dict[str, Known] = field(default_factory=dict)
    shown: dict[str, Any] = field(default_factory=dict)
    meta: dict[str, Any] = field(default_factory=dict)
    tasks: dict[str, asyncio.Task[Result]] = field(default_factory=dict)
    expanded: dict[str, Result] = field(default_factory=dict)

    def send(self, event: str, data: dict[str, Any]) -> None:
        """Tell the prompt's client; nobody, if it has none."""
        if self.client_id is not None:
            self.hub.send(event, {**data, "prompt_id": self.prompt_id}, self.client_id)

    def message(self, event: str, data: dict[str, Any], *, everybody: bool = False) -> None:
        """Tell the client, and write it into the history."""
        stamped = {**data, "prompt_id": self.prompt_id, "timestamp": int(time.time() * 1000)}
        self.messages.append([event, stamped])
        if everybody:
            self.hub.send(event, stamped)
        else:
            self.send(event, stamped)

    def executing(self, node_id: str) -> None:
        """A node begins."""
        self.board.start(node_id)
        self.send("executing", {"node": node_id, "display_node": self.graph.display(node_id)})

    def ended(self, node_id: str, known: Known, *, told: bool) -> None:
        """A node's result is there; `told` shows it to the client."""
        self.done[node_id] = known
        if known.ui is not None:
            self.shown[node_id] = known.ui
            self.meta[node_id] = known.meta
        if told:
            self.send("executed", {"node": node_id, "display_node": self.graph.display(node_id), "output": known.ui})
        self.board.finish(node_id)
        self.executed.append(node_id)
        self.schedule.done(node_id)

    def blocked(self, node_id: str, text: str) -> None:
        """Tell of a block: the prompt goes on, and its history will not mention it."""
        facts = self._error(node_id, f"Execution Blocked: {text}", "ExecutionBlocked")
        # Like progress, it goes to everybody where the prompt has no client.
        self.hub.send("execution_error", {**facts, "prompt_id": self.prompt_id}, self.client_id)

    def failed(self, raised: NodeRaised) -> None:
        """A node raised."""
        kind = type(raised.cause)
        facts = self._error(
            raised.node_id,
            f"{raised.cause}\n",
            kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}",
        )
        facts["traceback"] = traceback.format_tb(raised.cause.__traceback__)
        facts["current_inputs"] = {key: [shown(value)] for key, value in raised.inputs.items()}
        facts["current_outputs"] = list(self.graph.posted)
        self.message("execution_error", facts)

    def stuck(self) -> None:
        """Nodes wait for one another."""
        facts = self._error(self.schedule.stuck(), "Dependency cycle detected", "graph.DependencyCycleError")
        self.message("execution_error", {**facts, "current_outputs": list(self.graph.posted)})

    def interrupted(self, node_id: str) -> None:
        """Somebody stopped it, at this node; without a client, everybody hears of it."""
        facts = {"node_id": node_id, "node_type": self.graph[node_id]["class_type"], "executed": list(self.executed)}
        self.message("execution_interrupted", facts, everybody=self.client_id is None)

    def _error(self, node_id: str, text: str, kind: str) -> dict[str, Any]:
        return {
            "node_id": node_id,
            "node_type": self.graph[node_id]["class_type"],
            "executed": list(self.executed),
            "exception_message": text,
            "exception_type": kind,
            "traceback": [],
            "current_inputs": [],
            "current_outputs": [],
        }


def shown(value: Any) -> str | float:
    """An input as an error shows it."""
    return value if isinstance(value, str | int | float) else repr(value)
