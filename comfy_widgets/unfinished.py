"""Rows for prompts that were submitted and are not on disk yet: what a restarted kernel needs to pick them up."""

import json
import os
import platform
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from comfy_widgets.files import Place, Turn, write_text


@dataclass(frozen=True)
class Owner:
    """A process that follows a prompt.

    Parameters
    ----------
    host, pid
        Which machine and which process there.
    start
        When the process began, in the system's own count, so that a reused pid is not taken for it; None if unknown.
    """

    host: str
    pid: int
    start: str | None

    @classmethod
    def this_process(cls) -> Self:
        """The process that runs this."""
        return cls(platform.node(), os.getpid(), _start_of(os.getpid()))

    @property
    def lives(self) -> bool | None:
        """Whether it still runs; None where that can't be known, on another machine."""
        # On Windows signal 0 is Ctrl-C.
        if self.host != platform.node() or os.name == "nt":
            return None
        try:
            os.kill(self.pid, 0)
        except (ProcessLookupError, OverflowError):
            return False
        except PermissionError:
            pass
        return self.start == _start_of(self.pid)


def _start_of(pid: int) -> str | None:
    try:
        # The 22nd field of Linux' stat file; the second, a name in parentheses, may hold spaces.
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return None


@dataclass(frozen=True)
class Row:
    """One unfinished prompt.

    Attributes
    ----------
    key
        What it makes.
    prompt_id, server
        Its id, and the address of the server that has it.
    graph, inputs, name, bindings
        The filled workflow.
    scene, shot
        For which shot.
    fresh
        Whether another take was wanted although there was one.
    parent, changed
        Which take it varies, and what is different.
    created
        ISO 8601 in UTC.
    owner
        Who follows it.
    """

    key: str
    prompt_id: str
    server: str
    graph: Mapping[str, Any]
    inputs: Mapping[str, Any]
    name: str
    scene: str | None = None
    shot: str | None = None
    fresh: bool = False
    bindings: Mapping[str, str] = field(default_factory=dict)
    parent: str | None = None
    changed: Mapping[str, list[Any]] = field(default_factory=dict)
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    owner: Owner = field(default_factory=Owner.this_process)

    @property
    def age_seconds(self) -> float:
        """Seconds since it was written, by this machine's clock."""
        return (datetime.now(UTC) - datetime.fromisoformat(self.created)).total_seconds()


class Unfinished:
    """The rows in a cache's ``unfinished/`` folder.

    Parameters
    ----------
    folder
        Where they lie; made with the first row.
    """

    def __init__(self, folder: Path) -> None:
        self._place = Place(folder)
        #: Whose turn it is to look for rows and to write one. The lock lies beside the folder, not in it.
        self.turn = Turn(self._place.whole.with_name(f".{folder.name}.lock"))
        # What each row makes never changes: a thousand rows are not read for each of a thousand jobs.
        self._keys: dict[str, str] = {}

    @property
    def folder(self) -> Path:
        """Where they lie."""
        return self._place.path

    def add(self, row: Row) -> None:
        """Write a row.

        Raises
        ------
        CacheNotWritable, DiskFull
            If it can't be written.
        """
        write_text(self._path(row.prompt_id), json.dumps(asdict(row), ensure_ascii=False, indent=1))

    def remove(self, prompt_id: str) -> None:
        """Take a row away; it may be gone already, or the folder may be one that can only be read."""
        with suppress(OSError):
            self._path(prompt_id).unlink()

    def has(self, prompt_id: str) -> bool:
        """Whether a prompt has a row."""
        return self._path(prompt_id).exists()

    def rows(self) -> list[Row]:
        """All rows, the oldest first; what can't be read is left alone."""
        found = [row for path in self.folder.glob("*.json") if (row := _read(path)) is not None]
        return sorted(found, key=lambda row: row.created)

    def of(self, key: str) -> list[Row]:
        """The rows of a key, the oldest first."""
        paths = [path for path in self.folder.glob("*.json") if self._keys.get(path.stem, key) == key]
        found = [row for path in paths if (row := _read(path)) is not None]
        self._keys |= {row.prompt_id: row.key for row in found}
        return sorted((row for row in found if row.key == key), key=lambda row: row.created)

    def _path(self, prompt_id: str) -> Path:
        return self.folder / f"{Path(prompt_id).name}.json"


def _read(path: Path) -> Row | None:
    try:
        fields = json.loads(path.read_text("utf-8"))
        known = {name: fields[name] for name in Row.__dataclass_fields__ if name in fields}
        return Row(**{**known, "owner": Owner(**fields["owner"])})
    except (OSError, ValueError, KeyError, TypeError):
        return None
