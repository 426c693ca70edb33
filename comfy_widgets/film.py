"""Joining videos to one film (PyAV).

Blocking throughout: callers go through `asyncio.to_thread`.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

import av
from av.container import InputContainer, OutputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from comfy_widgets.errors import CacheError, CacheNotWritable, FetchFailed, InputFileError
from comfy_widgets.files import put, temporary_beside

# What browsers play from an mp4; anything else is encoded again.
_PLAYABLE = frozenset({"h264", "vp9", "av1"})
_PIXELS = "yuv420p"
_QUALITY = {"crf": "18", "preset": "medium"}
_SOUND_RATE = 48_000
_SOUND_CHUNK = 1024

Tell = Callable[[float], None]


@dataclass(frozen=True)
class _Reel:
    """What has to agree before streams can be joined as they are."""

    codec: str
    width: int
    height: int
    pixels: str | None
    rate: Fraction
    header: bytes


def join(paths: Sequence[Path], into: Path, tell: Tell = lambda _: None) -> bool:
    """Put videos one behind the other in an mp4 that browsers play.

    Pictures that agree are copied; else all are encoded again, to the largest size and the highest rate, with bars
    where shapes differ. Sound is always encoded again, since that of one video never ends quite where its pictures
    do; where one has none there is silence.

    Parameters
    ----------
    paths
        The videos, in their order.
    into
        The film; it is there whole or not at all.
    tell
        Called with the fraction that is done, from 0 to 1, in this thread.

    Returns
    -------
    bool
        Whether the pictures could be copied.

    Raises
    ------
    InputFileError
        If there is none, or one has no picture.
    FetchFailed
        If one can't be read.
    CacheError
        If the film can't be written.
    """
    if not paths:
        raise InputFileError("There is nothing to join.", hint="Generate a take first.")
    reels = [_look(path) for path in paths]
    copied = reels[0].codec in _PLAYABLE and reels[0].pixels == _PIXELS and len(set(reels)) == 1
    temporary = temporary_beside(into)
    options = {"movflags": "+faststart", "fflags": "+bitexact"}
    try:
        into.parent.mkdir(parents=True, exist_ok=True)
        temporary.touch()
    except OSError as error:
        raise _not_there(into, error) from error
    try:
        with av.open(str(temporary.absolute()), "w", format="mp4", options=options) as film:
            if copied:
                _copy(paths, film, tell)
            else:
                _encode(paths, reels, film, tell)
        put(temporary, into)
    except CacheNotWritable as error:
        raise _not_there(into, error.__cause__) from error
    finally:
        temporary.unlink(missing_ok=True)
    tell(1.0)
    return copied


def _not_there(into: Path, why: BaseException | None) -> CacheError:
    return CacheError(f"{into} can't be written: {getattr(why, 'strerror', why)}.", hint="Choose another place.")


def _look(path: Path) -> _Reel:
    with _opened(path) as container:
        picture = container.streams.video[0]
        return _Reel(
            picture.codec_context.name,
            picture.width,
            picture.height,
            picture.pix_fmt,
            picture.average_rate or picture.guessed_rate or Fraction(24),
            bytes(picture.codec_context.extradata or b""),
        )


class _opened:  # noqa: N801 - read as a verb, like the function of `media`
    """A video, with errors in words."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> InputContainer:
        try:
            self._container = av.open(str(self._path.absolute()))
        except (FFmpegError, OSError) as error:
            raise FetchFailed(f"{self._path.name} can't be read: {error.strerror}.") from error
        if not self._container.streams.video:
            self._container.close()
            raise InputFileError(f"{self._path.name} has no picture.", hint="Choose another take for the film.")
        return self._container

    def __exit__(self, *_: object) -> None:
        self._container.close()


def _copy(paths: Sequence[Path], film: OutputContainer, tell: Tell) -> None:
    """Each picture goes on as it is, later by what lies before it."""
    with _opened(paths[0]) as first:
        copy = film.add_stream_from_template(first.streams.video[0])
    sound = _Sound.of(paths, film)
    offset = Fraction(0)
    for done, path in enumerate(paths):
        tell(done / len(paths))
        end = offset
        with _opened(path) as source:
            for packet in source.demux(source.streams.video[0]):
                base = packet.time_base
                if not packet.size or packet.pts is None or base is None:
                    continue
                end = max(end, offset + (packet.pts + (packet.duration or 0)) * base)
                shift = round(offset / base)
                packet.pts += shift
                packet.dts = packet.dts + shift if packet.dts is not None else packet.pts
                packet.stream = copy
                film.mux(packet)
        offset = end
        if sound is not None:
            sound.add(path, offset)
    if sound is not None:
        sound.end()


def _encode(paths: Sequence[Path], reels: Sequence[_Reel], film: OutputContainer, tell: Tell) -> None:
    largest = max(reels, key=lambda reel: reel.width * reel.height)
    rate = max(reel.rate for reel in reels)
    picture = film.add_stream("libx264", rate=rate, options=_QUALITY)
    # An odd number of pixels has no half for the colours.
    picture.width, picture.height, picture.pix_fmt = largest.width // 2 * 2, largest.height // 2 * 2, _PIXELS
    sound = _Sound.of(paths, film)
    number = 0
    for done, path in enumerate(paths):
        first = number
        for frame in _frames(path, picture, rate):
            frame.pts, frame.time_base = number, 1 / rate
            frame.pict_type = 0
            film.mux(picture.encode(frame))
            number += 1
            tell((done + 0.9 * (1 - 1 / (1 + (number - first) / 50))) / len(paths))
        if sound is not None:
            sound.add(path, Fraction(number) / rate)
    film.mux(picture.encode())
    if sound is not None:
        sound.end()


def _frames(path: Path, picture: VideoStream, rate: Fraction) -> Iterator[VideoFrame]:
    """A video's pictures in the film's size and at its rate."""
    with _opened(path) as source:
        stream = source.streams.video[0]
        filters = av.filter.Graph()
        size = f"{picture.width}:{picture.height}"
        chain = [
            filters.add_buffer(template=stream),
            filters.add("scale", f"{size}:force_original_aspect_ratio=decrease:force_divisible_by=2"),
            filters.add("pad", f"{size}:(ow-iw)/2:(oh-ih)/2"),
            filters.add("setsar", "1"),
            filters.add("fps", f"{rate.numerator}/{rate.denominator}"),
            filters.add("format", _PIXELS),
            filters.add("buffersink"),
        ]
        filters.link_nodes(*chain).configure()
        for frame in source.decode(stream):
            filters.push(frame)
            yield from _pulled(filters)
        filters.push(None)
        yield from _pulled(filters)


def _pulled(filters: Any) -> Iterator[VideoFrame]:
    while True:
        try:
            yield filters.pull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return


class _Sound:
    """The film's sound track, filled up with silence."""

    def __init__(self, film: OutputContainer) -> None:
        self._film = film
        self._stream = film.add_stream("aac", rate=_SOUND_RATE, layout="stereo")
        self._samples = 0

    @classmethod
    def of(cls, paths: Sequence[Path], film: OutputContainer) -> Self | None:
        """A track for the sound of these videos, None if all are silent."""
        for path in paths:
            with _opened(path) as source:
                if source.streams.audio:
                    return cls(film)
        return None

    def add(self, path: Path, until: Fraction) -> None:
        """A video's sound, cut or filled up so that it ends where its pictures do."""
        wanted = round(until * _SOUND_RATE) - self._samples
        with _opened(path) as source:
            resampler = av.AudioResampler("fltp", "stereo", _SOUND_RATE)
            fifo = av.AudioFifo()
            for frame in source.decode(source.streams.audio[0]) if source.streams.audio else ():
                frame.pts = None
                for part in resampler.resample(frame):
                    fifo.write(part)
                if fifo.samples >= wanted:
                    break
        while wanted > 0:
            count = min(_SOUND_CHUNK, wanted)
            self._mux((fifo.read(count) if fifo.samples >= count else None) or _silence(count))
            wanted -= count

    def end(self) -> None:
        self._film.mux(self._stream.encode())

    def _mux(self, frame: Any) -> None:
        frame.pts, frame.time_base, frame.sample_rate = self._samples, Fraction(1, _SOUND_RATE), _SOUND_RATE
        self._samples += frame.samples
        self._film.mux(self._stream.encode(frame))


def _silence(samples: int) -> Any:
    frame = av.AudioFrame("fltp", "stereo", samples)
    for plane in frame.planes:
        plane.update(bytes(plane.buffer_size))
    return frame
