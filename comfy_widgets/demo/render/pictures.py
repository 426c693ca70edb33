"""Kinds of pictures beside the landscape; each says its size and count, and gives its frames when they are needed."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Protocol

from comfy_widgets.demo.render.compose import TIME_BASE, entry, rgba_frame
from comfy_widgets.demo.render.palette import digest

if TYPE_CHECKING:
    import av


class Pictures(Protocol):
    """One or more pictures of one size."""

    @property
    def width(self) -> int:
        """Pixels across."""
        ...

    @property
    def height(self) -> int:
        """Pixels down."""
        ...

    @property
    def count(self) -> int:
        """How many."""
        ...

    def frames(self, fps: float | None = None) -> "Iterator[av.VideoFrame]":
        """The frames in order."""
        ...


@dataclass(frozen=True, slots=True)
class Solid:
    """Pictures of one colour, given as 0xRRGGBB."""

    width: int
    height: int
    count: int
    colour: int

    def frames(self, fps: float | None = None) -> "Iterator[av.VideoFrame]":
        """The frames in order."""
        del fps
        frame = rgba_frame(
            self.width, self.height, self.colour.to_bytes(3, "big") * (self.width * self.height), "rgb24"
        )
        for _ in range(self.count):
            yield frame


@dataclass(frozen=True, slots=True)
class Still:
    """One picture that is there already."""

    frame: "av.VideoFrame"

    @property
    def width(self) -> int:
        """Pixels across."""
        return self.frame.width

    @property
    def height(self) -> int:
        """Pixels down."""
        return self.frame.height

    @property
    def count(self) -> int:
        """How many."""
        return 1

    def frames(self, fps: float | None = None) -> "Iterator[av.VideoFrame]":
        """The frames in order."""
        del fps
        yield self.frame


@dataclass(frozen=True, slots=True)
class Noisy:
    """Pictures with seeded noise laid over them."""

    source: Pictures
    seed: int
    strength: float

    @property
    def width(self) -> int:
        """Pixels across."""
        return self.source.width

    @property
    def height(self) -> int:
        """Pixels down."""
        return self.source.height

    @property
    def count(self) -> int:
        """How many."""
        return self.source.count

    def frames(self, fps: float | None = None) -> "Iterator[av.VideoFrame]":
        """The frames in order, each with noise of its own."""
        import av  # noqa: PLC0415 - libav is loaded with the first picture

        strength = min(max(int(self.strength * 100), 0), 100)
        seed = int(digest("noise", self.seed)[:7], 16)
        graph = av.filter.Graph()
        graph.threads = 1
        source = entry(graph, self.width, self.height, "rgb24")
        noise = graph.add("noise", f"all_seed={seed}:all_strength={strength}:all_flags=t")
        sink = graph.add("buffersink")
        graph.link_nodes(source, noise, sink)
        graph.configure()
        for number, frame in enumerate(self.source.frames(fps)):
            plain = frame.reformat(format="rgb24")
            plain.pts, plain.time_base = number, TIME_BASE
            source.push(plain)
            yield sink.pull()  # type: ignore[misc]


@dataclass(frozen=True, slots=True)
class Repeated:
    """The same pictures several times over."""

    source: Pictures
    times: int

    @property
    def width(self) -> int:
        """Pixels across."""
        return self.source.width

    @property
    def height(self) -> int:
        """Pixels down."""
        return self.source.height

    @property
    def count(self) -> int:
        """How many."""
        return self.source.count * self.times

    def frames(self, fps: float | None = None) -> "Iterator[av.VideoFrame]":
        """The frames in order."""
        kept = list(self.source.frames(fps))
        for _ in range(self.times):
            yield from kept


@dataclass(frozen=True, slots=True)
class Loaded:
    """The pictures of a file, one for an image."""

    path: Path
    width: int
    height: int
    count: int

    def frames(self, fps: float | None = None) -> "Iterator[av.VideoFrame]":
        """The frames in order."""
        import av  # noqa: PLC0415

        del fps
        with av.open(str(self.path)) as container:
            container.streams.video[0].thread_count = 1
            yield from islice(container.decode(video=0), self.count)


def loaded(path: Path, *, only_first: bool = False) -> tuple[Loaded, float]:
    """A file's pictures and their rate.

    Raises
    ------
    ValueError
        If the file holds no picture.
    """
    import av  # noqa: PLC0415

    with av.open(str(path)) as container:
        if not container.streams.video:
            raise ValueError(f"{path.name} holds no picture")
        stream = container.streams.video[0]
        count = 1 if only_first else sum(1 for _ in container.decode(video=0))
        return Loaded(path, stream.width, stream.height, count), float(stream.average_rate or 24)


def static_noise(seed: int, width: int, height: int) -> Noisy:
    """A grey picture of noise, what a test node gives instead of a rendering."""
    grey = 0x404040 + int(Random(digest(seed)).random() * 0x7F7F7F)  # noqa: S311 - painting, not secrets
    return Noisy(Solid(width, height, 1, grey), seed, 0.4)
