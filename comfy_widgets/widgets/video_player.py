"""The player of a take, or of the take that a job is going to leave."""

from typing import Any

from comfy_widgets import faces
from comfy_widgets.errors import InputFileError
from comfy_widgets.jobs import Job, JobStatus
from comfy_widgets.takes import Take
from comfy_widgets.widgets.base import Face, bundled
from comfy_widgets.widgets.pieces import Shelf
from comfy_widgets.widgets.snapshot import job_state, take_state


class VideoPlayer(Face):
    """A take with its picture first, played from the cache through the kernel, and beneath it what made it.

    Parameters
    ----------
    shown
        A take, or a job whose take is shown as soon as there is one.

    Raises
    ------
    InputFileError
        If it is neither.

    Examples
    --------
    >>> cw.VideoPlayer(take)  # doctest: +SKIP
    """

    _esm = bundled("video_player.js")
    _css = bundled("video_player.css")

    def __init__(self, shown: Take | Job) -> None:
        if not isinstance(shown, Take | Job):
            raise InputFileError(
                f"A VideoPlayer shows a take or a job, not {type(shown).__name__} {shown!r:.60}.",
                hint="Make one: take = await studio.submit(workflow).",
            )
        self.shown = shown
        if isinstance(shown, Job):
            self._unsubscribe = shown.subscribe(self._look)
        super().__init__(shown.loop if isinstance(shown, Job) else None)

    @property
    def title(self) -> str:
        """What people call the take."""
        return self.shown.title

    @property
    def takes(self) -> list[Take]:
        """The take that is shown, if there is one."""
        take = self.shown if isinstance(self.shown, Take) else self.shown.take
        return [take] if take else []

    def snapshot(self) -> dict[str, Any]:
        """The take, or the job that there is no take of yet."""
        if isinstance(self.shown, Take):
            return {"job": None, "take": self._told(self.shown)}
        self._seen: tuple[JobStatus, Take | None] = (self.shown.status, self.shown.take)
        take = self.shown.take
        return {"job": job_state(self.shown, preview=0), "take": None if take is None else self._told(take)}

    def static_html(self) -> str:
        """The take for readers without a kernel."""
        if isinstance(self.shown, Job):
            return faces.job_html(self.shown)
        return faces.take_html(self.shown, faces.notebook_path(self.shown.path))

    def _told(self, take: Take) -> dict[str, Any]:
        self._shelf = Shelf([take])
        return take_state(take)

    def _look(self) -> None:
        # Steps and percentages are the badge's business.
        if isinstance(self.shown, Job) and self._seen != (self.shown.status, self.shown.take):
            self.changed()
