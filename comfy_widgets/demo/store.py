"""Where Comfy Cloud keeps files: another origin, that a ticket in the address opens for a while."""

import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from comfy_widgets.demo.faults import Faults
from comfy_widgets.demo.journal import Journal

if TYPE_CHECKING:
    from aiohttp import web

KEY_HEADERS = ("X-API-Key", "Authorization")


class Store:
    """Tickets and the files behind them.

    Parameters
    ----------
    journal
        Where each visit is written down, and whether the visitor brought along a key, which is none of the store's
        business.
    faults
        Those of ``view``: here the files are sent.
    """

    def __init__(self, journal: Journal, faults: Faults) -> None:
        self._journal = journal
        self._faults = faults
        self._files: dict[str, tuple[Path, dict[str, str]]] = {}
        self.url = ""

    def ticket(self, path: Path, head: dict[str, str]) -> str:
        """An address that gives this file."""
        ticket = uuid.uuid4().hex
        self._files[ticket] = (path, head)
        return f"{self.url}/store/{ticket}"

    def build(self) -> "web.Application":
        """Its application."""
        from aiohttp import web  # noqa: PLC0415 - an extra, and a store is a part of every core

        app = web.Application()
        app.router.add_get("/store/{ticket}", self._give)
        return app

    async def _give(self, request: "web.Request") -> "web.StreamResponse":
        from aiohttp import web  # noqa: PLC0415

        from comfy_widgets.demo import sending  # noqa: PLC0415

        brought = any(name in request.headers for name in KEY_HEADERS)
        self._journal.note("store", method=request.method, with_key=brought)
        path, head = self._files.get(request.match_info["ticket"], (None, {}))
        if path is None or not path.is_file():
            return web.Response(status=403)
        return sending.answer(path, head, self._faults)
