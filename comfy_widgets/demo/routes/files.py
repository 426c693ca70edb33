"""Routes about files: view, upload."""

import hashlib
import json
import mimetypes
import os
from pathlib import Path

from aiohttp import BodyPartReader, web

from comfy_widgets.demo import sending
from comfy_widgets.demo.core import Core
from comfy_widgets.demo.folders import KINDS
from comfy_widgets.demo.render import encode, pictures

UNSAFE = {"text/html", "text/html-sandboxed", "application/xhtml+xml", "text/javascript", "text/css"}
#: Newer releases hold these back too.
UNSAFE_SINCE = {"image/svg+xml", "text/xml", "application/xml"}


def routes(core: Core) -> list[web.RouteDef]:
    """The routes."""
    here = Files(core)
    return [
        web.get("/view", here.view),
        web.post("/upload/image", here.upload),
        web.post("/upload/mask", here.upload_mask),
    ]


class Files:
    """Handlers about files.

    Parameters
    ----------
    core
        The server's present life.
    """

    def __init__(self, core: Core) -> None:
        self._core = core

    async def view(self, request: web.Request) -> web.StreamResponse:
        """Send a file of one of the folders."""
        query = request.rel_url.query
        path = self._viewed(query.get("filename"), query.get("type", "output"), query.get("subfolder", ""))
        if isinstance(path, int):
            return web.Response(status=path)
        named = {"Content-Disposition": f'filename="{path.name}"'}
        head = {**named, **self._kind(path)}
        answer = (
            self._elsewhere(path, head) if self._core.rules.cloud else sending.answer(path, head, self._core.faults)
        )
        if "preview" in query and answer.status != 404:
            # Only pictures can be previewed; on a video the real server stumbles too.
            frame = next(iter(pictures.loaded(path, only_first=True)[0].frames())) if is_picture(path) else None
            if frame is None:
                raise TypeError("no picture")
            return web.Response(body=encode.jpeg(frame), content_type="image/jpeg", headers=named)
        return answer

    def _elsewhere(self, path: Path, head: dict[str, str]) -> web.Response:
        """Where Comfy Cloud has a file; what is wrong with it shows only there."""
        if not path.is_file():
            return web.Response(status=404)
        return web.Response(status=302, headers={"Location": self._core.store.ticket(path, head)})

    def _kind(self, path: Path) -> dict[str, str]:
        """What the file is said to be; what a browser would run is sent as bytes."""
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        if kind in UNSAFE:
            return {"Content-Type": "application/octet-stream"}
        if self._core.rules.jobs and kind in UNSAFE_SINCE:
            held_back = {
                "Content-Disposition": f'attachment; filename="{path.name}"',
                "X-Content-Type-Options": "nosniff",
            }
            return {"Content-Type": "application/octet-stream", **held_back}
        return {"Content-Type": kind}

    def _viewed(self, name: str | None, kind: str, subfolder: str) -> Path | int:
        """The path that is asked for, or the status that refuses it."""
        if name is None:
            return 404
        for each in KINDS:
            if name.endswith(f" [{each}]"):
                name, kind = name[: -len(each) - 3], each
        if not name or name.startswith("/") or ".." in name or kind not in KINDS:
            return 400
        folder = self._core.folders.within(kind, subfolder)
        return 403 if folder is None else folder / os.path.basename(name)  # noqa: PTH119 - a name from the wire

    async def upload(self, request: web.Request) -> web.Response:
        """Keep an uploaded file; a name that is taken by other bytes gets a number."""
        fields, name, content = await self._form(request)
        if name is None or content is None:
            return web.Response(status=400)
        kind = fields.get("type", "input")
        subfolder = fields.get("subfolder", "")
        if kind not in KINDS or "/" in name:
            raise ValueError("bad type or name")
        folder = self._core.folders.within(kind, subfolder)
        if folder is None or not name:
            return web.Response(status=400)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / name
        if fields.get("overwrite") not in {"true", "1"}:
            path = unused(path, content)
        if not path.exists() or path.read_bytes() != content:
            path.write_bytes(content)
        self._core.journal.note("upload", name=path.name, bytes=len(content))
        return web.json_response({"name": path.name, "subfolder": subfolder, "type": kind})

    async def upload_mask(self, request: web.Request) -> web.Response:
        """Keep a mask; without its original nothing is written, and nobody says so."""
        fields, name, content = await self._form(request)
        if name is None or content is None:
            return web.Response(status=400)
        kind, subfolder = fields.get("type", "input"), fields.get("subfolder", "")
        folder = self._core.folders.within(kind, subfolder)
        if folder is None:
            return web.Response(status=400)
        path = unused(folder / name, content)
        if "original_ref" in fields and self._original(fields["original_ref"]):
            folder.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return web.json_response({"name": path.name, "subfolder": subfolder, "type": kind})

    def _original(self, reference: str) -> bool:
        ref = json.loads(reference)
        found = self._viewed(ref.get("filename"), ref.get("type", "output"), ref.get("subfolder", ""))
        return isinstance(found, Path) and found.is_file()

    async def _form(self, request: web.Request) -> tuple[dict[str, str], str | None, bytes | None]:
        fields: dict[str, str] = {}
        name: str | None = None
        content: bytes | None = None
        total = 0
        async for part in await request.multipart():
            if not isinstance(part, BodyPartReader):
                continue
            data = bytes(await part.read())
            total += len(data)
            if total > self._core.settings.max_upload:
                raise web.HTTPRequestEntityTooLarge(self._core.settings.max_upload, total)
            if part.name == "image" and part.filename:
                name, content = part.filename, data
            else:
                fields[part.name or ""] = data.decode()
        return fields, name, content


def unused(path: Path, content: bytes) -> Path:
    """The path itself if it is free or holds these bytes, else the first numbered one of which that is true."""
    number = 1
    stem, suffix = path.stem, path.suffix
    digest = hashlib.sha256(content).digest()
    while path.exists() and hashlib.sha256(path.read_bytes()).digest() != digest:
        path = path.with_name(f"{stem} ({number}){suffix}")
        number += 1
    return path


def is_picture(path: Path) -> bool:
    """Whether a file's name says that it is a picture."""
    return (mimetypes.guess_type(path.name)[0] or "").startswith("image/")
