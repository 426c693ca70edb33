"""The player of a take, and of a job's take once there is one."""

from typing import Any

from comfy_widgets import faces
from comfy_widgets.takes import Take
from comfy_widgets.widgets.base import Face, bundled
from comfy_widgets.widgets.pieces import Shelf
from comfy_widgets.widgets.snapshot import take_state


class VideoPlayer(Face):
    """A take with its picture first, played from the cache through the kernel, and beneath it what made it.

    Parameters
    ----------
    take
        What is shown.

    Examples
    --------
    >>> cw.VideoPlayer(take)  # doctest: +SKIP
    """

    _esm = bundled("video_player.js")
    _css = bundled("video_player.css")

    def __init__(self, take: Take) -> None:
        self.take = take
        super().__init__()
        self._shelf = Shelf([take])

    @property
    def title(self) -> str:
        """What people call the take."""
        return self.take.title

    def snapshot(self) -> dict[str, Any]:
        """The take; it never changes."""
        return {"job": None, "take": take_state(self.take)}

    def static_html(self) -> str:
        """The take for readers without a kernel."""
        return faces.take_html(self.take, faces.notebook_path(self.take.path))
