"""Giving takes to others: a page that stands alone."""

import base64
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from comfy_widgets import faces
from comfy_widgets.errors import ComfyWidgetsError, InputFileError
from comfy_widgets.faces import TakeLike
from comfy_widgets.files import temporary_beside
from comfy_widgets.jobs import Job
from comfy_widgets.page import Media, page
from comfy_widgets.takes import Take

# A multiple of three bytes is a whole number of base64's letters.
_PIECE = 3 << 18


def export_html(obj: Any, path: str | Path) -> Path:
    """Write takes into one html file with their videos in it, for people without Jupyter.

    Parameters
    ----------
    obj
        A take, a job, or anything with takes: a gallery, a comparison, a batch, a timeline, a list.
    path
        Where to write; what is there is replaced once the page is whole.

    Returns
    -------
    Path
        The page. It is a third larger than the videos in it.

    Raises
    ------
    InputFileError
        If there is nothing to show, or a file is gone.
    ComfyWidgetsError
        If it can't be written.

    Examples
    --------
    >>> cw.export_html(take, "lighthouse.html")  # doctest: +SKIP
    """
    into = Path(path)
    if not into.name or not _nameable(into):
        what = f"{path} is a folder." if not into.name else f"{str(path)!r} is no name for a file."
        raise InputFileError(what, hint="Give the page a name: cw.export_html(take, 'page.html').")
    takes = list({take.path: take for take in takes_of(obj)}.values())
    request = faces.job_html(obj) if isinstance(obj, Job) and not takes else ""
    if not takes and not request:
        raise InputFileError("There is no take to export.", hint="Make one first, or wait for it: take = await job.")
    title = takes[0].title if len(takes) == 1 else _title(obj)
    temporary = temporary_beside(into)
    try:
        with temporary.open("wb") as file:
            for part in page(title, takes, request):
                if isinstance(part, Media):
                    _write_media(part.take, file)
                else:
                    # As in `write_text`: a lone surrogate in a prompt has no UTF-8.
                    file.write(part.encode("utf-8", "backslashreplace"))
        temporary.replace(into)
    except OSError as error:
        raise ComfyWidgetsError(
            f"{path} can't be written: {error.strerror or error}.", hint="Choose another place for it."
        ) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
    return into


def takes_of(obj: Any) -> Iterator[Take]:
    """The takes of a thing: what a film shows of it, else all that it has.

    Raises
    ------
    InputFileError
        If such a thing has none.

    Examples
    --------
    >>> list(takes_of([]))
    []
    """
    if isinstance(obj, Take):
        yield obj
    elif isinstance(obj, Job):
        yield from [obj.take] if obj.take else []
    elif isinstance(obj, Mapping):
        yield from takes_of(obj.values())
    else:
        held = getattr(obj, "chosen", None) or getattr(obj, "takes", None)
        if held is None and (isinstance(obj, str) or not isinstance(obj, Iterable)):
            raise InputFileError(
                f"There are no takes in {type(obj).__name__} {obj!r:.60}.",
                hint="Give takes, or what has some: a job, a batch, a gallery.",
            )
        for one in obj if held is None else [held]:
            yield from takes_of(one)


def _nameable(path: Path) -> bool:
    """Whether a file can have this path at all."""
    try:
        return b"\0" not in os.fsencode(path)
    except UnicodeEncodeError:
        return False


def _title(obj: Any) -> str:
    named = getattr(obj, "title", None)
    return named if isinstance(named, str) else "Takes"


def _write_media(take: TakeLike, file: BinaryIO) -> None:
    """Write a file as a data URI, a piece at a time: it may be large."""
    file.write(f"data:{take.media_type};base64,".encode("ascii"))
    try:
        source = take.path.open("rb")
    except OSError as error:
        raise InputFileError(f"The file {take.path.name} cannot be read.", hint="Make the take again.") from error
    with source:
        while piece := source.read(_PIECE):
            file.write(base64.b64encode(piece))
