"""HTTP to one ComfyUI server; the only module that knows httpx."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import httpx

from comfy_widgets.comfyui.address import Address
from comfy_widgets.comfyui.replies import Accepted, OutputFile, rejection, sentence_of
from comfy_widgets.errors import (
    ComfyWidgetsError,
    FetchFailed,
    KeyRefused,
    NotComfyUI,
    OutputMissing,
    ServerError,
    ServerUnreachable,
    UploadTooLarge,
)

# A server that loads a model or dumps a long queue answers nobody for a while: slow is not dead.
_TIMEOUT = httpx.Timeout(60.0, connect=10.0)
_PIECE = 1 << 20
# What a proxy answers while the server behind it starts or is busy.
_PASSING = {502, 503, 504}
_AGAIN_SECONDS = 0.1

log = logging.getLogger(__name__)


class AnswerLost(ServerError):  # noqa: N818
    """The request went out and no answer came back: what it did is unknown."""


@dataclass
class Client:
    """One server's HTTP routes as calls; belongs to the event loop that first uses it.

    Parameters
    ----------
    address
        Where the server is and what it must be shown.
    """

    address: Address
    _http: httpx.AsyncClient | None = field(default=None, repr=False)

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
        answer = await self._get("/system_stats")
        try:
            stats = answer.json()
        except ValueError:
            stats = None
        if answer.status_code != httpx.codes.OK or not isinstance(stats, dict) or "system" not in stats:
            raise NotComfyUI(
                f"{self.address} answers, but not as a ComfyUI server does.",
                hint="Check the address and the port; ComfyUI's own is 8188.",
            )
        return stats

    async def object_info(self) -> dict[str, Any]:
        """Every node class the server has, with its inputs."""
        return _mapping(await self._get("/object_info"))

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
        body: dict[str, Any] = {
            "prompt": graph,
            "prompt_id": prompt_id,
            "client_id": client_id,
            "extra_data": dict(extra_data),
        }
        if front:
            body["front"] = True
        answer = await self._send("POST", "/prompt", content=json.dumps(body).encode(), timeout=_TIMEOUT)
        if answer.status_code == httpx.codes.OK:
            reply = _mapping(answer)
            return Accepted(str(reply.get("prompt_id", prompt_id)), dict(reply.get("node_errors") or {}))
        if answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            # ComfyUI answers 500 to some prompts that it has queued (protocol.md 1).
            raise AnswerLost(f"The server failed while it took the prompt: {sentence_of(answer.text)}")
        raise rejection(answer.status_code, answer.text, graph)

    async def queue(self) -> tuple[dict[str, Any], int]:
        """The queue as it is now, and how many bytes it took to say so."""
        answer = await self._get("/queue")
        return _mapping(answer), len(answer.content)

    async def history(self, prompt_id: str) -> dict[str, Any] | None:
        """The record of one prompt, None while it has not ended (or is unknown).

        Raises
        ------
        ServerError
            Also when this one record is unreadable: a node's output that JSON can't hold makes it a 500.
        """
        return _mapping(await self._get(f"/history/{prompt_id}")).get(prompt_id)

    async def delete(self, prompt_id: str) -> None:
        """Take a prompt out of the queue; nothing happens if it is running or gone."""
        await self._post_json("/queue", {"delete": [prompt_id]})

    async def interrupt(self, prompt_id: str) -> None:
        """Stop this prompt if it is the running one; never another."""
        await self._post_json("/interrupt", {"prompt_id": prompt_id})

    async def provide(self, name: str, path: Path) -> str:
        """See that the server has an input file; its name says what is in it, so one that is there is not sent again.

        Returns
        -------
        str
            The name under which nodes find it.
        """
        # HEAD /view goes to the file system of the server, not to a list that somebody has to refresh.
        there = await self._send("HEAD", f"/view?{urlencode({'filename': name, 'type': 'input'})}")
        return name if there.status_code == httpx.codes.OK else await self.upload(name, path)

    async def upload(self, name: str, path: Path) -> str:
        """Send an input file; the answer is the name under which nodes find it.

        Raises
        ------
        UploadTooLarge
            If the server refuses its size.
        """
        content = await asyncio.to_thread(path.read_bytes)
        form: dict[str, Any] = {"files": {"image": (name, content)}, "data": {"type": "input", "overwrite": "false"}}
        answer = await self._send("POST", "/upload/image", **form)
        if answer.status_code in _PASSING:
            # The name says what is in it, so sending it twice is sending it once.
            answer = await self._send("POST", "/upload/image", **form)
        if answer.status_code == httpx.codes.REQUEST_ENTITY_TOO_LARGE:
            raise UploadTooLarge(
                f"{path.name} has {len(content) / 1e6:.1f} MB, more than the server takes.",
                hint="Use a smaller file, or start ComfyUI with a larger --max-upload-size.",
            )
        reply = _mapping(answer)
        return "/".join(part for part in (reply.get("subfolder"), reply["name"]) if part)

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
        have = await asyncio.to_thread(_size_of, into)
        headers = {"Range": f"bytes={have}-"} if have else {}
        try:
            async with self._view(output, headers) as answer:
                if answer.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE and have:
                    return False  # nothing is left to fetch
                _check_view(answer, output)
                mode = "ab" if answer.status_code == httpx.codes.PARTIAL_CONTENT else "wb"
                have = have if mode == "ab" else 0
                length = answer.headers.get("content-length")
                total = have + int(length) if length and "content-encoding" not in answer.headers else None
                with into.open(mode) as file:
                    async for piece in answer.aiter_bytes(_PIECE):
                        await asyncio.to_thread(file.write, piece)
                        have += len(piece)
                        on_bytes(have, total)
        except httpx.HTTPError as error:
            raise FetchFailed(f"Fetching {output.filename} broke off: {_reason(error)}.") from error
        if total is not None and have != total:
            raise FetchFailed(f"{output.filename} came short: {have} of {total} bytes.")
        return total is not None

    @asynccontextmanager
    async def _view(self, output: OutputFile, headers: dict[str, str]) -> AsyncIterator[httpx.Response]:
        query = urlencode({"filename": output.filename, "subfolder": output.subfolder, "type": output.type})
        url = f"{self.address.url}/view?{query}"
        async with self.http.stream("GET", url, headers=headers) as answer:
            if not answer.has_redirect_location:
                yield answer
                return
            target = urljoin(url, answer.headers["location"])
        # A signed address elsewhere (Comfy Cloud) must not see our key: a client without our headers fetches it.
        ours = urlsplit(target)[:2] == urlsplit(url)[:2]
        bare = self.http if ours else httpx.AsyncClient(timeout=_TIMEOUT, follow_redirects=True)
        try:
            async with bare.stream("GET", target, headers=headers) as answer:
                yield answer
        finally:
            if not ours:
                await bare.aclose()

    async def _get(self, path: str) -> httpx.Response:
        try:
            return await self._send("GET", path)
        except AnswerLost:
            # The server may close an idle connection just as it is used again; a GET changes nothing.
            await asyncio.sleep(_AGAIN_SECONDS)
            return await self._send("GET", path)

    async def _post_json(self, path: str, body: Any) -> None:
        answer = await self._send("POST", path, json=body)
        if answer.status_code != httpx.codes.OK:
            raise _unexpected(answer)

    async def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        try:
            answer = await self.http.request(method, self.address.url + path, **request)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise ServerUnreachable(
                f"Nobody answers at {self.address}.",
                hint="Start ComfyUI, or pass its address: Studio('http://host:8188').",
            ) from error
        except httpx.HTTPError as error:
            raise AnswerLost(f"{self.address} gave no answer to {method} {path}: {_reason(error)}.") from error
        except httpx.InvalidURL as error:
            raise ServerUnreachable(
                f"{self.address} is not an address.", hint="Write it as http://host:8188."
            ) from error
        if method == "GET" and answer.status_code in _PASSING:
            said = sentence_of(answer.text)
            raise AnswerLost(f"{self.address} answered {path} with HTTP {answer.status_code}: {said}.")
        if answer.status_code in {401, 403}:
            raise KeyRefused(
                f"{self.address} refused {method} {path} (HTTP {answer.status_code}).",
                hint="Pass its key: Studio(url, api_key=…), or the header that your proxy wants: headers={…}.",
            )
        return answer


def _mapping(answer: httpx.Response) -> dict[str, Any]:
    if answer.status_code != httpx.codes.OK:
        raise _unexpected(answer)
    try:
        reply = answer.json()
    except ValueError:
        reply = None
    if not isinstance(reply, dict):
        raise NotComfyUI(
            f"{answer.url.host} answered {answer.url.path} with something that is not JSON: {sentence_of(answer.text)}",
            hint="Check that the address is a ComfyUI server's.",
        )
    return reply


def _unexpected(answer: httpx.Response) -> ComfyWidgetsError:
    said = sentence_of(answer.text) or "no text"
    return ServerError(f"The server answered {answer.url.path} with HTTP {answer.status_code}: {said}")


def _check_view(answer: httpx.Response, output: OutputFile) -> None:
    if answer.status_code == httpx.codes.NOT_FOUND:
        raise OutputMissing(f"The server has no file {output.filename} any more.", hint="Submit it again.")
    if answer.status_code not in {200, 206}:
        raise FetchFailed(f"The server answered {answer.status_code} when asked for {output.filename}.")


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _reason(error: httpx.HTTPError) -> str:
    return str(error) or type(error).__name__
