"""Routes about the server itself: node types, models, features, the journal."""

import sys
from typing import Any

from aiohttp import web

from comfy_widgets.demo.core import Core
from comfy_widgets.demo.nodes.models import FILES
from comfy_widgets.demo.object_info import describe, describe_all

GIGABYTE = 1024**3


def features(core: Core) -> dict[str, Any]:
    """What the server can, as /features and the socket say it."""
    return {"supports_preview_metadata": True, "max_upload_size": core.settings.max_upload}


def routes(core: Core) -> list[web.RouteDef]:
    """The routes."""
    here = Info(core)
    return [
        web.get("/", here.page),
        web.get("/object_info", here.object_info),
        web.get("/object_info/{name}", here.one_class),
        web.get("/system_stats", here.stats),
        web.get("/features", here.features),
        web.get("/embeddings", here.embeddings),
        web.get("/models", here.models),
        web.get("/models/{folder}", here.model_files),
        web.get("/demo/journal", here.journal),
    ]


class Info:
    """Handlers about the server.

    Parameters
    ----------
    core
        The server's present life.
    """

    def __init__(self, core: Core) -> None:
        self._core = core

    async def page(self, _: web.Request) -> web.Response:
        """Say who answers."""
        return web.Response(text="The embedded server of comfy-widgets. Its clips are simulated.\n")

    async def object_info(self, _: web.Request) -> web.Response:
        """All node types."""
        return web.json_response(describe_all(self._core.world))

    async def one_class(self, request: web.Request) -> web.Response:
        """One node type, or an empty object."""
        name = request.match_info["name"]
        known = self._core.world.nodes.get(name)
        return web.json_response({} if known is None else {name: describe(known, self._core.world)})

    async def stats(self, _: web.Request) -> web.Response:
        """Release, memory, devices."""
        return web.json_response(system_stats(self._core))

    async def features(self, _: web.Request) -> web.Response:
        """What the server can."""
        return web.json_response(features(self._core))

    async def embeddings(self, _: web.Request) -> web.Response:
        """The names of embeddings."""
        return web.json_response(list(FILES["embeddings"]))

    async def models(self, _: web.Request) -> web.Response:
        """The folders of models."""
        return web.json_response([folder for folder in FILES if folder != "embeddings"])

    async def model_files(self, request: web.Request) -> web.Response:
        """The models of a folder."""
        folder = request.match_info["folder"]
        return web.json_response(list(FILES[folder])) if folder in FILES else web.Response(status=404)

    async def journal(self, _: web.Request) -> web.Response:
        """What really happened."""
        return web.json_response(self._core.journal.to_json())


def system_stats(core: Core) -> dict[str, Any]:
    """The shape of /system_stats; ``renderer`` tells this server from a real one."""
    device = {
        "name": "simulated",
        "type": "cpu",
        "index": None,
        "vram_total": 16 * GIGABYTE,
        "vram_free": 12 * GIGABYTE,
        "torch_vram_total": 16 * GIGABYTE,
        "torch_vram_free": 12 * GIGABYTE,
    }
    system = {
        "os": "posix" if core.settings.release == "0.3.64" else sys.platform,
        "ram_total": 32 * GIGABYTE,
        "ram_free": 24 * GIGABYTE,
        "comfyui_version": core.rules.version,
        "required_frontend_version": "",
        "python_version": sys.version,
        "pytorch_version": "none",
        "embedded_python": False,
        "argv": [],
        "renderer": "demo",
    }
    return {"system": system, "devices": [device]}
