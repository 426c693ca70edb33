"""Many jobs as one thing: a batch of shots, goes on past what fails."""

import asyncio
import logging
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any, Self

from comfy_widgets import faces
from comfy_widgets.batch_items import Item, Plan, remaining
from comfy_widgets.errors import (
    BatchFailed,
    ComfyWidgetsError,
    FetchFailed,
    Lost,
    NodeFailed,
    ServerError,
    SilentTooLong,
)
from comfy_widgets.home_loop import HomeLoop
from comfy_widgets.jobs import Job
from comfy_widgets.listeners import Listeners
from comfy_widgets.run_log import RunLog
from comfy_widgets.summary import Row, Summary
from comfy_widgets.takes import Take

__all__ = ["Batch", "Item", "Plan"]

log = logging.getLogger(__name__)

# What another try may mend; a refused graph or a missing keyframe stays refused and missing.
_MENDABLE = (NodeFailed, Lost, SilentTooLong, ServerError, FetchFailed)


class Batch:
    """Many jobs; await it until all are over. A failed one raises nothing and stops none of the others.

    Made by `Studio.generate`.

    Parameters
    ----------
    items
        What is to be made.
    home
        The loop it runs in.
    run_log
        Where each change of state is written down.
    plan
        How it goes about it.

    Examples
    --------
    >>> batch = studio.generate(shots, workflow)  # doctest: +SKIP
    >>> await batch  # doctest: +SKIP
    >>> batch.summary()  # doctest: +SKIP
    """

    def __init__(self, items: Sequence[Item], home: HomeLoop, run_log: RunLog, plan: Plan | None = None) -> None:
        self.items = list(items)
        self.plan = plan or Plan()
        self._home = home
        self._log = run_log
        self._listeners = Listeners()
        self._began = time.monotonic()
        self._log.write(f"{len(self.items)} to make")
        for item in self.items[:1] if self.plan.one_at_a_time else self.items:
            if item.ready is None:
                self._ask(item)
        self._driver = home.bind().create_task(self._drive(self.items), name="comfy_widgets batch")

    @property
    def loop(self) -> asyncio.AbstractEventLoop | None:
        """The event loop that it runs in."""
        return self._home.loop

    @property
    def jobs(self) -> list[Job]:
        """The latest job of each that has been asked for."""
        return [item.job for item in self.items if item.job is not None]

    @property
    def takes(self) -> dict[str, Take]:
        """Label → take, of those that are there."""
        return {item.label: item.take for item in self.items if item.take is not None}

    @property
    def errors(self) -> dict[str, ComfyWidgetsError]:
        """Label → error, of those that failed."""
        return {item.label: item.error for item in self.items if item.error is not None}

    @property
    def over(self) -> bool:
        """Whether all are over."""
        return self._driver.done()

    @property
    def progress(self) -> float:
        """Fraction from 0 to 1 over all."""
        done = [1.0 if item.over else item.job.progress if item.job else 0.0 for item in self.items]
        return sum(done) / len(done) if done else 1.0

    @property
    def remaining(self) -> float | None:
        """Seconds until all are probably over, by earlier takes of their kind; None where that can't be said."""
        return remaining(self.items)

    def cancel(self, *items: Item, rest: bool = False) -> asyncio.Future[Any]:
        """Stop those that run or wait; what is done stays.

        Parameters
        ----------
        *items
            Only these.
        rest
            Let those that run come to their end.

        Returns
        -------
        asyncio.Future
            Done when the server has confirmed each; need not be awaited.

        Examples
        --------
        >>> batch.cancel(rest=True)  # doctest: +SKIP
        """
        stopping = [item.stop() for item in items or self.items if not (rest and item.begun)]
        self._changed()
        going = [future for future in stopping if future is not None]
        return asyncio.gather(*going) if going else _done(self._home.bind())

    def resubmit(self, *items: Item) -> Self:
        """Ask again for what has no take and is not on its way.

        Parameters
        ----------
        *items
            Only these.

        Examples
        --------
        >>> await batch.resubmit()  # doctest: +SKIP
        """
        wanted = [item for item in items or self.items if item.over and item.take is None]
        for item in wanted:
            item.renew()
        if wanted:
            self._log.write(f"{len(wanted)} once more")
            work = self._go_on(self._driver, wanted)
            self._driver = self._home.bind().create_task(work, name="comfy_widgets batch")
            self._changed()
        return self

    def raise_for_errors(self) -> Self:
        """Raise if one of them failed.

        Raises
        ------
        BatchFailed
            Naming each that failed.

        Examples
        --------
        >>> (await batch).raise_for_errors()  # doctest: +SKIP
        """
        if self.errors:
            raise BatchFailed(
                f"{len(self.errors)} of {len(self.items)} failed.",
                hint="batch.summary() shows all; asking again makes only what is missing.",
                errors=list(self.errors.values()),
            )
        return self

    def summary(self) -> Summary:
        """What became of each, as a table that shows itself as text and html.

        Examples
        --------
        >>> batch.summary()  # doctest: +SKIP
        """
        return Summary([_row(item) for item in self.items])

    def result(self) -> Self:
        """Wait until all are over, where nothing can be awaited.

        Examples
        --------
        >>> batch.result().summary()  # doctest: +SKIP
        """
        if not self.over:
            self._home.turn(asyncio.shield(self._driver))
        return self

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` in the batch's loop after each change.

        Returns
        -------
        Callable
            Ends the subscription.

        Examples
        --------
        >>> unsubscribe = batch.subscribe(lambda: print(len(batch.errors), "failed"))  # doctest: +SKIP
        """
        return self._listeners.subscribe(listener)

    def __await__(self) -> Generator[Any, None, Self]:
        yield from asyncio.shield(self._driver).__await__()
        return self

    def __iter__(self) -> Iterator[Item]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    async def _drive(self, items: Sequence[Item]) -> None:
        if self.plan.one_at_a_time:
            for item in items:
                # What is on disk is there at once, wherever it stands.
                if item.known is not None and not item.job and await item.known() and not item.over:
                    self._ask(item)
            for item in items:
                await self._see_through(item)
        else:
            await asyncio.gather(*(self._see_through(item) for item in items))
        made = sum(item.take is not None for item in self.items)
        self._log.write(f"{made} of {len(self.items)} made in {time.monotonic() - self._began:.1f} s")
        self._changed()

    async def _go_on(self, before: asyncio.Task[None], items: Sequence[Item]) -> None:
        if self.plan.one_at_a_time:
            await asyncio.wait([before])
        await self._drive(items)
        await asyncio.wait([before])

    async def _see_through(self, item: Item) -> None:
        try:
            await self._make(item)
        finally:
            item.ended.set()

    async def _make(self, item: Item) -> None:
        if item.ready is not None and not item.over:
            try:
                await item.ready()
            except Exception as error:  # noqa: BLE001 - what is wrong with one stops none of the others
                if not item.skipped:
                    self._refuse(item, error)
        last = item.attempts + (item.job is None) + self.plan.retries
        if not (item.over or item.job):
            self._ask(item)
        while item.job is not None:
            await item.job.ended()
            if item.stopped or not isinstance(item.job.error, _MENDABLE) or item.attempts >= last:
                return
            again = item.job
            self._log.write(f"{item.label}: once more, {again.error}")
            self._ask(item, again.resubmit)

    def _ask(self, item: Item, submit: Callable[[], Job | None] | None = None) -> None:
        item.attempts += 1
        try:
            item.job = (submit or item.submit)()
        except Exception as error:  # noqa: BLE001 - what is wrong with one stops none of the others
            self._refuse(item, error)
            return
        if item.job is None:
            item.attempts, item.skipped = item.attempts - 1, True
        else:
            item.job.subscribe(_Told(self, item))
        self._changed()

    def _refuse(self, item: Item, error: Exception) -> None:
        item.refused = _in_words(error).at(scene=item.scene, shot=item.shot)
        self._log.write(f"{item.label}: error, {item.refused}")
        self._changed()

    def _changed(self) -> None:
        self._listeners.tell()

    def static_html(self) -> str:
        """What is asked for as a table, for readers without a kernel."""
        rows = "".join(
            f"<tr><td>{escape(item.scene or '')}</td><td>{escape(item.label)}</td><td>{escape(item.prompt)}</td></tr>"
            for item in self.items
        )
        return f"<table><tr><th>scene</th><th>shot</th><th>prompt</th></tr>{rows}</table>"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return faces.bundle(self, text=repr(self), html=self.static_html())

    def __repr__(self) -> str:
        # What is asked for, never how far it is: a saved notebook must not go stale.
        return "\n".join([f"Batch of {len(self.items)}", *(f"  {item.label}: {item.prompt}" for item in self.items)])


@dataclass
class _Told:
    """Hears of one job's changes: each for the listeners, a change of state for the run log."""

    batch: Batch
    item: Item
    status: str = field(default="", init=False)

    def __call__(self) -> None:
        if self.item.status != self.status:
            self.status = self.item.status
            words = f", {self.item.error}" if self.item.error else ""
            prompt_id = f" {self.item.job.id}" if self.item.job else ""
            self.batch._log.write(f"{self.item.label}: {self.status}{prompt_id}{words}")  # noqa: SLF001
        self.batch._changed()  # noqa: SLF001


def _in_words(error: Exception) -> ComfyWidgetsError:
    """An error as people read it, whatever a value of somebody's led to."""
    if isinstance(error, ComfyWidgetsError):
        return error
    told = ComfyWidgetsError(
        f"It could not be asked for: {type(error).__name__}: {error}.", hint="Look at the values that it is given."
    )
    told.__cause__ = error
    return told


def _row(item: Item) -> Row:
    take = item.take
    return Row(
        scene=item.scene,
        shot=item.shot or item.label,
        status=item.status,
        attempts=item.attempts,
        seconds=item.job.elapsed if item.job else None,
        megabytes=take.size / 1e6 if take else None,
        outcome=take.path.name if take else item.why,
    )


def _done(loop: asyncio.AbstractEventLoop) -> asyncio.Future[None]:
    future = loop.create_future()
    future.set_result(None)
    return future
