"""What a server can do, asked once while it is surely the same."""

import asyncio
from dataclasses import dataclass
from urllib.parse import urlsplit

from comfy_widgets.comfyui.address import Address
from comfy_widgets.comfyui.client import Client
from comfy_widgets.comfyui.replies import AnswerLost
from comfy_widgets.errors import ServerError, ServerUnreachable

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_PORT, _DESKTOP_PORT = 8188, 8000
_SLOW_SECONDS, _SILENT_SECONDS = 3.0, 30.0
# How long what it said holds while no socket would tell that it ended: less than it takes to start another.
_HOLDS_SECONDS = 2.0


@dataclass(frozen=True)
class Capabilities:
    """What a server said of itself.

    Attributes
    ----------
    renderer
        ``comfyui``, or ``demo`` for the embedded server, whose clips are simulated.
    version
        Its release, None where it does not say.
    shows_keys
        Whether keys for partner nodes can be read in its queue. Releases stopped that before they began to list jobs.
    """

    renderer: str
    version: str | None
    shows_keys: bool = False


async def probe(client: Client) -> Capabilities:
    """Ask a server what it is.

    Raises
    ------
    ServerUnreachable, NotComfyUI, KeyRefused
        If nobody answers, or somebody else, or only with a key.
    """
    try:
        system = (await client.system_stats())["system"]
    except ServerUnreachable as error:
        desktop = await _desktop(client)
        if desktop is not None:
            error.hint = f"ComfyUI Desktop answers at {desktop}: Studio('{desktop}')."
        raise
    except AnswerLost as error:
        if client.address.url.startswith("http:"):
            # Where TLS is expected, some hang up on whoever speaks without it.
            error.hint = "Try its address with https://, or with the port of ComfyUI; its own is 8188."
        raise
    await client.find_jobs()
    told = system if isinstance(system, dict) else {}
    version = told.get("comfyui_version")
    renderer = "demo" if told.get("renderer") == "demo" else "comfyui"
    return Capabilities(renderer, str(version) if version else None, shows_keys=not client.lists_jobs)


class Probed:
    """What a server said of itself, asked again when another may have come to its address.

    Parameters
    ----------
    client
        HTTP to the server.

    Attributes
    ----------
    said
        What was said last, by whoever answered then; None before.
    """

    def __init__(self, client: Client) -> None:
        self.said: Capabilities | None = None
        self._client = client
        self._turn = asyncio.Lock()
        self._known: Capabilities | None = None
        self._told = 0.0
        self._silent: tuple[float, ServerUnreachable] | None = None

    async def capabilities(self, *, watched: bool) -> Capabilities:
        """What it said; raises what `probe` does.

        Parameters
        ----------
        watched
            Whether a socket is open, whose end makes it doubted.
        """
        now = asyncio.get_running_loop().time
        async with self._turn:
            old = not watched and now() - self._told > _HOLDS_SECONDS
            if self._known is None or self._client.doubted or old:
                # Before the question: whatever happens while it is on its way is a new doubt.
                self._known, self._client.doubted = None, False
                self._known = self.said = await self._ask()
                self._told = now()
            return self._known

    async def _ask(self) -> Capabilities:
        # An address that swallows packets costs seconds for each attempt; a notebook's takes must not wait in line.
        now = asyncio.get_running_loop().time
        if self._silent is not None and now() < self._silent[0]:
            raise self._silent[1].with_traceback(None)
        began = now()
        try:
            return await probe(self._client)
        except ServerUnreachable as error:
            if now() - began > _SLOW_SECONDS:
                self._silent = (now() + _SILENT_SECONDS, error)
            raise


async def _desktop(client: Client) -> Address | None:
    """Where ComfyUI Desktop answers, whose port is another, when nobody does at ComfyUI's own."""
    parts = urlsplit(client.address.url)
    if parts.hostname not in _LOOPBACK or parts.port != _PORT:
        return None
    other = Client(Address(f"{parts.scheme}://{parts.hostname}:{_DESKTOP_PORT}"))
    try:
        await other.system_stats()
    except ServerError:
        return None
    finally:
        await other.close()
    return other.address
