"""Writes pictures and sounds as files: one thread, no times, no machine names, so that equal input has equal bytes."""

import functools
import io
import json
import math
from array import array
from collections.abc import Iterable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from comfy_widgets.demo.render.compose import EXACT, TIME_BASE, entry
from comfy_widgets.demo.render.pictures import Pictures
from comfy_widgets.demo.render.png import with_text

if TYPE_CHECKING:
    import av

_CODECS = {
    # Without "cpu-independent" x264 picks other algorithms on other CPUs, one of which reads memory that nobody wrote.
    "mp4": ("libx264", {"preset": "veryfast", "crf": "23", "x264-params": "cpu-independent=1"}),
    "webm": ("libvpx-vp9", {"crf": "36", "b": "0", "deadline": "realtime", "cpu-used": "8", "row-mt": "0"}),
}


def tags(graph: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, str]:
    """What a saved file says of its making: the graph, and whatever the client sent along such as ``workflow``."""
    return {"prompt": json.dumps(graph), **{key: json.dumps(value) for key, value in extra.items()}}


@functools.cache
def one_frame() -> bytes:
    """A grey video of one frame, in as few bytes as can be."""
    import av  # noqa: PLC0415 - libav is loaded with the first picture

    written = io.BytesIO()
    with av.open(written, "w", format="mp4", container_options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream("mpeg4", rate=1)
        stream.width = stream.height = 16
        stream.pix_fmt = "yuv420p"
        frame = av.VideoFrame(16, 16, "yuv420p")
        for plane in frame.planes:
            plane.update(bytes([128]) * plane.buffer_size)
        container.mux([*stream.encode(frame), *stream.encode()])
    return written.getvalue()


def video(path: Path, pictures: Pictures, fps: float, about: Mapping[str, str], kind: str = "mp4") -> None:
    """Write a video; its index is at the end, as ComfyUI leaves it."""
    import av  # noqa: PLC0415 - libav is loaded with the first picture

    codec, options = _CODECS[kind]
    container_options = {"fflags": "+bitexact"}
    if kind == "mp4":
        container_options["movflags"] = "use_metadata_tags"
    with av.open(str(path), "w", format=kind, container_options=container_options) as container:
        container.metadata.update(about)
        stream = container.add_stream(codec, rate=Fraction(round(fps * 1000), 1000))
        if not isinstance(stream, av.VideoStream):
            raise TypeError(f"{codec} does not write pictures")
        stream.width, stream.height = pictures.width, pictures.height
        stream.pix_fmt = "yuv420p"
        context = stream.codec_context
        context.options = dict(options)
        context.thread_count = 1
        context.flags |= av.codec.context.Flags.bitexact
        for number, frame in enumerate(yuv420(pictures.frames(fps), pictures.width, pictures.height)):
            frame.pts, frame.time_base = number, 1 / Fraction(round(fps * 1000), 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def yuv420(frames: "Iterable[av.VideoFrame]", width: int, height: int) -> "Iterable[av.VideoFrame]":
    """The frames in the pixel format that every browser plays, through one filter for them all."""
    import av  # noqa: PLC0415

    source: Any = None
    sink: Any = None
    for number, frame in enumerate(frames):
        if source is None:
            graph = av.filter.Graph()
            graph.threads = 1
            source = entry(graph, width, height, frame.format.name)
            scale = graph.add("scale", f"flags={EXACT}")
            form = graph.add("format", "yuv420p")
            sink = graph.add("buffersink")
            graph.link_nodes(source, scale, form, sink)
            graph.configure()
        frame.pts, frame.time_base = number, TIME_BASE
        source.push(frame)
        yield sink.pull()


def still(frame: "av.VideoFrame", codec: str, kind: str, options: Mapping[str, str] | None = None) -> bytes:
    """One picture, encoded."""
    import av  # noqa: PLC0415

    context = av.CodecContext.create(codec, "w")
    if not isinstance(context, av.VideoCodecContext):
        raise TypeError(f"{codec} does not write pictures")
    context.width, context.height, context.pix_fmt = frame.width, frame.height, kind
    context.time_base = TIME_BASE
    context.thread_count = 1
    context.flags |= av.codec.context.Flags.bitexact
    # With a known pixel shape a JPEG begins as a JFIF file, which is what clients look for.
    context.sample_aspect_ratio = Fraction(1, 1)
    context.options = dict(options or {})
    if kind.startswith("yuvj"):
        context.color_range = 2
    shown = frame.reformat(format=kind)
    shown.pts, shown.time_base = 0, TIME_BASE
    return b"".join(bytes(packet) for packet in [*context.encode(shown), *context.encode(None)])


def png(frame: "av.VideoFrame", about: Mapping[str, str] | None = None) -> bytes:
    """One picture as PNG, with text chunks."""
    return with_text(still(frame, "png", "rgb24", {"compression_level": "4", "pred": "sub"}), about or {})


def jpeg(frame: "av.VideoFrame", quality: int = 5) -> bytes:
    """One picture as JPEG; quality 2 is fine, 31 is coarse."""
    return still(frame, "mjpeg", "yuvj420p", {"qmin": str(quality), "qmax": str(quality)})


def animation(path: Path, pictures: Pictures, fps: float, kind: str) -> None:
    """Write an animated WEBP, PNG or GIF."""
    import av  # noqa: PLC0415

    codec, form, container_kind = {
        "webp": ("libwebp_anim", "yuv420p", "webp"),
        "png": ("apng", "rgb24", "apng"),
        "gif": ("gif", "rgb8", "gif"),
    }[kind]
    with av.open(str(path), "w", format=container_kind, container_options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream(codec, rate=Fraction(round(fps * 1000), 1000))
        if not isinstance(stream, av.VideoStream):
            raise TypeError(f"{codec} does not write pictures")
        stream.width, stream.height, stream.pix_fmt = pictures.width, pictures.height, form
        stream.codec_context.thread_count = 1
        for number, frame in enumerate(pictures.frames(fps)):
            shown = frame.reformat(format=form)
            shown.pts, shown.time_base = number, 1 / Fraction(round(fps * 1000), 1000)
            container.mux(stream.encode(shown))
        container.mux(stream.encode(None))


def sound(seconds: float, kind: str, pitch: float = 220.0) -> bytes:
    """A soft tone as FLAC, MP3, Opus or WAV."""
    import av  # noqa: PLC0415

    codec, container_kind, form = {
        "flac": ("flac", "flac", "s16"),
        "mp3": ("libmp3lame", "mp3", "s16p"),
        "opus": ("libopus", "ogg", "s16"),
        "wav": ("pcm_s16le", "wav", "s16"),
    }[kind]
    rate, target = 48_000, io.BytesIO()
    total = max(int(seconds * rate), 1)
    samples = array("h", (int(6000 * math.sin(math.tau * pitch * i / rate)) for i in range(total)))
    with av.open(target, "w", format=container_kind, container_options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream(codec, rate=rate)
        if not isinstance(stream, av.AudioStream):
            raise TypeError(f"{codec} does not write sound")
        stream.codec_context.format, stream.codec_context.layout = form, "mono"
        frame = av.AudioFrame(format="s16", layout="mono", samples=total)
        frame.planes[0].update(samples.tobytes())
        frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
        size = stream.codec_context.frame_size or total
        resampler = av.AudioResampler(format=form, layout="mono", rate=rate, frame_size=size)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    return target.getvalue()
