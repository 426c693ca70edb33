"""Writing files so that they are either whole or not there, and one writer after the other."""

import errno
import os
import threading
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from comfy_widgets.errors import CacheError, CacheNotWritable, DiskFull

# A crash leaves only files of this suffix behind; nothing reads them.
TEMPORARY = ".part"
# A dead holder's lock is free at once. One that stands still for longer than any write takes must not hold up the rest.
_LOCK_SECONDS = 120.0


class Turn:
    """One after the other: among threads, kernels and machines where files can be locked, else among our threads.

    Parameters
    ----------
    lock
        The file that is locked; it means nothing while nobody holds it.
    """

    def __init__(self, lock: Path) -> None:
        self._lock = lock
        # Threads that share this need not wait for the file, which is asked for again and again.
        self._threads = threading.Lock()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Wait for it; nobody else who does so gets on meanwhile."""
        with self._threads, ExitStack() as held:
            with suppress(Timeout, OSError, NotImplementedError):
                held.enter_context(FileLock(self._lock, timeout=_LOCK_SECONDS))
            yield


class Place:
    """A file or folder that stays where it is when the process goes elsewhere, as with ``%cd`` in a notebook.

    Parameters
    ----------
    named
        Its path as people gave it.

    Attributes
    ----------
    whole
        Its path from the root, which differs from machine to machine: for what nobody sees.
    """

    def __init__(self, named: str | Path) -> None:
        self._named = Path(named)
        self.whole = _absolute(self._named)

    @property
    def path(self) -> Path:
        """As people gave it, while that leads there."""
        return self._named if _absolute(self._named) == self.whole else self.whole


def _absolute(path: Path) -> Path:
    try:
        return path.absolute()
    except OSError:  # the current folder was removed
        return path


def temporary_beside(path: Path) -> Path:
    """A name in the same folder that nobody else uses."""
    return path.with_name(f".{path.name}.{uuid.uuid4().hex[:12]}{TEMPORARY}")


def write_text(path: Path, text: str) -> None:
    """Write a file whole: a reader sees the old text or the new one, and so does one after a crash.

    Raises
    ------
    CacheNotWritable, DiskFull
        If it can't be written; nothing is left behind.
    """
    with told_as_cache_error(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = temporary_beside(path)
        try:
            # A lone surrogate in a prompt has no UTF-8; written like this it is JSON's own escape for it.
            with temporary.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def put(temporary: Path, path: Path) -> None:
    """Give a finished temporary file its name.

    Raises
    ------
    CacheNotWritable, DiskFull
        If that is not possible.
    """
    with told_as_cache_error(path):
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)


@contextmanager
def told_as_cache_error(path: Path) -> Iterator[None]:
    """Say of an error of the file system what it means for the folder of takes."""
    try:
        yield
    except OSError as error:
        raise _meaning(error, path) from error


def _meaning(error: OSError, path: Path) -> CacheError:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return DiskFull(
            f"No space is left for {path.name}.", hint="Free some space; a rendered take is fetched with job.fetch()."
        )
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.EISDIR}:
        return CacheNotWritable(
            f"The folder of takes {path.parent} can't be written: {error.strerror}.",
            hint="Make it writable, or choose another: Studio(cache='folder').",
        )
    if error.errno == errno.ENOENT:
        return CacheError(
            f"{path.name} can't be written: the folder {path.parent} was removed.",
            hint="It is made again with the next take; a rendered one is fetched with job.fetch().",
        )
    return CacheError(f"{path.name} can't be written: {error.strerror or error}.")
