"""Runs one prompt after the other, node by node, by ComfyUI's rules and in its order."""

import asyncio
import inspect
from typing import Any

from comfy_widgets.demo.context import Context, InterruptedByUser, World
from comfy_widgets.demo.graph import CycleError, Graph, Schedule, is_link
from comfy_widgets.demo.keys import Signatures
from comfy_widgets.demo.nodes import Blocked, Node, Result
from comfy_widgets.demo.progress import ProgressBoard
from comfy_widgets.demo.prompts import Ending, Item
from comfy_widgets.demo.releases import RULES
from comfy_widgets.demo.run import Known, NodeRaised, Run
from comfy_widgets.demo.sockets import EVERYBODY, Hub, text_frame


class Executor:
    """Runs prompts; remembers the last one's results, so that the same node with the same inputs is not run again.

    Parameters
    ----------
    world
        What nodes share.
    hub
        Where events go.
    ids_matter
        False where everybody hears of every prompt, whoever sent it.
    """

    def __init__(self, world: World, hub: Hub, *, ids_matter: bool = True) -> None:
        self._world = world
        self._hub = hub
        self._ids_matter = ids_matter
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
        run.message("execution_start", {})
        run.message(
            "execution_cached", {"nodes": [node_id for node_id in run.graph.posted if self._recall(run, node_id)]}
        )
        believed = await self._run_nodes(run)
        if run.messages[-1][0] not in {"execution_error", "execution_interrupted"}:
            run.message("execution_success", {})
        self.last_node_id = None
        return Ending("success" if believed else "error", believed, run.messages, run.shown, run.meta)

    def _begin(self, item: Item) -> Run:
        _, prompt_id, nodes, extra, outputs, _ = item
        self.client_id = extra.get("client_id") if self._ids_matter else EVERYBODY
        graph = Graph(nodes)
        board = ProgressBoard(self._hub, graph, prompt_id, self.client_id)
        signatures = Signatures(graph, self._world)
        run = Run(self._hub, prompt_id, graph, self.client_id, extra, outputs, board, signatures)
        # Only what this prompt can use is kept, so that A, B, A runs A twice.
        self._known = {key: self._known[key] for key in map(signatures.of, nodes) if key in self._known}
        run.schedule = Schedule(
            graph, lambda node_id: node_id in run.done, lambda node_id: self._is_eager(graph, node_id)
        )
        return run

    def _recall(self, run: Run, node_id: str) -> bool:
        """Take a node's result from an earlier prompt, whether there is one."""
        known = self._known.get(run.signatures.of(node_id))
        if known is None:
            return False
        run.done[node_id] = Known(known.values, known.ui, run.graph.names(node_id))
        if known.ui is not None:
            run.shown[node_id], run.meta[node_id] = known.ui, run.graph.names(node_id)
        return True

    async def _run_nodes(self, run: Run) -> bool:
        """Run all nodes; whether the history will call it a success."""
        for node_id in run.outputs:
            run.schedule.add(node_id)
        try:
            while run.schedule:
                await self._visit(run, await self._next(run))
        except CycleError:
            # ComfyUI writes such a failure into history as a success.
            run.stuck()
        except InterruptedByUser:
            run.interrupted(self.last_node_id or run.outputs[0])
            return False
        except NodeRaised as raised:
            run.failed(raised)
            return False
        finally:
            for task in run.tasks.values():
                task.cancel()
            await asyncio.gather(*run.tasks.values(), return_exceptions=True)
        return True

    async def _next(self, run: Run) -> str:
        while (node_id := run.schedule.pick()) is None:
            await asyncio.wait(run.tasks.values(), return_when=asyncio.FIRST_COMPLETED)
            for paused, task in run.tasks.items():
                if task.done():
                    run.schedule.resume(paused)
        return node_id

    async def _visit(self, run: Run, node_id: str) -> None:
        """Bring one node further: tell its known result, start it, take its result, or close its expansion."""
        if node_id in run.done:
            run.ended(node_id, run.done[node_id], told=True)
            return
        if node_id in run.expanded:
            result: Result | None = self._close_expansion(run, node_id)
        elif node_id in run.tasks:
            result = await self._result_of(run, node_id)
        else:
            result = await self._start(run, node_id)
        if result is None:
            return
        if result.expand is not None:
            self._expand(run, node_id, result.expand, result)
            return
        known = Known(result.values, result.ui, run.graph.names(node_id))
        self._known[run.signatures.of(node_id)] = known
        self._world.place.saved(known.ui or {})
        run.ended(node_id, known, told=known.ui is not None)

    async def _start(self, run: Run, node_id: str) -> Result | None:
        """Begin a node; None if it goes on in the background."""
        class_type = run.graph[node_id]["class_type"]
        self.last_node_id = node_id
        run.executing(node_id)
        try:
            await self._world.place.passing(node_id, class_type)
        except Exception as cause:
            raise NodeRaised(node_id, cause, self._inputs(run, node_id)) from cause
        if self._interrupt:
            raise InterruptedByUser
        run.tasks[node_id] = asyncio.ensure_future(self._work(run, node_id))
        if self._world.nodes[class_type].beside_others:
            run.schedule.pause(node_id)
            return None
        return await self._result_of(run, node_id)

    async def _result_of(self, run: Run, node_id: str) -> Result:
        try:
            return await run.tasks.pop(node_id)
        except InterruptedByUser:
            raise
        except Exception as cause:
            raise NodeRaised(node_id, cause, self._inputs(run, node_id)) from cause

    async def _work(self, run: Run, node_id: str) -> Result:
        """Run the node itself, or pass on what blocks it."""
        node_type = self._world.nodes[run.graph[node_id]["class_type"]]
        inputs = self._inputs(run, node_id)
        if block := next((value for value in inputs.values() if isinstance(value, Blocked)), None):
            if block.message:
                run.blocked(node_id, block.message)
            return Result(tuple(Blocked() for _ in node_type.outputs))
        given = node_type().run(self._context(run, node_id), **inputs)
        if inspect.isawaitable(given):
            given = await given
        return given if isinstance(given, Result) else Result(tuple(given or ()))

    def _inputs(self, run: Run, node_id: str) -> dict[str, Any]:
        """The inputs a node is called with; those it does not know are left out."""
        node = run.graph[node_id]
        node_type = self._world.nodes[node["class_type"]]
        return {
            name: run.done[value[0]].values[value[1]] if is_link(value) else value
            for name, value in node["inputs"].items()
            if node_type.knows(name)
        }

    def _context(self, run: Run, node_id: str) -> Context:
        return Context(
            world=self._world,
            node_id=node_id,
            class_type=run.graph[node_id]["class_type"],
            prompt_id=run.prompt_id,
            graph=run.graph.posted,
            extra_pnginfo=run.extra.get("extra_pnginfo") or {},
            previews=self._previews(run),
            report=lambda value, total, preview: run.board.update(node_id, value, total, preview),
            # ComfyUI sends a node's text to everybody, whosever prompt it is.
            tell=lambda text: self._hub.send_bytes(text_frame(node_id, text)),
            interrupted=lambda: self._interrupt,
        )

    def _previews(self, run: Run) -> bool:
        settings = self._world.settings
        asked = run.extra.get("preview_method") if RULES[settings.release].chooses_previews else None
        return settings.previews if asked in {None, "default"} else asked != "none"

    def _expand(self, run: Run, node_id: str, nodes: dict[str, dict[str, Any]], result: Result) -> None:
        """Put a node's expansion into the graph; the node waits for what it needs of it."""
        prefix = f"{node_id}.0.0."

        def moved(value: Any) -> Any:
            return [prefix + value[0], value[1]] if is_link(value) else value

        for local, node in nodes.items():
            inputs = {name: moved(value) for name, value in node["inputs"].items()}
            run.graph.add(prefix + local, {**node, "inputs": inputs}, node_id)
        values = tuple(moved(value) for value in result.values)
        run.expanded[node_id] = Result(values, result.ui)
        shown = [prefix + local for local, node in nodes.items() if self._world.nodes[node["class_type"]].is_output]
        for source in [*shown, *(value[0] for value in values if is_link(value))]:
            run.schedule.add(source)
            run.schedule.hold(node_id, source)

    def _close_expansion(self, run: Run, node_id: str) -> Result:
        result = run.expanded.pop(node_id)
        values = tuple(run.done[value[0]].values[value[1]] if is_link(value) else value for value in result.values)
        return Result(values, result.ui)

    def _is_eager(self, graph: Graph, node_id: str) -> bool:
        """Whether a node goes before others that could run too."""
        node_type: type[Node] = self._world.nodes[graph[node_id]["class_type"]]
        return node_type.is_output or node_type.beside_others
