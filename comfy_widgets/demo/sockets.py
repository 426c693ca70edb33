"""Who listens on a WebSocket, and who hears what."""

import asyncio
import json
import struct
import uuid
from typing import Any, TypeAlias

from comfy_widgets.demo.wire import Wire

PREVIEW_IMAGE = 1
TEXT = 3
PREVIEW_IMAGE_WITH_METADATA = 4
#: A client id that stands for all sockets.
EVERYBODY = "*"

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
    ids_matter
        False where every socket hears everything, whatever id it gave.
    """

    def __init__(self, *, ids_matter: bool = True) -> None:
        self.wires: dict[str, Wire] = {}
        self.flags: dict[str, dict[str, Any]] = {}
        self._ids_matter = ids_matter
        self._outbox: asyncio.Queue[Frame] = asyncio.Queue()

    def join(self, wire: Wire, client_id: str) -> str:
        """Register a socket; without a client id the server makes one up."""
        sid = client_id if client_id and self._ids_matter else uuid.uuid4().hex
        self.wires[sid] = wire
        self.flags[sid] = {}
        return sid

    def leave(self, sid: str) -> None:
        """Forget the id, whichever socket holds it now."""
        self.wires.pop(sid, None)
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
            targets = [wire for target, wire in self.wires.items() if sid in {None, EVERYBODY, target}]
            if targets:
                message = json.dumps(frame) if isinstance(frame, dict) else frame
                for wire in targets:
                    await wire.send(message)
            self._outbox.task_done()

    async def drained(self) -> None:
        """Wait until everything queued so far has been sent."""
        await self._outbox.join()

    def cut(self) -> None:
        """Break all connections."""
        for wire in self.wires.values():
            wire.cut()
