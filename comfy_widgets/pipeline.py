"""The steps of making one take: look for it, else submit, follow, save."""

import asyncio
import logging
import time
import uuid
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypeVar

from comfy_widgets import graphs, submitting
from comfy_widgets.attempt import AT_REST, Attempt
from comfy_widgets.cache import TakeCache
from comfy_widgets.comfyui.capabilities import Capabilities
from comfy_widgets.comfyui.progress import RENDERED
from comfy_widgets.comfyui.server import Server
from comfy_widgets.comfyui.threads import in_thread
from comfy_widgets.comfyui.tracked import News
from comfy_widgets.comfyui.tracker import Tracker, tracker_for
from comfy_widgets.errors import (
    ComfyWidgetsError,
    JobFailed,
    Lost,
    OutputMissing,
    ServerUnreachable,
)
from comfy_widgets.estimates import Estimates
from comfy_widgets.home_loop import HomeLoop
from comfy_widgets.jobs import Job, JobStatus, Request
from comfy_widgets.on_disk import OnDisk
from comfy_widgets.outcomes import closed, may_be_there, status_of
from comfy_widgets.saving import Origin, save, server_name
from comfy_widgets.takes import Take
from comfy_widgets.unfinished import Row
from comfy_widgets.uses import running_cell
from comfy_widgets.workflow import Filled

log = logging.getLogger(__name__)

T = TypeVar("T")

# What is made now, by all studios in this process: (server, folder, fingerprint) → the latest attempt.
_live: dict[tuple[str, str, str], Attempt] = {}


class Pipeline:
    """Makes takes on one server into one cache.

    Parameters
    ----------
    server, cache, home
        Where it is rendered, where takes lie, and the loop that all runs in.
    offline
        Never ask the server.
    extra_data
        Goes with each prompt.
    show
        Puts a job's badge on the screen.
    """

    def __init__(
        self,
        server: Server,
        cache: TakeCache,
        home: HomeLoop,
        *,
        offline: bool,
        extra_data: Mapping[str, Any],
        show: Callable[[Job], None],
    ) -> None:
        self.server = server
        self.cache = cache
        self.home = home
        home.let_go = self._let_go
        self.offline = offline
        self.extra_data = extra_data
        self.show = show
        self.on_disk = OnDisk(server, cache, offline=offline)
        self._attempts: dict[Job, Attempt] = {}
        self._latest: Attempt | None = None
        self._closed = False
        self._estimates = Estimates(cache)
        self._warned = False

    def submit(self, request: Request, *, again: Job | None = None) -> Job:
        """Start making a take; a live job of this process for the same is returned instead."""
        if self._closed:
            raise JobFailed("The studio is closed.", hint="Make another: Studio(…); what was left goes on by resume().")
        loop = self.home.bind()
        live, cell = _live.get(self._place(request)), running_cell()
        if live is not None and (request.fresh or live.abandoned or live.job.loop is not loop):
            live = None
        if live is not None and not live.cancelling:
            live.job.asked_in |= {cell.digest: cell} if cell else {}
            live.job.asked_for.add((request.scene, request.shot))
            return live.job
        job = Job(str(uuid.uuid4()), request, self.home, self)
        job.asked_in |= {cell.digest: cell} if cell else {}
        self._latest = Attempt(
            job,
            self.server,
            self.cache,
            prior=again.id if again else None,
            unwritten=again is not None and may_be_there(again),
            before=self._latest,
            after=live.job if live else None,
        )
        self._start(self._latest)
        return job

    def cancel(self, job: Job) -> asyncio.Future[None]:
        """Stop a job; done when the server has confirmed or the job is over."""
        self.home.bind()
        if not job.over:
            # Said at once: who asks for the same now wants another one.
            job.move(stopping=True)
            self.reattach(job, cancelling=True)
        # Shielded: who waits for it no longer, as with a time limit, still wants it stopped.
        return asyncio.shield(self.start(self._cancel(job)))

    def resubmit(self, job: Job) -> Job:
        """Ask for the same again; the server is asked first whether it still has the old one."""
        return self.submit(job.request, again=job)

    def fetch(self, job: Job) -> Job:
        """Bring a rendered job's files here; nothing is rendered.

        Raises
        ------
        JobFailed
            If it left nothing on the server.
        """
        if not job.over or job.take is not None:
            return job
        unwritten = may_be_there(job)
        attempt = Attempt(job, self.server, self.cache, prior=job.id, unwritten=unwritten, may_submit=False)
        if attempt.row() is None:
            raise JobFailed("It left no file that could be fetched.", hint="Ask for it again: job.resubmit().").at(
                scene=job.scene, shot=job.shot, prompt_id=job.id
            )
        job.move(status=JobStatus.SUBMITTING, error=None, ended=None, heard=time.monotonic(), note="looking for it")
        self._start(attempt)
        return job

    def reattach(self, job: Job, *, cancelling: bool = False) -> None:
        """Follow a job again if nobody does: its loop was closed."""
        known = self._attempts.get(job)
        if known is None or known.abandoned:
            self._start(Attempt(job, self.server, self.cache, prior=job.id, cancelling=cancelling))
        elif cancelling:
            known.cancelling = True

    def resume(self) -> list[Job]:
        """A job for each unfinished row of this server, but for those that this studio follows."""
        loop = self.home.bind()
        known = {job.id for job in self._attempts}
        # A server that is not started yet has nothing of ours.
        rows = self.cache.unfinished.rows() if self.server.started else []
        rows = [row for row in rows if self.server.address.is_at(row.server)]
        # Of a studio in an earlier cell, which nobody closed.
        live = {attempt.job.id: attempt.job for attempt in _live.values() if attempt.job.loop is loop}
        return [live.get(row.prompt_id) or self._resumed(row) for row in rows if row.prompt_id not in known]

    def _resumed(self, row: Row) -> Job:
        filled = Filled(row.graph, (), row.inputs, row.name, row.bindings)
        request = Request(filled, row.scene, row.shot, fresh=row.fresh, parent=row.parent, changed=row.changed)
        job = Job(row.prompt_id, request, self.home, self)
        self._start(Attempt(job, self.server, self.cache, prior=row.prompt_id, may_submit=False))
        return job

    def close(self) -> asyncio.Future[None]:
        """Follow nothing any more; prompts on the server go on and can be resumed."""
        # At once: what is asked for from now on would be taken down before it began.
        self._closed = True
        return self.start(self._close())

    async def _close(self) -> None:
        tasks = [attempt.task for attempt in self._attempts.values() if attempt.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await in_thread(self.cache.write_index, now=True)
        await self._let_go()

    async def _let_go(self) -> None:
        if self.server.started:
            await tracker_for(self.server.address).close_if_idle()

    async def object_info(self) -> Mapping[str, Any]:
        """The server's node classes.

        Raises
        ------
        ServerError
            If nobody answers, or the studio is offline.
        """
        if self.offline:
            raise ServerUnreachable("The studio is offline.")
        tracker = tracker_for(await self.server.reach())
        await tracker.capabilities()
        return await tracker.classes.fetch()

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Future[T]:
        """Start work in the home loop; in a script it is done when this returns."""
        loop = self.home.bind()
        if self.home.runs_here or self.home.is_turned_elsewhere:
            return loop.create_task(work)
        return self.home.turn(_done(work))

    def _place(self, request: Request) -> tuple[str, str, str]:
        return self.server.name, str(self.cache.folder.resolve()), request.filled.fingerprint

    def _start(self, attempt: Attempt) -> None:
        self._attempts[attempt.job] = attempt
        _live[self._place(attempt.job.request)] = attempt
        loop = self.home.bind()

        def begin() -> None:
            attempt.task = loop.create_task(self._work(attempt), name=f"comfy_widgets job {attempt.job.id}")
            attempt.task.add_done_callback(lambda _: self._see_that_it_is_over(attempt))

        if self.home.runs_here:
            begin()
            return
        loop.call_soon_threadsafe(begin)
        if not self.home.is_turned_elsewhere:
            # A script: nothing moves between its calls, so this one stays until the server has the prompt.
            self.home.turn(attempt.answered.wait())

    async def _work(self, attempt: Attempt) -> None:
        try:
            take = await self._uninterrupted(attempt)
            if not take.cached:
                self._estimates.learn(take.graph, take.server, take.renderer, take.render_seconds)
            attempt.complete(take)
        except asyncio.CancelledError:
            # The loop ends, or the studio: the server goes on, and the row tells the next kernel.
            if self._closed:
                attempt.fail(JobStatus.LOST, closed())
            raise
        except ComfyWidgetsError as error:
            attempt.fail(status_of(error), error)
        except Exception as error:
            log.exception("Job %s", attempt.job.id)
            broken = JobFailed(f"comfy_widgets failed: {type(error).__name__}: {error}.", hint="Please report it.")
            attempt.fail(JobStatus.ERROR, broken)
        finally:
            self._forget(attempt)

    async def _uninterrupted(self, attempt: Attempt) -> Take:
        while True:
            try:
                take = attempt.kept or await self._make(attempt)
                take = await in_thread(attempt.note_users, take)
            except KeyboardInterrupt:
                # An interrupt hits whatever runs; it was meant for the cell. The row leads back to where we were.
                attempt.prior = attempt.job.id
            else:
                return take

    async def _make(self, attempt: Attempt) -> Take:
        """The whole way of one take."""
        if attempt.after is not None:
            await attempt.after.ended()
        saved_again = False
        while (found := await self.on_disk.look_up(attempt)) is None:
            tracker = tracker_for(self.server.address)
            try:
                news = await submitting.taken_over(attempt, tracker)
            except Lost:
                if (found := await self.on_disk.instead(attempt)) is None:
                    raise
                attempt.drop_row()
                break
            if news is None:
                if not await self._queue(attempt, tracker):
                    # Somebody else was first: it is on disk, or has a row.
                    continue
                rest = self.on_disk.of_the_rest(attempt)
                if (found := await submitting.withdraw_if(rest, attempt, tracker)) is not None:
                    break
                news = await submitting.follow(attempt, tracker)
            try:
                return await _save(attempt, tracker, news)
            except OutputMissing:
                if saved_again or not attempt.may_submit or not (news.record and news.record.files):
                    raise
            # Somebody deleted the file, or it is broken. Its new name makes the server save it again; what is rendered
            # is cached there.
            saved_again = True
            attempt.drop_row()
            attempt.prior, attempt.job.id = None, str(uuid.uuid4())
            attempt.job.move(**{**AT_REST, "status": JobStatus.SUBMITTING, "running_since": None})
        attempt.job.move(source="cache")
        return found

    async def _queue(self, attempt: Attempt, tracker: Tracker) -> bool:
        self._warn_of_key(attempt.capabilities)
        await self._estimate(attempt)
        queued = await submitting.submit(attempt, tracker, self.extra_data)
        if attempt.dropped:
            _tell_left_out(attempt)
        return queued

    def _warn_of_key(self, capabilities: Capabilities | None) -> None:
        """Say once that an old server shows the key for partner nodes to everybody who reads its queue."""
        if capabilities and "api_key_comfy_org" in self.extra_data and capabilities.shows_keys and not self._warned:
            self._warned = True
            log.warning(
                "%s is of a release that shows your comfy.org key to everybody who reads its queue. "
                "Update ComfyUI, or leave comfy_org_key out.",
                self.server.address,
            )

    async def _estimate(self, attempt: Attempt) -> None:
        """How long it will probably take; not for one that was found running, since nobody knows since when it is."""
        if attempt.capabilities is not None:
            graph, renderer = attempt.job.request.filled.graph, attempt.capabilities.renderer
            server = server_name(self.server.address.name, renderer)
            expected = await in_thread(self._estimates.expected, graph, server, renderer)
            attempt.job.move(expected=expected)

    async def _cancel(self, job: Job) -> None:
        attempt = self._attempts.get(job)
        if attempt is None or job.over:
            return
        if attempt.posted and attempt.tracked is not None:
            await tracker_for(self.server.address).cancel(attempt.tracked)
        await job.ended()

    def _see_that_it_is_over(self, attempt: Attempt) -> None:
        """What is cancelled before its first step runs no line of its own."""
        if self._attempts.get(attempt.job) is attempt:
            if self._closed:
                attempt.fail(JobStatus.LOST, closed())
            self._forget(attempt)

    def _forget(self, attempt: Attempt) -> None:
        attempt.leave_line()
        if self._latest is attempt:
            # It would keep its take alive.
            self._latest = None
        self._attempts.pop(attempt.job, None)
        place = self._place(attempt.job.request)
        if _live.get(place) is attempt:
            del _live[place]


async def _done(work: Coroutine[Any, Any, T]) -> asyncio.Future[T]:
    """Its task, once it is done; who is interrupted while he waits for it does not stop it."""
    task = asyncio.ensure_future(work)
    await asyncio.wait([task])
    return task


async def _save(attempt: Attempt, tracker: Tracker, news: News) -> Take:
    """Bring the files here; what was announced only on the socket counts too."""
    job, record = attempt.job, news.record
    assert record is not None  # noqa: S101 - only a record says that it ended well
    job.move(**{**AT_REST, "status": JobStatus.SAVING, "progress": max(job.progress, RENDERED)})
    capabilities = attempt.capabilities or await tracker.capabilities()
    key = await _key_of_what_was_made(attempt, tracker, record.executed, capabilities.renderer)
    origin = Origin(job.request, key, job.id, attempt.server.address.name, capabilities, record.seconds)
    files = record.files or news.told_files

    def tell(share: float, words: str) -> None:
        reached = RENDERED + (1.0 - RENDERED) * 0.9 * share
        job.move(progress=max(job.progress, reached), heard=time.monotonic(), note=words)

    try:
        take = await save(tracker.client, attempt.cache, origin, files, tell)
    except OutputMissing as error:
        if not files and attempt.dropped:
            error.hint = f"The server left out: {' '.join(attempt.dropped)}"
        raise
    attempt.keep(take)
    return take


async def _key_of_what_was_made(
    attempt: Attempt, tracker: Tracker, executed: tuple[str, ...] | None, renderer: str
) -> str:
    """Under what the take is kept: who asks for all must not be served what the server made without a part."""
    filled = attempt.job.request.filled
    gone = await submitting.left_out(attempt, tracker, executed)
    if not gone:
        return attempt.key
    if not attempt.dropped:
        # It was taken over: only who submitted it was told why.
        attempt.dropped = [f"{graphs.title_of(filled.graph, node_id)} (node {node_id})." for node_id in gone]
        _tell_left_out(attempt)
    if len(gone) == len(graphs.output_nodes(filled.graph)):
        attempt.drop_row()
        raise submitting.all_left_out(attempt)
    return filled.key(renderer, without=gone)


def _tell_left_out(attempt: Attempt) -> None:
    attempt.remark = f"The server left out: {' '.join(attempt.dropped)}"
    log.warning("%s: %s", attempt.job.request.title, attempt.remark)
