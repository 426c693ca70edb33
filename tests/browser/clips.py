"""Takes to look at, made in a moment: a test picture that moves, with a poster and a sidecar."""

from pathlib import Path

import av

from comfy_widgets import media
from comfy_widgets.cache import TakeCache
from comfy_widgets.takes import Take

GRAPH = {
    "3": {"class_type": "KSampler", "inputs": {"seed": 7, "steps": 20, "positive": ["6", 0]}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "A lighthouse"}, "_meta": {"title": "Positive"}},
}


def clip(path: Path, *, seconds: float = 2, fps: int = 24, size: str = "640x360", source: str = "testsrc2") -> Path:
    """An mp4 that plays while it loads."""
    graph = av.filter.Graph()
    made = graph.add(source, f"size={size}:rate={fps}:duration={seconds}")
    out = graph.add("buffersink")
    made.link_to(out)
    graph.configure()
    width, height = (int(side) for side in size.split("x"))
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=fps, options={"preset": "ultrafast", "g": "12"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for _ in range(round(seconds * fps)):
            container.mux(stream.encode(out.pull().reformat(format="yuv420p")))
        container.mux(stream.encode())
    return path


def still(path: Path, *, size: str = "640x360") -> Path:
    """A picture as png."""
    graph = av.filter.Graph()
    made = graph.add("testsrc2", f"size={size}:rate=1:duration=1")
    out = graph.add("buffersink")
    made.link_to(out)
    graph.configure()
    with av.open(str(path), "w", format="image2", options={"update": "1"}) as container:
        stream = container.add_stream("png", rate=1)
        stream.width, stream.height = (int(side) for side in size.split("x"))
        stream.pix_fmt = "rgb24"
        container.mux(stream.encode(out.pull().reformat(format="rgb24")))
        container.mux(stream.encode())
    return path


def pad(path: Path, size: int) -> Path:
    """Let a file have this size: players skip the box at its end."""
    missing = size - path.stat().st_size
    with path.open("ab") as file:
        file.write(missing.to_bytes(4, "big") + b"free")
        file.truncate(size)
    return path


def take(folder: Path, number: int = 1, *, like: Path | None = None, bytes_: int = 0, **fields) -> Take:
    """A take in a folder of takes.

    Parameters
    ----------
    folder, number
        Where, and which: the key comes from the number.
    like
        An mp4 to copy instead of making one.
    bytes_
        Size of the file, if it is to be larger than it has to be.
    fields
        ``seconds``, ``fps``, ``size`` and ``source`` of the clip; the others are the take's.
    """
    folder.mkdir(parents=True, exist_ok=True)
    how = {name: fields.pop(name) for name in ("seconds", "fps", "size", "source") if name in fields}
    key = f"{number:012x}" + "0" * 52
    path = folder / f"shot_{key[:12]}.mp4"
    if like is None:
        clip(path, **how)
    else:
        path.write_bytes(like.read_bytes())
    if bytes_:
        pad(path, bytes_)
    poster = path.with_suffix(".jpg")
    media.poster(path, poster, max_bytes=8000)
    seen = media.probe(path)
    made = Take(
        key=key,
        path=path,
        poster=poster,
        kind="video",
        media_type="video/mp4",
        size=path.stat().st_size,
        width=seen.width,
        height=seen.height,
        fps=seen.fps,
        frames=seen.frames,
        seconds=seen.seconds,
        made=f"2026-11-03T10:{number // 60:02}:{number % 60:02}Z",
        server="gpu-1",
        renderer="comfyui",
        graph=GRAPH,
        **({"inputs": {"prompt": "A lighthouse at dusk", "seed": number}, "shot": f"shot-{number:02}"} | fields),
    )
    return TakeCache(folder).keep(made, {})
