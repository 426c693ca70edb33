"""A server that answers with exactly the bytes that a test wants, also with those that no proper server sends."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    connection: int


class Cut(bytes):
    """What is sent before the connection is closed."""


def reply(body: bytes | str | dict = b"", status: int = 200, **headers: str) -> bytes:
    """A whole answer; header names are written with underscores."""
    if isinstance(body, dict):
        body = json.dumps(body)
    body = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status} X"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in ({"Content_Length": len(body)} | headers).items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


class RawServer:
    """Listens on a free port of the loopback; `asked` lists what came.

    `answer` gives the bytes for a request. After `Cut` bytes the connection is closed, else it stays open.
    """

    def __init__(self, answer: Callable[[Asked], bytes]):
        self.answer = answer
        self.asked: list[Asked] = []
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task] = set()
        self._connections = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def paths(self, method: str) -> list[str]:
        return [asked.path for asked in self.asked if asked.method == method]

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_):
        self._server.close()
        for writer in self._writers:
            writer.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        self._tasks.add(asyncio.current_task())
        self._connections += 1
        connection = self._connections
        try:
            while True:
                asked = await _read(reader, connection)
                self.asked.append(asked)
                said = self.answer(asked)
                writer.write(said)
                await writer.drain()
                if isinstance(said, Cut):
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            self._writers.discard(writer)
            writer.close()


async def _read(reader: asyncio.StreamReader, connection: int) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, path, _ = head[0].split(" ")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Asked(method, path, headers, body, connection)
