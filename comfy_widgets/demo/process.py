"""The embedded server in a process of its own, which ends with this one."""

import atexit
import contextlib
import json
import subprocess
import sys
import tempfile
import threading
from typing import IO

from comfy_widgets.demo.settings import Settings
from comfy_widgets.errors import DemoError

START_SECONDS = 30.0


class Process:
    """A running server; given by `start`.

    Examples
    --------
    >>> process = start(Settings(step_seconds=0.01))
    >>> process.running
    True
    >>> process.stop()

    Attributes
    ----------
    settings
        What it was started with.
    url, pid
        Where it answers, and which process it is.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        # A file, not a pipe: nobody reads it while the server runs, and a full pipe would stop the server.
        self._stderr: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `stop`
        command = [sys.executable, "-m", "comfy_widgets.demo", "--settings", settings.to_json(), "--until-stdin-closes"]
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            start_new_session=True,
            # What a session is elsewhere, so that a Ctrl-C meant for the kernel does not reach it.
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        self.pid = self._process.pid
        self.url = self._read_url()

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def stop(self) -> None:
        """End it; more than once does no harm."""
        pipes = (self._process.stdin, self._process.stdout)
        for pipe in pipes:
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._stderr.close()
        with _lock:
            if _running.get(self.settings) is self:
                del _running[self.settings]

    def _read_url(self) -> str:
        """The address that the server prints once it answers."""
        if self._process.stdout is None:
            raise DemoError("The embedded server has no output.")
        # A server that hangs before it prints would hang us: then it is killed, which ends its output.
        watch = threading.Timer(START_SECONDS, self._process.kill)
        watch.start()
        line = self._process.stdout.readline()
        watch.cancel()
        watch.join()
        try:
            url: str = json.loads(line)["url"]
        except (ValueError, KeyError):
            raise self._failure() from None
        return url

    def _failure(self) -> DemoError:
        self._process.kill()
        code = self._process.wait()
        self._stderr.seek(0)
        last = self._stderr.read().decode(errors="replace").strip().splitlines()[-5:]
        self.stop()
        told = "\n".join(last) or f"it ended with code {code} and said nothing"
        return DemoError(f"The embedded server did not start: {told}")


_running: dict[Settings, Process] = {}
_lock = threading.RLock()


def start(settings: Settings | None = None) -> Process:
    """The running server for these settings, started if there is none.

    Parameters
    ----------
    settings
        What it shall be like; the defaults if None.

    Returns
    -------
    Process
        It ends with this process, also if this process is killed.

    Raises
    ------
    DemoError
        If it does not start; with its last words.

    Examples
    --------
    >>> start().url.startswith("http://127.0.0.1:")
    True
    """
    wanted = settings or Settings()
    with _lock:
        known = _running.get(wanted)
        if known is not None and known.running:
            return known
        if known is not None:
            known.stop()
        _running[wanted] = started = Process(wanted)
        return started


@atexit.register
def _stop_all() -> None:
    for process in list(_running.values()):
        process.stop()
