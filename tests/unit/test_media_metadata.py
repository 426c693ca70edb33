"""What a file carries of the graph that made it."""

import struct
import zlib
from pathlib import Path

import pytest

from comfy_widgets import media
from comfy_widgets.errors import FetchFailed
from tests.unit.test_media import TAGS, WEBP, clip


@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "libx264"), ("a.webm", "libvpx"), ("a.mkv", "libx264")])
def test_a_video_carries_its_graph(tmp_path, name, codec):
    options = {"movflags": "use_metadata_tags"} if name == "a.mp4" else {}
    found = media.metadata(clip(tmp_path / name, codec, tags=TAGS, options=options))

    assert {tag: found.get(tag) for tag in TAGS} == TAGS
    assert "major_brand" not in found


def with_chunk(png: Path, kind: bytes, data: bytes) -> Path:
    content = png.read_bytes()
    end = len(content) - 12  # IEND
    chunk = struct.pack(">I4s", len(data), kind) + data + struct.pack(">I", zlib.crc32(kind + data))
    png.write_bytes(content[:end] + chunk + content[end:])
    return png


@pytest.mark.parametrize(
    ("kind", "data", "text"),
    [
        (b"tEXt", b"prompt\0caf\xe9", "café"),
        (b"zTXt", b"Prompt\0\0" + zlib.compress(b"caf\xe9"), "café"),
        (b"iTXt", b"prompt\0\0\0\0\0" + "日本".encode(), "日本"),
        (b"iTXt", b"prompt\0\1\0en\0prompt\0" + zlib.compress("日本".encode()), "日本"),
        (b"comf", b"prompt\0{}", "{}"),
    ],
)
def test_a_png_carries_its_graph(tmp_path, kind, data, text):
    made = clip(tmp_path / "a.png", "png", "rgb24", frames=1)

    assert media.metadata(with_chunk(made, kind, data)) == {"prompt": text}


def test_a_webp_carries_its_graph(tmp_path):
    """In EXIF, as Pillow writes what ComfyUI's SaveAnimatedWEBP gives it."""
    made = clip(tmp_path / "a.webp", *WEBP, frames=1)
    exif = b"II*\0" + b"\1\0\x10\1\2\0" + b'workflow:{"nodes": []}\0prompt:{"1": {}}\0'
    chunk = b"EXIF" + struct.pack("<I", len(exif)) + exif + b"\0" * (len(exif) % 2)
    whole = made.read_bytes()
    made.write_bytes(whole + chunk)
    assert media.metadata(made) == {"workflow": '{"nodes": []}', "prompt": '{"1": {}}'}
    made.write_bytes(whole)
    assert media.metadata(made) == {}


@pytest.mark.parametrize(
    ("kind", "data"), [(b"zTXt", b"prompt\0\0garbage"), (b"iTXt", b"prompt\0"), (b"iTXt", b"prompt\0\0\0\0\0\xff")]
)
def test_damaged_text_is_said_to_be_so(tmp_path, kind, data):
    made = clip(tmp_path / "a.png", "png", "rgb24", frames=1)

    with pytest.raises(FetchFailed, match="its text is damaged"):
        media.metadata(with_chunk(made, kind, data))
