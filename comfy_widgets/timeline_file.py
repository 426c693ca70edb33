"""A timeline's file beside the notebook: read, merged with what the code says, and never overwritten unseen."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from comfy_widgets.errors import CacheError, TimelineChanged, TimelineError
from comfy_widgets.files import told_as_cache_error, write_text
from comfy_widgets.shots import Shot
from comfy_widgets.timeline_script import Script, free_id, shot_from_json

_VERSION = 1
_LOCK_SECONDS = 5.0


@dataclass(frozen=True)
class Told:
    """What a file says.

    Attributes
    ----------
    script
        The shots, and what is chosen.
    takes
        Shot id → handles of its takes.
    given
        Shot id → fingerprint of what the code said of it when the file was written.
    complaints
        What could not be read, a sentence each.
    unread
        Ids of the shots among that.
    """

    script: Script = field(default_factory=Script)
    takes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    given: Mapping[str, str] = field(default_factory=dict)
    complaints: tuple[str, ...] = ()
    unread: frozenset[str] = frozenset()


class TimelineFile:
    """One file, and what it was when it was last read or written here.

    Parameters
    ----------
    path
        Where it lies.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: str | None = None

    def read(self) -> Told | None:
        """What the file says, None where there is none.

        Raises
        ------
        TimelineError
            If it can't be read; it is then not written over either, unless that is asked for.
        """
        data = self._there()
        told = None if data is None else _parsed(data, self.path.name)
        self._seen = None if data is None else _digest(data)
        return told

    def write(self, told: Told, *, anyway: bool = False) -> None:
        """Write the file whole.

        Parameters
        ----------
        told
            What it shall say.
        anyway
            Also if somebody else changed it meanwhile.

        Raises
        ------
        TimelineChanged
            If somebody else did.
        CacheError
            If it can't be written.
        """
        text = _lines(told)
        with self._alone():
            data = None if anyway else self._there()
            if not anyway and (None if data is None else _digest(data)) != self._seen:
                raise TimelineChanged(
                    f"{self.path.name} was changed by somebody else; nothing was saved since.",
                    hint="Take theirs with timeline.reload(), or keep yours with timeline.save(anyway=True).",
                )
            write_text(self.path, text)
            self._seen = _digest(text)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """No other process looks and writes at the same time."""
        with told_as_cache_error(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock: Any = FileLock(self.path.with_name(f".{self.path.name}.lock"), timeout=_LOCK_SECONDS)
            lock.acquire()
        except Timeout as error:
            raise CacheError("Somebody else has it open.", hint="Try again.") from error
        except (OSError, NotImplementedError):
            # Where files can't be locked, comparing before writing is what is left.
            lock = None
        with lock or nullcontext():
            try:
                yield
            finally:
                if lock is not None:
                    lock.release()

    def _there(self) -> bytes | None:
        # As it lies there, and not as text: an editor's ends of lines are no change by somebody else.
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _unreadable(self.path.name, error.strerror or str(error)) from error


def fingerprint(shot: Shot) -> str:
    """What a shot says, in a few digits."""
    return _digest(json.dumps(shot.to_json(), sort_keys=True))[:16]


def merged(told: Told, given: Iterable[Shot]) -> Script:
    """The file's script with what changed in the code since it was written.

    What people did in the notebook stays: an edit, another order, a shot that was deleted. A shot that is another one
    in the code, or new there, is taken from the code.
    """
    given = tuple(given)
    script = completed(told, given)
    for place, shot in enumerate(given):
        if told.given.get(shot.id) == fingerprint(shot):
            continue
        if shot.id in script.ids:
            script = script.edit(
                shot.id, {name: getattr(shot, name) for name in shot.__dataclass_fields__ if name != "id"}
            )
        else:
            script = script.add(shot, place)
    return script


def completed(told: Told, shots: Iterable[Shot]) -> Script:
    """The file's script, with these where it could not be read."""
    script = told.script
    for place, shot in enumerate(shots):
        if shot.id in told.unread:
            script = script.add(shot, place)
    return script


def _parsed(data: bytes, name: str) -> Told:
    try:
        told = json.loads(data.decode("utf-8-sig"))
        version, entries = told["version"], told["shots"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _unreadable(name, f"{type(error).__name__}: {error}") from error
    if not isinstance(version, int) or not isinstance(entries, list):
        raise _unreadable(name, "its version is no number" if isinstance(entries, list) else "its shots are no list")
    if version > _VERSION:
        raise TimelineError(
            f"{name} was written by a newer version of comfy_widgets.",
            hint="Install that version, or give another file: Timeline(…, file='other.json').",
        )
    reading = _Reading(name)
    for number, entry in enumerate(entries, 1):
        reading.entry(number, entry)
    given = told.get("given")
    return Told(
        Script(tuple(reading.shots.values()), reading.chosen),
        reading.takes,
        dict(given) if isinstance(given, Mapping) else {},
        tuple(reading.complaints),
        frozenset(reading.takes) - frozenset(reading.shots),
    )


@dataclass
class _Reading:
    """What is read of a file so far; takes also of shots that can't be read."""

    name: str
    shots: dict[str, Shot] = field(default_factory=dict)
    takes: dict[str, list[str]] = field(default_factory=dict)
    chosen: dict[str, str] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)

    def entry(self, number: int, entry: Any) -> None:
        """One shot."""
        try:
            shot = shot_from_json(entry)
        except TimelineError as error:
            who = error.shot or "no id"
            self.complaints.append(f"Shot {number} of {self.name} ({who}) can't be read: {error.sentence}")
            if error.shot is not None:
                self.takes.setdefault(error.shot, self._takes(error.shot, entry))
            return
        if shot.id in self.shots:
            other = free_id(self.shots, shot.id)
            self.complaints.append(f"Two shots of {self.name} have the id {shot.id}; the second is now {other}.")
            shot = replace(shot, id=other)
        self.shots[shot.id] = shot
        self.takes[shot.id] = self._takes(shot.id, entry)
        if isinstance(entry.get("chosen"), str):
            self.chosen[shot.id] = entry["chosen"]

    def _takes(self, shot: str, entry: Mapping[str, Any]) -> list[str]:
        takes = entry.get("takes") or []
        if isinstance(takes, list):
            return [str(take) for take in takes]
        self.complaints.append(f"The takes of shot {shot} in {self.name} can't be read: they are no list.")
        return []


def _unreadable(name: str, why: str) -> TimelineError:
    return TimelineError(
        f"{name} can't be read ({why}).",
        hint="Repair it and run timeline.reload(), or write it anew with timeline.save(anyway=True).",
    )


def _lines(told: Told) -> str:
    """One shot a line, so that a version control shows what was changed."""
    entries = []
    for shot in told.script.shots:
        takes, chosen = list(told.takes.get(shot.id, ())), told.script.chosen.get(shot.id)
        entry = shot.to_json() | ({"takes": takes} if takes else {}) | ({"chosen": chosen} if chosen else {})
        entries.append(f"  {json.dumps(entry, ensure_ascii=False)}")
    given = json.dumps(dict(told.given), ensure_ascii=False)
    return f'{{"version": {_VERSION}, "given": {given}, "shots": [\n' + ",\n".join(entries) + "\n]}\n"


def _digest(text: str | bytes) -> str:
    data = text.encode("utf-8", "backslashreplace") if isinstance(text, str) else text
    return hashlib.sha256(data).hexdigest()
