"""Everything that can go wrong, as one tree.

::

    ComfyWidgetsError
    ├── WorkflowError            a workflow file or graph that cannot be used
    │   ├── UIFormatError        saved from the editor, not exported for the API
    │   └── BindingError         an input that is unknown, ambiguous, linked or of a wrong kind
    ├── InputFileError           a keyframe or another input file is missing or unreadable
    ├── ServerError              the server answered something it should not
    │   ├── ServerUnreachable    nobody answers at this address
    │   ├── NotComfyUI           somebody answers who is not ComfyUI
    │   ├── KeyRefused           the server wants a key, or another one
    │   └── UploadTooLarge
    ├── BatchFailed              some of a batch left no take
    ├── Rejected                 the graph did not pass the server's validation
    ├── JobFailed                a job ended without a take
    │   ├── NodeFailed           a node raised
    │   ├── Interrupted          somebody else stopped it
    │   ├── Cancelled            we stopped it
    │   ├── Lost                 the server no longer knows it
    │   └── SilentTooLong        neither socket nor HTTP brought news
    ├── OutputError
    │   ├── OutputMissing        it ended well and left no file, or the file is gone
    │   └── FetchFailed          the file could not be brought here whole
    ├── CacheError
    │   ├── CacheNotWritable
    │   └── DiskFull
    ├── TimelineError            a timeline, a shot of it or its file that cannot be used
    │   └── TimelineChanged      somebody else changed the file meanwhile
    ├── NotCached                offline, and this was never made
    ├── PackError                a notebook that cannot be packed, or an archive that cannot be unpacked
    ├── WrongLoop                the studio belongs to another event loop
    └── DemoError                the embedded server could not be started

Below the pipeline errors are raised bare; its edge adds scene, shot, prompt id and node, see `ComfyWidgetsError.at`.
"""

from collections.abc import Sequence
from typing import Self

from comfy_widgets.problems import Problems


class ComfyWidgetsError(Exception):
    """Root of all errors of this package.

    Parameters
    ----------
    what
        One sentence: what happened.
    hint
        What to do next, one sentence; shown after `what`.

    Attributes
    ----------
    scene, shot, prompt_id, node_id, node_title
        Where it happened, as far as known, else None.
    nearest
        What was made before and has most in common with what could not be made, a sentence each.

    Examples
    --------
    >>> error = ComfyWidgetsError("The file is gone.", hint="Submit it again.").at(shot="shot-01")
    >>> print(error)
    Shot shot-01: The file is gone. Submit it again.
    """

    def __init__(self, what: str, *, hint: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint
        self.scene: str | None = None
        self.shot: str | None = None
        self.prompt_id: str | None = None
        self.node_id: str | None = None
        self.node_title: str | None = None
        self.nearest: list[str] = []

    def at(
        self,
        *,
        scene: str | None = None,
        shot: str | None = None,
        prompt_id: str | None = None,
        node_id: str | None = None,
        node_title: str | None = None,
    ) -> Self:
        """Say where it happened; what is known already stays.

        Returns
        -------
        Self
            The same error, so that it can be raised in one line.
        """
        self.scene = self.scene or scene
        self.shot = self.shot or shot
        self.prompt_id = self.prompt_id or prompt_id
        self.node_id = self.node_id or node_id
        self.node_title = self.node_title or node_title
        return self

    @property
    def where(self) -> str:
        """The place in words: ``"Scene scene-001, shot shot-01, prompt 6f1c…"``, or an empty string."""
        parts = [
            f"{word} {value}"
            for word, value in (("scene", self.scene), ("shot", self.shot), ("prompt", self.prompt_id))
            if value
        ]
        place = ", ".join(parts)
        return place[:1].upper() + place[1:]

    @property
    def sentence(self) -> str:
        """What happened and what to do, without the place."""
        return " ".join(filter(None, [self.what, self.hint, *self.nearest]))

    def __str__(self) -> str:
        return f"{self.where}: {self.sentence}" if self.where else self.sentence

    def _render_traceback_(self) -> list[str]:
        """What IPython shows instead of a traceback: a few lines, since the cause is the request, not the code."""
        lines = [f"{type(self).__name__}: {self.where or self.what}"]
        if self.where:
            lines.append(f"  {self.what}")
        lines += [f"  {line}" for line in self.details()]
        if self.hint:
            lines.append(f"  → {self.hint}")
        return lines

    def details(self) -> list[str]:
        """Further lines, such as each node's complaint."""
        return list(self.nearest)


class WorkflowError(ComfyWidgetsError):
    """A workflow file or graph that cannot be used."""


class UIFormatError(WorkflowError):
    """The workflow was saved from ComfyUI's editor and is not in the API format."""


class BindingError(WorkflowError):
    """An input that is unknown, ambiguous, fed by a link or of a wrong kind."""


class InputFileError(ComfyWidgetsError):
    """A keyframe or another input file is missing or cannot be read."""


class ServerError(ComfyWidgetsError):
    """The server answered something it should not."""


class ServerUnreachable(ServerError):  # noqa: N818 - the condition is the name people look for
    """Nobody answers at the server's address."""


class NotComfyUI(ServerError):  # noqa: N818
    """Somebody answers who is not ComfyUI."""


class KeyRefused(ServerError):  # noqa: N818
    """The server wants a key, or another one."""


class UploadTooLarge(ServerError):  # noqa: N818
    """The server refuses an input file of this size."""


class Rejected(ComfyWidgetsError):  # noqa: N818
    """The graph did not pass the server's validation; nothing was queued.

    Parameters
    ----------
    what, hint
        As for `ComfyWidgetsError`.
    problems
        One sentence for each complaint.
    table
        What was found before anything was sent, as a cell shows it.
    """

    def __init__(
        self, what: str, *, hint: str | None = None, problems: list[str] | None = None, table: Problems | None = None
    ) -> None:
        super().__init__(what, hint=hint)
        self.problems = problems or []
        self.table = table

    @property
    def sentence(self) -> str:
        """What happened, each complaint, and what to do."""
        return " ".join([self.what, *self.problems, *([self.hint] if self.hint else [])])

    def details(self) -> list[str]:
        """One line for each complaint of the server, and the table."""
        rows = str(self.table).splitlines() if self.table else []
        told = [] if self.table and self.problems == self.table.sentences else self.problems
        return [*told, *rows]


class JobFailed(ComfyWidgetsError):  # noqa: N818
    """A job ended without a take."""


class NodeFailed(JobFailed):
    """A node raised an exception on the server.

    Parameters
    ----------
    what, hint
        As for `ComfyWidgetsError`.
    traceback
        The last frames of the server's own traceback.
    """

    def __init__(self, what: str, *, hint: str | None = None, traceback: list[str] | None = None) -> None:
        super().__init__(what, hint=hint)
        self.traceback = traceback or []

    def details(self) -> list[str]:
        """The last frames of the server's traceback."""
        return self.traceback


class Interrupted(JobFailed):
    """Somebody else stopped the job on the server."""


class Cancelled(JobFailed):
    """The job was stopped from here."""


class Lost(JobFailed):
    """The server no longer knows the job: it restarted, or its queue or history was cleared."""


class SilentTooLong(JobFailed):
    """Neither the socket nor HTTP brought news for longer than the budget."""


class BatchFailed(ComfyWidgetsError):  # noqa: N818
    """Some jobs of a batch left no take.

    Parameters
    ----------
    what, hint
        As for `ComfyWidgetsError`.
    errors
        The error of each that failed.
    """

    def __init__(self, what: str, *, hint: str | None = None, errors: Sequence[ComfyWidgetsError] = ()) -> None:
        super().__init__(what, hint=hint)
        self.errors = list(errors)

    def details(self) -> list[str]:
        """One line for each that failed."""
        return [str(error) for error in self.errors]


class OutputError(ComfyWidgetsError):
    """The job ended well, but its file did not get here."""


class OutputMissing(OutputError):  # noqa: N818
    """The job ended well and left no file, or its file is gone."""


class FetchFailed(OutputError):  # noqa: N818
    """The file could not be brought here whole."""


class CacheError(ComfyWidgetsError):
    """The folder of takes cannot be used."""


class CacheNotWritable(CacheError):  # noqa: N818
    """The folder of takes cannot be written."""


class DiskFull(CacheError):  # noqa: N818
    """No space is left where the takes lie."""


class TimelineError(ComfyWidgetsError):
    """A timeline, a shot of it or its file that cannot be used."""


class TimelineChanged(TimelineError):  # noqa: N818
    """Somebody else changed the timeline's file since it was read."""


class NotCached(ComfyWidgetsError):  # noqa: N818
    """The studio is offline and this take was never made."""


class PackError(ComfyWidgetsError):
    """A notebook that cannot be packed, or an archive that cannot be unpacked."""


class WrongLoop(ComfyWidgetsError):  # noqa: N818
    """The studio is at work in another event loop."""


class DemoError(ComfyWidgetsError):
    """The embedded server could not be started."""
