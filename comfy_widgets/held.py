"""What a studio without a cache keeps: a take's files are there as long as somebody holds the take."""

import shutil
import tempfile
import uuid
import weakref
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from comfy_widgets.cache import TakeCache
from comfy_widgets.takes import Take


class Held:
    """Files that are removed when nothing refers to this any more.

    Parameters
    ----------
    beneath
        What holds their folder, which goes after them.
    files
        Files, or a folder.

    Attributes
    ----------
    take
        What they are, without a hold on them.
    """

    def __init__(self, beneath: "Held | None", *files: Path) -> None:
        self._beneath = beneath
        self.take: Take
        weakref.finalize(self, _remove, files)

    def __deepcopy__(self, _: dict[int, Any]) -> "Held":
        # A copy of a take has the same files.
        return self

    def shown(self) -> Take:
        """The take as people get it: whoever has it, or another file of its job, holds the files."""
        return replace(self.take, held=self, also=tuple(replace(other, held=self) for other in self.take.also))


class HeldTakes(TakeCache):
    """A folder of takes that keeps nothing: a take that nobody holds any more is not there.

    Examples
    --------
    >>> HeldTakes().takes()
    []
    """

    words = "keeps no takes"

    def __init__(self) -> None:
        super().__init__(Path(tempfile.gettempdir()) / f"comfy_widgets-{uuid.uuid4().hex[:12]}")
        self._whole = Held(None, self.folder)
        self._held: weakref.WeakValueDictionary[str, Held] = weakref.WeakValueDictionary()

    def name(self, key: str, scene: str | None, shot: str | None, title: str, number: int) -> str:
        """A name that no other take has: the files of one go while another of its key is held."""
        return f"{super().name(key, scene, shot, title, number)}_{uuid.uuid4().hex[:8]}"

    def keep(self, take: Take, parts: Mapping[Path, Path]) -> Take:
        """Put a take's files in place, for as long as somebody holds the take."""
        held = Held(self._whole, *parts.values())
        held.take = super().keep(take, parts)
        self._held[take.path.name] = held
        return held.shown()

    def write_index(self, *, now: bool = False) -> None:
        """Write nothing: no other kernel looks here."""

    def _all(self) -> list[Take]:
        # The list of references is made at once, while other threads keep takes.
        held = [reference() for reference in self._held.valuerefs()]
        return [one.shown() for one in held if one is not None]

    def _of(self, key: str) -> list[Take]:
        return [take for take in self._all() if take.key == key]

    def _now(self, take: Take) -> Take | None:
        held = self._held.get(take.path.name)
        return None if held is None else held.take

    def _write_sidecar(self, take: Take) -> None:
        held = self._held.get(take.path.name)
        if held is not None:
            held.take = replace(take, held=None, also=tuple(replace(other, held=None) for other in take.also))


def _remove(files: Iterable[Path]) -> None:
    for path in files:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
