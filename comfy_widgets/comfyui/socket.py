"""The WebSocket to one ComfyUI server; the only module that knows websockets."""

import asyncio
import json
import logging
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidStatus, InvalidURI, WebSocketException

from comfy_widgets.comfyui.client import Client
from comfy_widgets.comfyui.events import Event, parse

log = logging.getLogger(__name__)
# websockets logs whole requests, with their keys, where somebody asks for debugging.
_wire_log = logging.getLogger(f"{__name__}.wire")
_wire_log.setLevel(logging.CRITICAL)

# Must be the first text that the server hears, or it sends previews that don't say whose they are.
_FEATURES = json.dumps({"type": "feature_flags", "data": {"supports_preview_metadata": True}})
# Answers by which a proxy or a server says that there is no socket here and will not be one.
_FINAL = {401, 403, 404, 405, 501}
_CLOSE_SECONDS = 2.0


class _Connect(connect):
    """A connection that follows no redirect: whoever it leads to would be shown our headers."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """Take it for what it is: no socket here."""
        return exc


@dataclass
class Socket:
    """One WebSocket at a time, opened again whenever it breaks.

    Parameters
    ----------
    client
        HTTP to the server: it knows the address and what must be shown there.
    client_id
        Under which the server sends the events of our prompts.
    hear
        Called with each event, in order.
    changed
        Called whenever the socket opens or closes.

    Attributes
    ----------
    open
        Whether events can come.
    refused
        Why there will be no socket, None while there may be one.
    """

    client: Client
    client_id: str
    hear: Callable[[Event], None]
    changed: Callable[[], None]
    open: bool = False
    refused: str | None = None
    _connection: ClientConnection | None = field(default=None, repr=False)
    _reopen: bool = False
    _next_id: str | None = None

    async def run(self) -> None:
        """Listen until cancelled, or until the server says that there is no socket."""
        delays = _delays()
        while self.refused is None:
            try:
                await self._once()
                delays = _delays()
            except InvalidStatus as error:
                if error.response.status_code in _FINAL or 300 <= error.response.status_code < 400:
                    self.refused = f"HTTP {error.response.status_code}"
                    log.warning(
                        "%s refuses a WebSocket (%s): jobs are followed by asking every second, without previews.",
                        self.client.address,
                        self.refused,
                    )
            except (OSError, TimeoutError, InvalidHandshake, InvalidURI, WebSocketException) as error:
                log.debug("The socket to %s: %s", self.client.address, type(error).__name__)
            self.changed()
            if self.refused is None and not self._reopen:
                await asyncio.sleep(next(delays))
            self._reopen = False

    async def _once(self) -> None:
        # ComfyUI never pings. Ours keep proxies from closing an idle connection; a pong that comes late because a
        # cell computed for a minute must not count as a dead server, so no pong is waited for.
        async with _Connect(
            self.client.socket_url(self.client_id),
            additional_headers=dict(self.client.address.headers),
            ping_interval=20,
            ping_timeout=None,
            open_timeout=10,
            close_timeout=_CLOSE_SECONDS,
            max_size=None,
            compression=None,
            logger=_wire_log,
        ) as connection:
            await connection.send(_FEATURES)
            self._connection, self.open = connection, True
            self.changed()
            try:
                async for frame in connection:
                    event = parse(frame)
                    if event is not None:
                        self.hear(event)
            finally:
                self._connection, self.open = None, False
                # Here, before the next is opened: it and the prompts to come are to have the same.
                if self._next_id is not None and connection.protocol.close_rcvd is None:
                    self.client_id = self._next_id
                self._next_id = None

    async def reopen(self, client_id: str) -> None:
        """Close the socket and open one anew at once.

        Parameters
        ----------
        client_id
            Used from now on if the server did not confirm the end of the old socket: it forgets the newer of two
            sockets with one id when the older one closes.
        """
        connection, self._reopen = self._connection, True
        if connection is not None:
            self._next_id = client_id
            await connection.close()


def _delays() -> Iterator[float]:
    """Seconds to wait before each further attempt, spread so that many kernels do not come back in step."""
    delay = 0.25
    while True:
        yield delay * random.uniform(0.75, 1.25)  # noqa: S311
        delay = min(delay * 2, 15.0)
