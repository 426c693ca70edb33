"""Work that is done once for all who ask for it at the same time."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Generic, TypeVar

from comfy_widgets.errors import ComfyWidgetsError

# Between two runs, if the last one did not take half as long.
_PAUSE_SECONDS = 0.2

T = TypeVar("T")


class Together(Generic[T]):
    """Something that costs the server the same for one and for many; for one event loop.

    Parameters
    ----------
    work
        What is done for all that was asked; the errors of a server end one run and no more.
    """

    def __init__(self, work: Callable[[list[T]], Awaitable[None]]) -> None:
        self._work = work
        self._asked: list[T] = []
        self._next: asyncio.Task[None] | None = None
        self._one = asyncio.Lock()
        self._not_before = float("-inf")

    async def done(self, asked: T, *, unless: asyncio.Future[Any]) -> None:
        """Wait for a run that begins from now on; no longer than until `unless` is done."""
        self._asked.append(asked)
        if self._next is None:
            self._next = asyncio.create_task(self._run())
        await asyncio.wait([self._next, unless], return_when=asyncio.FIRST_COMPLETED)

    async def _run(self) -> None:
        now = asyncio.get_running_loop().time
        async with self._one:
            await asyncio.sleep(max(0.0, self._not_before - now()))
            # Who asks from now on asks for what this run may have missed.
            asked, self._asked, self._next, began = self._asked, [], None, now()
            try:
                with suppress(ComfyWidgetsError):
                    await self._work(asked)
            finally:
                self._not_before = now() + max(_PAUSE_SECONDS, 2 * (now() - began))
