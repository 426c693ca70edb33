"""The WebSocket route."""

import json
from typing import Any

from aiohttp import WSMsgType, web

from comfy_widgets.demo.core import Core
from comfy_widgets.demo.routes.info import features


def routes(core: Core) -> list[web.RouteDef]:
    """The route."""

    async def connect(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        sid = core.hub.join(socket, request.rel_url.query.get("clientId", ""))
        core.journal.note("socket", sid=sid, event="open")
        try:
            core.hub.send("status", {**core.status(), "sid": sid}, sid)
            if core.executor.client_id == sid and core.executor.last_node_id is not None:
                core.hub.send("executing", {"node": core.executor.last_node_id}, sid)
            await listen(core, socket, sid)
        finally:
            core.hub.leave(sid)
            core.journal.note("socket", sid=sid, event="close")
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
