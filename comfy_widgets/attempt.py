"""One job while the pipeline works on it: what is known, and how news of the server become the job's state."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any
from weakref import WeakValueDictionary

from comfy_widgets.cache import TakeCache
from comfy_widgets.comfyui.capabilities import Capabilities
from comfy_widgets.comfyui.server import Server
from comfy_widgets.comfyui.status import Remote
from comfy_widgets.comfyui.tracked import News, Tracked
from comfy_widgets.errors import ComfyWidgetsError
from comfy_widgets.jobs import Job, JobStatus
from comfy_widgets.takes import Take
from comfy_widgets.unfinished import Owner, Row

_INDEX_SECONDS = 1.5
_STATUS = {Remote.QUEUED: JobStatus.QUEUED, Remote.RUNNING: JobStatus.RUNNING}

# What ends with the rendering.
AT_REST: Mapping[str, Any] = {
    "queue_position": None,
    "ahead": 0,
    "ahead_mine": 0,
    "node_title": None,
    "step": None,
    "note": None,
    "stopping": False,
    "refusal": None,
}

# How long it may take from a row to its POST.
_SUBMITTING_SECONDS = 60.0


@dataclass(eq=False)
class Attempt:
    """One job while the pipeline works on it.

    Parameters
    ----------
    job
        What is made.
    server, cache
        On which server and into which folder.
    prior
        A prompt id to look for first: that of an earlier try.
    unwritten
        Whether the server is asked for the earlier try also without a row: the folder of takes may have been removed.
    may_submit
        Whether a new prompt may be queued if there is none.
    before
        The attempt that was asked for before this one: it is queued first.
    after
        A job for the same that is being stopped: this one begins when it is over.

    Attributes
    ----------
    answered
        Set when the server has it, or when it is over.
    tracked
        The prompt, once it is followed.
    cancelling
        Whether somebody wants it stopped.
    key, capabilities
        What it makes and who makes it, once known.
    dropped, left_out
        What the server said of branches that it leaves out, and their output nodes.
    passed_over
        Prompts whose row is not ours to remove, and that their server never had.
    kept
        The take, once it is on disk.
    remark
        What is said beside the take.
    """

    job: Job
    server: Server
    cache: TakeCache
    prior: str | None = None
    unwritten: bool = False
    may_submit: bool = True
    before: "Attempt | None" = None
    after: Job | None = None
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None
    tracked: Tracked | None = None
    cancelling: bool = False
    key: str = ""
    capabilities: Capabilities | None = None
    dropped: list[str] = field(default_factory=list)
    left_out: set[str] = field(default_factory=set)
    passed_over: set[str] = field(default_factory=set)
    kept: Take | None = None
    remark: str | None = None

    @property
    def posted(self) -> bool:
        """Whether the server has been told of the prompt, or may have been."""
        return self.tracked is not None and self.tracked.posted_at is not None

    @property
    def abandoned(self) -> bool:
        """Whether its loop was closed under it."""
        return self.task is not None and self.task.get_loop().is_closed()

    async def turn(self) -> None:
        """Wait until all that was asked for before has been queued, or is over: people expect the order they wrote."""
        while self.before is not None:
            # What belongs to a loop that was closed is never answered.
            if not self.before.abandoned:
                await self.before.answered.wait()
            # One that was refused, or found on disk, did not wait for those before it.
            self.before = self.before.before

    def leave_line(self) -> None:
        """Let those that were asked for later go on; they still wait for those that were asked for earlier."""
        self.answered.set()
        _let_go(self)
        # Or each would keep all its predecessors alive.
        while self.before is not None and self.before.answered.is_set():
            self.before = self.before.before

    def tell(self, news: News) -> None:
        """Show what the tracker knows as the job's state."""
        job, place = self.job, news.place
        changes: dict[str, Any] = {
            "source": news.source,
            "heard": time.monotonic(),
            "queue_position": place.position if place else None,
            "ahead": place.ahead if place else 0,
            "ahead_mine": place.ahead_mine if place else 0,
            "progress": max(job.progress, news.progress.fraction),
            "node_title": news.progress.node_title,
            "step": news.progress.step,
            "stopping": self.cancelling,
            "refusal": news.refusal,
        }
        if news.progress.preview is not None:
            changes["preview"] = (news.progress.preview.media_type, news.progress.preview.data)
        if news.remote in _STATUS and job.status in {JobStatus.SUBMITTING, *_STATUS.values()}:
            changes["status"] = _STATUS[news.remote]
        if news.remote is Remote.RUNNING and job.state.running_since is None:
            changes["running_since"] = time.monotonic()
        job.move(**changes)

    def complete(self, take: Take) -> None:
        """The take is on disk."""
        now = time.monotonic()
        ended = {"status": JobStatus.COMPLETE, "progress": 1.0, "take": take, "ended": now, "note": self.remark}
        self.job.move(**{**AT_REST, **ended})

    def fail(self, status: JobStatus, error: ComfyWidgetsError) -> None:
        """There will be no take; the error learns where it happened."""
        # An id that no server has seen would send people looking for it.
        seen = self.posted or (self.unwritten and self.prior == self.job.id)
        error.at(scene=self.job.scene, shot=self.job.shot, prompt_id=self.job.id if seen else None)
        self.job.move(**{**AT_REST, "status": status, "error": error, "ended": time.monotonic()})

    def note_users(self, take: Take) -> Take:
        """Write down for which shots and in which cells a take is used; the take that knows it."""
        for scene, shot in list(self.job.asked_for):
            take = self.cache.note_use(take, scene, shot)
        files = [file.path for file in self.job.request.filled.files]
        for cell in list(self.job.asked_in.values()):
            self.cache.uses.note(cell, take, files)
        return take

    def add_row(self) -> None:
        """Write down that the prompt is on its way.

        Raises
        ------
        CacheNotWritable, DiskFull
            If the folder of takes can't be written.
        """
        _makers[self.job.id] = self
        self.cache.unfinished.add(self._row_of(self.job.id))

    def _row_of(self, prompt_id: str) -> Row:
        job, filled = self.job, self.job.request.filled
        return Row(
            key=self.key,
            prompt_id=prompt_id,
            server=str(self.server.address),
            graph=filled.graph,
            inputs=filled.inputs,
            name=filled.name,
            scene=job.scene,
            shot=job.shot,
            fresh=job.request.fresh,
            bindings=filled.bindings,
            parent=job.request.parent,
            changed=job.request.changed,
        )

    def claim(self) -> bool:
        """Write our row, unless somebody else has one for the same, or the take: another loop, thread or kernel.

        All that was seen before may be old: much is read and uploaded between the first look and the POST.

        Raises
        ------
        CacheNotWritable, DiskFull
            If the folder of takes can't be written.
        """
        with self.cache.unfinished.turn.taken():
            if not self.job.request.fresh:
                others = [row for row in self._rows() if row.prompt_id != self.job.id]
                # In this order: a row goes when its take is there.
                if others or self.cache.find(self.key) is not None:
                    return False
            self.add_row()
            return True

    def is_submitted_elsewhere(self, row: Row) -> bool:
        """Whether somebody else may be about to submit a row's prompt, or just did."""
        others = row.owner.lives is not False if row.owner != Owner.this_process() else self.is_made_elsewhere(row)
        return others and row.age_seconds < _SUBMITTING_SECONDS

    def is_made_elsewhere(self, row: Row) -> bool:
        """Whether somebody else is known to be at it, so that the row is theirs to remove."""
        if row.owner == Owner.this_process():
            return _makers.get(row.prompt_id) not in {None, self}
        return row.owner.lives is True

    def keep(self, take: Take) -> None:
        """The take is on disk: nothing is left to be picked up, and the index follows."""
        self.kept = take
        self.drop_row()
        asyncio.get_running_loop().call_later(_INDEX_SECONDS, _write_index, self.cache)

    def drop_row(self) -> None:
        """Nothing is left to be picked up."""
        self.cache.unfinished.remove(self.job.id)
        _let_go(self)

    def row(self) -> Row | None:
        """The row of an earlier try for the same, by this kernel or another."""
        if self.prior is not None:
            written = next((row for row in self.cache.unfinished.rows() if self._is_prior(row)), None)
            return written or (self._row_of(self.prior) if self.unwritten else None)
        return self._left_behind() if self.job.request.fresh else next(reversed(self._rows()), None)

    def _left_behind(self) -> Row | None:
        """The row of another take that was asked for, and that nobody is at any more; it is ours from now on."""
        if not self._rows():
            return None
        with self.cache.unfinished.turn.taken():
            for row in reversed(self._rows()):
                # What another one wanted is his, and two who want another take at the same time want two.
                if row.fresh and row.owner.lives is not None and not self.is_made_elsewhere(row):
                    _makers[row.prompt_id] = self
                    self.cache.unfinished.add(replace(row, owner=Owner.this_process()))
                    return row
        return None

    def _is_prior(self, row: Row) -> bool:
        return row.prompt_id == self.prior and self.server.address.is_at(row.server)

    def _rows(self) -> list[Row]:
        """The rows for the same on this server, the oldest first."""
        rows = self.cache.unfinished.of(self.key)
        return [r for r in rows if self.server.address.is_at(r.server) and r.prompt_id not in self.passed_over]


# Who in this process made the row of a prompt, and is still at it: the row alone names the process.
_makers: WeakValueDictionary[str, Attempt] = WeakValueDictionary()


def _let_go(attempt: Attempt) -> None:
    if _makers.get(attempt.job.id) is attempt:
        del _makers[attempt.job.id]


def _write_index(cache: TakeCache) -> None:
    # A loop that is being shut down takes no more work; closing the studio has written the index.
    with suppress(RuntimeError):
        # In a thread: it waits for other kernels and for the disk.
        asyncio.get_running_loop().run_in_executor(None, cache.write_index)
