"""The WebSocket route."""

import itertools
import json
from typing import Any

from aiohttp import WSMsgType, web

from comfy_widgets.demo.core import Core
from comfy_widgets.demo.routes.info import features
from comfy_widgets.demo.wire import Wire


def routes(core: Core) -> list[web.RouteDef]:
    """The route."""
    numbers = itertools.count(1)

    async def connect(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        number = next(numbers)
        wire = Wire(socket, request.transport, core.faults, str(number))
        sid = core.hub.join(wire, request.rel_url.query.get("clientId", ""))
        core.journal.note("socket", sid=sid, event="open", number=number)
        try:
            core.hub.send("status", {**core.status(), "sid": sid}, sid)
            if core.executor.client_id == sid and core.executor.last_node_id is not None:
                core.hub.send("executing", {"node": core.executor.last_node_id}, sid)
            await listen(core, socket, sid)
        finally:
            core.hub.leave(sid)
            core.journal.note("socket", sid=sid, event="close", number=number)
        return socket

    return [web.get("/ws", connect)]


async def listen(core: Core, socket: web.WebSocketResponse, sid: str) -> None:
    """Read until the socket closes; only the first message that can be read counts."""
    first = True
    async for message in socket:
        if message.type is not WSMsgType.TEXT or not first:
            continue
        try:
            data: Any = json.loads(message.data)
        except json.JSONDecodeError:
            continue
        first = False
        if isinstance(data, dict) and data.get("type") == "feature_flags":
            core.hub.flags[sid] = data.get("data", {})
            core.hub.send("feature_flags", features(core), sid)
