import struct
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path

import av
import pytest
from av.video.frame import VideoFrame

from comfy_widgets import media
from comfy_widgets.errors import FetchFailed
from comfy_widgets.media import Probe

FPS = 16
GRAPH = '{"6": {"inputs": {"text": "a lighthouse ☼"}}}'
TAGS = {"prompt": GRAPH, "workflow": "{}"}

Colour = Callable[[int, int, int], tuple[int, int, int]]


def waves(i: int, x: int, y: int) -> tuple[int, int, int]:
    return (x * 4 + i * 5) % 256, (y * 3 + i) % 256, (x + y) % 256


def picture(i: int, size: tuple[int, int], colour: Colour) -> VideoFrame:
    width, height = size
    frame = VideoFrame(width, height, "rgb24")
    row = frame.planes[0].line_size
    frame.planes[0].update(
        b"".join(b"".join(bytes(colour(i, x, y)) for x in range(width)).ljust(row, b"\0") for y in range(height))
    )
    return frame


def clip(
    path: Path,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    *,
    size: tuple[int, int] = (64, 48),
    frames: int = 20,
    colour: Colour = waves,
    tags: dict[str, str] | None = None,
    sound: bool = False,
    options: dict[str, str] | None = None,
) -> Path:
    still = {".png": "image2", ".jpg": "image2"}.get(path.suffix)
    with av.open(str(path), "w", format=still, options=options or {}) as container:
        container.metadata.update(tags or {})
        stream = container.add_stream(codec, rate=FPS)
        stream.width, stream.height = size
        stream.pix_fmt = pixels
        audio = container.add_stream("aac", rate=8000, layout="mono") if sound else None
        for i in range(frames):
            container.mux(stream.encode(picture(i, size, colour).reformat(format=pixels)))
        container.mux(stream.encode())
        if audio:
            silence = av.AudioFrame(format="fltp", layout="mono", samples=8000)
            silence.sample_rate = 8000
            silence.planes[0].update(bytes(silence.planes[0].buffer_size))
            container.mux(audio.encode(silence))
            container.mux(audio.encode())
    return path


def mp4(path: Path, *, front: bool = False, **more) -> Path:
    movflags = "use_metadata_tags" + ("+faststart" if front else "")
    return clip(path, tags=TAGS, options={"movflags": movflags}, **more)


def rgb(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(frame.reformat(format="rgb24").planes[0]) for frame in container.decode(video=0)]


def packets(path: Path) -> list[tuple[int, int | None, int | None, bytes]]:
    with av.open(str(path)) as container:
        return [(p.stream.index, p.pts, p.dts, bytes(p)) for p in container.demux() if p.size]


def mean(pixels: Iterable[int]) -> float:
    values = list(pixels)
    return sum(values) / len(values)


FRAGMENTS = {"movflags": "frag_keyframe+empty_moov"}
H264, VP8, VP9, GIF = ("libx264", "yuv420p"), ("libvpx", "yuv420p"), ("libvpx-vp9", "yuv420p"), ("gif", "rgb8")
PNG, JPEG, WEBP = ("png", "rgb24"), ("mjpeg", "yuvj420p"), ("libwebp", "yuv420p")


@pytest.mark.parametrize(
    ("name", "made_with", "options", "expected"),
    [
        ("a.mp4", H264, {}, ("video", "video/mp4", "h264")),
        ("fragments.mp4", H264, FRAGMENTS, ("video", "video/mp4", "h264")),
        ("vp8.webm", VP8, {}, ("video", "video/webm", "vp8")),
        ("vp9.webm", VP9, {}, ("video", "video/webm", "vp9")),
        ("av1.webm", ("libsvtav1", "yuv420p"), {}, ("video", "video/webm", "av1")),
        ("unseekable.webm", VP8, {"live": "1"}, ("video", "video/webm", "vp8")),
        ("a.mkv", H264, {}, ("video", "video/x-matroska", "h264")),
        ("a.gif", GIF, {}, ("image", "image/gif", "gif")),
    ],
)
def test_probe_of_moving_pictures(tmp_path, name, made_with, options, expected):
    # 50 pictures: enough for VP8 and VP9 to make some that are never shown.
    made = clip(tmp_path / name, *made_with, frames=50, options=options)

    found = media.probe(made)

    assert (found.kind, found.media_type, found.codec) == expected
    assert (found.width, found.height, found.frames) == (64, 48, 50)
    # GIF counts in hundredths of a second, Matroska in thousandths.
    assert found.fps == pytest.approx(FPS, rel=0.05)
    assert found.seconds == pytest.approx(50 / FPS, rel=0.01)


@pytest.mark.parametrize(
    ("name", "made_with", "kind"),
    [("a.mp4", H264, "video"), ("a.webm", VP8, "video"), ("a.gif", GIF, "image"), ("a.png", PNG, "image")],
)
def test_what_of_a_file_can_be_decoded(tmp_path, name, made_with, kind):
    made = clip(tmp_path / name, *made_with, frames=1 if name == "a.png" else 5)
    assert media.decodable(made) == kind
    made.write_bytes(made.read_bytes()[:60])
    assert media.decodable(made) is None


@pytest.mark.parametrize(
    ("name", "made_with", "size", "expected"),
    [
        ("a.png", PNG, (64, 48), ("image/png", "png")),
        ("a.webp", WEBP, (64, 48), ("image/webp", "webp")),
        ("a.jpg", JPEG, (64, 48), ("image/jpeg", "mjpeg")),
        ("a.jpg", JPEG, (320, 180), ("image/jpeg", "mjpeg")),  # which FFmpeg tells by the name, not by the content
    ],
)
def test_probe_of_a_still_picture(tmp_path, name, made_with, size, expected):
    made = clip(tmp_path / name, *made_with, frames=1, size=size)

    media_type, codec = expected
    assert media.probe(made) == Probe("image", media_type, *size, None, 1, None, codec)


def test_probe_of_sound(tmp_path):
    path = tmp_path / "a.wav"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame(format="s16", layout="mono", samples=4000)
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))

    assert media.probe(path) == Probe("audio", "audio/wav", seconds=0.5, codec="pcm_s16le")


def test_probe_of_an_mp4_with_sound_alone(tmp_path):
    path = tmp_path / "a.mp4"
    with av.open(str(clip(tmp_path / "both.mp4", sound=True))) as source, av.open(str(path), "w") as target:
        copy = target.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(source.streams.audio[0]):
            if packet.size:
                packet.stream = copy
                target.mux(packet)

    assert (media.probe(path).kind, media.probe(path).media_type) == ("audio", "audio/mp4")


def test_the_duration_is_that_of_the_pictures(tmp_path):
    # 20 pictures at 16 a second are 1.25 s, and the sound is 1 s.
    found = media.probe(clip(tmp_path / "a.mp4", sound=True, frames=4))

    assert found.seconds == pytest.approx(0.25)


def test_subtitles_are_something_else(tmp_path):
    path = tmp_path / "a.srt"
    path.write_text("1\n00:00:01,000 --> 00:00:02,000\nhello\n\n")

    assert media.probe(path).kind == "other"


def test_the_name_does_not_matter(tmp_path):
    made = mp4(tmp_path / "a.mp4")
    known = media.probe(made)

    assert media.probe(made.rename(tmp_path / ".b.png.part")) == known


@pytest.mark.parametrize("front", [False, True])
def test_a_video_cut_short_cannot_be_read(tmp_path, front):
    made = mp4(tmp_path / "a.mp4", front=front)
    made.write_bytes(made.read_bytes()[:-100])

    with pytest.raises(FetchFailed, match=r"a\.mp4 is not a video that can be read: .+ job\.fetch\(\)"):
        media.probe(made)


@pytest.mark.parametrize("content", [b"", b"<html>502 Bad Gateway</html>", b"\0" * 2000])
def test_what_is_no_video_cannot_be_read(tmp_path, content):
    path = tmp_path / "a.mp4"
    path.write_bytes(content)

    for look in (media.probe, media.metadata):
        with pytest.raises(FetchFailed, match="not a video that can be read"):
            look(path)
    with pytest.raises(FetchFailed):
        media.poster(path, tmp_path / "a.jpg")
    assert not (tmp_path / "a.jpg").exists()
    assert media.faststart(path) is False


def test_a_missing_file_cannot_be_read(tmp_path):
    with pytest.raises(FetchFailed, match="no such file"):
        media.probe(tmp_path / "a.mp4")


def noise(i: int, x: int, y: int) -> tuple[int, int, int]:
    return tuple(zlib.crc32(struct.pack(">III", i, x, y)).to_bytes(4)[:3])


@pytest.mark.parametrize(
    ("size", "colour", "max_bytes", "expected"),
    [
        ((640, 360), waves, 8_000, (320, 180)),
        ((64, 48), waves, 8_000, (64, 48)),
        ((180, 320), waves, 8_000, (180, 320)),
        ((640, 360), noise, 2_500, (160, 90)),
    ],
)
def test_a_poster_is_small_whatever_it_shows(tmp_path, size, colour, max_bytes, expected):
    made, jpeg = clip(tmp_path / "a.mp4", size=size, colour=colour, frames=3), tmp_path / "a.jpg"

    media.poster(made, jpeg, max_bytes=max_bytes)

    assert jpeg.stat().st_size <= max_bytes
    found = media.probe(jpeg)
    assert (found.media_type, found.width, found.height) == ("image/jpeg", *expected)


def test_a_poster_has_the_same_bytes_each_time(tmp_path):
    made = clip(tmp_path / "a.mp4")
    media.poster(made, tmp_path / "1.jpg")
    media.poster(made, tmp_path / "2.jpg")

    assert (tmp_path / "1.jpg").read_bytes() == (tmp_path / "2.jpg").read_bytes()
    assert b"Lavc" not in (tmp_path / "1.jpg").read_bytes()  # a new FFmpeg alone must not change a notebook


def test_the_first_pleasing_picture_is_taken(tmp_path):
    def fade_in(i: int, x: int, y: int) -> tuple[int, int, int]:
        del y
        return (0, 0, 0) if i < 10 else (255 if x < 32 else 0, 0, 0 if i < 25 else 255)

    media.poster(clip(tmp_path / "a.mp4", colour=fade_in, frames=40), tmp_path / "a.jpg")

    [pixels] = rgb(tmp_path / "a.jpg")
    assert mean(pixels[0::3]) > 100  # neither black, as at a tenth,
    assert mean(pixels[2::3]) < 30  # nor blue, as later on


def test_a_black_video_has_a_poster_too(tmp_path):
    media.poster(clip(tmp_path / "a.mp4", colour=lambda *_: (0, 0, 0)), tmp_path / "a.jpg")

    assert media.probe(tmp_path / "a.jpg").width == 64


@pytest.mark.parametrize(
    ("name", "made_with"),
    [("a.png", PNG), ("a.jpg", JPEG), ("a.webp", WEBP), ("a.gif", GIF), ("b.png", ("png", "rgba"))],
)
def test_a_poster_of_a_picture_keeps_its_colours(tmp_path, name, made_with):
    def orange(*_: int) -> tuple[int, int, int]:
        return 255, 146, 0  # which GIF's 3-3-2 bits can hold

    media.poster(clip(tmp_path / name, *made_with, frames=1, size=(320, 180), colour=orange), tmp_path / "poster.jpg")

    [shown] = rgb(tmp_path / "poster.jpg")
    assert [mean(shown[i::3]) for i in range(3)] == pytest.approx([255, 146, 0], abs=8)


def test_sound_has_no_poster(tmp_path):
    path = tmp_path / "a.wav"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame(format="s16", layout="mono", samples=4000)
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))

    with pytest.raises(FetchFailed, match="it has no picture"):
        media.poster(path, tmp_path / "a.jpg")


@pytest.mark.parametrize(("name", "made_with"), [("a.mp4", H264), ("a.webm", VP9), ("a.gif", GIF)])
def test_the_last_frame_is_the_last_one(tmp_path, name, made_with):
    made = clip(tmp_path / name, *made_with, frames=33)

    media.last_frame(made, tmp_path / "last.png")

    assert rgb(tmp_path / "last.png") == rgb(made)[-1:]


@pytest.mark.parametrize("sound", [False, True])
def test_faststart_moves_the_index_and_keeps_the_rest(tmp_path, sound):
    made = mp4(tmp_path / "a.mp4", sound=sound)
    before, tags, known = packets(made), media.metadata(made), media.probe(made)
    assert made.read_bytes().index(b"moov") > made.read_bytes().index(b"mdat")

    assert media.faststart(made) is True

    assert made.read_bytes().index(b"moov") < made.read_bytes().index(b"mdat")
    assert sorted(packets(made)) == sorted(before)
    assert {name: media.metadata(made)[name] for name in TAGS} == {name: tags[name] for name in TAGS} == TAGS
    assert media.probe(made) == known
    assert list(tmp_path.iterdir()) == [made]


def test_faststart_makes_the_same_bytes_each_time(tmp_path):
    made = mp4(tmp_path / "a.mp4")
    other = tmp_path / "b.mp4"
    other.write_bytes(made.read_bytes())

    media.faststart(made)
    media.faststart(other)

    assert made.read_bytes() == other.read_bytes()


def test_faststart_leaves_what_is_fast_already(tmp_path):
    made = mp4(tmp_path / "a.mp4")
    media.faststart(made)
    content, written = made.read_bytes(), made.stat().st_mtime_ns

    assert media.faststart(made) is False
    assert (made.read_bytes(), made.stat().st_mtime_ns) == (content, written)


def test_faststart_leaves_other_files(tmp_path):
    made = clip(tmp_path / "a.webm", "libvpx")
    content = made.read_bytes()

    assert media.faststart(made) is False
    assert made.read_bytes() == content


def test_faststart_leaves_a_file_that_cannot_be_written_again(tmp_path):
    made = mp4(tmp_path / "a.mp4")
    content = made.read_bytes().replace(b"trak", b"kart")
    made.write_bytes(content)

    assert media.faststart(made) is False
    assert made.read_bytes() == content
    assert list(tmp_path.iterdir()) == [made]


def test_faststart_reads_sizes_of_64_bits(tmp_path):
    made = mp4(tmp_path / "a.mp4")
    content = made.read_bytes()
    at = content.index(b"mdat") - 4
    size = int.from_bytes(content[at : at + 4])
    assert content[at - 8 : at] == struct.pack(">I4s", 8, b"free")  # which makes room for the wide size
    made.write_bytes(content[: at - 8] + struct.pack(">I4sQ", 1, b"mdat", size + 8) + content[at + 8 :])
    before = packets(made)

    assert media.faststart(made) is True
    assert packets(made) == before
