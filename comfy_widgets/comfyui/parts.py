"""Files on their way: what is here of one that is fetched, of which version it is; the bytes of one that is sent."""

import hashlib
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from comfy_widgets.comfyui.replies import OutputFile
from comfy_widgets.errors import FetchFailed, InputFileError


def tag_beside(part: Path) -> Path:
    """Where it is noted of which version of the server's file a part is."""
    return part.with_name(f"{part.stem}.etag{part.suffix}")


def begun(part: Path) -> tuple[int, str | None]:
    """How many bytes are here, and of which version they are, where the server has told."""
    have, tag = 0, None
    with suppress(OSError, ValueError):
        have = part.stat().st_size
        tag = tag_beside(part).read_text("ascii")
    return have, tag


def begin(part: Path, tag: str | None) -> int:
    """Note of which version the bytes are that come now, and begin at the first."""
    # A weak tag says that two files look alike, not that their bytes can be joined.
    if tag and not tag.startswith("W/") and tag.isascii():
        tag_beside(part).write_text(tag, "ascii")
    else:
        tag_beside(part).unlink(missing_ok=True)
    return 0


def forget(part: Path) -> None:
    """Throw away what is here."""
    for path in (part, tag_beside(part)):
        path.unlink(missing_ok=True)


def asking(have: int, tag: str | None) -> dict[str, str]:
    """The headers that ask for the rest; ComfyUI heeds If-Match and passes over If-Range (protocol.md 8)."""
    # Ranges and lengths count what is sent: the file itself, not the file compressed.
    wanted = {"Accept-Encoding": "identity"}
    if have:
        wanted |= {"Range": f"bytes={have}-"} | ({"If-Match": tag} if tag else {})
    return wanted


def continues(status: int, headers: Mapping[str, str], have: int, tag: str | None) -> bool:
    """Whether an answer is the rest of what is here, or the whole file anew."""
    if status == 206:
        first = re.match(r"bytes (\d+)-", headers.get("content-range", ""))
        same = tag is None or headers.get("etag", tag) == tag
        return same and (first is None or int(first[1]) == have)
    return status != 412


def nothing_left(headers: Mapping[str, str], output: OutputFile, part: Path, have: int) -> bool:
    """Whether it is certain that the bytes which are here are all; bytes of another file are thrown away."""
    total = headers.get("content-range", "").removeprefix("bytes */")
    if total.isdecimal() and int(total) != have:
        forget(part)
        raise FetchFailed(f"{have} bytes of {output.filename} were here, and it has {total}.")
    return total.isdecimal()


def content_of(path: Path, name: str) -> bytes:
    """The bytes of a file that is sent under a name which says what is in it.

    Raises
    ------
    InputFileError
        If it can't be read any more, or is another one by now: the server would keep it under the first one's name.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputFileError(
            f"The input file {path} can't be read any more: {error.strerror or error}.",
            hint="Put it back and submit again.",
        ) from error
    if not hashlib.sha256(content).hexdigest().startswith(name.removeprefix("cw_").partition(".")[0]):
        raise InputFileError(f"The input file {path} has changed since it was asked for.", hint="Submit it again.")
    return content
