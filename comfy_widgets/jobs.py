"""A job: one request on its way to a take, to be watched, awaited and stopped."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Generator, Mapping
from dataclasses import replace
from typing import Any, Protocol

from comfy_widgets import faces
from comfy_widgets.errors import ComfyWidgetsError, WrongLoop
from comfy_widgets.home_loop import HomeLoop
from comfy_widgets.job_state import JobState, JobStatus, Request
from comfy_widgets.listeners import Listeners
from comfy_widgets.takes import Take
from comfy_widgets.uses import Cell
from comfy_widgets.wording import in_line

__all__ = ["Acts", "Job", "JobState", "JobStatus", "Request"]


class Acts(Protocol):
    """What can be done with a job; the pipeline does it."""

    def cancel(self, job: "Job") -> asyncio.Future[None]:
        """Stop it."""

    def resubmit(self, job: "Job") -> "Job":
        """Ask for it again."""

    def fetch(self, job: "Job") -> "Job":
        """Bring its file here without rendering again."""

    def reattach(self, job: "Job") -> None:
        """Follow it again after its loop was closed."""

    def show(self, job: "Job") -> None:
        """Put its badge on the screen, if somebody looks at one."""


class Job:
    """One request on its way to a take.

    Made by `Studio.submit`; await it for its take, or call `result` where nothing can be awaited.

    Attributes
    ----------
    id
        The prompt_id on the server.
    request
        What was asked for.

    Examples
    --------
    >>> job = studio.submit(workflow, prompt="a lighthouse", seed=7)  # doctest: +SKIP
    >>> take = await job  # doctest: +SKIP
    """

    def __init__(self, prompt_id: str, request: Request, home: HomeLoop, acts: Acts) -> None:
        self.id = prompt_id
        self.request = request
        self.on_screen = False
        # The cells that wanted it, by what is written in them.
        self.asked_in: dict[str, Cell] = {}
        # The scenes and shots that it is made for: whoever asks for the same meanwhile has his own.
        self.asked_for = {(request.scene, request.shot)}
        self._home = home
        self._acts = acts
        self._state = JobState()
        self._listeners = Listeners()

    @property
    def state(self) -> JobState:
        """A snapshot of everything that changes."""
        return self._state

    @property
    def loop(self) -> asyncio.AbstractEventLoop | None:
        """The event loop that moves this job."""
        return self._home.loop

    @property
    def scene(self) -> str | None:
        """The scene it is for."""
        return self.request.scene

    @property
    def shot(self) -> str | None:
        """The shot it is for."""
        return self.request.shot

    @property
    def title(self) -> str:
        """What people call it."""
        return self.request.title

    @property
    def inputs(self) -> Mapping[str, Any]:
        """The named inputs and their values."""
        return self.request.filled.inputs

    @property
    def status(self) -> JobStatus:
        """Where it is on its way."""
        return self._state.status

    @property
    def over(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self._state.status.over

    @property
    def progress(self) -> float:
        """Fraction from 0 to 1; 1 only when the take is on disk."""
        return self._state.progress

    @property
    def queue_position(self) -> int | None:
        """Rank among the queued prompts of the server, 1 = next; None when not queued."""
        return self._state.queue_position

    @property
    def ahead(self) -> int:
        """How many prompts must end before it, the running one included."""
        return self._state.ahead

    @property
    def ahead_mine(self) -> int:
        """How many of those ahead are ours."""
        return self._state.ahead_mine

    @property
    def eta(self) -> float | None:
        """Seconds of execution that are probably left, by earlier takes of its kind; None where nothing is known."""
        state = self._state
        if state.status is not JobStatus.RUNNING or state.expected is None or state.running_since is None:
            return None
        left = state.expected - (time.monotonic() - state.running_since)
        # Past the estimate nothing is known any more.
        return left if left > 0 else None

    @property
    def node_title(self) -> str | None:
        """The node at work."""
        return self._state.node_title

    @property
    def step(self) -> tuple[int, int] | None:
        """The node's step and how many it has."""
        return self._state.step

    @property
    def preview(self) -> tuple[str, bytes] | None:
        """MIME type and bytes of the latest picture of the work in progress."""
        return self._state.preview

    @property
    def source(self) -> str:
        """Who told the latest news: `socket`, `poll` or `cache`."""
        return self._state.source

    @property
    def age(self) -> float:
        """Seconds since the last news; 0 once it is over."""
        return 0.0 if self.over else time.monotonic() - self._state.heard

    @property
    def elapsed(self) -> float:
        """Seconds from the request to the end, or to now."""
        return (self._state.ended or time.monotonic()) - self._state.began

    @property
    def error(self) -> ComfyWidgetsError | None:
        """Why there is no take, None while all is well."""
        return self._state.error

    @property
    def take(self) -> Take | None:
        """The chosen video, once it is on disk."""
        return self._state.take

    @property
    def takes(self) -> tuple[Take, ...]:
        """All files of the job, the chosen one first."""
        return (self.take, *self.take.also) if self.take else ()

    @property
    def message(self) -> str:
        """What happens now, in words."""
        state = self._state
        if state.error is not None:
            return state.error.sentence
        if state.stopping:
            return f"The server does not stop it: {state.refusal}" if state.refusal else "Stopping"
        if state.status is JobStatus.QUEUED:
            return in_line(state.queue_position, state.ahead, state.ahead_mine)
        if state.status is JobStatus.RUNNING:
            step = f", step {state.step[0]} of {state.step[1]}" if state.step else ""
            return f"{state.node_title}{step}" if state.node_title else ""
        return state.note or ""

    def move(self, **changes: Any) -> None:
        """Change the state and tell who listens; for the pipeline, in the job's loop."""
        before, self._state = self._state, replace(self._state, **changes)
        if self._state == before:
            return
        self._listeners.tell()

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` in the job's loop after each change.

        Returns
        -------
        Callable
            Ends the subscription.

        Examples
        --------
        >>> unsubscribe = job.subscribe(lambda: print(job.message))  # doctest: +SKIP
        """
        return self._listeners.subscribe(listener)

    def cancel(self) -> asyncio.Future[None]:
        """Stop it on the server; a job that ends well in spite of it is complete.

        Returns
        -------
        asyncio.Future
            Done when the server has confirmed; need not be awaited.

        Examples
        --------
        >>> await job.cancel()  # doctest: +SKIP
        """
        return self._acts.cancel(self)

    def resubmit(self) -> "Job":
        """Ask for the same again, after looking whether the server still has it.

        Examples
        --------
        >>> take = await job.resubmit()  # doctest: +SKIP
        """
        return self._acts.resubmit(self)

    def fetch(self) -> "Job":
        """Bring the file of a rendered job here again; nothing is rendered.

        Raises
        ------
        JobFailed
            If it left no file on the server.

        Examples
        --------
        >>> take = await job.fetch()  # doctest: +SKIP
        """
        return self._acts.fetch(self)

    def __await__(self) -> Generator[Any, None, Take]:
        return self._outcome().__await__()

    async def _outcome(self) -> Take:
        self._acts.show(self)
        await self.ended()
        return self._take_or_raise()

    def result(self) -> Take:
        """Wait for the take without `await`; the notebook's widgets stay alive meanwhile.

        Raises
        ------
        ComfyWidgetsError
            If there is no take.
        KeyboardInterrupt
            If the cell is interrupted; the job goes on.

        Examples
        --------
        >>> take = job.result()  # doctest: +SKIP
        """
        self._acts.show(self)
        if not self.over:
            self._home.turn(self.ended())
        return self._take_or_raise()

    async def ended(self) -> None:
        """Wait until it is over, without raising for how it ended; cancelling the wait leaves the job alone."""
        if self.over:
            return
        here = asyncio.get_running_loop()
        self._see_that_it_moves(here)
        waiter = here.create_future()

        def look() -> None:
            if self.over:
                here.call_soon_threadsafe(_settle, waiter)

        unsubscribe = self.subscribe(look)
        try:
            look()
            await waiter
        finally:
            unsubscribe()

    def _see_that_it_moves(self, here: asyncio.AbstractEventLoop) -> None:
        """Nobody must wait for a loop that does not turn."""
        if self.over:
            return
        if self._home.loop in {None, here}:
            self._acts.reattach(self)
        elif self._home.loop is not here and not self._home.turns_by_itself:
            raise WrongLoop("This job belongs to an event loop that is not running.", hint="Use: job.result()")

    def _take_or_raise(self) -> Take:
        if self._state.error is not None:
            # Each waiter gets the traceback of its own await only.
            raise self._state.error.with_traceback(None)
        if self._state.take is None:
            raise ComfyWidgetsError("The job is over and left no take.", hint="Submit it again: job.resubmit().")
        return self._state.take

    async def updates(self) -> AsyncIterator["Job"]:
        """Yield the job now and after each change, until it is over.

        Examples
        --------
        >>> async for now in job.updates():  # doctest: +SKIP
        ...     print(now.status, now.message)
        """
        here = asyncio.get_running_loop()
        self._see_that_it_moves(here)
        changed = asyncio.Event()

        def wake() -> None:
            here.call_soon_threadsafe(changed.set)

        unsubscribe = self.subscribe(wake)
        try:
            while True:
                changed.clear()
                # Asked before: what ends while somebody looks is one more update.
                over = self.over
                yield self
                if over:
                    return
                await changed.wait()
        finally:
            unsubscribe()

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        self.on_screen = True
        return faces.bundle_of_job(self)

    def __repr__(self) -> str:
        return faces.job_text(self)


def _settle(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
