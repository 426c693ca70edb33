"""Letting go of takes: the oldest first, never a favourite unless asked."""

from collections.abc import Container, Iterable, Iterator
from pathlib import Path

from comfy_widgets.takes import Take


def frame_of(take: Take) -> Path:
    """Where the picture lies that a take ends with, once another shot began with it."""
    return take.path.parent / "frames" / f"{take.path.stem}.png"


def files_of(take: Take) -> Iterator[Path]:
    """Everything on disk that belongs to a take: its sidecar first, so that none is left half there."""
    yield take.path.with_suffix(".json")
    for each in (take, *take.also):
        yield each.path
        if each.poster is not None:
            yield each.poster
    if (frame := frame_of(take)).is_file():
        yield frame


def size(takes: Iterable[Take]) -> int:
    """Bytes on disk of takes with their posters and sidecars."""
    paths = {path for take in takes for path in files_of(take)}
    return sum(path.stat().st_size for path in paths if path.exists())


def prune(takes: Iterable[Take], *, max_bytes: int, kept: Container[str] = ()) -> list[Take]:
    """Remove takes, the first ones first, until the rest is small enough; those whose handle is in `kept` stay.

    Raises
    ------
    OSError
        If a file can't be removed.
    """
    takes = list(takes)
    left, removed = size(takes), []
    for take in takes:
        if left <= max_bytes:
            break
        if take.handle in kept:
            continue
        left -= size([take])
        remove(take)
        removed.append(take)
    return removed


def remove(take: Take) -> None:
    """Remove a take's files; one that is gone already is no matter.

    Raises
    ------
    OSError
        If a file can't be removed.
    """
    for path in files_of(take):
        path.unlink(missing_ok=True)
