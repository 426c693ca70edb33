"""The node classes of a server, asked for once and kept."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from comfy_widgets.comfyui.client import Client
from comfy_widgets.errors import ServerError

log = logging.getLogger(__name__)

# What is only good to know must not hold up a take for long, and what failed is not tried again for each take.
_PATIENCE_SECONDS = 10.0
_FAILED_SECONDS = 30.0


class Classes:
    """What one server answers to ``GET /object_info``; several MB where many node packs are installed.

    Parameters
    ----------
    client
        HTTP to the server.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._kept: Mapping[str, Any] | None = None
        self._asking = asyncio.Lock()
        self._failed_until = 0.0

    async def fetch(self) -> Mapping[str, Any]:
        """Ask now, whatever is kept.

        Raises
        ------
        ServerError
            If the server does not tell.
        """
        self._kept = await self._client.object_info()
        return self._kept

    async def known(self, *, other_than: Mapping[str, Any] | None = None) -> Mapping[str, Any] | None:
        """What is kept, else what the server tells; None where it does not, takes too long or tells something else.

        Parameters
        ----------
        other_than
            An answer that is not good enough any more; whoever finds that first asks for all.
        """
        async with self._asking:
            if self._kept is not None and self._kept is not other_than:
                return self._kept if _are_classes(self._kept) else None
            now = asyncio.get_running_loop().time()
            if now < self._failed_until:
                return None
            try:
                async with asyncio.timeout(_PATIENCE_SECONDS):
                    told = await self.fetch()
                return told if _are_classes(told) else None
            except (ServerError, TimeoutError) as error:
                log.debug("No classes from %s: %s", self._client.address, error)
                self._failed_until = asyncio.get_running_loop().time() + _FAILED_SECONDS
                return None

    async def lacks(self, class_type: str) -> bool:
        """Whether the server says that it has no such class; one that it can't describe is missing from its list."""
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                return not await self._client.object_info(class_type)
        except (ServerError, TimeoutError) as error:
            log.debug("Nothing of %s from %s: %s", class_type, self._client.address, error)
            return False


def _are_classes(told: Mapping[str, Any]) -> bool:
    """Whether most of an answer is classes: one may be odd, but a proxy's own words or a stub tell of no server."""
    good = [one for one in told.values() if isinstance(one, Mapping) and isinstance(one.get("input"), Mapping)]
    return len(good) > len(told) / 2
