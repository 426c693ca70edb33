"""Lays moving layers over one another, frame by frame, in libav."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from comfy_widgets.demo.render.layers import Layer

if TYPE_CHECKING:
    import av
    from av.filter.context import FilterContext
    from av.filter.graph import Graph

TIME_BASE = Fraction(1, 24)
EXACT = "bicubic+accurate_rnd+bitexact+full_chroma_int"


def rgba_frame(width: int, height: int, pixels: bytes, kind: str = "rgba") -> "av.VideoFrame":
    """A frame of packed pixels."""
    import av  # noqa: PLC0415 - libav is loaded with the first picture, so that an idle server stays small

    frame = av.VideoFrame(width, height, kind)
    plane = frame.planes[0]
    row = width * (4 if kind == "rgba" else 3)
    if plane.line_size == row:
        plane.update(pixels)
    else:
        padding = bytes(plane.line_size - row)
        plane.update(b"".join(pixels[start : start + row] + padding for start in range(0, row * height, row)))
    frame.time_base = TIME_BASE
    frame.pts = 0
    return frame


def entry(graph: "Graph", width: int, height: int, kind: str) -> "FilterContext":
    """Where frames of a size and pixel format enter a filter graph."""
    import av  # noqa: PLC0415

    return graph.add_buffer(width=width, height=height, format=av.VideoFormat(kind, width, height), time_base=TIME_BASE)


def scaled(frame: "av.VideoFrame", width: int, height: int, kind: str) -> "av.VideoFrame":
    """The frame in another size and pixel format, the same bytes on every machine."""
    import av  # noqa: PLC0415

    graph = av.filter.Graph()
    graph.threads = 1
    source = entry(graph, frame.width, frame.height, frame.format.name)
    scale = graph.add("scale", f"{width}:{height}:flags={EXACT}")
    form = graph.add("format", kind)
    sink = graph.add("buffersink")
    graph.link_nodes(source, scale, form, sink)
    graph.configure()
    source.push(frame)
    result: av.VideoFrame = sink.pull()  # type: ignore[assignment]
    return result


def compose(
    background: bytes, layers: Sequence[Layer], size: tuple[int, int], count: int, start: "av.VideoFrame | None"
) -> Iterator["av.VideoFrame"]:
    """All frames of a landscape in yuv444p.

    Parameters
    ----------
    background
        RGBA pixels of the whole picture.
    layers
        What lies over it, the farthest first.
    size, count
        Of the frames.
    start
        A picture that the clip begins with and that fades away, below the last two layers, which are the caption.
    """
    import av  # noqa: PLC0415

    width, height = size
    graph = av.filter.Graph()
    graph.threads = 1
    source = entry(graph, width, height, "yuv444p")
    stills: list[tuple[FilterContext, av.VideoFrame]] = []
    current = source
    for layer in layers[:-2]:
        current = overlay(graph, current, layer, stills)
    opening: FilterContext | None = None
    cover: av.VideoFrame | None = None
    if start is not None and count > 1:
        cover = covering(start, width, height)
        opening, current = fading(graph, current, size, count)
    for layer in layers[-2:]:
        current = overlay(graph, current, layer, stills)
    sink = graph.add("buffersink")
    current.link_to(sink)
    graph.configure()
    for context, frame in stills:
        context.push(frame)
        context.push(None)
    base = scaled(rgba_frame(width, height, background), width, height, "yuv444p")
    for number in range(count):
        push(source, base, number)
        if opening is not None and cover is not None:
            push(opening, cover, number)
        yield sink.pull()  # type: ignore[misc]


def push(context: "FilterContext", frame: "av.VideoFrame", number: int) -> None:
    """Let a picture enter as the frame of this number."""
    frame.pts, frame.time_base = number, TIME_BASE
    context.push(frame)


def fading(
    graph: "Graph", below: "FilterContext", size: tuple[int, int], count: int
) -> "tuple[FilterContext, FilterContext]":
    """Lay a picture over a chain that fades away in the course of the clip; where it enters, and the chain."""
    opening = entry(graph, *size, "yuva444p")
    first, last = int(count * 0.2), max(int(count * 0.6), 1)
    fade = graph.add("fade", f"type=out:start_frame={first}:nb_frames={last}:alpha=1")
    over = graph.add("overlay", "format=yuv444")
    opening.link_to(fade)
    below.link_to(over, 0, 0)
    fade.link_to(over, 0, 1)
    return opening, over


def overlay(
    graph: "Graph", below: "FilterContext", layer: Layer, stills: "list[tuple[FilterContext, av.VideoFrame]]"
) -> "FilterContext":
    """Put one layer on top of a chain."""
    source = entry(graph, layer.width, layer.height, "rgba")
    chain: FilterContext = source
    for name, options in layer.chain:
        following = graph.add(name, options)
        chain.link_to(following)
        chain = following
    turned = graph.add("scale", f"flags={EXACT}")
    form = graph.add("format", "yuva444p")
    chain.link_to(turned)
    turned.link_to(form)
    enable = f":enable='{layer.enable}'" if layer.enable else ""
    over = graph.add("overlay", f"x='{layer.x}':y='{layer.y}':format=yuv444{enable}")
    below.link_to(over, 0, 0)
    form.link_to(over, 0, 1)
    stills.append((source, rgba_frame(layer.width, layer.height, layer.pixels)))
    return over


def covering(picture: "av.VideoFrame", width: int, height: int) -> "av.VideoFrame":
    """A picture scaled and cut so that it covers the whole size, opaque."""
    import av  # noqa: PLC0415

    share = max(width / picture.width, height / picture.height)
    wide, high = max(round(picture.width * share), width), max(round(picture.height * share), height)
    graph = av.filter.Graph()
    graph.threads = 1
    source = entry(graph, picture.width, picture.height, picture.format.name)
    scale = graph.add("scale", f"{wide}:{high}:flags={EXACT}")
    crop = graph.add("crop", f"{width}:{height}:exact=1")
    form = graph.add("format", "yuva444p")
    sink = graph.add("buffersink")
    graph.link_nodes(source, scale, crop, form, sink)
    graph.configure()
    source.push(picture)
    result: av.VideoFrame = sink.pull()  # type: ignore[assignment]
    return result
