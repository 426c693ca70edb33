"""The aiohttp application of one core."""

from aiohttp import web

from comfy_widgets.demo.access import middlewares
from comfy_widgets.demo.core import Core
from comfy_widgets.demo.routes import cloud, files, info, jobs, prompts, socket


def build(core: Core) -> web.Application:
    """All routes, each also under /api; Comfy Cloud has only those, and its socket without."""
    app = web.Application(client_max_size=core.settings.max_upload, middlewares=middlewares(core))
    for route in [route for module in (prompts, files, info, socket) for route in module.routes(core)]:
        prefixes = ("/api",) if core.rules.cloud and not route.path.startswith(("/ws", "/demo")) else ("", "/api")
        for prefix in prefixes:
            add(app, route.method, prefix + route.path, route)
    newer = jobs.routes(core) if core.rules.jobs else []
    for route in [*newer, *(cloud.routes(core) if core.rules.cloud else [])]:
        add(app, route.method, route.path, route)
    app.router.add_get("/{tail:.*}", nothing)
    return app


async def nothing(_: web.Request) -> web.StreamResponse:
    """Any other path: not a word, as from a server whose pages are files."""
    return web.Response(status=404, content_type="application/octet-stream")


def add(app: web.Application, method: str, path: str, route: web.RouteDef) -> None:
    """Add one route; what can be fetched can also be asked for its head."""
    if method == "GET":
        app.router.add_get(path, route.handler, allow_head=not path.endswith("/ws"))
    else:
        app.router.add_route(method, path, route.handler)
