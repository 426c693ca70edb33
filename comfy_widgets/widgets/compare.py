"""Takes side by side, or one over the other, in step."""

from collections.abc import Iterable
from typing import Any

from comfy_widgets import faces
from comfy_widgets.differences import differences
from comfy_widgets.errors import InputFileError
from comfy_widgets.share import takes_of
from comfy_widgets.takes import Take
from comfy_widgets.widgets.base import Face, bundled
from comfy_widgets.widgets.pieces import Shelf
from comfy_widgets.widgets.snapshot import take_state

_MOST = 4


class Compare(Face):
    """Two to four takes in step under one transport bar; two can also lie one over the other, with a line to move.

    A shorter take shows its last frame until the longest is over. Beneath each stands what differs in its inputs.

    Parameters
    ----------
    takes
        Two to four videos, or a list of them.

    Raises
    ------
    InputFileError
        If these are not two to four videos.

    Examples
    --------
    >>> cw.Compare(take_a, take_b)  # doctest: +SKIP
    """

    _esm = bundled("compare.js")
    _css = bundled("compare.css")

    def __init__(self, *takes: Take | Iterable[Take]) -> None:
        self.takes = tuple(takes_of(takes))
        if not 1 < len(self.takes) <= _MOST or any(take.kind != "video" for take in self.takes):
            raise InputFileError(
                f"Compare shows two to four videos, not {faces.count_of_takes(len(self.takes))}.",
                hint="Give it videos: cw.Compare(take_a, take_b).",
            )
        super().__init__()

    @property
    def title(self) -> str:
        """What people call the takes."""
        return ", ".join(take.title for take in self.takes)

    def snapshot(self) -> dict[str, Any]:
        """The takes, what is equal, and what is not."""
        self._shelf = Shelf(self.takes)
        told = differences(self.takes)
        return {
            "takes": [take_state(take, self._shelf.name) for take in self.takes],
            "same": [list(fact) for fact in told.same],
            "each": [[list(fact) for fact in facts] for facts in told.each],
        }

    def static_html(self) -> str:
        """The takes side by side, for readers without a kernel."""
        return faces.compare_html(self.takes, differences(self.takes).each)
