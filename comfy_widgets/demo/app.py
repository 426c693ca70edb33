"""The aiohttp application of one core."""

from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from comfy_widgets.demo.core import Core
from comfy_widgets.demo.routes import files, info, prompts, socket

LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def build(core: Core) -> web.Application:
    """All routes, each also under /api."""
    app = web.Application(client_max_size=core.settings.max_upload, middlewares=[journalled(core), same_origin])
    for route in [route for module in (prompts, files, info, socket) for route in module.routes(core)]:
        for path in (route.path, f"/api{route.path}"):
            if route.method == "GET":
                app.router.add_get(path, route.handler, allow_head=route.path != "/ws")
            else:
                app.router.add_route(route.method, path, route.handler)
    return app


def journalled(core: Core) -> Middleware:
    """Write each request into the journal."""

    @web.middleware
    async def note(request: web.Request, handler: Handler) -> web.StreamResponse:
        path = request.path.removeprefix("/api") or "/"
        entry = path if path == "/demo/journal" else None
        if entry is None:
            core.journal.note("request", method=request.method, path=path)
        return await handler(request)

    return note


@web.middleware
async def same_origin(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse what a page of another origin sends to a loopback server."""
    host, origin = request.headers.get("Host"), request.headers.get("Origin")
    if host and origin:
        wanted, given = urlsplit(f"//{host}"), urlsplit(origin)
        if wanted.hostname in LOOPBACK and given.netloc and given.netloc.lower() != host.lower():
            return web.Response(status=403)
    return await handler(request)
