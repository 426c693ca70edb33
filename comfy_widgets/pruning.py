"""Letting go of takes: the oldest first, never a favourite unless asked."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from comfy_widgets.cache import TakeCache
from comfy_widgets.marks import Marks
from comfy_widgets.takes import Take


def files_of(take: Take) -> Iterator[Path]:
    """Everything on disk that belongs to a take: its sidecar first, so that none is left half there."""
    yield take.path.with_suffix(".json")
    for each in (take, *take.also):
        yield each.path
        if each.poster is not None:
            yield each.poster


def size(takes: Iterable[Take]) -> int:
    """Bytes on disk of takes with their posters and sidecars."""
    paths = {path for take in takes for path in files_of(take)}
    return sum(path.stat().st_size for path in paths if path.exists())


def prune(cache: TakeCache, *, max_bytes: int, keep_favourites: bool = True) -> list[Take]:
    """Remove the oldest takes until the rest is small enough.

    Parameters
    ----------
    cache
        Whose takes.
    max_bytes
        How much may stay.
    keep_favourites
        Whether what people marked as a favourite stays, however old.

    Returns
    -------
    list of Take
        What was removed, oldest first.

    Raises
    ------
    OSError
        If a file can't be removed.
    """
    takes = cache.takes()
    liked = Marks(cache.folder).favourites() if keep_favourites else frozenset()
    left, removed = size(takes), []
    for take in takes:
        if left <= max_bytes:
            break
        if take.handle in liked:
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
