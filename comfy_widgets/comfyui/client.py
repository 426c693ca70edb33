"""HTTP to one ComfyUI server; the only module that knows httpx."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urljoin

import httpx

from comfy_widgets.comfyui import parts, trouble
from comfy_widgets.comfyui.address import Address
from comfy_widgets.comfyui.replies import Accepted, AnswerLost, OutputFile, Unreadable, queue_of, rejection, sentence_of
from comfy_widgets.comfyui.threads import in_thread
from comfy_widgets.errors import (
    ComfyWidgetsError,
    FetchFailed,
    NotComfyUI,
    OutputMissing,
    ServerError,
    ServerUnreachable,
)

# A server that loads a model or dumps a long queue answers nobody for a while: slow is not dead.
_TIMEOUT = httpx.Timeout(60.0, connect=10.0)
# What a proxy answers while the server behind it starts or is busy.
_PASSING = {502, 503, 504}
_LOG_TELLS = "Try again; if it stays so, the server's log says why."
_AGAIN_SECONDS = 0.1

log = logging.getLogger(__name__)


@dataclass
class Client:
    """One server's HTTP routes as calls; belongs to the event loop that first uses it.

    Parameters
    ----------
    address
        Where the server is and what it must be shown.

    Attributes
    ----------
    prefix
        Before every route: ``/api`` where a server has them only there, as Comfy Cloud does.
    lists_jobs
        Whether it has ``/api/jobs``, as releases since December 2025 do.
    doubted
        Whether another server may have come to the address since it said what it is.
    """

    address: Address
    prefix: str = ""
    lists_jobs: bool = False
    doubted: bool = False
    _http: httpx.AsyncClient | None = field(default=None, repr=False)
    _waits: int = field(default=0, repr=False)

    @property
    def http(self) -> httpx.AsyncClient:
        """The connection pool, made on first use."""
        if self._http is None:
            # httpx logs each address at INFO, and a key may stand in a path or a query.
            logging.getLogger("httpx").setLevel(logging.WARNING)
            self._http = httpx.AsyncClient(
                headers=dict(self.address.headers), timeout=_TIMEOUT, follow_redirects=False, trust_env=True
            )
        return self._http

    @property
    def busy(self) -> bool:
        """Whether somebody waits for an answer or for the rest of a file."""
        return self._waits > 0

    @asynccontextmanager
    async def _waiting(self) -> AsyncIterator[None]:
        self._waits += 1
        try:
            yield
        finally:
            self._waits -= 1

    async def close(self) -> None:
        """Let go of the connections."""
        if self._http is not None:
            await self._http.aclose()
            self._http = None

    async def system_stats(self) -> dict[str, Any]:
        """What the server says of itself.

        Raises
        ------
        NotComfyUI
            If somebody else answers.
        """
        for prefix in dict.fromkeys((self.prefix, "", "/api")):
            answer = await self._read("GET", "/system_stats", prefix)
            if answer.status_code == httpx.codes.INTERNAL_SERVER_ERROR:
                raise _unexpected(answer)
            stats = _json(answer)
            if isinstance(stats, dict) and "system" in stats:
                self.prefix = prefix
                return stats
        raise NotComfyUI(
            f"{self.address} answers, but not as a ComfyUI server does.",
            hint="Check the address and the port; ComfyUI's own is 8188.",
        )

    async def find_jobs(self) -> None:
        """See whether the server lists jobs; older ones answer 404."""
        listed = await self.read(f"{self._jobs}?limit=1")
        self.lists_jobs = isinstance(listed, dict) and isinstance(listed.get("jobs"), list)

    @property
    def _jobs(self) -> str:
        # The route is /api/jobs and nothing else, so it has the prefix once in either case.
        return "/jobs" if self.prefix else "/api/jobs"

    def socket_url(self, client_id: str) -> str:
        """Where events are; Comfy Cloud reads the key from the address, so this is never shown or logged."""
        query = {"clientId": client_id}
        key = self.address.headers.get("X-API-Key")
        if self.prefix and key:
            query["token"] = key
        return f"{self.address.socket_url}?{urlencode(query)}"

    async def object_info(self, class_type: str = "") -> dict[str, Any]:
        """Every node class the server has, with its inputs; or one, empty if the server has no such class."""
        # Several MB with many node packs: parsed beside the loop.
        one = f"/{quote(class_type, safe='')}" if class_type else ""
        return await in_thread(_mapping, await self._read("GET", f"/object_info{one}"))

    async def read(self, path: str) -> Any:
        """What a route says that not every server has; None where it says nothing, or no JSON."""
        return _json(await self._read("GET", path))

    async def submit(
        self, graph: Mapping[str, Any], *, prompt_id: str, client_id: str, extra_data: Mapping[str, Any], front: bool
    ) -> Accepted:
        """Queue a graph under an id of our own.

        Raises
        ------
        Rejected
            If validation failed; nothing was queued.
        AnswerLost
            If it is unknown whether it was queued.
        """
        body: dict[str, Any] = {"prompt": graph, "prompt_id": prompt_id, "client_id": client_id}
        body |= {"extra_data": dict(extra_data)} | ({"front": True} if front else {})
        answer = await self._send("POST", "/prompt", content=json.dumps(body).encode(), timeout=_TIMEOUT)
        if answer.status_code == httpx.codes.OK:
            reply = _mapping(answer)
            return Accepted(str(reply.get("prompt_id", prompt_id)), dict(reply.get("node_errors") or {}))
        if answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            # ComfyUI answers 500 to some prompts that it has queued (protocol.md 1).
            raise AnswerLost(f"The server failed while it took the prompt: {_said(answer)}.")
        raise rejection(answer.status_code, answer.text, graph)

    async def queue(self) -> dict[str, Any]:
        """The queue as it is now, in the form of GET /queue; of newer servers only what is needed of it."""
        if self.lists_jobs:
            jobs = await self._listed(f"{self._jobs}?status=pending,in_progress")
            if jobs is not None:
                return queue_of(jobs)
            # An older release has taken its place; what is followed meanwhile needs its looks.
            self.lists_jobs, self.doubted = False, True
        return _mapping(await self._read("GET", "/queue"))

    async def _listed(self, path: str) -> list[dict[str, Any]] | None:
        """All jobs of a list that comes in pages, as Comfy Cloud's does: who stands on the last is not gone.

        None where the server has no such list.
        """
        jobs: list[dict[str, Any]] = []
        while True:
            answer = await self._read("GET", f"{path}&offset={len(jobs)}" if jobs else path)
            if answer.status_code == httpx.codes.NOT_FOUND:
                return None
            page = _mapping(answer)
            found = [job for job in page.get("jobs") or () if isinstance(job, dict)]
            jobs += found
            if not found or not (page.get("pagination") or {}).get("has_more"):
                return jobs

    async def history(self, prompt_id: str) -> dict[str, Any] | None:
        """The record of one prompt, None while it has not ended (or is unknown).

        Raises
        ------
        Unreadable
            If the server can't write this record down: a node's output that JSON can't hold makes it a 500.
        """
        answer = await self._read("GET", f"/history/{prompt_id}")
        if answer.status_code == httpx.codes.INTERNAL_SERVER_ERROR:
            raise Unreadable(f"The server can't write down the record of {prompt_id}: {_said(answer)}.")
        return _mapping(answer).get(prompt_id)

    async def stop(self, prompt_id: str) -> None:
        """Ask for the end of one prompt, wherever it is; never of another."""
        if self.lists_jobs:
            answer = await self._send("POST", f"{self._jobs}/{prompt_id}/cancel")
            # Releases between December 2025 and June 2026 list jobs and can't cancel them.
            if answer.status_code == httpx.codes.OK:
                return
        await self._post_json("/queue", {"delete": [prompt_id]})
        await self._post_json("/interrupt", {"prompt_id": prompt_id})

    async def provide(self, name: str, path: Path) -> str:
        """See that the server has an input file; its name says what is in it, so one that is there is not sent again.

        Returns
        -------
        str
            The name under which nodes find it.
        """
        return name if await self.has_input(name) else await self.upload(name, path)

    async def has_input(self, name: str) -> bool | None:
        """Whether the server has an input file of this name; None where it does not tell."""
        # HEAD /view goes to the file system of the server, not to a list that somebody has to refresh.
        there = await self._read("HEAD", f"/view?{urlencode({'filename': name, 'type': 'input'})}")
        return {200: True, 404: False}.get(there.status_code)

    async def upload(self, name: str, path: Path) -> str:
        """Send an input file; the answer is the name under which nodes find it.

        Raises
        ------
        UploadTooLarge
            If the server refuses its size.
        InputFileError
            If it can't be read any more, or has changed.
        """
        content = await in_thread(parts.content_of, path, name)
        form: dict[str, Any] = {"files": {"image": (name, content)}, "data": {"type": "input", "overwrite": "false"}}
        answer = await self._send("POST", "/upload/image", **form)
        if answer.status_code in _PASSING:
            # The name says what is in it, so sending it twice is sending it once.
            answer = await self._send("POST", "/upload/image", **form)
        if answer.status_code == httpx.codes.REQUEST_ENTITY_TOO_LARGE:
            raise trouble.too_large(path.name, len(content))
        reply = _mapping(answer)
        if not reply.get("name"):
            raise ServerError(f"The server took {path.name} and did not say under which name.", hint="Submit again.")
        return "/".join(str(part) for part in (reply.get("subfolder"), reply["name"]) if part)

    async def fetch(self, output: OutputFile, into: Path, on_bytes: Callable[[int, int | None], None]) -> bool:
        """Stream an output to a file, at constant memory; continue where an earlier call was cut.

        Parameters
        ----------
        output
            Which file of the server's.
        into
            Where to write; what is there already is continued.
        on_bytes
            Called with bytes so far and bytes in all (None when unknown).

        Returns
        -------
        bool
            Whether the server said how long the file is, so that it is known to be whole.

        Raises
        ------
        OutputMissing
            If the server has no such file.
        FetchFailed
            If the connection broke or fewer bytes came than were promised.
        """
        have, tag = await in_thread(parts.begun, into)
        try:
            async with self._waiting(), self._view(output, parts.asking(have, tag)) as answer:
                if answer.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE and have:
                    return await in_thread(parts.nothing_left, answer.headers, output, into, have)
                if have and not parts.continues(answer.status_code, answer.headers, have, tag):
                    await in_thread(parts.forget, into)
                    raise FetchFailed(f"{output.filename} is another file on the server by now.")
                self._check_view(answer, output)
                mode = "ab" if answer.status_code == httpx.codes.PARTIAL_CONTENT else "wb"
                if mode == "wb":
                    have = await in_thread(parts.begin, into, answer.headers.get("etag"))
                length = answer.headers.get("content-length")
                total = have + int(length) if length and "content-encoding" not in answer.headers else None
                with into.open(mode) as file:
                    # In pieces as they come: what is held back to fill a larger one is lost by a cut.
                    async for piece in answer.aiter_bytes():
                        await in_thread(file.write, piece)
                        have += len(piece)
                        on_bytes(have, total)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise FetchFailed(f"Fetching {output.filename} broke off: {str(error) or type(error).__name__}.") from error
        if total is not None and have != total:
            raise FetchFailed(f"{output.filename} came short: {have} of {total} bytes.")
        return total is not None

    @asynccontextmanager
    async def _view(self, output: OutputFile, headers: dict[str, str]) -> AsyncIterator[httpx.Response]:
        query = urlencode({"filename": output.filename, "subfolder": output.subfolder, "type": output.type})
        url = f"{self.address.url}{self.prefix}/view?{query}"
        async with self.http.stream("GET", url, headers=headers) as answer:
            if not answer.has_redirect_location:
                yield answer
                return
            target = urljoin(url, answer.headers["location"])
        # A signed address elsewhere (Comfy Cloud) must not see our key: a client without our headers fetches it.
        ours = self._is_ours(httpx.URL(target))
        bare = self.http if ours else httpx.AsyncClient(timeout=_TIMEOUT, follow_redirects=True)
        try:
            async with bare.stream("GET", target, headers=headers) as answer:
                yield answer
        finally:
            if not ours:
                await bare.aclose()

    def _is_ours(self, url: httpx.URL) -> bool:
        """Whether it leads to the server that our headers are for."""
        here = httpx.URL(self.address.url)
        return (url.scheme, url.host, url.port) == (here.scheme, here.host, here.port)

    def _check_view(self, answer: httpx.Response, output: OutputFile) -> None:
        if answer.status_code in {401, 403} and self._is_ours(answer.url):
            raise trouble.refused(self.address, "GET", "/view", answer.status_code)
        if answer.status_code == httpx.codes.NOT_FOUND:
            raise OutputMissing(f"The server has no file {output.filename} any more.", hint="Submit it again.")
        if answer.status_code not in {200, 206}:
            raise FetchFailed(f"The server answered {answer.status_code} when asked for {output.filename}.")

    async def _read(self, method: str, path: str, prefix: str | None = None) -> httpx.Response:
        try:
            return await self._send(method, path, prefix)
        except AnswerLost:
            # The server may close an idle connection just as it is used again; reading changes nothing.
            await asyncio.sleep(_AGAIN_SECONDS)
            return await self._send(method, path, prefix)

    async def _post_json(self, path: str, body: Any) -> None:
        answer = await self._send("POST", path, json=body)
        if answer.status_code != httpx.codes.OK:
            raise _unexpected(answer)

    async def _send(self, method: str, path: str, prefix: str | None = None, **request: Any) -> httpx.Response:
        before = self.prefix if prefix is None else prefix
        try:
            async with self._waiting():
                answer = await self.http.request(method, self.address.url + before + path, **request)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            self.doubted = True
            raise trouble.no_connection(self.address, error) from error
        except httpx.HTTPError as error:
            raise AnswerLost(
                f"{self.address} gave no answer to {method} {path}: {str(error).rstrip('.') or type(error).__name__}.",
                hint=_LOG_TELLS,
            ) from error
        except httpx.InvalidURL as error:
            raise ServerUnreachable(
                f"{self.address} is not an address.", hint="Write it as http://host:8188."
            ) from error
        if method == "GET" and answer.status_code in _PASSING:
            what = f"{self.address} answered {path} with HTTP {answer.status_code}: {_said(answer)}."
            raise AnswerLost(what, hint=_LOG_TELLS)
        if answer.status_code in {401, 403}:
            raise trouble.refused(self.address, method, path, answer.status_code)
        return answer


def _json(answer: httpx.Response) -> Any:
    """What a good answer says; None if it is none, or not JSON."""
    try:
        return answer.json() if answer.status_code == httpx.codes.OK else None
    except ValueError:
        return None


def _mapping(answer: httpx.Response) -> dict[str, Any]:
    if answer.status_code != httpx.codes.OK:
        raise _unexpected(answer)
    reply = _json(answer)
    if not isinstance(reply, dict):
        raise NotComfyUI(
            f"{answer.url.host} answered {answer.url.path} with something that is not JSON: {_said(answer)}.",
            hint="Check that the address is a ComfyUI server's.",
        )
    return reply


def _unexpected(answer: httpx.Response) -> ComfyWidgetsError:
    what = f"The server answered {answer.url.path} with HTTP {answer.status_code}: {_said(answer)}."
    return ServerError(what, hint=_LOG_TELLS)


def _said(answer: httpx.Response) -> str:
    return sentence_of(answer.text).rstrip(".") or "no text"
