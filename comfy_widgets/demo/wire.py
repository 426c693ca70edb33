"""What a socket's frames meet on their way when faults are due."""

import asyncio
import json
from typing import TYPE_CHECKING

from comfy_widgets.demo.faults import Fault, Faults

if TYPE_CHECKING:
    from aiohttp import web


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
        due = self._faults.due("ws", event_of(frame), self._scope)
        actions = {fault.action for fault in due}
        if "cut" in actions:
            self.cut()
        self._muted = self._muted or "mute" in actions
        if self._muted or actions & {"cut", "drop"}:
            return
        if "swap" in actions:
            self._kept.append(frame)
            return
        copies = [frame] * (2 if "repeat" in actions else 1)
        delay = next((fault for fault in due if fault.action == "delay"), None)
        if delay is not None:
            self._send_later(delay, copies)
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
