"""One life of the server: its queue, its sockets, its executor, and the worker that runs one prompt after the other."""

import asyncio
import contextlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from comfy_widgets.demo.context import World
from comfy_widgets.demo.executor import Executor
from comfy_widgets.demo.faults import Faults
from comfy_widgets.demo.folders import Folders
from comfy_widgets.demo.gate import Holds
from comfy_widgets.demo.journal import Journal
from comfy_widgets.demo.prompts import Ending, PromptQueue
from comfy_widgets.demo.releases import RULES
from comfy_widgets.demo.settings import Settings
from comfy_widgets.demo.sockets import Hub

FATES = {"execution_success": "success", "execution_error": "error", "execution_interrupted": "interrupted"}


class Core:
    """Everything that a restart loses.

    Parameters
    ----------
    settings
        The server's.
    folders, journal, faults, holds
        What outlives a restart.
    """

    def __init__(self, settings: Settings, folders: Folders, journal: Journal, faults: Faults, holds: Holds) -> None:
        self.settings = settings
        self.folders = folders
        self.journal = journal
        self.faults = faults
        self.rules = RULES[settings.release]
        self.world = World(settings, folders, ThreadPoolExecutor(1, "demo-render"), holds)
        self.hub = Hub(faults.frames)
        self.queue = PromptQueue(self._tell_status, limit=settings.history_limit)
        self.executor = Executor(self.world, self.hub)
        self.counter = 0
        self.free_memory = False
        self.crashed = asyncio.Event()
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
            self.journal.note("prompt", prompt_id=prompt_id, fate="lost")
        self.world.pool.shutdown(wait=False, cancel_futures=True)

    def status(self) -> dict[str, Any]:
        """What a status event says."""
        return {"status": {"exec_info": {"queue_remaining": self.queue.remaining}}}

    def _tell_status(self, _: int) -> None:
        self.hub.send("status", self.status())

    async def _work(self) -> None:
        while True:
            item = await self.queue.take()
            prompt_id = item[1]
            self.journal.note("prompt", prompt_id=prompt_id, fate="running")
            ending = await self.executor.run(item)
            # The success is told before history has it: clients must not rely on the order, so it is not hidden.
            await self.hub.drained()
            await self.faults.before_history()
            self._close(prompt_id, ending)
            if self.executor.client_id is not None:
                self.hub.send("executing", {"node": None, "prompt_id": prompt_id}, self.executor.client_id)
            if self.free_memory:
                self.executor.forget()
                self.free_memory = False

    def _close(self, prompt_id: str, ending: Ending) -> None:
        self.queue.end(ending)
        fate = next((FATES[event] for event, _ in reversed(ending.messages) if event in FATES), "error")
        self.journal.note("prompt", prompt_id=prompt_id, fate=fate)
