"""Which cell of a notebook used which takes: kept in ``used.json`` beside them, so that a notebook can be packed.

A cell goes by what is written in it, so this holds after a restart, in every host, and for a notebook that was renamed.
A cell that runs again begins anew.
"""

import hashlib
import json
import logging
import sys
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from filelock import FileLock, Timeout

from comfy_widgets.errors import CacheError
from comfy_widgets.files import Place, write_text
from comfy_widgets.takes import Take

log = logging.getLogger(__name__)

FILE = "used.json"
_LOCK_SECONDS = 5.0
_DIGITS = 16

# Which run of each cell is written down: (file, cell) → run. A cell may have several studios on one folder.
_runs: dict[tuple[Path, str], str] = {}
_lock = threading.Lock()


class Cell(NamedTuple):
    """A cell that runs.

    Parameters
    ----------
    digest
        Of what is written in it.
    run
        Which of its runs.
    """

    digest: str
    run: str


class Used(NamedTuple):
    """What a cell used when it ran last.

    Parameters
    ----------
    takes
        By key and number.
    files
        Input files, relative to the notebook.
    """

    takes: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


def digest_of(source: str) -> str:
    """What a cell is called here.

    Examples
    --------
    >>> digest_of("1 + 1") == digest_of(" 1 + 1 ")
    True
    """
    return hashlib.sha256(source.strip().encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]


def running_cell() -> Cell | None:
    """The cell whose code asks, also long after it returned; None outside of a notebook's kernel."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    # The parent of what runs is remembered for each task: who asks in the background is the cell that began it.
    parent: Any = getattr(getattr(shell, "kernel", None), "get_parent", dict)()
    with suppress(KeyError, TypeError, AttributeError):
        return Cell(digest_of(parent["content"]["code"]), str(parent["header"]["msg_id"]))
    return None


class Uses:
    """What the cells of notebooks used of a folder of takes.

    Parameters
    ----------
    folder
        Where the takes lie.
    """

    def __init__(self, folder: Path) -> None:
        self._place = Place(folder / FILE)
        self._warned = False

    @property
    def path(self) -> Path:
        """The file."""
        return self._place.path

    def note(self, cell: Cell, take: Take, files: Iterable[Path]) -> None:
        """Write down that a cell used a take, made of these files; a folder that can only be read is left as it is."""
        with _lock, suppress(Timeout, OSError, NotImplementedError):
            try:
                self._note(cell, take, files)
            except CacheError as error:
                if not self._warned:
                    log.warning("Which takes this notebook uses is not written down: %s", error.sentence)
                self._warned = True

    def _note(self, cell: Cell, take: Take, files: Iterable[Path]) -> None:
        place = self.path.resolve(), cell.digest
        with FileLock(self.path.with_name(f".{FILE}.lock"), timeout=_LOCK_SECONDS):
            known = self.read()
            before = known.get(cell.digest, Used()) if _runs.get(place) == cell.run else Used()
            now = Used(
                tuple(sorted({*before.takes, take.handle})),
                tuple(sorted({*before.files, *filter(None, map(_beside, files))})),
            )
            if known.get(cell.digest) != now:
                write_text(self.path, text_of({**known, cell.digest: now}))
        _runs[place] = cell.run

    def read(self) -> dict[str, Used]:
        """What each cell used.

        Raises
        ------
        CacheError
            If what is there can't be read; to write over it would lose what a person may still repair.
        """
        try:
            told = json.loads(self.path.read_text("utf-8"))["cells"]
            return {
                str(cell): Used(tuple(map(str, used["takes"])), tuple(map(str, used["files"])))
                for cell, used in told.items()
            }
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise CacheError(
                f"{FILE} can't be read.", hint="Repair it, or move it away and run the notebook again."
            ) from error


def text_of(cells: Mapping[str, Used]) -> str:
    """The file's text: one cell a line, so that a version control shows what changed."""
    lines = [f"  {json.dumps(cell)}: {json.dumps(used._asdict())}" for cell, used in sorted(cells.items())]
    return '{"version": 1, "cells": {\n' + ",\n".join(lines) + "\n}}\n"


def _beside(path: Path) -> str | None:
    """A file by its place beside the notebook; elsewhere it is nothing that could be written down."""
    try:
        return path.resolve().relative_to(Path.cwd().resolve()).as_posix()
    except (ValueError, OSError):
        return None
