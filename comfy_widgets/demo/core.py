"""One life of the server: its queue, its sockets, its executor, and the worker that runs one prompt after the other."""

import asyncio
import contextlib
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from comfy_widgets.demo.allocator import give_back
from comfy_widgets.demo.context import World
from comfy_widgets.demo.executor import Executor
from comfy_widgets.demo.faults import Faults, raised_by
from comfy_widgets.demo.folders import Folders
from comfy_widgets.demo.gate import Holds
from comfy_widgets.demo.journal import Journal
from comfy_widgets.demo.nodes import node_types
from comfy_widgets.demo.prompts import Ending, Item, PromptQueue
from comfy_widgets.demo.releases import RULES
from comfy_widgets.demo.settings import Settings
from comfy_widgets.demo.sockets import Hub
from comfy_widgets.demo.store import Store

FATES = {"execution_success": "success", "execution_error": "error", "execution_interrupted": "interrupted"}
#: As measured: 26 of 300 prompts were not in history yet when their success was told, for 5 ms, some for 30.
LATE_SHARE = 26 / 300
LATE_SECONDS = 0.03
#: Of 150 interrupts sent right after the prompt, 25 were without effect; with a look in between, 1 was.
LOST_SHARE = 24 / 150
FORGOTTEN_SHARE = 1 / 150
MOMENT = 0.003


class Core:
    """Everything that a restart loses.

    Parameters
    ----------
    settings
        The server's.
    folders, journal, faults, holds
        What outlives a restart.
    restart
        Called with the seconds that the server shall be down, when a fault restarts it.
    """

    def __init__(
        self,
        settings: Settings,
        folders: Folders,
        journal: Journal,
        *,
        faults: Faults,
        holds: Holds,
        restart: Callable[[float], None],
    ) -> None:
        self.settings = settings
        self.folders = folders
        self.journal = journal
        self.faults = faults
        self.rules = RULES[settings.release]
        self.holds = holds
        self.world = World(
            settings, folders, ThreadPoolExecutor(1, "demo-render"), self, node_types(newer=self.rules.jobs)
        )
        self.hub = Hub(ids_matter=not self.rules.cloud)
        self.queue = PromptQueue(self._tell_status, limit=settings.history_limit)
        self.executor = Executor(self.world, self.hub, ids_matter=not self.rules.cloud)
        self.counter = 0
        self.free_memory = False
        self.store = Store(journal, faults)
        self.crashed = asyncio.Event()
        self._restart = restart
        self._lots = random.Random(settings.seed)  # noqa: S311 - delays, not secrets
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to work."""
        self.folders.clear_temp()
        self._tasks = [asyncio.ensure_future(self.hub.publish()), asyncio.ensure_future(self._work())]
        for task in self._tasks:
            task.add_done_callback(self._died)

    def _died(self, task: "asyncio.Task[None]") -> None:
        """One of the two loops ended by an error: the real server's process would be gone."""
        if not task.cancelled() and (cause := task.exception()) is not None:
            self.journal.note("crash", cause=repr(cause))
            self.crashed.set()

    async def stop(self) -> None:
        """End at once, as a killed server would; prompts that have not ended are lost."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await task
        for prompt_id in self.queue.ids():
            self.journal.prompt(prompt_id, "lost")
        self.world.pool.shutdown(wait=False, cancel_futures=True)

    def status(self) -> dict[str, Any]:
        """What a status event says."""
        return {"status": {"exec_info": {"queue_remaining": self.queue.remaining}}}

    def submit(self, item: Item) -> None:
        """Queue a prompt."""
        self.journal.prompt(item[1], "queued")
        self.queue.put(item)

    def delete(self, prompt_id: str) -> bool:
        """Remove a pending prompt, whether there was one."""
        deleted = self.queue.delete(prompt_id)
        if deleted:
            self.journal.prompt(prompt_id, "deleted")
        return deleted

    def clear(self) -> None:
        """Remove all pending prompts."""
        for item in self.queue.pending:
            self.journal.prompt(item[1], "deleted")
        self.queue.clear()

    def cancel(self, prompt_id: str) -> bool:
        """Delete a prompt if it is pending, interrupt it if it runs; whether it was either."""
        if self.delete(prompt_id):
            return True
        runs = self.queue.running is not None and self.queue.running[1] == prompt_id
        if runs:
            self.executor.interrupt()
        return runs

    async def passing(self, node_id: str, class_type: str, step: int | None = None) -> None:
        """A place in a running prompt: faults that are due here happen, and tests may hold it here."""
        for fault in self.faults.due("loop", class_type):
            self.faults.happened(fault, at=class_type)
            # Clients know that the node began before everything stands still.
            await self.hub.drained()
            time.sleep(fault.value or 0)  # noqa: ASYNC251 - to stop the whole loop is what is asked for
        for fault in self.faults.due("queue", class_type):
            self.faults.happened(fault, at=class_type)
            if fault.action == "clear":
                self.clear()
            else:
                self.executor.interrupt()
        for fault in self.faults.due("node", class_type):
            self.faults.happened(fault, at=class_type)
            raise raised_by(fault)
        for fault in self.faults.due("server", class_type):
            self.faults.happened(fault, at=class_type)
            await self.hub.drained()
            if fault.action == "crash":
                self.crashed.set()
            else:
                self._restart(fault.value or 0)
            # The prompt stands still until the server is taken down around it.
            await asyncio.Event().wait()
        await self.holds.passing(node_id, class_type, step)

    def saved(self, outputs: dict[str, Any]) -> None:
        """A node wrote files: faults may take them away again."""
        for item in (item for items in outputs.values() for item in items if isinstance(item, dict)):
            folder = self.folders.within(item.get("type", "output"), item.get("subfolder", ""))
            if folder is None or "filename" not in item:
                continue
            self._spoil(folder / item["filename"])

    def _spoil(self, path: Path) -> None:
        """Do to a saved file what is due, as far as it is still there and long enough."""
        name = path.suffix.removeprefix(".")
        for fault in self.faults.due("output", name):
            left = int(fault.value or 0)
            if not path.exists() or (fault.action == "truncate" and path.stat().st_size <= left):
                continue
            self.faults.happened(fault, at=name, file=path.name)
            if fault.action == "missing":
                path.unlink()
            else:
                path.write_bytes(path.read_bytes()[:left])

    def _tell_status(self, _: int) -> None:
        self.hub.send("status", self.status())

    async def _work(self) -> None:
        while True:
            await self.queue.arrival()
            # A moment in which a prompt is pending though nothing runs, and one in which it runs but has not begun:
            # an interrupt that comes then is without effect, on the real server too.
            await self._hesitate(LOST_SHARE)
            if not self.queue.pending:
                continue
            item = self.queue.take()
            prompt_id = item[1]
            self.journal.prompt(prompt_id, "running")
            await self._hesitate(FORGOTTEN_SHARE)
            ending = await self.executor.run(item)
            await self._before_history()
            due = self.faults.due("history")
            for fault in (fault for fault in due if fault.action == "late"):
                self.faults.happened(fault, prompt_id=prompt_id)
                await asyncio.sleep(fault.value or 0)
            self._close(prompt_id, ending)
            for fault in (fault for fault in due if fault.action == "clear"):
                self.faults.happened(fault, prompt_id=prompt_id)
                self.queue.history.clear()
            if self.executor.client_id is not None:
                self.hub.send("executing", {"node": None, "prompt_id": prompt_id}, self.executor.client_id)
            if self.free_memory:
                self.executor.forget()
                self.free_memory = False
            give_back()

    async def _hesitate(self, share: float) -> None:
        """Wait for a moment, some of the times."""
        await asyncio.sleep(MOMENT if self._lots.random() < share else 0)

    async def _before_history(self) -> None:
        """The success is told before history has it: for a moment, and one time in eleven for a longer one."""
        await self.hub.drained()
        if self._lots.random() < LATE_SHARE:
            await asyncio.sleep(LATE_SECONDS * self._lots.random())

    def _close(self, prompt_id: str, ending: Ending) -> None:
        self.queue.end(ending)
        fate = next((FATES[event] for event, _ in reversed(ending.messages) if event in FATES), "error")
        self.journal.prompt(prompt_id, fate)
