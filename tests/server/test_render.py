"""The pictures: the same bytes on any machine, and what the words of a prompt do to them."""

import os
import subprocess
import sys
from pathlib import Path

import av
import pytest

from comfy_widgets.demo.render import encode, font
from comfy_widgets.demo.render.landscape import Landscape
from comfy_widgets.demo.render.palette import mood_of
from comfy_widgets.demo.render.pictures import Noisy, Solid

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PAINT = """
import hashlib, os, sys, pathlib
if sys.argv[2] == "one core":
    os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
from comfy_widgets.demo.render import encode
from comfy_widgets.demo.render.landscape import Landscape
from comfy_widgets.demo.render.pictures import Noisy, Solid
path = pathlib.Path(sys.argv[1])
for kind, pictures in (
    ("mp4", Landscape("a lighthouse at dusk", "blurry", 7, 320, 192, 13)),
    ("mp4", Landscape("snow in the forest", "", 8, 640, 352, 9)),
    ("webm", Noisy(Solid(128, 96, 12, 0x335566), 3, 0.3)),
):
    encode.video(path, pictures, 24.0, {"prompt": "{}"}, kind)
    print(hashlib.sha256(path.read_bytes()).hexdigest())
"""


def painted(tmp_path, cores="all cores", **environment):
    command = [sys.executable, "-c", PAINT, str(tmp_path / "clip"), cores]
    everything = {**os.environ, **environment}
    return subprocess.run(command, cwd=ROOT, env=everything, capture_output=True, text=True, check=True).stdout


@pytest.mark.skipif(sys.platform != "linux", reason="cores and memory are set in Linux's way")
def test_the_bytes_depend_neither_on_cores_nor_on_what_memory_held(tmp_path):
    first = painted(tmp_path)
    assert len(set(first.split())) == 3
    assert painted(tmp_path, "one core", MALLOC_PERTURB_="85") == first
    assert painted(tmp_path, MALLOC_PERTURB_="170") == first


@pytest.mark.parametrize(
    ("prompt", "things", "stars"),
    [
        ("a lighthouse by the sea at night", {"water", "lighthouse"}, True),
        ("a red fox in the snow, pine forest", {"forest", "snow"}, False),
        ("Tokyo street, neon, night", {"city"}, True),
        ("the Alps at dawn", {"mountains"}, False),
    ],
)
def test_words_choose_what_is_painted(prompt, things, stars):
    mood = mood_of(prompt)
    assert things <= mood.things
    assert mood.light.stars is stars


def test_negative_words_are_left_out():
    assert "snow" not in mood_of("a fox in the snow", "snow").things


@pytest.mark.parametrize("prompt", ["", "日本の海", "a" * 5000, "%{}'\"\\:,;[]\n", "🌊"])
@pytest.mark.parametrize("size", [(16, 16), (96, 64), (34, 62), (1000, 30)])
def test_any_prompt_at_any_size_gives_pictures(prompt, size):
    frames = list(Landscape(prompt, "", 2**64 - 1, *size, 3).frames(24.0))
    assert [(frame.width, frame.height) for frame in frames] == [size] * 3


def test_a_long_clip_keeps_its_layers_small():
    frames = Landscape("a lighthouse", "", 1, 64, 48, 5000).frames()
    assert next(iter(frames)).width == 64


def test_the_font_has_every_printable_character():
    for code in range(33, 127):
        assert any(any(row) for row in font.rows(chr(code))), chr(code)
    assert len({b"".join(font.rows(chr(code))) for code in range(32, 127)}) == 95
    assert font.plain("Füchse\n日本 …") == "Fuchse .. ..."
    assert font.shorten("abcdefgh", 6) == "abc..."


@pytest.mark.parametrize("kind", ["flac", "mp3", "opus", "wav"])
def test_sounds_decode(kind, tmp_path):
    path = tmp_path / f"sound.{kind}"
    path.write_bytes(encode.sound(0.5, kind))
    with av.open(str(path)) as container:
        samples = sum(frame.samples for frame in container.decode(audio=0))
    assert 0.4 < samples / 48000 < 0.7


@pytest.mark.parametrize("kind", ["png", "gif"])
def test_animations_decode(kind, tmp_path):
    path = tmp_path / f"moving.{kind}"
    encode.animation(path, Noisy(Solid(64, 48, 4, 0x808080), 1, 0.5), 8.0, kind)
    with av.open(str(path)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 4
