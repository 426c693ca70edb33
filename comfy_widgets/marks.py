"""What people say of takes: favourites and names, kept in ``marks.json`` beside the takes."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from comfy_widgets.errors import CacheError
from comfy_widgets.files import told_as_cache_error, write_text

_LOCK_SECONDS = 5.0
_FAVOURITE = "favourite"
_NAME = "name"


class Marks:
    """The marks of a folder of takes.

    Each change reads the file, changes one entry and writes it whole, under a lock that other processes know: so two
    kernels that mark takes of one folder do not lose each other's marks.

    Parameters
    ----------
    folder
        Where the takes lie.

    Examples
    --------
    >>> import tempfile
    >>> marks = Marks(Path(tempfile.mkdtemp()))
    >>> marks.set_favourite("9f3a.1", on=True)
    >>> marks.favourites()
    frozenset({'9f3a.1'})
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "marks.json"

    def favourites(self) -> frozenset[str]:
        """The takes that somebody likes, by key and number; none where nothing can be read."""
        return frozenset(take for take, marks in self._known().items() if marks.get(_FAVOURITE) is True)

    def kept(self) -> frozenset[str]:
        """The same for who removes all others.

        Raises
        ------
        CacheError
            If what is there can't be read.
        """
        self._read()
        return self.favourites()

    def names(self) -> dict[str, str]:
        """The names that people gave, by key and number."""
        return {take: marks[_NAME] for take, marks in self._known().items() if isinstance(marks.get(_NAME), str)}

    def set_favourite(self, take: str, *, on: bool) -> None:
        """Like a take, or no longer.

        Raises
        ------
        CacheError
            If it can't be written down.
        """
        self._set(take, _FAVOURITE, on or None)

    def set_name(self, take: str, name: str | None) -> None:
        """Give a take a name, or take it away with None.

        Raises
        ------
        CacheError
            If it can't be written down.
        """
        self._set(take, _NAME, name or None)

    def _set(self, take: str, mark: str, value: Any) -> None:
        with told_as_cache_error(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self.path.with_name(".marks.lock"), timeout=_LOCK_SECONDS):
                marks = self._read()
                entry = {**marks.get(take, {}), mark: value}
                marks[take] = {name: said for name, said in entry.items() if said is not None}
                write_text(self.path, _lines((name, said) for name, said in sorted(marks.items()) if said))
        except Timeout:
            raise CacheError(
                "Somebody else has marks.json open.", hint="Try again; else remove .marks.lock beside the takes."
            ) from None
        except OSError as error:
            with told_as_cache_error(self.path):
                raise error from None

    def _known(self) -> dict[str, dict[str, Any]]:
        try:
            return self._read()
        except CacheError:
            return {}

    def _read(self) -> dict[str, dict[str, Any]]:
        try:
            told = json.loads(self.path.read_text("utf-8"))["marks"]
            return {str(take): dict(marks) for take, marks in told.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            # Writing over it would lose what a person may still repair.
            raise CacheError(
                "marks.json can't be read.", hint="Repair it, or move it away to begin a new one."
            ) from error


def _lines(marks: Iterable[tuple[str, dict[str, Any]]]) -> str:
    """One take a line, so that a version control shows what was marked."""
    lines = [f"  {json.dumps(take)}: {json.dumps(said, ensure_ascii=False)}" for take, said in marks]
    return '{"version": 1, "marks": {\n' + ",\n".join(lines) + "\n}}\n"
