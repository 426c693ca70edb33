"""Widgets of a job: they follow it, and do with it what a person asks for."""

from typing import Any

from comfy_widgets import faces
from comfy_widgets.errors import JobFailed
from comfy_widgets.jobs import Job
from comfy_widgets.takes import Take
from comfy_widgets.widgets.base import Answered, Face
from comfy_widgets.widgets.pieces import Shelf
from comfy_widgets.widgets.requests import Request
from comfy_widgets.widgets.snapshot import acts_of, job_state, take_state


class JobFace(Face):
    """A widget that shows a job and its take.

    Parameters
    ----------
    job
        What is shown; after "Again" it is the new job.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self._preview: tuple[str, bytes] | None = job.preview
        self._previews = int(job.preview is not None)
        self._told: tuple[Take, dict[str, Any]] | None = None
        self._unsubscribe = job.subscribe(self.changed)
        super().__init__(job.loop)
        self._reads["preview"] = self._read_preview
        self._acts |= {"stop": self._stop, "again": self._again, "fetch": self._fetch}

    @property
    def title(self) -> str:
        """What people call the job."""
        return self.job.title

    @property
    def takes(self) -> list[Take]:
        """The job's take, if there is one."""
        return [self.job.take] if self.job.take else []

    def snapshot(self) -> dict[str, Any]:
        """The job and, once there is one, its take."""
        if self.job.preview is not None and self.job.preview is not self._preview:
            self._previews += 1
        self._preview = self.job.preview
        return {"job": job_state(self.job, self._previews), "take": self._take()}

    def static_html(self) -> str:
        """The request, for readers without a kernel."""
        return faces.job_html(self.job)

    def _take(self) -> dict[str, Any] | None:
        take = self.job.take
        if take is None:
            self._shelf, self._told = Shelf(), None
            return None
        if self._told is None or self._told[0] is not take:
            # Its poster is read from the disk, so not at each push.
            self._shelf, self._told = Shelf([take]), (take, take_state(take))
        return self._told[1]

    def _read_preview(self, request: Request) -> Answered:
        if self._preview is None:
            return request.answer(media_type=None), []
        media_type, picture = self._preview
        return request.answer(media_type=media_type), [picture]

    def _stop(self, _request: Request) -> None:
        self._offered("stop")
        self.job.cancel()

    def _again(self, _request: Request) -> None:
        self._offered("again")
        self.follow(self.job.resubmit())

    def _fetch(self, _request: Request) -> None:
        self._offered("fetch")
        self.follow(self.job.fetch())

    def _offered(self, act: str) -> None:
        # A click may come late: the job may have ended while the kernel was busy.
        if act not in acts_of(self.job):
            raise JobFailed(f"The job is {self.job.status} already.")

    def follow(self, job: Job) -> None:
        """Show another job, such as the one that was asked for in place of a failed one."""
        self._unsubscribe()
        self.job = job
        self._loop = job.loop
        self._unsubscribe = job.subscribe(self.changed)
        self.changed()
