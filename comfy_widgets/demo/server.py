"""The embedded server inside a Python program: for tests, or for anybody who writes a ComfyUI client."""

import asyncio
import dataclasses
import errno
import socket as sockets
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Self, TypeVar

from comfy_widgets.demo.core import Core
from comfy_widgets.demo.faults import Fault, Faults
from comfy_widgets.demo.folders import Folders
from comfy_widgets.demo.gate import Hold, Holds
from comfy_widgets.demo.journal import Journal
from comfy_widgets.demo.settings import Settings
from comfy_widgets.errors import DemoError

if TYPE_CHECKING:
    from comfy_widgets.demo.life import Life

T = TypeVar("T")
INSTALL = "pip install 'comfy-widgets[demo]'"


class Held:
    """A place where a prompt stops; given by `DemoServer.hold`.

    Use ``held.wait()`` in a thread, ``await held`` in a coroutine, and ``held.release()`` to let the prompt go on.
    """

    def __init__(self, server: "DemoServer", hold: Hold) -> None:
        self._server = server
        self._hold = hold

    def wait(self, timeout: float = 10.0) -> None:
        """Block until a prompt stands here.

        Raises
        ------
        TimeoutError
            If none came in time.
        """
        arrival = self._server.submit(self._hold.reached.wait())
        try:
            arrival.result(timeout)
        finally:
            arrival.cancel()

    def __await__(self) -> Generator[Any, None, None]:
        return self._arrived().__await__()

    async def _arrived(self) -> None:
        if self._server.loop is asyncio.get_running_loop():
            await self._hold.reached.wait()
        else:
            await asyncio.wrap_future(self._server.submit(self._hold.reached.wait()))

    def release(self) -> None:
        """Let the prompt go on, and hold no other."""
        self._server.holds_release(self._hold)


class DemoServer:
    """The embedded server, with a thread of its own (``with``) or in the running loop (``async with``).

    Parameters
    ----------
    settings
        What it shall be like; the defaults if None.
    changes
        Single settings instead, such as ``step_seconds=0.01``.

    Examples
    --------
    >>> with DemoServer(step_seconds=0.01) as server:  # doctest: +SKIP
    ...     print(server.url)
    """

    def __init__(self, settings: Settings | None = None, **changes: Any) -> None:
        self.settings = dataclasses.replace(settings or Settings(), **changes)
        self.journal = Journal()
        self.faults = Faults(self.journal, self.settings.faults, self.settings.seed)
        self.holds = Holds()
        self.folders: Folders | None = None
        self.loop: asyncio.AbstractEventLoop | None = None
        self.core: Core | None = None
        self._port: int | None = None
        self._life: Life | None = None
        self._thread: threading.Thread | None = None
        self._watch: asyncio.Task[None] | None = None
        self._revival: asyncio.Task[None] | None = None
        self._died: asyncio.Event | None = None

    @property
    def crashed(self) -> bool:
        """Whether it died by itself and is down."""
        return self._died is not None and self._died.is_set()

    @property
    def port(self) -> int:
        """The port it listens on.

        Raises
        ------
        DemoError
            If the server does not run.
        """
        if self._port is None:
            raise DemoError("The embedded server is not running.", hint="Use it in a `with` block.")
        return self._port

    @property
    def url(self) -> str:
        """Its address."""
        host = self.settings.host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def start(self) -> Self:
        """Start in a thread of its own; it ends with `stop`, or with the process.

        Returns
        -------
        Self
            Itself, so that it is made and started in one line.

        Raises
        ------
        DemoError
            If aiohttp is not installed, the port is taken, or the folder cannot be made.
        """
        ready: Future[None] = Future()
        self._thread = threading.Thread(target=self._live, args=(ready,), name="comfy-widgets-demo", daemon=True)
        self._thread.start()
        ready.result()
        return self

    def stop(self) -> None:
        """End what `start` began, and remove the private folder; more than once does no harm."""
        if self._thread is None or self.loop is None:
            return
        asyncio.run_coroutine_threadsafe(self.close(), self.loop).result()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self._thread = None

    def _live(self, ready: "Future[None]") -> None:
        """Run a loop of its own until it is stopped."""
        loop = asyncio.new_event_loop()
        try:
            loop.run_until_complete(self.open())
        except BaseException as cause:  # noqa: BLE001 - it is raised in the thread that waits
            loop.close()
            ready.set_exception(cause)
            return
        ready.set_result(None)
        loop.run_forever()
        loop.run_until_complete(cancel_all())
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()

    async def open(self) -> None:
        """Start in the running loop.

        Raises
        ------
        DemoError
            If aiohttp is not installed, the port is taken, or the folder cannot be made.
        """
        self.loop = asyncio.get_running_loop()
        self._died = asyncio.Event()
        self.folders = Folders(self.settings.folder)
        try:
            socket = listening(self.settings.host, self.settings.port)
            self._port = socket.getsockname()[1]
            await self._begin(socket)
        except BaseException:
            self.folders.remove()
            raise

    async def close(self) -> None:
        """End, and remove the private folder."""
        if self._revival is not None:
            self._revival.cancel()
        await self._end()
        self._port = None
        if self.folders is not None:
            self.folders.remove()

    async def _begin(self, socket: sockets.socket) -> None:
        try:
            from comfy_widgets.demo.life import Life  # noqa: PLC0415 - aiohttp is an extra
        except ImportError as cause:
            socket.close()
            raise DemoError("The embedded server needs aiohttp.", hint=f"Install it with: {INSTALL}") from cause
        if self.folders is None or self._died is None:
            raise DemoError("The embedded server was not opened.")
        self.core = Core(
            self.settings, self.folders, self.journal, faults=self.faults, holds=self.holds, restart=self._revive
        )
        self._life = Life(self.core, socket)
        await self._life.begin()
        self._died.clear()
        self._watch = asyncio.ensure_future(self._crash(self.core, self._died))

    async def _crash(self, core: Core, died: asyncio.Event) -> None:
        """Go down when the core dies; `restart` brings the server back."""
        await core.crashed.wait()
        died.set()
        self._watch = None
        await self._end()

    def _revive(self, seconds: float) -> None:
        """Restart because a fault says so, from outside of what is about to end."""
        self._revival = asyncio.ensure_future(self.restarted(seconds))

    async def _end(self) -> None:
        """Stop as a killed server would: connections break, what has not ended is lost."""
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        self.holds.release()
        if self._life is not None:
            life, self._life, self.core = self._life, None, None
            await life.end()

    def submit(self, work: Any) -> "Future[Any]":
        """Run a coroutine in the server's loop.

        Raises
        ------
        DemoError
            If the server does not run.
        """
        if self.loop is None:
            raise DemoError("The embedded server is not running.")
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    def _do(self, act: Callable[[], T]) -> T:
        """Do something in the server's loop: now if this is its thread, else wait for it."""
        if self._thread is None or threading.current_thread() is self._thread:
            return act()

        async def acting() -> T:
            return act()

        result: T = self.submit(acting()).result()
        return result

    def hold(self, place: str, step: int | None = None) -> Held:
        """Stop the next prompts at a node (id or class), when it begins or after a step's progress."""
        return Held(self, self._do(lambda: self.holds.hold(place, step)))

    def holds_release(self, hold: Hold | None = None) -> None:
        """Let go of one held place."""
        self._do(lambda: self.holds.release(hold))

    def release(self) -> None:
        """Let go of all held places."""
        self.holds_release()

    def stall(self, seconds: float) -> None:
        """Stop the server's whole loop for a while, as a node that keeps Python to itself does."""
        if self.loop is not None:
            self.journal.note("stall", seconds=seconds)
            self.loop.call_soon_threadsafe(time.sleep, seconds)

    def restart(self, down: float = 0.0) -> None:
        """As `restarted`, from another thread; in a coroutine of the server's loop, await that one."""
        self.submit(self.restarted(down)).result()

    async def ended(self) -> None:
        """Wait until the server died by itself; restarts are no death.

        Raises
        ------
        DemoError
            If the server does not run.
        """
        if self._died is None:
            raise DemoError("The embedded server is not running.", hint="Use it in an `async with` block.")
        await self._died.wait()

    async def restarted(self, down: float = 0.0) -> None:
        """Kill the server and start it again on the same port: queue, history and cache are lost, files stay.

        Parameters
        ----------
        down
            Seconds during which connections are refused.
        """
        self.journal.note("restart", down=down)
        await self._end()
        await asyncio.sleep(down)
        await self._begin(listening(self.settings.host, self.port))

    def inject(self, fault: str) -> Fault:
        """Add a fault while the server runs; its occasions are counted from now on."""
        return self._do(lambda: self.faults.add(fault))

    def heal(self) -> None:
        """Take all faults away."""
        self._do(self.faults.clear)


async def cancel_all() -> None:
    """End everything that still waits in this loop, such as somebody at a place that no prompt reached."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


def listening(host: str, port: int) -> sockets.socket:
    """A listening socket.

    Raises
    ------
    DemoError
        If the port is taken or the host is not ours.
    """
    try:
        return sockets.create_server((host, port), family=sockets.AF_INET6 if ":" in host else sockets.AF_INET)
    except (OSError, UnicodeError) as cause:
        why = cause.strerror if isinstance(cause, OSError) else "that is no name of a host"
        wrong = "port" if isinstance(cause, OSError) and cause.errno in {errno.EADDRINUSE, errno.EACCES} else "host"
        raise DemoError(f"Cannot listen on {host}:{port}: {why or cause}.", hint=f"Choose another {wrong}.") from cause
