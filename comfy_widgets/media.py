"""What is inside a video, picture or sound file, and the few things made from one: poster, last frame, fast start.

Blocking throughout: callers go through `asyncio.to_thread`. A file is judged by its content, never by its name, since
what has just been fetched still has a temporary one.
"""

import os
import struct
import uuid
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal, NamedTuple

import av
from av.audio.stream import AudioStream
from av.codec.context import Flags
from av.container import InputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from comfy_widgets import picture_texts
from comfy_widgets.errors import FetchFailed

# FFmpeg's names for what a file turned out to be; all else is "other". Pictures go by their codec: their demuxer is
# called image2 where the name of the file gave it away.
_MP4 = "mov,mp4,m4a,3gp,3g2,mj2"
_MATROSKA = "matroska,webm"
_CONTAINERS = {
    _MP4: "video/mp4",
    _MATROSKA: "video/x-matroska",
    "avi": "video/x-msvideo",
    "gif": "image/gif",
    "apng": "image/apng",
    "flac": "audio/flac",
    "mp3": "audio/mpeg",
    "ogg": "audio/ogg",
    "wav": "audio/wav",
}
_PICTURES = {"png": "image/png", "mjpeg": "image/jpeg", "webp": "image/webp"}
_WEBM_CODECS = {"vp8", "vp9", "av1"}

# What the demuxer reports of the container itself; written back as tags they would contradict the new file.
_CONTAINER_TAGS = {"major_brand", "minor_version", "compatible_brands"}

_POSTER_WIDTHS = (320, 240, 160, 80)  # px
_POSTER_QUALITIES = (3, 5, 8, 12, 18, 25, 31)  # quantisers of JPEG, 31 the coarsest
_POSTER_PLACES = (0.1, 0.3, 0.5, 0.8)  # parts of the duration
_PLEASING_CONTRAST = 40  # of 255; a fade from black or a flat title has less


@dataclass(frozen=True)
class Probe:
    """What a file is.

    Parameters
    ----------
    kind
        ``other`` is what FFmpeg reads but nobody looks at or listens to, such as subtitles. An animated GIF or WebP is
        an ``image``: it is shown by an image element.
    media_type
        Such as ``video/mp4``.
    width, height
        Of the picture, in pixels; None for sound, and where the format can't be decoded (animated WebP).
    fps
        Frames per second, None for a still picture.
    frames
        How many pictures there are, None for sound.
    seconds
        Duration in seconds, None for a still picture.
    codec
        FFmpeg's name of the codec: ``h264``, ``vp9``, ``png``…; None for other files.
    """

    kind: Literal["video", "image", "audio", "other"]
    media_type: str
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    frames: int | None = None
    seconds: float | None = None
    codec: str | None = None


def probe(path: Path) -> Probe:
    """Look at a file; frames are counted, not computed from the duration.

    Raises
    ------
    FetchFailed
        If it can't be read, or is cut short.
    """
    with _opened(path) as container:
        media_type = _media_type(container)
        if media_type is None:
            return Probe("other", "application/octet-stream")
        if container.format.name == _MP4:
            _check_whole(path)
        if media_type.startswith("audio/"):
            sound = container.streams.audio[0]
            return Probe("audio", media_type, seconds=_seconds(container), codec=_codec(sound))
        return _probe_pictures(container, media_type)


def decodable(path: Path) -> Literal["video", "image", "audio"] | None:
    """What of a file can be decoded, by its first picture; None if nothing can."""
    try:
        with _opened(path) as container:
            kind = (_media_type(container) or "image/").partition("/")[0]
            if kind == "audio" or not container.streams.video:
                return "audio" if container.streams.audio else None
            _frame_at(container, 0)
            return "video" if kind == "video" else "image"
    except FetchFailed:
        return None


def poster(path: Path, into: Path, *, max_bytes: int = 8_000) -> None:
    """Write a small JPEG of the first pleasing picture, from a tenth of the way in; the same file gives the same bytes.

    Parameters
    ----------
    path
        A video or a picture.
    into
        Where to write; 320 px wide at most, smaller pictures keep their size.
    max_bytes
        Quality, then width are lowered until the JPEG has no more bytes than this, or is at its smallest.

    Raises
    ------
    FetchFailed
        If no picture can be decoded.
    """
    with _opened(path) as container:
        into.write_bytes(_small_jpeg(_pleasing(container), max_bytes))


def last_frame(path: Path, into: Path) -> None:
    """Write the last picture of a video as a PNG, unscaled.

    Raises
    ------
    FetchFailed
        If no picture can be decoded.
    """
    with _opened(path) as container:
        frame = _frame_at(container, _seconds(container) or 0)
        into.write_bytes(_encoded(frame, "png", "rgb24"))


def faststart(path: Path) -> bool:
    """Move the index of an mp4 to its beginning, so that it plays while it loads; streams and tags stay.

    Returns
    -------
    bool
        Whether the file was rewritten. False if there was nothing to do: no mp4, the index in front already, or a
        stream that can't be written again, whose file then stays as it is.
    """
    kinds = [box.kind for box in _boxes(path)]
    if kinds[:1] != [b"ftyp"] or not {b"moov", b"mdat"} <= set(kinds) or kinds.index(b"moov") < kinds.index(b"mdat"):
        return False
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    try:
        _remux(path, beside)
        beside.replace(path)
    except (FFmpegError, ValueError):
        return False
    finally:
        beside.unlink(missing_ok=True)
    return True


def metadata(path: Path) -> dict[str, str]:
    """The tags that a file carries, names in lower case: where ComfyUI leaves ``prompt`` and ``workflow``.

    Raises
    ------
    FetchFailed
        If it can't be read.
    """
    with _opened(path) as container:
        read = picture_texts.READERS.get(_media_type(container) or "")
        if read is not None:
            try:
                return read(path)
            except (zlib.error, ValueError) as error:
                raise _unreadable(path, f"its text is damaged, {error}") from error
        # Matroska knows only upper case, mp4 keeps what was written.
        return {name.lower(): text for name, text in container.metadata.items() if name not in _CONTAINER_TAGS}


@contextmanager
def _opened(path: Path) -> Iterator[InputContainer]:
    try:
        # Absolute, since FFmpeg takes a colon in a relative path for a protocol.
        with av.open(str(path.absolute())) as container:
            yield container
    except FFmpegError as error:
        raise _unreadable(path, error.strerror) from error


def _unreadable(path: Path, reason: str | None) -> FetchFailed:
    reason = (reason or "unknown error").lower()
    return FetchFailed(
        f"{path.name} is not a video that can be read: {reason}.", hint="Fetch it again with job.fetch()."
    )


def _codec(stream: VideoStream | AudioStream) -> str:
    # Not the stream's own name, which is the decoder's: libdav1d for av1. Without any decoder there is no context.
    return stream.codec_context.codec.canonical_name if stream.codec_context else "unknown"


def _media_type(container: InputContainer) -> str | None:
    name = str(container.format.name)
    pictures, sound = container.streams.video, container.streams.audio
    if name == "image2" or name.endswith("_pipe"):
        return _PICTURES.get(_codec(pictures[0])) if pictures else None
    media_type = _CONTAINERS.get(name) if pictures or sound else None
    if media_type and not pictures:
        return media_type.replace("video/", "audio/")
    if name == _MATROSKA and _codec(pictures[0]) in _WEBM_CODECS:
        return "video/webm"
    return media_type


def _seconds(container: InputContainer) -> float | None:
    if container.format.name == "image2" or not container.duration:
        return None  # image2 shows a still picture for 1/25 s, and can't seek in it
    return container.duration / av.time_base


def _probe_pictures(container: InputContainer, media_type: str) -> Probe:
    stream, seconds = container.streams.video[0], _seconds(container)
    kind: Literal["video", "image"] = "image" if media_type.startswith("image/") else "video"
    # Only mp4 and GIF keep a count; elsewhere each packet is one picture.
    frames = stream.frames or sum(1 for packet in container.demux(stream) if packet.size)
    rate = stream.average_rate or stream.guessed_rate
    if kind == "image" and frames == 1:
        rate = seconds = None
    elif stream.duration and stream.time_base:
        seconds = float(stream.duration * stream.time_base)  # the container's includes a longer sound track
    elif seconds is None and rate:
        seconds = frames / float(rate)
    return Probe(
        kind,
        media_type,
        stream.width or None,
        stream.height or None,
        float(rate) if rate else None,
        frames,
        seconds,
        _codec(stream),
    )


class _Box(NamedTuple):
    kind: bytes
    end: int  # offset in the file, in bytes


def _boxes(path: Path) -> list[_Box]:
    """The top-level boxes of an mp4; for another file whatever its first bytes pretend."""
    boxes: list[_Box] = []
    with path.open("rb") as file:
        while len(head := file.read(8)) == 8:
            size, kind = struct.unpack(">I4s", head)
            start = file.tell() - 8
            if size == 1:  # the real size needs 64 bits
                size = int.from_bytes(file.read(8))
            end = start + size if size else file.seek(0, os.SEEK_END)
            boxes.append(_Box(kind, end))
            if size < 8:
                break
            file.seek(end)
    return boxes


def _check_whole(path: Path) -> None:
    # FFmpeg opens an mp4 whose index is in front, however much of the rest is missing.
    missing = _boxes(path)[-1].end - path.stat().st_size
    if missing > 0:
        raise _unreadable(path, f"{missing} bytes are missing at its end")


def _remux(path: Path, into: Path) -> None:
    # use_metadata_tags keeps tags that are no standard ones; bitexact leaves out what depends on the FFmpeg at hand.
    options = {"movflags": "+faststart+use_metadata_tags", "fflags": "+bitexact"}
    names = str(path.absolute()), str(into.absolute())
    with av.open(names[0]) as source, av.open(names[1], "w", format="mp4", options=options) as target:
        if not source.streams:
            raise ValueError("There is nothing to write.")
        target.metadata.update({k: v for k, v in source.metadata.items() if k not in _CONTAINER_TAGS})
        copies = {stream.index: target.add_stream_from_template(stream) for stream in source.streams}
        for packet in source.demux():
            if packet.size:  # the last packet of each stream is an empty one that flushes
                packet.stream = copies[packet.stream.index]
                target.mux(packet)


def _frame_at(container: InputContainer, seconds: float) -> VideoFrame:
    """The first picture shown at or after this time, else the last one."""
    if not container.streams.video:
        raise _unreadable(Path(container.name), "it has no picture")
    start = (container.start_time or 0) / av.time_base
    if seconds:
        container.seek(int((start + seconds) * av.time_base))
    frame = None
    for frame in container.decode(container.streams.video[0]):
        if frame.time is None or frame.time >= start + seconds:
            break
    if frame is None:
        raise _unreadable(Path(container.name), "it has no picture")
    return frame


def _pleasing(container: InputContainer) -> VideoFrame:
    seconds = _seconds(container)
    if seconds is None:
        return _frame_at(container, 0)
    seen = []
    for place in _POSTER_PLACES:
        seen.append(_frame_at(container, place * seconds))
        if _contrast(seen[-1]) >= _PLEASING_CONTRAST:
            return seen[-1]
    return max(seen, key=_contrast)


def _contrast(frame: VideoFrame) -> int:
    """How far dark and bright parts are apart, 0 to 255; the extremes don't count."""
    plane = frame.reformat(width=32, height=32, format="gray").planes[0]
    luma = sorted(bytes(plane))
    return luma[len(luma) * 9 // 10] - luma[len(luma) // 10]


def _small_jpeg(frame: VideoFrame, max_bytes: int) -> bytes:
    jpeg = b""
    for limit in _POSTER_WIDTHS:
        width = min(limit, frame.width)
        scaled = frame.reformat(width=width, height=max(1, round(frame.height * width / frame.width)))
        for quality in _POSTER_QUALITIES:
            jpeg = _encoded(scaled, "mjpeg", "yuvj420p", quality)
            if len(jpeg) <= max_bytes:
                return jpeg
    return jpeg


def _encoded(frame: VideoFrame, codec: Literal["mjpeg", "png"], pixels: str, quality: int = 1) -> bytes:
    encoder = av.CodecContext.create(codec, "w")
    encoder.width, encoder.height, encoder.pix_fmt = frame.width, frame.height, pixels
    encoder.time_base = Fraction(1)
    encoder.qmin = encoder.qmax = quality
    encoder.flags |= Flags.bitexact
    picture = frame.reformat(format=pixels)
    picture.pts = 0
    return b"".join(bytes(packet) for packet in [*encoder.encode(picture), *encoder.encode()])
