"""How often the browser is told: ten times a second for a widget, a hundred in all."""

import asyncio
import logging
from typing import Protocol
from weakref import WeakKeyDictionary

log = logging.getLogger(__name__)

INTERVAL = 0.1
PUSHES_PER_INTERVAL = 10


class Pushes(Protocol):
    """Something that can tell the browser its present state."""

    def push(self) -> None:
        """Tell the browser now."""


class Coalescer:
    """Gathers changes, so that many of them become one message with the latest state.

    The Jupyter server silently drops what exceeds a thousand messages a second, so a kernel must stay far below it.
    Whoever waits longest is told first, and nobody who changed is forgotten. Used in one loop's thread only.

    Parameters
    ----------
    loop
        The loop whose timers are used.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: dict[Pushes, None] = {}
        self._resting = False

    def mark(self, widget: Pushes) -> None:
        """Say that a widget changed; it is told at once if the last round is long enough ago."""
        self._waiting.setdefault(widget)
        if not self._resting:
            self._resting = True
            # Not here and now: a burst of changes in one turn of the loop is one change.
            self._loop.call_soon(self._round)

    def _round(self) -> None:
        if not self._waiting:
            self._resting = False
            return
        self._loop.call_later(INTERVAL, self._round)
        for widget in list(self._waiting)[:PUSHES_PER_INTERVAL]:
            del self._waiting[widget]
            try:
                widget.push()
            except Exception:
                # One that can't be told must not keep the news from the others.
                log.exception("%s could not be told", type(widget).__name__)


_of_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, Coalescer] = WeakKeyDictionary()


def coalescer_of(loop: asyncio.AbstractEventLoop) -> Coalescer:
    """The one coalescer of a loop; a kernel has one loop, so this is the kernel's."""
    if loop not in _of_loop:
        _of_loop[loop] = Coalescer(loop)
    return _of_loop[loop]
