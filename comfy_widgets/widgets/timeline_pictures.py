"""Keyframes of a timeline: small pictures for its cards, and images that were dropped on them."""

import hashlib
import tempfile
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from comfy_widgets import media
from comfy_widgets.cache import slug_of
from comfy_widgets.errors import ComfyWidgetsError, InputFileError
from comfy_widgets.files import put, temporary_beside

# Jupyter's server lets go of a connection that brings 10 MiB at once.
PIECE = 4_000_000
_LARGEST = 100_000_000
_SUFFIXES = {"image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp", "image/gif": ".gif"}


def small(path: str | Path) -> bytes:
    """A picture as a JPEG of at most 8 kB.

    Raises
    ------
    ComfyWidgetsError
        If it can't be read.
    """
    path = Path(path).expanduser()
    try:
        stat = path.stat()
    except OSError as error:
        if isinstance(error, FileNotFoundError):
            raise InputFileError(f"{path} does not exist.", hint="Drop an image on the card.") from error
        raise InputFileError(f"The image {path.name} can't be read: {error.strerror}.") from error
    return _small(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=1024)
def _small(path: Path, _changed: int, _size: int) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        into = Path(folder) / "small.jpg"
        media.poster(path, into)
        return into.read_bytes()


class Drops:
    """Images that come from the browser in pieces.

    Parameters
    ----------
    folder
        Where they are kept.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._parts: dict[str, bytearray] = {}

    def take(self, body: Mapping[str, Any]) -> bytes | None:
        """Take a piece; the whole image once it is the last.

        Raises
        ------
        InputFileError
            If a piece is missing, or the image is too large.
        """
        name, offset, size, data = (body.get(field) for field in ("upload", "offset", "size", "data"))
        if not isinstance(name, str) or not isinstance(offset, int) or not isinstance(size, int):
            raise InputFileError("The image did not come whole.", hint="Drop it again.")
        if not 0 < size <= _LARGEST:
            raise InputFileError(f"An image of {size / 1e6:.0f} MB can't be a keyframe.", hint="Drop a smaller one.")
        part = self._parts.setdefault(name, bytearray()) if offset == 0 else self._parts.get(name, bytearray())
        if len(part) != offset or not isinstance(data, bytes) or not data:
            self._parts.pop(name, None)
            raise InputFileError("The image did not come whole.", hint="Drop it again.")
        part += data
        if len(part) < size:
            return None
        del self._parts[name]
        return bytes(part)

    def keep(self, image: bytes, name: object) -> Path:
        """Write an image under a name that says what it is, once for the same content.

        Raises
        ------
        InputFileError
            If it is none that can be read.
        """
        stem = slug_of(Path(str(name)).stem) or "keyframe"
        digest = hashlib.sha256(image).hexdigest()[:8]
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            temporary = temporary_beside(self.folder / stem)
            temporary.write_bytes(image)
        except OSError as error:
            raise InputFileError(f"The image can't be kept: {error.strerror}.") from error
        try:
            suffix = _SUFFIXES.get(_kind(temporary))
            if suffix is None:
                raise InputFileError(f"{Path(str(name)).name} is not an image that can be read.", hint="Drop another.")
            path = self.folder / f"{stem}_{digest}{suffix}"
            put(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
        return path


def _kind(path: Path) -> str:
    try:
        probe = media.probe(path)
    except ComfyWidgetsError:
        return ""
    return probe.media_type if probe.width else ""
