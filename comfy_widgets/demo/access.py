"""What each request meets before its handler: the journal, faults, the key, the origin."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from comfy_widgets.demo.core import Core
from comfy_widgets.demo.faults import Fault

LOOPBACK = {"localhost", "127.0.0.1", "::1"}
#: The key where one is demanded and none was set.
DEMO_KEY = "demo"
HTML = "<html><head><title>Bad gateway</title></head><body><h1>502 Bad gateway</h1></body></html>"

Check: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse | None]]


def middlewares(core: Core) -> list[Middleware]:
    """The middlewares in the order in which a request meets them."""
    return [journalled(core), faulty(core), options, keyed(core), same_origin(core)]


def path_of(request: web.Request) -> str:
    """The path without the prefix ``/api`` that every route also has."""
    return request.path.removeprefix("/api") or "/"


def asked(request: web.Request) -> str:
    """What faults know a request by."""
    return f"{request.method} {path_of(request)}"


def journalled(core: Core) -> Middleware:
    """Write each request into the journal, but for the questions about it."""

    @web.middleware
    async def note(request: web.Request, handler: Handler) -> web.StreamResponse:
        path = path_of(request)
        if not path.startswith("/demo/"):
            core.journal.request(request.method, path)
        return await handler(request)

    return note


def faulty(core: Core) -> Middleware:
    """Do what is due to a request, before its handler or after it."""

    @web.middleware
    async def meet(request: web.Request, handler: Handler) -> web.StreamResponse:
        due = core.faults.due("http", asked(request))
        for fault in due:
            if not fault.action.startswith("after-") and (answer := await inflict(core, request, fault)):
                return answer
        response = await handler(request)
        for fault in due:
            if fault.action.startswith("after-") and (answer := await inflict(core, request, fault)):
                return answer
        return response

    return meet


async def inflict(core: Core, request: web.Request, fault: Fault) -> web.Response | None:
    """One fault; None lets the request go on."""
    core.faults.happened(fault, at=asked(request))
    match fault.action.removeprefix("after-"):
        case "slow":
            await asyncio.sleep(fault.value or 0)
            return None
        case "reset":
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=500)
        case "html":
            return web.Response(status=502, text=HTML, content_type="text/html")
        case _:
            return web.Response(status=fault.status or 500, text=f"{fault.status} by request")


@web.middleware
async def options(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer OPTIONS, whatever is asked about."""
    return web.Response() if request.method == "OPTIONS" else await handler(request)


def keyed(core: Core) -> Middleware:
    """Demand the key, on HTTP and on the socket as the settings and the faults say."""
    wanted = core.settings.key or DEMO_KEY

    def demanded(place: str) -> bool:
        by_settings = core.settings.key is not None or core.rules.cloud
        return by_settings and core.settings.key_on in {place, "both"}

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        path = path_of(request)
        place = "socket" if path == "/ws" else "http"
        fault = None if demanded(place) else core.faults.demanding(place)
        free = path.startswith("/demo/") or not (demanded(place) or fault)
        if free or wanted in keys_of(request, path):
            return await handler(request)
        if fault is not None:
            core.faults.happened(fault, at=asked(request))
        return web.json_response({"message": "A valid key is needed"}, status=401)

    return check


def keys_of(request: web.Request, path: str) -> set[str | None]:
    """The keys that a request brings; only a socket's may stand in its address."""
    kind, _, bearer = request.headers.get("Authorization", "").partition(" ")
    return {
        request.headers.get("X-API-Key"),
        bearer.strip() if kind.lower() == "bearer" else None,
        request.rel_url.query.get("token") if path == "/ws" else None,
    }


def same_origin(core: Core) -> Middleware:
    """Refuse what a page of another origin sends to a loopback server."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if core.rules.refuses_cross_site and request.headers.get("Sec-Fetch-Site") == "cross-site":
            return web.Response(status=403)
        host, origin = request.headers.get("Host"), request.headers.get("Origin")
        if host and origin:
            wanted, given = urlsplit(f"//{host}"), urlsplit(origin)
            if wanted.hostname in LOOPBACK and given.netloc and given.netloc.lower() != host.lower():
                return web.Response(status=403)
        return await handler(request)

    return check
