"""The queue of prompts and the history of those that ended."""

import asyncio
import copy
import heapq
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, TypeAlias

#: What the server never writes into history.
SENSITIVE = ("auth_token_comfy_org", "api_key_comfy_org")

Item: TypeAlias = tuple[float, str, dict[str, Any], dict[str, Any], list[str], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Ending:
    """How a prompt ended."""

    status_str: str
    completed: bool
    messages: list[Any]
    outputs: dict[str, Any]
    meta: dict[str, Any]


class PromptQueue:
    """Pending prompts as a heap, at most one running, and the ended ones.

    Everything happens in the server's loop without awaiting in between, so that a prompt goes from one place to the
    next in one step, as under ComfyUI's mutex.

    Parameters
    ----------
    on_change
        Called after each change, with the number of remaining prompts.
    limit
        Ended prompts beyond which the oldest is dropped.
    """

    def __init__(self, on_change: Callable[[int], None], *, limit: int = 10_000) -> None:
        self.pending: list[Item] = []
        self.running: Item | None = None
        self.history: dict[str, dict[str, Any]] = {}
        self._on_change = on_change
        self._limit = limit
        self._arrived = asyncio.Event()

    @property
    def remaining(self) -> int:
        """Prompts that have not ended, the running one included."""
        return len(self.pending) + (self.running is not None)

    def put(self, item: Item) -> None:
        """Queue a prompt.

        Raises
        ------
        TypeError
            If a pending one has the same number and id: the heap then compares dicts. It is queued all the same.
        """
        self._arrived.set()
        heapq.heappush(self.pending, item)
        self._changed()

    async def arrival(self) -> None:
        """Wait until a prompt is pending."""
        while not self.pending:
            self._arrived.clear()
            await self._arrived.wait()

    def take(self) -> Item:
        """Make the next prompt the running one."""
        self.running = heapq.heappop(self.pending)
        self._changed()
        return self.running

    def end(self, ending: Ending) -> None:
        """Move the running prompt into history."""
        if self.running is None:
            raise RuntimeError("no prompt is running")
        number, prompt_id, graph, extra, outputs, _ = self.running
        if len(self.history) > self._limit:
            self.history.pop(next(iter(self.history)))
        shown = {key: value for key, value in extra.items() if key not in SENSITIVE}
        self.history[prompt_id] = {
            "prompt": [number, prompt_id, graph, shown, outputs],
            "outputs": copy.deepcopy(ending.outputs),
            "status": {
                "status_str": ending.status_str,
                "completed": ending.completed,
                "messages": copy.deepcopy(ending.messages),
            },
            "meta": ending.meta,
        }
        self.running = None
        self._changed()

    def delete(self, prompt_id: str) -> bool:
        """Remove one pending prompt of this id, whether there was one."""
        for index, item in enumerate(self.pending):
            if item[1] == prompt_id:
                del self.pending[index]
                heapq.heapify(self.pending)
                self._changed()
                return True
        return False

    def clear(self) -> None:
        """Remove all pending prompts."""
        self.pending.clear()
        self._changed()

    def past(self, max_items: int | None = None, offset: int = -1) -> dict[str, dict[str, Any]]:
        """Ended prompts, oldest first: `max_items` of them from `offset`, or the newest ones."""
        if offset < 0 and max_items is not None:
            offset = len(self.history) - max_items
        first = max(offset, 0)
        entries = list(self.history.items())[first:]
        return dict(entries if max_items is None else entries[: max(max_items, 0)])

    def ids(self) -> Collection[str]:
        """The ids of all prompts that have not ended."""
        running = [self.running[1]] if self.running else []
        return [*running, *(item[1] for item in self.pending)]

    def _changed(self) -> None:
        self._on_change(self.remaining)
