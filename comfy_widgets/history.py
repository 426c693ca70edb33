"""What was tried: the takes of a folder, newest first, searched by their words."""

from collections.abc import Iterator, Sequence
from typing import Any, overload

from comfy_widgets import faces
from comfy_widgets.cache import TakeCache
from comfy_widgets.marks import Marks
from comfy_widgets.takes import Take

# A terminal shows no more at once.
_SHOWN = 30


class History(Sequence[Take]):
    """Takes, newest first; a list that shows itself as a gallery.

    Made by `Studio.history`.

    Parameters
    ----------
    takes
        Newest first.

    Examples
    --------
    >>> studio.history("dusk")[0]  # doctest: +SKIP
    """

    def __init__(self, takes: Sequence[Take] = ()) -> None:
        self.takes = list(takes)

    @overload
    def __getitem__(self, place: int) -> Take: ...
    @overload
    def __getitem__(self, place: slice) -> "History": ...
    def __getitem__(self, place: int | slice) -> "Take | History":
        return History(self.takes[place]) if isinstance(place, slice) else self.takes[place]

    def __len__(self) -> int:
        return len(self.takes)

    def __iter__(self) -> Iterator[Take]:
        return iter(self.takes)

    def static_html(self) -> str:
        """A contact sheet, for readers without a kernel."""
        return faces.gallery_html(self.takes)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return faces.bundle(self, text=repr(self), html=self.static_html())

    def __repr__(self) -> str:
        # By what was asked for, never by time, file or server: a saved notebook is compared.
        lines = [f"  {faces.history_line(take)}" for take in self.takes[:_SHOWN]]
        more = len(self.takes) - len(lines)
        rest = [f"  … and {more} more"] if more > 0 else []
        return "\n".join([f"{faces.count_of_takes(len(self.takes))}, newest first", *lines, *rest])


def tried(
    cache: TakeCache, text: str = "", *, scene: str | None = None, shot: str | None = None, limit: int | None = None
) -> History:
    """The takes of a folder that fit, newest first.

    Parameters
    ----------
    cache
        Where they lie.
    text
        Words that all stand in a take's inputs, scenes, shots, name or file name.
    scene, shot
        Only those that were served to this scene or shot.
    limit
        How many at most; None for all.
    """
    words, names = text.casefold().split(), Marks(cache.folder).names()
    # Of two takes of one second the one with the higher number came later.
    takes = sorted(cache.takes(scene=scene, shot=shot), key=lambda take: (take.made, take.take_number), reverse=True)
    found = [take for take in takes if _fits(take, names.get(take.handle, ""), words)] if words else takes
    return History(found[:limit])


def _fits(take: Take, name: str, words: Sequence[str]) -> bool:
    users = [part for user in (*take.used_by, (take.scene, take.shot)) for part in user if part]
    values = [f"{name} {value}" for name, value in take.inputs.items()]
    told = " ".join([*values, *users, name, take.path.name]).casefold()
    return all(word in told for word in words)
