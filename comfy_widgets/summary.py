"""What became of each job of a batch: rows, text and html (pure)."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from html import escape
from typing import Any

_COLUMNS = ("scene", "shot", "status", "attempts", "seconds", "MB", "")
_NUMBERS = frozenset({"attempts", "seconds", "MB"})


@dataclass(frozen=True)
class Row:
    """One job's end.

    Attributes
    ----------
    scene, shot, status, attempts
        What it was, where it is, how often it was asked for.
    seconds
        From the request to the end.
    megabytes
        Of the take.
    outcome
        The take's file, or the error in one sentence.
    """

    scene: str | None
    shot: str | None
    status: str
    attempts: int
    seconds: float | None
    megabytes: float | None
    outcome: str

    @property
    def cells(self) -> tuple[str, ...]:
        """As people read them."""
        seconds = "" if self.seconds is None else f"{self.seconds:.1f}"
        megabytes = "" if self.megabytes is None else f"{self.megabytes:.2f}"
        head = (self.scene or "", self.shot or "", self.status)
        return (*head, str(self.attempts), seconds, megabytes, self.outcome)


class Summary(Sequence[Row]):
    """A table of rows that shows itself.

    Examples
    --------
    >>> print(Summary([Row("scene-001", "shot-01", "complete", 1, 2.5, 0.14, "shot-01.mp4")]))
    scene      shot     status    attempts  seconds    MB
    scene-001  shot-01  complete         1      2.5  0.14  shot-01.mp4
    """

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = list(rows)

    def rows(self) -> list[dict[str, Any]]:
        """As plain dictionaries, such as a DataFrame takes."""
        return [asdict(row) for row in self._rows]

    def __getitem__(self, place: Any) -> Any:
        return self._rows[place]

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)

    def __repr__(self) -> str:
        table = [_COLUMNS, *(row.cells for row in self._rows)]
        wide = [max(len(line[column]) for line in table) for column in range(len(_COLUMNS))]
        lines = []
        for line in table:
            cells = [
                f"{cell:>{width}}" if name in _NUMBERS else f"{cell:<{width}}"
                for cell, width, name in zip(line, wide, _COLUMNS, strict=True)
            ]
            lines.append("  ".join(cells).rstrip())
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        head = "".join(f'<th style="text-align:{_side(name)}">{name}</th>' for name in _COLUMNS)
        body = "".join(
            "<tr>"
            + "".join(
                f'<td style="text-align:{_side(name)}">{escape(cell)}</td>'
                for name, cell in zip(_COLUMNS, row.cells, strict=True)
            )
            + "</tr>"
            for row in self._rows
        )
        return f"<table><tr>{head}</tr>{body}</table>"


def _side(column: str) -> str:
    return "right" if column in _NUMBERS else "left"
