"""Files on their way to a client: whole or in part, as asked for, and spoiled where a fault is due."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from aiohttp import web

from comfy_widgets.demo.faults import Fault, Faults

if TYPE_CHECKING:
    from aiohttp.abc import AbstractStreamWriter
    from aiohttp.web_request import BaseRequest

PIECES_A_SECOND = 20


def answer(path: Path, head: Mapping[str, str], faults: Faults) -> web.StreamResponse:
    """What a client gets that asks for a file.

    Parameters
    ----------
    path, head
        The file, and what is said of it.
    faults
        Asked for those of ``view`` that are due.
    """
    name = path.suffix.removeprefix(".")
    due = faults.actions("view", name)
    if not path.is_file():
        return web.Response(status=404)
    if "missing" in due:
        faults.happened(due["missing"], at=name, file=path.name)
        return web.Response(status=404)
    return Spoiled(path, head, faults, due) if due else web.FileResponse(path, headers=head)


class Spoiled(web.FileResponse):
    """A file that comes slowly, or breaks off: its tags and ranges are those of any other.

    Parameters
    ----------
    path, head
        The file, and what is said of it.
    faults
        Told of what happens.
    due
        The faults by their action: ``slow``, ``truncate`` or both.
    """

    def __init__(self, path: Path, head: Mapping[str, str], faults: Faults, due: Mapping[str, Fault]) -> None:
        super().__init__(path, headers=head)
        self._name = path.name
        self._faults = faults
        self._due = due

    async def _sendfile(self, request: "BaseRequest", fobj: IO[Any], offset: int, count: int) -> "AbstractStreamWriter":
        """Send the part that was asked for; all that goes before, aiohttp has done by now."""
        writer = await web.StreamResponse.prepare(self, request)
        if writer is None:
            raise ConnectionResetError("Connection lost")
        content = await asyncio.to_thread(part, fobj, offset, count)
        cut = self._due.get("truncate")
        kept = len(content) if cut is None else int(cut.value or 0)
        await self._write(content[:kept])
        if cut is not None and kept < count:
            self._tell(cut)
            await writer.drain()
            if request.transport is not None:
                request.transport.close()
        return writer

    async def _write(self, content: bytes) -> None:
        slow = self._due.get("slow")
        if slow is None:
            await self.write(content)
            return
        self._tell(slow)
        piece = max(int(slow.value or 0) // PIECES_A_SECOND, 1)
        for start in range(0, len(content), piece):
            await asyncio.sleep(1 / PIECES_A_SECOND)
            await self.write(content[start : start + piece])

    def _tell(self, fault: Fault) -> None:
        self._faults.happened(fault, at=Path(self._name).suffix.removeprefix("."), file=self._name)


def part(file: IO[Any], offset: int, count: int) -> bytes:
    """Some bytes of a file."""
    file.seek(offset)
    content: bytes = file.read(count)
    return content
