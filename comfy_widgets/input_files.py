"""The local files that a request brings along, looked at before they go to a server."""

from collections.abc import Iterable
from functools import lru_cache

from comfy_widgets import media
from comfy_widgets.expected import LocalFile
from comfy_widgets.workflow import InputFile

# ComfyUI may read pictures that FFmpeg can't decode: WebP that moves, HEIC and AVIF with what is installed there.
_LONGEST_SIGNATURE = 12
_STILL_BRANDS = (b"avif", b"avis", b"heic", b"heix", b"heim", b"mif1", b"msf1")


def looked_at(files: Iterable[InputFile]) -> dict[str, LocalFile]:
    """What is in each file, by the name that it has on the server.

    Files that may be what only the server can read are left out, and so are those that are gone.
    """
    return {file.name: told for file in files if (told := _look(file)) is not None}


# The name says what is in it, so a keyframe of many shots is decoded once.
@lru_cache(maxsize=256)
def _look(file: InputFile) -> LocalFile | None:
    try:
        with file.path.open("rb") as opened:
            signature = opened.read(_LONGEST_SIGNATURE)
    except OSError:
        return None
    is_webp = signature.startswith(b"RIFF") and signature.endswith(b"WEBP")
    if is_webp or signature[4:].startswith(tuple(b"ftyp" + brand for brand in _STILL_BRANDS)):
        return None
    return LocalFile(file.path, media.decodable(file.path))
