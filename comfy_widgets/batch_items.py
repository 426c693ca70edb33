"""What a batch is made of: one of its jobs, and how the batch goes about them."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from statistics import median

from comfy_widgets.errors import ComfyWidgetsError, Rejected
from comfy_widgets.jobs import Job, JobStatus
from comfy_widgets.takes import Take


@dataclass(eq=False)
class Item:
    """One of a batch.

    Attributes
    ----------
    label
        What people call it: its shot's id, or its place on the axes of a sweep.
    scene, shot, prompt
        What is asked for, for people to read.
    submit
        Asks for it; None if nobody wants it any more.
    job
        The latest job, None before it was asked for, or if it could not be.
    attempts
        How often it was asked for.
    refused
        Why it could not be asked for.
    skipped
        Whether the batch was cancelled before it was asked for.
    stopped
        Whether somebody stopped it, so that it is not tried again whatever its end is called.
    ready
        What has to be there before it is asked for, such as another one's take; what it raises refuses this one.
    known
        Says whether its take is on disk already: then it need not wait for its turn.
    ended
        Set when nothing more will be tried.
    """

    label: str
    submit: Callable[[], Job | None]
    scene: str | None = None
    shot: str | None = None
    prompt: str = ""
    job: Job | None = None
    attempts: int = 0
    refused: ComfyWidgetsError | None = None
    skipped: bool = False
    stopped: bool = False
    ready: Callable[[], Awaitable[None]] | None = None
    known: Callable[[], Awaitable[bool]] | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def error(self) -> ComfyWidgetsError | None:
        """Why there is no take, None while all is well."""
        return self.refused or (self.job.error if self.job else None)

    @property
    def why(self) -> str:
        """Why there is no take in one sentence; of a graph with a single problem, that problem."""
        problems = self.error.problems if isinstance(self.error, Rejected) else []
        return problems[0] if len(problems) == 1 else self.error.what if self.error else ""

    @property
    def take(self) -> Take | None:
        """The take, once it is there."""
        return self.job.take if self.job else None

    @property
    def over(self) -> bool:
        """Whether nothing more will happen to it by itself."""
        return self.skipped or self.refused is not None or (self.job is not None and self.job.over)

    @property
    def begun(self) -> bool:
        """Whether the server works for it, or has done so, and it is not over."""
        return self.job is not None and self.job.status in {JobStatus.RUNNING, JobStatus.SAVING}

    @property
    def status(self) -> str:
        """The job's status; ``waiting`` before it was asked for."""
        if self.refused is not None:
            return JobStatus.ERROR.value
        if self.job is not None:
            return self.job.status.value
        return JobStatus.CANCELLED.value if self.skipped else "waiting"

    def stop(self) -> asyncio.Future[None] | None:
        """Stop it; what is to be waited for, if anything."""
        if self.job is not None and not self.over:
            self.stopped = True
            return self.job.cancel()
        self.skipped = self.skipped or not self.over
        return None

    def renew(self) -> None:
        """Forget how it ended, so that it is asked for again."""
        self.job, self.refused, self.skipped, self.stopped = None, None, False, False
        self.ended.clear()


@dataclass
class Plan:
    """How a batch goes about it.

    Attributes
    ----------
    one_at_a_time
        Leave the rest out of the server's queue until one is over: others get in between, and it can still be edited.
    retries
        How often one that failed is asked for again.
    """

    one_at_a_time: bool = False
    retries: int = 0


def remaining(items: Iterable[Item]) -> float | None:
    """Seconds until all are probably over, where one is made after the other; None where that can't be said."""
    every = list(items)
    jobs = [item.job for item in every if item.job is not None]
    made = [job.take.render_seconds for job in jobs if job.take and job.take.render_seconds and not job.take.cached]
    known = made or [job.state.expected for job in jobs if job.state.expected is not None]
    left = [_left(item, median(known) if known else None) for item in every if not item.over]
    return sum(filter(None, left)) if left and None not in left else None


def _left(item: Item, typical: float | None) -> float | None:
    if not item.begun:
        return (item.job.state.expected if item.job else None) or typical
    if item.job is None or item.job.eta is not None or item.job.state.expected is None:
        return item.job.eta if item.job else None
    return 0.0  # it takes longer than expected, or is being fetched
