"""The event loop that a studio lives in, in a notebook, a script or a program that brings its own."""

import asyncio
import atexit
import signal
import threading
import weakref
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, TypeVar

from comfy_widgets.errors import WrongLoop

T = TypeVar("T")


# Those with a loop of their own, which a script may leave open.
_own: "weakref.WeakSet[HomeLoop]" = weakref.WeakSet()


class HomeLoop:
    """One event loop: the one that runs here when work first starts, else one of our own until `close`.

    Examples
    --------
    >>> home = HomeLoop()
    >>> home.turn(asyncio.sleep(0, "done"))
    'done'
    >>> home.close()
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._runner: asyncio.Runner | None = None
        # Over who binds, and over which of our threads turns the loop: the others wait until they are told.
        self._turns = threading.Condition()
        self._turner: int | None = None
        # Called before a loop of our own that a script left open is closed at exit.
        self.let_go: Callable[[], Coroutine[Any, Any, None]] | None = None

    @property
    def loop(self) -> asyncio.AbstractEventLoop | None:
        """The loop that work was last started in; None before, or when it is closed."""
        return None if self._loop is None or self._loop.is_closed() else self._loop

    def bind(self) -> asyncio.AbstractEventLoop:
        """The loop to start work in.

        Raises
        ------
        WrongLoop
            If work goes on in one loop while another runs here.
        """
        running = _running_loop()
        with self._turns:
            if self.loop is None:
                if running is None:
                    self._runner = asyncio.Runner()
                    running = self._runner.get_loop()
                    _own.add(self)
                self._loop = running
            elif running is not None and running is not self.loop:
                raise WrongLoop(
                    "This studio is at work in another event loop.",
                    hint="Make a studio inside this one, or close the other first: studio.close().",
                )
            return self._loop  # type: ignore[return-value]

    @property
    def turns_by_itself(self) -> bool:
        """Whether the loop runs now, in this thread or in another."""
        return self.loop is not None and self.loop.is_running()

    @property
    def is_own(self) -> bool:
        """Whether the loop is our own, as in a script: it moves only while somebody waits for something."""
        return self._runner is not None

    @property
    def runs_here(self) -> bool:
        """Whether the loop runs now, in this thread."""
        return self._loop is not None and _running_loop() is self._loop

    @property
    def is_turned_elsewhere(self) -> bool:
        """Whether another thread turns a loop that is not ours, so that all moves without a wait here."""
        return self.turns_by_itself and not self.is_own and not self.runs_here

    def turn(self, work: Awaitable[T]) -> T:
        """Wait for `work` without `await`, the loop going on meanwhile; what it raises is raised.

        Several threads may wait: one of them turns the loop, and when it leaves the next goes on.

        An interrupt cancels only this wait, then raises KeyboardInterrupt in the caller's frame.

        Raises
        ------
        WrongLoop
            If the loop can't be waited for from here.
        """
        loop = self.bind()
        if self.runs_here:
            _let_nest(loop)
            return _run(loop, _coroutine(work))
        waited: Future[T] | None = None
        try:
            if not self._takes_turn(loop):
                waited = asyncio.run_coroutine_threadsafe(_coroutine(work), loop)
                waited.add_done_callback(self._tell)
                if not self._takes_over(waited):
                    return waited.result()
                work = asyncio.wrap_future(waited, loop=loop)
            return _run(loop, _coroutine(work))
        finally:
            if waited is not None:
                # Nobody waits for it any more, if it is not done.
                waited.cancel()
            self._leave()

    def close(self) -> None:
        """End our own loop, if it is our own and no thread is still at it."""
        with self._turns:
            if self._runner is not None and self._turner is None:
                self._runner.close()
                self._runner = self._loop = None

    def _takes_turn(self, loop: asyncio.AbstractEventLoop) -> bool:
        with self._turns:
            if self._turner is not None or loop.is_running():
                return False
            self._turner = threading.get_ident()
            return True

    def _takes_over(self, waited: "Future[Any]") -> bool:
        """Wait until it is done, or until this thread must turn our own loop; whether it must."""
        with self._turns:
            self._turns.wait_for(lambda: waited.done() or (self.is_own and self._turner is None))
            if waited.done():
                return False
            self._turner = threading.get_ident()
            return True

    def _leave(self) -> None:
        with self._turns:
            if self._turner == threading.get_ident():
                self._turner = None
                self._turns.notify_all()

    def _tell(self, _done: "Future[Any]") -> None:
        with self._turns:
            self._turns.notify_all()

    def end(self) -> None:
        """Let go of what our own loop is at, and close it; nobody is there any more to hear of errors."""
        if self.turns_by_itself:
            return  # in a thread that is still at it
        if self._runner is not None and self.let_go is not None:
            with suppress(Exception):
                self._runner.run(self.let_go())
        self.close()


@atexit.register
def _close_all() -> None:
    """End what a script left open: taken down with the interpreter, its tasks would complain of each other."""
    for home in list(_own):
        home.end()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


async def _coroutine(work: Awaitable[T]) -> T:
    return await work


def _let_nest(loop: asyncio.AbstractEventLoop) -> None:
    # Patches asyncio, so only when somebody really blocks inside a running loop.
    import nest_asyncio2  # noqa: PLC0415

    try:
        nest_asyncio2.apply(loop)
    except ValueError as error:
        raise WrongLoop(
            f"This event loop ({type(loop).__module__}) can't be waited for from inside.", hint="Use: await job"
        ) from error


def _run(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, T]) -> T:
    task = loop.create_task(work)
    with _interrupts(loop, task) as interrupted:
        try:
            return loop.run_until_complete(task)
        except asyncio.CancelledError:
            if interrupted.is_set():
                raise KeyboardInterrupt from None
            raise


@contextmanager
def _interrupts(loop: asyncio.AbstractEventLoop, task: asyncio.Task[Any]) -> Iterator[threading.Event]:
    """Turn an interrupt into the end of one wait; by default it would be raised in whatever task happens to run."""
    interrupted = threading.Event()

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        interrupted.set()
        loop.call_soon_threadsafe(task.cancel)

    if threading.current_thread() is not threading.main_thread():
        yield interrupted
        return
    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield interrupted
    finally:
        # None stands for a handler that was not installed from Python and can't be put back.
        signal.signal(signal.SIGINT, before if before is not None else signal.default_int_handler)
