"""From a server's output files to a take on disk: fetch, look inside, poster, keep."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from comfy_widgets import media
from comfy_widgets.cache import TakeCache
from comfy_widgets.comfyui.capabilities import Capabilities
from comfy_widgets.comfyui.client import Client
from comfy_widgets.comfyui.parts import forget
from comfy_widgets.comfyui.replies import OutputFile, chosen_output
from comfy_widgets.comfyui.threads import in_thread
from comfy_widgets.errors import ComfyWidgetsError, FetchFailed, OutputMissing
from comfy_widgets.files import temporary_beside, told_as_cache_error
from comfy_widgets.jobs import Request
from comfy_widgets.takes import Take

log = logging.getLogger(__name__)

# In all long enough for a server to start again.
PAUSE_SECONDS = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)

# A file of these that can't be read is broken; of others it may be that only we can't.
_SURELY_READ = {".mp4", ".m4v", ".webm", ".png", ".jpg", ".jpeg"}


@dataclass(frozen=True)
class Origin:
    """Where a take comes from.

    Attributes
    ----------
    request, key
        What was asked for.
    prompt_id
        The job's id on the server.
    server
        Host and port.
    capabilities
        What the server said of itself.
    render_seconds
        How long the server executed it, if it told.
    """

    request: Request
    key: str
    prompt_id: str
    server: str
    capabilities: Capabilities
    render_seconds: float | None = None


async def save(
    client: Client, cache: TakeCache, origin: Origin, files: Sequence[OutputFile], tell: Callable[[float, str], None]
) -> Take:
    """Bring a job's files here and keep them as a take.

    Parameters
    ----------
    files
        What the job left on the server.
    tell
        Called with the fraction that is here, from 0 to 1, and with words for it.

    Raises
    ------
    OutputMissing
        If there is no file, or the server has lost it, or what it has of the chosen one can't be read.
    FetchFailed
        If the chosen file could not be brought here whole.
    CacheError
        If it can't be written.
    """
    wanted = wanted_files(files)
    parts = [cache.take_part(origin.prompt_id, number) for number in range(len(wanted))]
    here: dict[Path, OutputFile] = {}
    try:
        for number, (file, part) in enumerate(zip(wanted, parts, strict=True)):
            try:
                with told_as_cache_error(cache.folder / file.filename):
                    whole = await _fetch(client, file, part, partial(_tell_bytes, tell, number, len(wanted)))
                    await in_thread(_check, file, part, whole=whole, chosen=number == 0)
                here[part] = file
            except OutputMissing:
                if number == 0:
                    raise
                log.warning("%s is not on the server any more; the take is kept without it.", file.filename)
    except BaseException:
        for number, part in enumerate(parts):
            cache.leave_part(part, origin.prompt_id, number)
        raise
    return await in_thread(_keep, cache, origin, list(here.values()), list(here))


def server_name(address: str, renderer: str) -> str:
    """What a server is called in a sidecar; the port of the embedded one is another each time."""
    return "the embedded server" if renderer == "demo" else address


def wanted_files(files: Sequence[OutputFile]) -> list[OutputFile]:
    """The files to keep, the chosen one first; what a preview node left counts only if there is nothing else."""
    kept = [file for file in files if file.type == "output"] or list(files)
    chosen = chosen_output(kept)
    if chosen is None:
        raise OutputMissing(
            "The job ended well and left no file.", hint="The workflow needs a node that saves, such as SaveVideo."
        )
    return [chosen, *(file for file in kept if file != chosen)]


def _tell_bytes(tell: Callable[[float, str], None], done: int, files: int, have: int, total: int | None) -> None:
    share = min(have / total, 1.0) if total else 0.0
    of = f" of {total / 1e6:.1f}" if total else ""
    tell((done + share) / files, f"fetching {have / 1e6:.1f}{of} MB")


async def _fetch(client: Client, file: OutputFile, part: Path, on_bytes: Callable[[int, int | None], None]) -> bool:
    for pause in PAUSE_SECONDS:
        try:
            return await client.fetch(file, part, on_bytes)
        except FetchFailed:
            await asyncio.sleep(pause)
    try:
        return await client.fetch(file, part, on_bytes)
    except FetchFailed as error:
        error.hint = error.hint or "It is still on the server: job.fetch() tries again, without rendering."
        raise


def _check(file: OutputFile, part: Path, *, whole: bool, chosen: bool) -> None:
    """See that a file is what its name says.

    Where the server did not say how long it is, being readable is the proof that it is whole. One that came whole is
    what the node wrote: it is kept as what it is, unless it is the take itself.
    """
    part.stat()  # What was removed here meanwhile is no fault of the server's file.
    if file.kind == "other" or (whole and not (chosen and file.suffix in _SURELY_READ)):
        return
    try:
        media.probe(part)
    except FetchFailed as error:
        # What was cut is fetched anew next time, not continued.
        forget(part)
        if not whole:
            raise
        raise OutputMissing(
            f"The server's file {file.filename} can't be read.",
            hint="Look whether its disk is full, then make it again: job.resubmit().",
        ) from error


def _keep(cache: TakeCache, origin: Origin, files: list[OutputFile], parts: list[Path]) -> Take:
    made: list[Take] = []
    try:
        known = _known(cache, origin)
        if known is not None:
            return known
        with told_as_cache_error(cache.folder / files[0].filename):
            for file, part in zip(files, parts, strict=True):
                made.append(_described(part, file, origin))
                made[-1] = _with_poster(made[-1])
            # Two that end at the same moment would else both be the same number, and one replace the other.
            with cache.turn.taken():
                return _known(cache, origin) or _named(cache, origin, files, made)
    finally:
        # What has been worked on can't be continued; what was kept is not here any more.
        for part in [*parts, *(take.poster for take in made if take.poster)]:
            forget(part)


def _known(cache: TakeCache, origin: Origin) -> Take | None:
    """What this prompt left, if another kernel on this folder has brought it here meanwhile."""
    known = cache.of_prompt(origin.key, origin.prompt_id)
    return known and replace(known, cached=False)


def _named(cache: TakeCache, origin: Origin, files: list[OutputFile], made: list[Take]) -> Take:
    """Give temporary files the names of the key's next take."""
    request = origin.request
    number = cache.next_number(origin.key)
    name = cache.name(origin.key, request.scene, request.shot, request.title, number)
    moves: dict[Path, Path] = {}
    takes = []
    for place, (file, take) in enumerate(zip(files, made, strict=True)):
        # What a take's name and ".json" make is its sidecar.
        suffix = ".json.txt" if file.suffix == ".json" else file.suffix
        path = moves[take.path] = cache.folder / f"{name}{f'.o{place}' if place else ''}{suffix}"
        poster = take.poster
        if poster is not None:
            # A picture that was saved as jpg has its own poster's name.
            moves[poster] = path.with_suffix(".poster.jpg" if file.suffix == ".jpg" else ".jpg")
        takes.append(replace(take, path=path, poster=poster and moves[poster]))
    chosen = replace(takes[0], take_number=number, used_by=((request.scene, request.shot),))
    return cache.keep(chosen.with_also(takes[1:]), moves)


def _described(part: Path, file: OutputFile, origin: Origin) -> Take:
    probe = _probe(part) if file.kind != "other" else None
    if probe is not None and probe.kind == "video":
        media.faststart(part)
    request = origin.request
    return Take(
        key=origin.key,
        path=part,
        kind=probe.kind if probe else "other",
        media_type=probe.media_type if probe else file.media_type,
        size=part.stat().st_size,
        made=datetime.now(UTC).isoformat(timespec="milliseconds"),
        server=server_name(origin.server, origin.capabilities.renderer),
        renderer=origin.capabilities.renderer,
        version=origin.capabilities.version,
        codec=probe.codec if probe else None,
        width=probe.width if probe else None,
        height=probe.height if probe else None,
        fps=probe.fps if probe else None,
        frames=probe.frames if probe else None,
        seconds=probe.seconds if probe else None,
        inputs=dict(request.filled.inputs),
        graph=request.filled.graph,
        bindings=dict(request.filled.bindings),
        files={given.name: place for given in request.filled.files if (place := given.beside)},
        scene=request.scene,
        shot=request.shot,
        parent=request.parent,
        changed=dict(request.changed),
        prompt_id=origin.prompt_id,
        render_seconds=origin.render_seconds,
    )


def _probe(part: Path) -> media.Probe | None:
    try:
        return media.probe(part)
    except FetchFailed:
        # Kept, and shown as what it is.
        return None


def _with_poster(take: Take) -> Take:
    """The take with a small picture beside it, if one can be made."""
    if take.kind not in {"video", "image"}:
        return take
    poster = temporary_beside(take.path)
    try:
        media.poster(take.path, poster)
    except ComfyWidgetsError:
        poster.unlink(missing_ok=True)
        return take
    except OSError:
        poster.unlink(missing_ok=True)
        raise
    return replace(take, poster=poster)
