"""The text in a picture, where ComfyUI leaves the graph that made it and FFmpeg does not look."""

import os
import re
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

# Chunks of a PNG that hold text; comf is what ComfyUI's SaveAnimatedPNG writes.
_PNG_TEXT = {b"tEXt", b"zTXt", b"iTXt", b"comf"}
# In WebP ComfyUI uses fields of EXIF, each with the name before the text; EXIF ends a text with a zero.
_EXIF_TEXT = re.compile(rb"(prompt|workflow):([^\0]*)")


def _png(path: Path) -> dict[str, str]:
    texts = {}
    with path.open("rb") as file:
        file.seek(8)  # the signature
        while len(head := file.read(8)) == 8:
            size, kind = struct.unpack(">I4s", head)
            if kind in _PNG_TEXT:
                name, _, data = file.read(size).partition(b"\0")
                texts[name.decode("latin-1").lower()] = _png_text(kind, data)
            else:
                file.seek(size, os.SEEK_CUR)
            file.seek(4, os.SEEK_CUR)  # the checksum
    return texts


def _png_text(kind: bytes, data: bytes) -> str:
    if kind == b"zTXt":
        return zlib.decompress(data[1:]).decode("latin-1")
    if kind == b"iTXt":
        packed = data[:1] == b"\1"
        _language, _translated_name, text = data[2:].split(b"\0", 2)
        return (zlib.decompress(text) if packed else text).decode()
    return data.decode("latin-1")


def _webp(path: Path) -> dict[str, str]:
    with path.open("rb") as file:
        file.seek(12)  # RIFF, the size of the rest, WEBP
        while len(head := file.read(8)) == 8:
            kind, size = struct.unpack("<4sI", head)
            if kind == b"EXIF":
                return {name.decode(): text.decode() for name, text in _EXIF_TEXT.findall(file.read(size))}
            file.seek(size + size % 2, os.SEEK_CUR)  # chunks begin at even places
    return {}


# By media type; each raises ValueError or zlib.error where the text is damaged.
READERS: dict[str, Callable[[Path], dict[str, str]]] = {"image/png": _png, "image/apng": _png, "image/webp": _webp}
