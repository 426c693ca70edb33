"""Routes about the server itself: node types, models, features, the journal."""

import sys
from typing import Any

from aiohttp import web

from comfy_widgets.demo.core import Core
from comfy_widgets.demo.nodes import REGISTRY
from comfy_widgets.demo.nodes.models import FILES
from comfy_widgets.demo.object_info import describe, describe_all

GIGABYTE = 1024**3


def features(core: Core) -> dict[str, Any]:
    """What the server can, as /features and the socket say it."""
    return {"supports_preview_metadata": True, "max_upload_size": core.settings.max_upload}


def routes(core: Core) -> list[web.RouteDef]:
    """The routes."""

    async def object_info(_: web.Request) -> web.Response:
        return web.json_response(describe_all(core.world))

    async def one_class(request: web.Request) -> web.Response:
        name = request.match_info["name"]
        known = REGISTRY.get(name)
        return web.json_response({} if known is None else {name: describe(known, core.world)})

    async def stats(_: web.Request) -> web.Response:
        return web.json_response(system_stats(core))

    async def feature_flags(_: web.Request) -> web.Response:
        return web.json_response(features(core))

    async def embeddings(_: web.Request) -> web.Response:
        return web.json_response(list(FILES["embeddings"]))

    async def models(_: web.Request) -> web.Response:
        return web.json_response([folder for folder in FILES if folder != "embeddings"])

    async def model_files(request: web.Request) -> web.Response:
        folder = request.match_info["folder"]
        return web.json_response(list(FILES[folder])) if folder in FILES else web.Response(status=404)

    async def journal(_: web.Request) -> web.Response:
        return web.json_response(core.journal.to_json())

    return [
        web.get("/", page),
        web.get("/object_info", object_info),
        web.get("/object_info/{name}", one_class),
        web.get("/system_stats", stats),
        web.get("/features", feature_flags),
        web.get("/embeddings", embeddings),
        web.get("/models", models),
        web.get("/models/{folder}", model_files),
        web.get("/demo/journal", journal),
    ]


async def page(_: web.Request) -> web.Response:
    """What a person sees who opens the address in a browser."""
    return web.Response(text="The embedded server of comfy-widgets. Its clips are simulated.\n")


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
