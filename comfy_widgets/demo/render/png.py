"""Text inside PNG files, where ComfyUI keeps the graph of an image."""

import struct
import zlib
from collections.abc import Mapping

_HEADER_END = 8 + 25


def with_text(image: bytes, about: Mapping[str, str]) -> bytes:
    """The PNG with a text chunk for each entry, right after its header."""
    chunks = b"".join(_chunk(key, value) for key, value in about.items())
    return image[:_HEADER_END] + chunks + image[_HEADER_END:]


def _chunk(key: str, value: str) -> bytes:
    """A ``tEXt`` chunk, or ``iTXt`` where the text is not Latin-1."""
    try:
        kind, data = b"tEXt", key.encode() + b"\0" + value.encode("latin-1")
    except UnicodeEncodeError:
        kind, data = b"iTXt", key.encode() + b"\0\0\0\0\0" + value.encode()
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))
