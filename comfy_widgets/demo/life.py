"""One life of the server on its sockets: aiohttp begins and ends here."""

import logging
import socket as sockets

from aiohttp import web

from comfy_widgets.demo.app import build
from comfy_widgets.demo.core import Core

# What clients send wrong is answered, not printed; whoever wants to see it listens to this logger.
_log = logging.getLogger("comfy_widgets.demo")
_log.addHandler(logging.NullHandler())


class Life:
    """A core that listens.

    Parameters
    ----------
    core
        The server's state.
    socket
        Where it listens; closed at the end, so that connections are refused.
    """

    def __init__(self, core: Core, socket: sockets.socket) -> None:
        self._core = core
        self._socket = socket
        self._runners: list[web.AppRunner] = []

    async def begin(self) -> None:
        """Listen and work; Comfy Cloud's files lie at a second origin."""
        await self._run(build(self._core), self._socket)
        if self._core.rules.cloud:
            store = sockets.create_server((self._core.settings.host, 0))
            host, port = store.getsockname()[:2]
            self._core.store.url = f"http://{host}:{port}"
            await self._run(self._core.store.build(), store)
        self._core.start()

    async def _run(self, app: web.Application, socket: sockets.socket) -> None:
        runner = web.AppRunner(app, access_log=None, logger=_log, handle_signals=False, shutdown_timeout=0.1)
        await runner.setup()
        await web.SockSite(runner, socket, backlog=128).start()
        self._runners.append(runner)

    async def end(self) -> None:
        """Stop at once: no goodbye on the sockets."""
        for runner in self._runners:
            for site in list(runner.sites):
                await site.stop()
        await self._core.stop()
        for runner in self._runners:
            for connection in list(runner.server.connections) if runner.server else []:
                if connection.transport is not None:
                    connection.transport.abort()
            await runner.cleanup()
