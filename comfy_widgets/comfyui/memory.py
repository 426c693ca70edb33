"""What a server says of its video memory, and of how large the files of its models are."""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from comfy_widgets.comfyui.client import Client
from comfy_widgets.errors import ServerError

log = logging.getLogger(__name__)

# What is only good to know must not hold up a take.
_PATIENCE_SECONDS = 3.0


class Memory:
    """The video memory of one server.

    Parameters
    ----------
    client
        HTTP to the server.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._silent = False
        self._sizes: dict[str, Mapping[str, int]] = {}
        self._warned: set[str] = set()

    def is_news(self, place: str) -> bool:
        """Whether people were not warned of this place yet: once is enough, though what is free changes."""
        known = place in self._warned
        self._warned.add(place)
        return not known

    async def room(self) -> int | None:
        """Bytes that models can have, None where there is no video memory or nobody tells."""
        if self._silent:
            return None
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                found = _room(await self._client.system_stats())
        except (ServerError, TimeoutError) as error:
            log.debug("Nothing of the memory from %s: %s", self._client.address, error)
            return None
        # A processor gets no video memory while the server runs.
        self._silent = found is None
        return found

    async def sizes(self, folders: Iterable[str]) -> Mapping[str, Mapping[str, int]]:
        """Folder of models → name of a file → bytes, as far as the server tells; asked once for each folder."""
        for folder in folders:
            if folder not in self._sizes:
                self._sizes[folder] = await self._sizes_in(folder)
        return self._sizes

    async def _sizes_in(self, folder: str) -> Mapping[str, int]:
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                listed = await self._client.read(f"/experiment/models/{quote(folder, safe='')}")
        except (ServerError, TimeoutError) as error:
            log.debug("No sizes of %s from %s: %s", folder, self._client.address, error)
            return {}
        files = [file for file in listed if isinstance(file, dict)] if isinstance(listed, list) else []
        return {str(file.get("name")): file["size"] for file in files if isinstance(file.get("size"), int)}


def _room(stats: Mapping[str, Any]) -> int | None:
    """What is free, and what ComfyUI holds itself: it lets go of models that a prompt does not need."""
    devices = stats.get("devices")
    first = devices[0] if isinstance(devices, list) and devices else None
    if not isinstance(first, dict) or first.get("type") == "cpu":
        return None
    told = [first.get(name) for name in ("vram_free", "torch_vram_total", "torch_vram_free")]
    numbers = [number for number in told if isinstance(number, int)]
    if len(numbers) < len(told):
        return None
    free, held, spare = numbers
    return free + held - spare
