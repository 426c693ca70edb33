"""Who listens on a WebSocket, and who hears what."""

import asyncio
import json
import struct
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from aiohttp import web

PREVIEW_IMAGE = 1
TEXT = 3
PREVIEW_IMAGE_WITH_METADATA = 4

Frame: TypeAlias = tuple[str | bytes | dict[str, Any], str | None]


def preview_frame(image: bytes, mime: str) -> bytes:
    """A preview as clients get it that did not ask for metadata."""
    return struct.pack(">II", PREVIEW_IMAGE, 2 if mime == "image/png" else 1) + image


def preview_with_metadata(image: bytes, mime: str, metadata: dict[str, Any]) -> bytes:
    """A preview that says which node of which prompt it belongs to."""
    head = json.dumps({**metadata, "image_type": mime}).encode()
    return struct.pack(">II", PREVIEW_IMAGE_WITH_METADATA, len(head)) + head + image


def text_frame(node_id: str, text: str) -> bytes:
    """Progress text of a node."""
    name = node_id.encode()
    return struct.pack(">II", TEXT, len(name)) + name + text.encode()


class Hub:
    """The open sockets by client id, and one queue of what is to be sent.

    ComfyUI keeps one socket per id: a second one takes the place of the first, and whichever closes first takes the
    registration with it. Clients have to live with that, so it is kept.

    Parameters
    ----------
    filter_frame
        Decides about each frame for a socket: the frames to send now, in order.
    """

    def __init__(self, filter_frame: Callable[[str, str | bytes], list[str | bytes]]) -> None:
        self.sockets: dict[str, web.WebSocketResponse] = {}
        self.flags: dict[str, dict[str, Any]] = {}
        self._outbox: asyncio.Queue[Frame] = asyncio.Queue()
        self._filter = filter_frame

    def join(self, socket: "web.WebSocketResponse", client_id: str) -> str:
        """Register a socket; without a client id the server makes one up."""
        sid = client_id or uuid.uuid4().hex
        self.sockets[sid] = socket
        self.flags[sid] = {}
        return sid

    def leave(self, sid: str) -> None:
        """Forget the id, whichever socket holds it now."""
        self.sockets.pop(sid, None)
        self.flags.pop(sid, None)

    def send(self, event: str, data: dict[str, Any], sid: str | None = None) -> None:
        """Queue an event for one client, or for all of them; the data must not change any more."""
        self._outbox.put_nowait(({"type": event, "data": data}, sid))

    def send_bytes(self, frame: bytes, sid: str | None = None) -> None:
        """Queue a binary frame for one client, or for all of them."""
        self._outbox.put_nowait((frame, sid))

    async def publish(self) -> None:
        """Send what is queued, in order, for ever.

        Raises
        ------
        TypeError
            If an event that somebody listens to cannot be written as JSON: the real server dies of it.
        """
        while True:
            frame, sid = await self._outbox.get()
            targets = list(self.sockets) if sid is None else [sid] if sid in self.sockets else []
            if targets:
                message = json.dumps(frame) if isinstance(frame, dict) else frame
                for target in targets:
                    for part in self._filter(target, message):
                        await self._deliver(target, part)
            self._outbox.task_done()

    async def drained(self) -> None:
        """Wait until everything queued so far has been sent."""
        await self._outbox.join()

    async def _deliver(self, sid: str, frame: str | bytes) -> None:
        socket = self.sockets.get(sid)
        if socket is None:
            return
        try:
            if isinstance(frame, str):
                await socket.send_str(frame)
            else:
                await socket.send_bytes(frame)
        except (ConnectionError, RuntimeError):
            # The reader of this socket notices the end by itself and unregisters it.
            return
