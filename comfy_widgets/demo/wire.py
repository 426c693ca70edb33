"""What a socket's frames meet on their way when faults are due."""

import asyncio
import json
from typing import TYPE_CHECKING

from comfy_widgets.demo.faults import Fault, Faults

if TYPE_CHECKING:
    from aiohttp import web


#: What keeps a frame from being sent at all; of several that are due the first is done, and no other.
FATAL = ("cut", "mute", "drop")


class Wire:
    """One socket's way to its client.

    Parameters
    ----------
    socket, transport
        The socket, and the connection below it.
    faults
        Asked about each frame.
    scope
        Names the connection, so that frames are counted for each.
    """

    def __init__(
        self, socket: "web.WebSocketResponse", transport: asyncio.Transport | None, faults: Faults, scope: str
    ) -> None:
        self._socket = socket
        self._transport = transport
        self._faults = faults
        self._scope = scope
        self._muted = False
        self._kept: list[str | bytes] = []
        self._late: set[asyncio.Task[None]] = set()

    async def send(self, frame: str | bytes) -> None:
        """Send a frame, or do to it what is due."""
        if self._transport is None or self._transport.is_closing():
            return
        name = event_of(frame)
        due = self._faults.actions("ws", name, self._scope)
        # On a muted socket nothing comes any more, but it can still break.
        fatal = next((due[action] for action in (FATAL[:1] if self._muted else FATAL) if action in due), None)
        if fatal is None:
            await self._pass(frame, due)
            return
        self._faults.happened(fatal, at=name)
        if fatal.action == "cut":
            self.cut()
        self._muted = self._muted or fatal.action == "mute"

    async def _pass(self, frame: str | bytes, due: dict[str, Fault]) -> None:
        """Send a frame once or twice, now or later, and after it those that were kept back."""
        if self._muted:
            return
        if "swap" in due:
            due.pop("delay", None)
        for fault in due.values():
            self._faults.happened(fault, at=event_of(frame))
        copies = [frame] * (2 if "repeat" in due else 1)
        if "swap" in due:
            self._kept += copies
            return
        if "delay" in due:
            self._send_later(due["delay"], copies)
            return
        for each in [*copies, *self._kept]:
            await self._put(each)
        self._kept.clear()

    def cut(self) -> None:
        """Break the connection without a word."""
        if self._transport is not None:
            self._transport.abort()

    def _send_later(self, delay: Fault, frames: list[str | bytes]) -> None:
        """Send frames after a while; those that follow overtake them."""

        async def late() -> None:
            await asyncio.sleep(delay.value or 0)
            for frame in frames:
                await self._put(frame)

        task = asyncio.ensure_future(late())
        self._late.add(task)
        task.add_done_callback(self._late.discard)

    async def _put(self, frame: str | bytes) -> None:
        try:
            if isinstance(frame, str):
                await self._socket.send_str(frame)
            else:
                await self._socket.send_bytes(frame)
        except (ConnectionError, RuntimeError):
            # The reader of this socket notices the end by itself and unregisters it.
            return


def event_of(frame: str | bytes) -> str:
    """The name that faults know a frame by: its event, ``executing null``, or ``binary``."""
    if isinstance(frame, bytes):
        return "binary"
    message = json.loads(frame)
    name: str = message["type"]
    return "executing null" if name == "executing" and message["data"]["node"] is None else name
