"""The command line on a pseudo terminal: what is typed reaches it as it does from a keyboard, Ctrl-C too."""

import os
import pty
import re
import select
import subprocess
import sys
import time

CTRL_C = "\x03"
_SECONDS = 60
_AGAIN_SECONDS = 4
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
# The terminal has to be the process's own, or its keys send no signals; and who runs these tests in the background of a
# shell has Ctrl-C ignored, which is inherited.
_COMMAND = """
import fcntl, signal, sys, termios
signal.signal(signal.SIGINT, signal.default_int_handler)
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from comfy_widgets.cli import main
sys.exit(main())
"""


class Terminal:
    """``comfy-widgets`` with a keyboard and a screen; its stdout goes elsewhere, as in a pipe.

    Parameters
    ----------
    arguments
        Of the command.
    cwd
        Where it runs.
    """

    def __init__(self, *arguments, cwd):
        self._ours, theirs = pty.openpty()
        environment = {name: value for name, value in os.environ.items() if not name.startswith("COMFY_")}
        self._process = subprocess.Popen(
            [sys.executable, "-c", _COMMAND, *arguments],
            stdin=theirs,
            stderr=theirs,
            stdout=subprocess.PIPE,
            start_new_session=True,
            cwd=cwd,
            env=environment | {"TERM": "xterm", "COLUMNS": "120"},
        )
        os.close(theirs)
        self.screen = ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()
        os.close(self._ours)

    def until(self, words, pressing=""):
        """Wait until these words come after those that were waited for before; press a key until they do."""
        self._read(lambda: words in self.screen, pressing)
        assert words in self.screen, f"{words!r} never came; the screen ends with {self.screen[-500:]!r}"
        self.screen = self.screen.partition(words)[2]

    def type(self, keys):
        os.write(self._ours, keys.encode())

    def end(self, pressing=""):
        """Wait for its end, pressing a key until then: exit code, what went to stdout, what came on the screen."""
        self._read(lambda: self._process.poll() is not None, pressing)
        try:
            code = self._process.wait(5)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"It does not end; the screen ends with {self.screen[-500:]!r}") from None
        return code, self._process.stdout.read().decode().strip(), self.screen

    def _read(self, enough, pressing=""):
        began, pressed = time.monotonic(), 0
        while (now := time.monotonic() - began) < _SECONDS:
            done = enough()
            # Python sees a Ctrl-C that comes just before it waits with the next one only; people press again.
            if pressing and not done and now >= pressed * _AGAIN_SECONDS:
                pressed += 1
                self.type(pressing)
            # What is on its way when it ends belongs to its last words.
            if not select.select([self._ours], [], [], 0 if done else 0.2)[0]:
                if done:
                    return
                continue
            try:
                told = os.read(self._ours, 4096)
            except OSError:  # its side is closed: it ended
                return
            if not told:
                return
            self.screen += _ESCAPES.sub("", told.decode(errors="replace"))
