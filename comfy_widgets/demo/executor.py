"""Runs one prompt after the other, node by node, and tells the clients in ComfyUI's words and order."""

import asyncio
import inspect
import time
import traceback
from dataclasses import dataclass, field
from typing import Any

from comfy_widgets.demo.context import Context, InterruptedByUser, World
from comfy_widgets.demo.graph import CycleError, Graph, Schedule, is_link
from comfy_widgets.demo.keys import Signatures
from comfy_widgets.demo.nodes.base import REGISTRY, Blocked, Node, Result
from comfy_widgets.demo.progress import ProgressBoard
from comfy_widgets.demo.prompts import Ending, Item
from comfy_widgets.demo.sockets import Hub, text_frame


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
    """One prompt while it runs."""

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


class Executor:
    """Runs prompts; remembers the last one's results, so that the same node with the same inputs is not run again.

    Parameters
    ----------
    world
        What nodes share.
    hub
        Where events go.
    """

    def __init__(self, world: World, hub: Hub) -> None:
        self._world = world
        self._hub = hub
        self._known: dict[str, Known] = {}
        self._interrupt = False
        self.client_id: str | None = None
        self.last_node_id: str | None = None

    def interrupt(self) -> None:
        """Ask the running prompt to stop; it is seen before each node and at each progress report."""
        self._interrupt = True

    def forget(self) -> None:
        """Drop all kept results."""
        self._known.clear()

    async def run(self, item: Item) -> Ending:
        """Run a prompt to its end, whichever that is."""
        self._interrupt = False
        run = self._begin(item)
        self._message(run, "execution_start", {"prompt_id": run.prompt_id})
        cached = [node_id for node_id in run.graph.posted if self._recall(run, node_id)]
        self._message(run, "execution_cached", {"nodes": cached, "prompt_id": run.prompt_id})
        lied = await self._run_nodes(run)
        failed = run.messages[-1][0] in ("execution_error", "execution_interrupted")
        if not failed:
            self._message(run, "execution_success", {"prompt_id": run.prompt_id})
        self.last_node_id = None
        good = not failed or lied
        return Ending("success" if good else "error", good, run.messages, run.shown, run.meta)

    def _begin(self, item: Item) -> Run:
        _, prompt_id, nodes, extra, outputs, _ = item
        self.client_id = extra.get("client_id")
        graph = Graph(nodes)
        board = ProgressBoard(self._hub, graph, prompt_id, self.client_id)
        run = Run(prompt_id, graph, self.client_id, extra, outputs, board, Signatures(graph, self._world))
        self._known = {key: self._known[key] for node_id in nodes if (key := run.signatures.of(node_id)) in self._known}
        run.schedule = Schedule(graph, lambda node_id: node_id in run.done, lambda node_id: is_eager(graph, node_id))
        return run

    def _recall(self, run: Run, node_id: str) -> bool:
        """Take a node's result from an earlier prompt, whether there is one."""
        known = self._known.get(run.signatures.of(node_id))
        if known is None:
            return False
        run.done[node_id] = known
        if known.ui is not None:
            run.shown[node_id] = known.ui
            run.meta[node_id] = run.graph.names(node_id)
        return True

    async def _run_nodes(self, run: Run) -> bool:
        """Run all nodes; whether the history will call a failure a success, as ComfyUI does after a cycle."""
        for node_id in run.outputs:
            run.schedule.add(node_id)
        ended_well = True
        try:
            while run.schedule:
                node_id = await self._next(run)
                ended_well = await self._visit(run, node_id)
        except CycleError:
            self._fail_cycle(run)
            return ended_well
        except InterruptedByUser:
            self._fail_interrupted(run)
        except NodeRaised as raised:
            self._fail_node(run, raised)
        finally:
            for task in run.tasks.values():
                task.cancel()
            await asyncio.gather(*run.tasks.values(), return_exceptions=True)
        return False

    async def _next(self, run: Run) -> str:
        while (node_id := run.schedule.pick()) is None:
            await asyncio.wait(run.tasks.values(), return_when=asyncio.FIRST_COMPLETED)
            for paused, task in run.tasks.items():
                if task.done():
                    run.schedule.resume(paused)
        return node_id

    async def _visit(self, run: Run, node_id: str) -> bool:
        """Bring one node further: start it, take its result, or close its expansion."""
        if node_id in run.done:
            self._show_known(run, node_id)
            return True
        if node_id in run.expanded:
            result = self._close_expansion(run, node_id)
        elif node_id in run.tasks:
            result = await self._result_of(run, node_id, run.tasks.pop(node_id))
        else:
            started = await self._start(run, node_id)
            if started is None:
                return True
            result = started
        if result.expand is not None:
            self._expand(run, node_id, result)
            return True
        self._finish(run, node_id, result)
        return True

    async def _start(self, run: Run, node_id: str) -> Result | None:
        """Begin a node; None if it goes on in the background."""
        self.last_node_id = node_id
        run.board.start(node_id)
        self._send(run, "executing", {"node": node_id, **self._where(run, node_id)})
        await self._world.gate.passing(node_id, run.graph[node_id]["class_type"])
        if self._interrupt:
            raise InterruptedByUser
        task = asyncio.ensure_future(self._work(run, node_id))
        run.tasks[node_id] = task
        if REGISTRY[run.graph[node_id]["class_type"]].beside_others:
            run.schedule.pause(node_id)
            return None
        return await self._result_of(run, node_id, run.tasks.pop(node_id))

    async def _result_of(self, run: Run, node_id: str, task: "asyncio.Task[Result]") -> Result:
        try:
            return await task
        except InterruptedByUser:
            raise
        except Exception as cause:
            raise NodeRaised(node_id, cause, self._inputs(run, node_id)) from cause

    async def _work(self, run: Run, node_id: str) -> Result:
        """Run the node itself, or pass on what blocks it."""
        node_type = REGISTRY[run.graph[node_id]["class_type"]]
        inputs = self._inputs(run, node_id)
        if block := next((value for value in inputs.values() if isinstance(value, Blocked)), None):
            if block.message:
                self._tell_blocked(run, node_id, block.message)
            return Result(tuple(Blocked() for _ in node_type.outputs))
        given = node_type().run(self._context(run, node_id), **inputs)
        if inspect.isawaitable(given):
            given = await given
        return given if isinstance(given, Result) else Result(tuple(given or ()))

    def _inputs(self, run: Run, node_id: str) -> dict[str, Any]:
        """The inputs a node is called with; those it does not know are left out."""
        node = run.graph[node_id]
        known = REGISTRY[node["class_type"]].inputs()
        return {
            name: run.done[value[0]].values[value[1]] if is_link(value) else value
            for name, value in node.get("inputs", {}).items()
            if name in known
        }

    def _context(self, run: Run, node_id: str) -> Context:
        def report(value: float, total: float, preview: Any) -> None:
            run.board.update(node_id, value, total, preview)

        return Context(
            self._world,
            node_id,
            run.graph[node_id]["class_type"],
            run.prompt_id,
            run.graph.posted,
            run.extra.get("extra_pnginfo") or {},
            report,
            # Without a client of its own, ComfyUI sends a node's text to everybody; so it does with one.
            lambda text: self._hub.send_bytes(text_frame(node_id, text)),
            lambda: self._interrupt,
        )

    def _expand(self, run: Run, node_id: str, result: Result) -> None:
        """Put a node's expansion into the graph; the node waits for it."""
        prefix = f"{node_id}.0.0."
        for local, node in (result.expand or {}).items():
            inputs = {name: [prefix + v[0], v[1]] if is_link(v) else v for name, v in node["inputs"].items()}
            run.graph.add(prefix + local, {**node, "inputs": inputs}, node_id)
        values = tuple([prefix + v[0], v[1]] if is_link(v) else v for v in result.values)
        run.expanded[node_id] = Result(values, result.ui)
        for local, node in (result.expand or {}).items():
            if REGISTRY[node["class_type"]].is_output:
                run.schedule.add(prefix + local)
                run.schedule.hold(node_id, prefix + local)
        for value in values:
            if is_link(value):
                run.schedule.add(value[0])
                run.schedule.hold(node_id, value[0])

    def _close_expansion(self, run: Run, node_id: str) -> Result:
        result = run.expanded.pop(node_id)
        values = tuple(run.done[v[0]].values[v[1]] if is_link(v) else v for v in result.values)
        return Result(values, result.ui)

    def _finish(self, run: Run, node_id: str, result: Result) -> None:
        names = run.graph.names(node_id)
        known = Known(result.values, result.ui, names)
        run.done[node_id] = known
        self._known[run.signatures.of(node_id)] = known
        if result.ui is not None:
            run.shown[node_id] = result.ui
            run.meta[node_id] = names
            self._send(run, "executed", self._executed(run, node_id, result.ui))
        run.board.finish(node_id)
        run.executed.append(node_id)
        run.schedule.done(node_id)

    def _show_known(self, run: Run, node_id: str) -> None:
        """An output node whose result is known: the old one is told again."""
        self._send(run, "executed", self._executed(run, node_id, run.done[node_id].ui))
        run.board.finish(node_id)
        run.executed.append(node_id)
        run.schedule.done(node_id)

    def _executed(self, run: Run, node_id: str, ui: dict[str, list[Any]] | None) -> dict[str, Any]:
        return {"node": node_id, "display_node": run.graph.display(node_id), "output": ui, "prompt_id": run.prompt_id}

    def _where(self, run: Run, node_id: str) -> dict[str, Any]:
        return {"display_node": run.graph.display(node_id), "prompt_id": run.prompt_id}

    def _tell_blocked(self, run: Run, node_id: str, message: str) -> None:
        """Tell of a block: the prompt goes on and its history will not mention it."""
        data = {
            "prompt_id": run.prompt_id,
            "node_id": node_id,
            "node_type": run.graph[node_id]["class_type"],
            "executed": list(run.executed),
            "exception_message": f"Execution Blocked: {message}",
            "exception_type": "ExecutionBlocked",
            "traceback": [],
            "current_inputs": [],
            "current_outputs": [],
        }
        self._hub.send("execution_error", data, run.client_id)

    def _fail_node(self, run: Run, raised: NodeRaised) -> None:
        kind = type(raised.cause)
        name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
        lines = traceback.format_tb(raised.cause.__traceback__)
        inputs = {
            key: [value if isinstance(value, str | int | float) else repr(value)]
            for key, value in raised.inputs.items()
        }
        self._error(run, raised.node_id, f"{raised.cause}\n", name, lines, inputs, run.graph.ids())

    def _fail_cycle(self, run: Run) -> None:
        self._error(run, run.schedule.stuck(), "Dependency cycle detected", "graph.DependencyCycleError", [], [], [])

    def _error(
        self, run: Run, node_id: str, message: str, kind: str, lines: list[str], inputs: Any, outputs: list[str]
    ) -> None:
        data = {
            "prompt_id": run.prompt_id,
            "node_id": node_id,
            "node_type": run.graph[node_id]["class_type"],
            "executed": list(run.executed),
            "exception_message": message,
            "exception_type": kind,
            "traceback": lines,
            "current_inputs": inputs,
            "current_outputs": outputs,
        }
        self._message(run, "execution_error", data)

    def _fail_interrupted(self, run: Run) -> None:
        node_id = self.last_node_id or run.outputs[0]
        data = {
            "prompt_id": run.prompt_id,
            "node_id": node_id,
            "node_type": run.graph[node_id]["class_type"],
            "executed": list(run.executed),
        }
        self._message(run, "execution_interrupted", data, everybody=run.client_id is None)

    def _message(self, run: Run, event: str, data: dict[str, Any], *, everybody: bool = False) -> None:
        """Tell the client, and write it into the history."""
        stamped = {**data, "timestamp": int(time.time() * 1000)}
        run.messages.append([event, stamped])
        if everybody:
            self._hub.send(event, stamped)
        else:
            self._send(run, event, stamped)

    def _send(self, run: Run, event: str, data: dict[str, Any]) -> None:
        """Tell the prompt's client; nobody, if it has none."""
        if run.client_id is not None:
            self._hub.send(event, data, run.client_id)


def is_eager(graph: Graph, node_id: str) -> bool:
    """Whether a node goes before others that could run too."""
    node_type: type[Node] = REGISTRY[graph[node_id]["class_type"]]
    return node_type.is_output or node_type.beside_others
