"""Many takes at once: to look through, to filter, to like."""

import asyncio
from typing import Any

import traitlets

from comfy_widgets import faces
from comfy_widgets.errors import InputFileError
from comfy_widgets.marks import Marks
from comfy_widgets.share import takes_of
from comfy_widgets.takes import Take
from comfy_widgets.widgets.base import Answered, Face, bundled
from comfy_widgets.widgets.pieces import Shelf
from comfy_widgets.widgets.requests import Request
from comfy_widgets.widgets.snapshot import take_state

# A filter finds words beyond this in no prompt; a notebook with 200 takes stays small.
_LONGEST_PROMPT = 400


class Gallery(Face):
    """Any number of takes: filtered by scene, shot and words, opened in a player, liked.

    What is liked is kept in ``marks.json`` beside the takes.

    Parameters
    ----------
    takes
        What is shown, in this order: takes, or what has some, such as a batch.

    Raises
    ------
    InputFileError
        If something else is among them.

    Examples
    --------
    >>> cw.Gallery(studio.cache.takes(shot="shot-01"))  # doctest: +SKIP
    """

    _esm = bundled("gallery.js")
    _css = bundled("gallery.css")

    items = traitlets.List(traitlets.Dict()).tag(sync=True)

    def __init__(self, takes: Any) -> None:
        shown = list(takes_of(takes))
        shelf = Shelf(shown)
        self._shown = {shelf.name(take): take for take in shown}
        self._marks = {folder: Marks(folder) for folder in {take.path.parent for take in self._shown.values()}}
        super().__init__(_running_loop(), items=[_item(name, take) for name, take in self._shown.items()])
        self._shelf = shelf
        self._reads["take"] = self._read_take
        self._acts["mark"] = self._mark

    @property
    def takes(self) -> list[Take]:
        """All takes that are shown, in their order."""
        return list(self._shown.values())

    @property
    def favourites(self) -> list[Take]:
        """Those that somebody likes."""
        liked = self._liked()
        return [take for name, take in self._shown.items() if name in liked]

    @property
    def title(self) -> str:
        """How many takes there are."""
        return faces.count_of_takes(len(self._shown))

    def snapshot(self) -> dict[str, Any]:
        """What is liked; the takes themselves do not change."""
        return {"marks": sorted(self._liked())}

    def static_html(self) -> str:
        """A contact sheet, for readers without a kernel."""
        return faces.gallery_html(self.takes)

    def _liked(self) -> set[str]:
        liked = {(folder, name) for folder, marks in self._marks.items() for name in marks.favourites()}
        return {name for name, take in self._shown.items() if (take.path.parent, take.handle) in liked}

    def _read_take(self, request: Request) -> Answered:
        return request.answer(take=take_state(self._asked(request), self._shelf.name)), []

    async def _mark(self, request: Request) -> None:
        take, on = self._asked(request), request.body.get("on") is True
        # Waiting for the disk, and for another kernel that writes, is not the loop's business.
        await asyncio.to_thread(self._marks[take.path.parent].set_favourite, take.handle, on=on)
        self.changed()

    def _asked(self, request: Request) -> Take:
        name = request.body.get("take")
        take = self._shown.get(name) if isinstance(name, str) else None
        if take is None:
            raise InputFileError("This take is not shown here any more.", hint="Run the cell again.")
        return take


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _item(name: str, take: Take) -> dict[str, Any]:
    """What a tile shows and a filter looks at."""
    users = take.used_by or ((take.scene, take.shot),)
    prompt = " ".join(str(take.inputs.get("prompt") or "").split())
    return {
        "id": name,
        "title": take.title,
        "take_number": take.take_number,
        "scenes": sorted({scene for scene, _ in users if scene}),
        "shots": sorted({shot for _, shot in users if shot}),
        "prompt": prompt[:_LONGEST_PROMPT],
        "seed": None if take.inputs.get("seed") is None else str(take.inputs["seed"]),
        "seconds": take.seconds,
        "poster": None if take.poster is None else faces.notebook_path(take.poster) or "",
    }
