"""When a timeline's file is written: soon after each change, by a thread where a loop goes on, else at once."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

from comfy_widgets.errors import CacheError, ComfyWidgetsError, TimelineError
from comfy_widgets.home_loop import HomeLoop
from comfy_widgets.timeline_file import TimelineFile, Told

# Typing changes a prompt several times a second; the disk need not see each letter.
_PAUSE = 0.2


class Keeper:
    """Keeps what a timeline says in its file.

    Parameters
    ----------
    path
        The file; None keeps nothing.
    tell
        What there is to keep; called in any thread.
    home
        The loop that the timeline lives in.
    changed
        Called when the complaint is another one, in the thread of the loop.

    Attributes
    ----------
    complaint
        Why it is not kept now, None while it is.
    blocked
        Whether nothing is written until somebody asks for it.
    retired
        Whether another timeline has the file.
    """

    def __init__(
        self, path: Path | None, tell: Callable[[], Told], home: HomeLoop, changed: Callable[[], None]
    ) -> None:
        self.path = path
        self.complaint: ComfyWidgetsError | None = None
        self._file = None if path is None else TimelineFile(path)
        self._tell = tell
        self._home = home
        self._changed = changed
        self.blocked = self.retired = self._dirty = False
        self._lock = threading.Lock()
        self._task: asyncio.Task[None] | None = None

    def read(self) -> Told | None:
        """What the file says.

        Raises
        ------
        TimelineError
            If it can't be read; then it is not written either until that is asked for. Or if another timeline has it.
        """
        if self._file is None:
            return None
        if self.retired and self.complaint is not None:
            raise self.complaint.with_traceback(None)
        # What a thread is writing now is read when it is there.
        with self._lock:
            return self._read_now(self._file)

    def _read_now(self, file: TimelineFile) -> Told | None:
        try:
            told = file.read()
        except TimelineError as error:
            self.blocked, self.complaint = True, error
            raise
        # To write now would drop what could not be read, and somebody may still repair it.
        self.blocked = bool(told and told.complaints)
        self.complaint = (
            TimelineError(
                " ".join(told.complaints),
                hint="Nothing is saved until it is repaired and timeline.reload() run, or timeline.save(anyway=True).",
            )
            if told and told.complaints
            else None
        )
        return told

    def mark(self) -> None:
        """Say that there is something to write."""
        if self._file is None or self.blocked:
            return
        self._dirty = True
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            loop = None
        if loop is None or self._home.is_own:
            # In a script nothing moves between two calls, and it may end before the next one.
            self._write()
        elif self._task is None or self._task.done():
            self._task = loop.create_task(self._write_soon(), name="comfy_widgets timeline file")

    def save(self, *, anyway: bool) -> None:
        """Write now.

        Raises
        ------
        ComfyWidgetsError
            If it can't be written.
        """
        if self._file is None:
            raise TimelineError("This timeline has no file.", hint="Give it one: Timeline(…, file='film.json').")
        self.blocked = self.blocked and (self.retired or not anyway)
        if not self.blocked:
            self._write(anyway=anyway)
        if self.complaint is not None:
            raise self.complaint.with_traceback(None)

    @property
    def unwritten(self) -> Told | None:
        """What was said and could not be written yet, None if the file has all."""
        return self._tell() if self._dirty else None

    def retire(self) -> bool:
        """Write what waits, and nothing from now on: another timeline has the file; whether all of it is there."""
        # A thread may be writing what is no longer marked: the other one must read that, not what was there before.
        with self._lock:
            if self._dirty and not self.blocked:
                self._write_now()
            saved = self.complaint is None
            self.blocked = self.retired = True
            name = self.path.name if self.path is not None else "the file"
            self.complaint = TimelineError(f"Another timeline has {name} now.", hint="Edit that one.")
        return saved

    def _write(self, *, anyway: bool = False) -> None:
        with self._lock:
            # It may have been blocked while a thread was on its way here.
            if anyway or not self.blocked:
                self._write_now(anyway=anyway)

    def _write_now(self, *, anyway: bool = False) -> None:
        assert self._file is not None  # noqa: S101 - nothing is marked without a file
        self._dirty = False
        try:
            self._file.write(self._tell(), anyway=anyway)
        except CacheError as error:
            self._dirty = True
            why = getattr(error.__cause__ or error, "strerror", None) or error.what
            self.complaint = TimelineError(
                f"{self._file.path.name} can't be saved: {why.rstrip('.')}.",
                hint="The timeline goes on; the next change tries again.",
            )
        except TimelineError as error:
            self.blocked, self.complaint = True, error
        else:
            self.complaint = None

    async def _write_soon(self) -> None:
        try:
            while self._dirty and not self.blocked:
                before = self.complaint
                await asyncio.to_thread(self._write)
                if self.complaint is not before:
                    self._changed()
                await asyncio.sleep(_PAUSE)
                if self.complaint is not None:
                    return
        except asyncio.CancelledError:
            # The loop ends; what was said last is kept, whatever the thread was at.
            if not self.blocked:
                self._write()
            raise
