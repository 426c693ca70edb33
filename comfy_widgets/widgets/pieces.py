"""Pieces of the takes that a widget shows, asked for by key, read from the file and never more than one at a time."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from comfy_widgets.errors import InputFileError
from comfy_widgets.takes import Take

PIECE = 1_000_000


def handle(take: Take) -> str:
    """What the browser calls a file: takes of one key are told apart by their number, the others of a job by theirs."""
    return take.handle


class Shelf:
    """The takes that one widget shows, with the other files of their jobs; no other file can be asked for.

    Parameters
    ----------
    takes
        What is shown.
    """

    def __init__(self, takes: Iterable[Take] = ()) -> None:
        self._takes: dict[str, Take] = {}
        self._names: dict[Path, str] = {}
        for take in takes:
            for each in (take, *take.also):
                self._place(each)

    def _place(self, take: Take) -> None:
        if take.path in self._names:
            return
        name, others = handle(take), 1
        # Two folders may hold takes of one key, made on two servers.
        while name in self._takes:
            others += 1
            name = f"{handle(take)}~{others}"
        self._names[take.path] = name
        self._takes[name] = take

    def name(self, take: Take) -> str:
        """What the browser calls a take that lies here."""
        return self._names[take.path]

    def piece(self, body: Mapping[str, Any]) -> bytes:
        """One piece of a take's file.

        Parameters
        ----------
        body
            ``take``, the take's handle, and ``offset`` in bytes.

        Raises
        ------
        InputFileError
            If the take is not shown here, or its file is gone or was changed.
        """
        take = self._take(body.get("take"))
        offset = body.get("offset")
        if not isinstance(offset, int) or isinstance(offset, bool) or not 0 <= offset < take.size:
            raise InputFileError(f"{take.path.name} has no piece at {offset!r}.", hint="Run the cell again.")
        data = _read(take.path, offset, min(PIECE, take.size - offset))
        if len(data) < min(PIECE, take.size - offset):
            raise InputFileError(f"The file {take.path.name} has become shorter.", hint="Run the cell again.")
        return data

    def graph(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """The graph that made a take.

        Parameters
        ----------
        body
            ``take``, the take's handle.

        Raises
        ------
        InputFileError
            If the take is not shown here.
        """
        return self._take(body.get("take")).graph

    def poster(self, body: Mapping[str, Any]) -> bytes:
        """The small picture of a take.

        Parameters
        ----------
        body
            ``take``, the take's handle.

        Raises
        ------
        InputFileError
            If the take is not shown here, has no poster, or its file is gone.
        """
        take = self._take(body.get("take"))
        if take.poster is None:
            raise InputFileError(f"{take.path.name} has no poster.")
        return _read(take.poster, 0, PIECE)

    def _take(self, name: object) -> Take:
        take = self._takes.get(name) if isinstance(name, str) else None
        if take is None:
            raise InputFileError("This take is not shown here any more.", hint="Run the cell again.")
        return take


def _read(path: Path, offset: int, size: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(size)
    except OSError as error:
        reason = "is gone" if isinstance(error, FileNotFoundError) else "cannot be read"
        raise InputFileError(f"The file {path.name} {reason}.", hint="Run the cell again.") from error
