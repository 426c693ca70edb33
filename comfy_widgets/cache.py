"""The folder of takes: videos, posters, sidecars and an index; see the README for what lies where."""

import json
import os
import re
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from comfy_widgets import pruning
from comfy_widgets.comfyui.parts import tag_beside
from comfy_widgets.errors import CacheError
from comfy_widgets.files import TEMPORARY, Place, put, temporary_beside, told_as_cache_error, write_text
from comfy_widgets.marks import Marks
from comfy_widgets.takes import Take
from comfy_widgets.unfinished import Unfinished
from comfy_widgets.uses import Uses

DEFAULT_FOLDER = "takes"
_KEY_DIGITS = 12
_SLUG = re.compile(r"[^\w-]+")
# Two slugs, the key and the name of a temporary file fit into the 255 bytes that a file name may have.
_LONGEST_SLUG, _LONGEST_SLUG_BYTES = 60, 80
_INDEX_SECONDS = 1.0
_INDEX_SHARE = 50
_LOCK_SECONDS = 5.0
# What the index says of a take; all of it stands in the sidecar too.
_INDEXED = ("kind", "size", "width", "height", "fps", "frames", "seconds", "scene", "shot", "made", "renderer")


class TakeCache:
    """Takes in a folder; what was generated once is found again by its key.

    Parameters
    ----------
    folder
        Where they lie; made with the first take.

    Examples
    --------
    >>> TakeCache("takes").find("0" * 64) is None
    True
    """

    def __init__(self, folder: str | Path) -> None:
        self._place = Place(folder)
        self.unfinished = Unfinished(self.folder / "unfinished")
        self.uses = Uses(self.folder)
        #: Whose turn it is to number a take and put it in place.
        self.turn = self.unfinished.turn
        # Threads of one process share this; the lock file is for other processes.
        self._lock = threading.Lock()
        self._unindexed: dict[str, dict[str, Any]] = {}
        self._indexed = float("-inf")
        self._index_pause = _INDEX_SECONDS

    @property
    def folder(self) -> Path:
        """Where they lie: as it was named, and from the root once the process has gone elsewhere."""
        return self._place.path

    @property
    def words(self) -> str:
        """Where takes lie, in words; without the folders above, which differ from machine to machine."""
        return f"takes in {self.folder.name}"

    def find(self, key: str) -> Take | None:
        """The newest take of a key, None if there is none whose files are whole.

        Examples
        --------
        >>> TakeCache("no takes").find("6f1c") is None
        True
        """
        takes = self._of(key)
        return max(takes, key=lambda take: take.take_number).as_cached() if takes else None

    def takes(self, *, scene: str | None = None, shot: str | None = None) -> list[Take]:
        """All takes, oldest first.

        Parameters
        ----------
        scene, shot
            Only those that were served to this scene or shot.

        Examples
        --------
        >>> TakeCache("no takes").takes(shot="shot-01")
        []
        """
        wanted = [take for take in self._all() if _used_by(take, scene, shot)]
        return sorted((take.as_cached() for take in wanted), key=lambda take: (take.made, take.path.name))

    def size(self) -> int:
        """Bytes on disk of all takes with their posters and sidecars.

        Examples
        --------
        >>> TakeCache("no takes").size()
        0
        """
        return pruning.size(self.takes())

    def prune(self, *, max_bytes: int, keep_favourites: bool = True) -> list[Take]:
        """Remove the oldest takes until the rest is small enough.

        Parameters
        ----------
        max_bytes
            How much may stay.
        keep_favourites
            Whether what people marked as a favourite stays, however old.

        Returns
        -------
        list of Take
            What was removed, oldest first.

        Raises
        ------
        CacheError
            If a file can't be removed, or nobody can tell what is a favourite.

        Examples
        --------
        >>> TakeCache("no takes").prune(max_bytes=20_000_000_000)
        []
        """
        removed = self.too_many(max_bytes=max_bytes, keep_favourites=keep_favourites)
        pruning.remove(removed)
        return removed

    def too_many(self, *, max_bytes: int, keep_favourites: bool = True) -> list[Take]:
        """What `prune` would remove."""
        liked = Marks(self.folder).kept() if keep_favourites else frozenset()
        return pruning.chosen(self.takes(), max_bytes=max_bytes, kept=liked)

    def check_writable(self) -> None:
        """Make the folder and see that it can be written, before a server works for it.

        Raises
        ------
        CacheNotWritable, DiskFull
            If not.
        """
        probe = temporary_beside(self.folder / "writable")
        with told_as_cache_error(self.folder / "index.json"):
            self.folder.mkdir(parents=True, exist_ok=True)
            probe.touch()
            probe.unlink()

    def take_part(self, prompt_id: str, number: int) -> Path:
        """A file for the bytes of a job's n-th file, with those that an earlier attempt left.

        It is ours alone: two kernels may fetch the same file at the same time.

        Raises
        ------
        CacheError
            If the folder was removed meanwhile and can't be made again.
        """
        with told_as_cache_error(self.folder / "index.json"):
            self.folder.mkdir(parents=True, exist_ok=True)
        # From the root: the process may go elsewhere during the fetch.
        ours = temporary_beside(self._place.whole / f"{prompt_id}.{number}")
        _move_part(self._left(prompt_id, number), ours)
        return ours

    def leave_part(self, part: Path, prompt_id: str, number: int) -> None:
        """Leave the bytes that are here to the next attempt."""
        _move_part(part, self._left(prompt_id, number))

    def _left(self, prompt_id: str, number: int) -> Path:
        return self.folder / f".{prompt_id}.{number}{TEMPORARY}"

    def name(self, key: str, scene: str | None, shot: str | None, title: str, number: int) -> str:
        """The file name of a take without its suffix: readable, and unique by key and number."""
        slug = "_".join(part for part in (slug_of(scene), slug_of(shot)) if part) or slug_of(title) or "take"
        return f"{slug}_{key[:_KEY_DIGITS]}" + (f".{number}" if number > 1 else "")

    def of_prompt(self, key: str, prompt_id: str) -> Take | None:
        """The take that a prompt made, None while it is not here."""
        return next((take.as_cached() for take in self._of(key) if take.prompt_id == prompt_id), None)

    def next_number(self, key: str) -> int:
        """The number of the next take of a key."""
        return max((take.take_number for take in self._of(key)), default=0) + 1

    def keep(self, take: Take, parts: Mapping[Path, Path]) -> Take:
        """Put a take's files in place, its sidecar last: with that it is kept.

        Parameters
        ----------
        take
            Its paths name the files as they will be.
        parts
            Temporary file → the take's file.

        Raises
        ------
        CacheNotWritable, DiskFull
            If a file can't be written.
        """
        try:
            for temporary, path in parts.items():
                put(temporary, path)
            self._write_sidecar(take)
        finally:
            for temporary in parts:
                with suppress(OSError):
                    temporary.unlink()
        return take

    def note_use(self, take: Take, scene: str | None, shot: str | None) -> Take:
        """Add a shot to those that were served with a take; a folder that can only be read is left as it is."""
        if take.used(scene, shot) is take:
            return take
        with self.turn.taken():
            # Another kernel may have added one; or somebody has removed the take.
            known = self._now(take)
            if known is None:
                return take
            used = replace(take, used_by=known.used_by).used(scene, shot)
            try:
                self._write_sidecar(used)
            except CacheError:
                return take
        return used

    def write_index(self, *, now: bool = False) -> None:
        """Write the index if a second has passed since the last time, or `now`; without it, it is found by name."""
        with self._lock:
            began = time.monotonic()
            if not self._unindexed or (not now and began - self._indexed < self._index_pause):
                return
            try:
                with FileLock(self.folder / ".index.lock", timeout=_LOCK_SECONDS):
                    known = _index(self.folder)
                    if known is None:
                        known = {take.key: _entry(take) for take in self.takes()}
                    write_text(self.folder / "index.json", _lines(self._there({**known, **self._unindexed})))
            except (Timeout, CacheError, OSError, NotImplementedError):  # the last where files can't be locked
                return
            self._unindexed, self._indexed = {}, time.monotonic()
            # The whole file is written each time: in a folder of thousands that must not be what a kernel does most.
            self._index_pause = max(_INDEX_SECONDS, _INDEX_SHARE * (self._indexed - began))

    def _there(self, index: Mapping[str, Any]) -> dict[str, Any]:
        """The entries whose file is still there."""
        names = {entry.name for entry in os.scandir(self.folder)}
        return {key: entry for key, entry in index.items() if entry.get("file") in names}

    def _all(self) -> list[Take]:
        return [take for path in self.folder.glob("*.json") if (take := self._read(path)) is not None]

    def _of(self, key: str) -> list[Take]:
        """Every whole take of a key; the index is only a shortcut to the newest, so it is not asked."""
        if not re.fullmatch(r"[0-9a-f]{64}", key):
            return []
        found = [self._read(path) for path in self.folder.glob(f"*_{key[:_KEY_DIGITS]}*.json")]
        return [take for take in found if take is not None and take.key == key]

    def _read(self, sidecar: Path) -> Take | None:
        try:
            take = Take.from_json(json.loads(sidecar.read_text("utf-8")), self.folder)
            whole = take.path.stat().st_size == take.size
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        return take if whole else None

    def _now(self, take: Take) -> Take | None:
        return self._read(self.folder / take.sidecar.name)

    def _write_sidecar(self, take: Take) -> None:
        told = {"version": 1, **take.to_json()}
        write_text(self.folder / take.sidecar.name, json.dumps(told, ensure_ascii=False, indent=1))
        with self._lock:
            self._unindexed[take.key] = _entry(take)
        self.write_index()


def slug_of(text: str | None) -> str:
    """A text as part of a file name that every system takes."""
    slug = _SLUG.sub("-", (text or "").strip()).strip("-")[:_LONGEST_SLUG]
    return slug.encode()[:_LONGEST_SLUG_BYTES].decode("utf-8", "ignore").rstrip("-")


def _move_part(part: Path, to: Path) -> None:
    """Give a part another name, and what is noted of it: the note first, so that no part has that of another."""
    tag_beside(to).unlink(missing_ok=True)
    for before, after in ((tag_beside(part), tag_beside(to)), (part, to)):
        with suppress(OSError):
            before.replace(after)


def _used_by(take: Take, scene: str | None, shot: str | None) -> bool:
    users: Iterable[tuple[str | None, str | None]] = take.used_by or ((take.scene, take.shot),)
    return any((scene is None or user[0] == scene) and (shot is None or user[1] == shot) for user in users)


def _entry(take: Take) -> dict[str, Any]:
    return {name: getattr(take, name) for name in _INDEXED} | {"file": take.path.name, "take": take.take_number}


def _index(folder: Path) -> dict[str, Any] | None:
    """What the index says, None where it is missing or torn."""
    try:
        told = json.loads((folder / "index.json").read_text("utf-8"))
        return {key: dict(entry) for key, entry in told["takes"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _lines(takes: Mapping[str, Any]) -> str:
    """One take a line, so that a version control shows what was added."""
    lines = [f"  {json.dumps(key)}: {json.dumps(entry, ensure_ascii=False)}" for key, entry in sorted(takes.items())]
    return '{"version": 1, "takes": {\n' + ",\n".join(lines) + "\n}}\n"


def folder_of_takes(named: str | Path = DEFAULT_FOLDER) -> Path:
    """A folder of takes by its name; COMFY_WIDGETS_CACHE stands in for ``takes``, and so for the folders in it.

    Examples
    --------
    >>> folder_of_takes("takes/01_first_take").as_posix()
    'takes/01_first_take'
    """
    path, instead = Path(named), os.environ.get("COMFY_WIDGETS_CACHE")
    return Path(instead, *path.parts[1:]) if instead and path.parts[:1] == (DEFAULT_FOLDER,) else path
