"""A timeline's file beside the notebook: read, merged with what the code says, and never overwritten unseen."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from comfy_widgets.errors import TimelineChanged, TimelineError
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
    """

    script: Script = field(default_factory=Script)
    takes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    given: Mapping[str, str] = field(default_factory=dict)
    complaints: tuple[str, ...] = ()


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
        text = self._text()
        if text is None:
            self._seen = None
            return None
        told = _parsed(text, self.path.name)
        self._seen = _digest(text)
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
            if not anyway and self._there() != self._seen:
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
            raise TimelineError(f"Somebody else has {self.path.name} open.", hint="Try again.") from error
        except (OSError, NotImplementedError):
            # Where files can't be locked, comparing before writing is what is left.
            lock = None
        with lock or nullcontext():
            try:
                yield
            finally:
                if lock is not None:
                    lock.release()

    def _text(self) -> str | None:
        try:
            return self.path.read_text("utf-8")
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise _unreadable(self.path.name, str(error)) from error

    def _there(self) -> str | None:
        try:
            return _digest(self.path.read_bytes())
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _unreadable(self.path.name, error.strerror or str(error)) from error


def fingerprint(shot: Shot) -> str:
    """What a shot says, in a few digits."""
    return _digest(json.dumps(shot.to_json(), sort_keys=True, default=str))[:16]


def merged(told: Told, given: Iterable[Shot]) -> Script:
    """The file's script with what changed in the code since it was written.

    What people did in the notebook stays: an edit, another order, a shot that was deleted. A shot that is another one
    in the code, or new there, is taken from the code.
    """
    script = told.script
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


def _parsed(text: str, name: str) -> Told:
    try:
        told = json.loads(text)
        version = told["version"]
        entries = list(told["shots"])
    except (ValueError, KeyError, TypeError) as error:
        raise _unreadable(name, f"{type(error).__name__}: {error}") from error
    if not isinstance(version, int) or version > _VERSION:
        raise TimelineError(
            f"{name} was written by a newer version of comfy_widgets.",
            hint="Install that version, or give another file: Timeline(…, file='other.json').",
        )
    shots: list[Shot] = []
    takes: dict[str, list[str]] = {}
    chosen: dict[str, str] = {}
    complaints = []
    for number, entry in enumerate(entries, 1):
        try:
            shot = shot_from_json(entry)
        except TimelineError as error:
            complaints.append(f"Shot {number} of {name} ({error.shot or 'no id'}) can't be read: {error.sentence}")
            continue
        if shot.id in takes:
            other = free_id(takes, shot.id)
            complaints.append(f"Two shots of {name} have the id {shot.id}; the second is now {other}.")
            shot = Shot(**{**shot.__dict__, "id": other})
        shots.append(shot)
        takes[shot.id] = [str(take) for take in entry.get("takes") or ()]
        if isinstance(entry.get("chosen"), str):
            chosen[shot.id] = entry["chosen"]
    given = told.get("given")
    return Told(
        Script(tuple(shots), chosen), takes, dict(given) if isinstance(given, Mapping) else {}, tuple(complaints)
    )


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
        # A value that JSON doesn't know is the workflow's business; as a text it can at least be read.
        entries.append(f"  {json.dumps(entry, ensure_ascii=False, default=str)}")
    given = json.dumps(dict(told.given), ensure_ascii=False)
    return f'{{"version": {_VERSION}, "given": {given}, "shots": [\n' + ",\n".join(entries) + "\n]}\n"


def _digest(text: str | bytes) -> str:
    data = text.encode("utf-8", "backslashreplace") if isinstance(text, str) else text
    return hashlib.sha256(data).hexdigest()
