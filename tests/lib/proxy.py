"""A reverse proxy as people put one before ComfyUI: TLS, a path of its own, and nothing else passes."""

import asyncio
from contextlib import asynccontextmanager

from aiohttp import ClientSession, DummyCookieJar, WSMsgType, web
from yarl import URL

# Belong to one connection, not to the message.
_OF_THE_CONNECTION = {"connection", "content-length", "host", "keep-alive", "transfer-encoding", "upgrade"}


@asynccontextmanager
async def proxied(upstream, *, prefix="", tls=None):
    """The address under which a server is found behind the proxy.

    Parameters
    ----------
    upstream
        The server's own address.
    prefix
        What the proxy takes off each path; it answers 404 for all others.
    tls
        The ssl context of the proxy.
    """
    async with ClientSession(auto_decompress=False, cookie_jar=DummyCookieJar()) as session:

        async def pass_on(request):
            if not request.rel_url.raw_path.startswith(f"{prefix}/"):
                return web.Response(status=404, text="No such site")
            target = URL(upstream + request.rel_url.raw_path_qs.removeprefix(prefix), encoded=True)
            headers = {name: value for name, value in request.headers.items() if name.lower() not in _OF_THE_CONNECTION}
            if request.headers.get("upgrade", "").lower() == "websocket":
                return await _join(request, session, target, headers)
            async with session.request(
                request.method, target, headers=headers, data=request.content, allow_redirects=False
            ) as answer:
                return await _stream(request, answer)

        runner = web.ServerRunner(web.Server(pass_on), shutdown_timeout=0)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "localhost", 0, ssl_context=tls)
            await site.start()
            port = site._server.sockets[0].getsockname()[1]
            yield f"{'https' if tls else 'http'}://localhost:{port}{prefix}"
        finally:
            await runner.cleanup()


async def _stream(request, answer):
    told = {name: value for name, value in answer.headers.items() if name.lower() not in _OF_THE_CONNECTION}
    response = web.StreamResponse(status=answer.status, headers=told)
    response.content_length = answer.content_length
    await response.prepare(request)
    async for part in answer.content.iter_any():
        await response.write(part)
    await response.write_eof()
    return response


async def _join(request, session, target, headers):
    ours = {name: value for name, value in headers.items() if not name.lower().startswith("sec-websocket-")}
    inner = await session.ws_connect(target, headers=ours, max_msg_size=0)
    outer = web.WebSocketResponse(max_msg_size=0)
    await outer.prepare(request)

    async def hand_on(source, sink):
        async for message in source:
            if message.type is WSMsgType.TEXT:
                await sink.send_str(message.data)
            else:
                await sink.send_bytes(message.data)

    ways = [asyncio.ensure_future(hand_on(*way)) for way in ((inner, outer), (outer, inner))]
    await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    for way in ways:
        way.cancel()
    await asyncio.gather(*ways, return_exceptions=True)
    await inner.close()
    await outer.close()
    return outer
