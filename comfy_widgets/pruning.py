"""Letting go of takes: the oldest first, never a favourite unless asked."""

from collections.abc import Container, Iterable, Iterator
from pathlib import Path

from comfy_widgets.errors import CacheError
from comfy_widgets.takes import Take


def frame_of(take: Take) -> Path:
    """Where the picture lies that a take ends with, once another shot began with it."""
    return take.path.parent / "frames" / f"{take.path.stem}.png"


def files_of(take: Take) -> Iterator[Path]:
    """Everything on disk that belongs to a take: its sidecar first, so that none is left half there."""
    yield take.sidecar
    for each in (take, *take.also):
        yield each.path
        if each.poster is not None:
            yield each.poster
    if (frame := frame_of(take)).is_file():
        yield frame


def size(takes: Iterable[Take]) -> int:
    """Bytes on disk of takes with their posters and sidecars."""
    return _bytes_of({path for take in takes for path in files_of(take)})


def _bytes_of(paths: Iterable[Path]) -> int:
    return sum(path.stat().st_size for path in paths if path.exists())


def chosen(takes: Iterable[Take], *, max_bytes: int, kept: Container[str] = ()) -> list[Take]:
    """Those that must go, the first ones first, until the rest is small enough; whose handle is in `kept` stays."""
    takes = list(takes)
    left, going, gone = size(takes), [], set[Path]()
    for take in takes:
        if left <= max_bytes:
            break
        if take.handle in kept:
            continue
        # A file that two takes share goes once.
        own = set(files_of(take)) - gone
        left -= _bytes_of(own)
        gone |= own
        going.append(take)
    return going


def remove(takes: Iterable[Take]) -> None:
    """Remove the files of takes; one that is gone already is no matter.

    Raises
    ------
    CacheError
        If a file can't be removed.
    """
    try:
        for take in takes:
            for path in files_of(take):
                path.unlink(missing_ok=True)
    except OSError as error:
        raise CacheError(
            f"{error.filename} can't be removed: {error.strerror}.", hint="Close what has it open, or remove it."
        ) from error
