"""What is asked for, and everything about a job that changes."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from comfy_widgets import faces
from comfy_widgets.errors import ComfyWidgetsError
from comfy_widgets.takes import Take
from comfy_widgets.workflow import Filled


class JobStatus(StrEnum):
    """Where a job is on its way; a string, so that it can be compared with one and printed.

    Examples
    --------
    >>> JobStatus.COMPLETE == "complete", JobStatus.QUEUED.over
    (True, False)
    """

    SUBMITTING = "submitting"
    QUEUED = "queued"
    RUNNING = "running"
    SAVING = "saving"
    COMPLETE = "complete"
    ERROR = "error"
    CANCELLED = "cancelled"
    LOST = "lost"

    @property
    def over(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self in _OVER


_OVER = frozenset({JobStatus.COMPLETE, JobStatus.ERROR, JobStatus.CANCELLED, JobStatus.LOST})


@dataclass(frozen=True)
class Request:
    """What is asked for: a filled workflow, for a shot.

    Parameters
    ----------
    filled
        The graph and its input files.
    scene, shot
        For which shot, if for one.
    fresh
        Make another take even if there is one.
    front
        Go before everybody else in the server's queue.
    parent, changed
        The key of the take that this one varies, and name → [value there, value here].
    """

    filled: Filled
    scene: str | None = None
    shot: str | None = None
    fresh: bool = False
    front: bool = False
    parent: str | None = None
    changed: Mapping[str, list[Any]] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The shot's id, else the beginning of the prompt, else the workflow's name."""
        return faces.title_of(self.shot, self.filled.inputs) or self.filled.name


@dataclass(frozen=True)
class JobState:
    """Everything about a job that changes; times are of `time.monotonic`, in seconds."""

    status: JobStatus = JobStatus.SUBMITTING
    progress: float = 0.0
    queue_position: int | None = None
    ahead: int = 0
    ahead_mine: int = 0
    expected: float | None = None
    node_title: str | None = None
    step: tuple[int, int] | None = None
    preview: tuple[str, bytes] | None = field(default=None, repr=False)
    source: str = "poll"
    heard: float = field(default_factory=time.monotonic)
    began: float = field(default_factory=time.monotonic)
    running_since: float | None = None
    ended: float | None = None
    error: ComfyWidgetsError | None = None
    take: Take | None = None
    note: str | None = None
    stopping: bool = False
    refusal: str | None = None
