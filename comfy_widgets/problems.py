"""What is wrong with a graph, all at once: sentences, text and an html table (pure)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

# What anybody reads; a graph that a program wrote can have thousands of the same.
_SHOWN = 40
_COLUMNS = ("node", "title", "input", "what is wrong", "what to do")


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    Parameters
    ----------
    kind
        For programs, in ComfyUI's own words where it has one: ``value_not_in_list``, ``required_input_missing``, …
    wrong
        What is wrong, a sentence.
    todo
        What to do about it, a sentence.
    node_id, title, input
        Where; empty where it is the whole graph, or the whole node.
    certain
        Whether a server must refuse it. A node pack may have a check of its own, in place of the server's.

    Examples
    --------
    >>> print(Problem("value_bigger_than_max", "900 is more than 100.", "Give it up to 100.", "3", "KSampler", "steps"))
    KSampler (node 3), steps: 900 is more than 100. Give it up to 100.
    """

    kind: str
    wrong: str
    todo: str
    node_id: str = ""
    title: str = ""
    input: str = ""
    certain: bool = True

    @property
    def where(self) -> str:
        """The place in words, empty where it is the whole graph."""
        node = f"{self.title} (node {self.node_id})" if self.node_id else ""
        return ", ".join(part for part in (node, self.input) if part)

    def __str__(self) -> str:
        sentences = f"{self.wrong} {self.todo}"
        return f"{self.where}: {sentences}" if self.where else sentences


class Problems(Sequence[Problem]):
    """Everything that is wrong with a graph; it shows itself as a table.

    Parameters
    ----------
    found
        The problems.
    refused
        Whether they certainly keep the graph from making what it is for. A server leaves out a branch that it can't
        run and runs the rest.

    Examples
    --------
    >>> Problems([Problem("prompt_no_outputs", "Nothing is saved.", "Add SaveVideo.")])
    node  title  input  what is wrong
                        Nothing is saved.
                        → Add SaveVideo.
    >>> Problems([])
    Nothing is wrong.
    """

    def __init__(self, found: Sequence[Problem], *, refused: bool = False) -> None:
        self._found = list(found)
        self.refused = refused

    def __getitem__(self, place: Any) -> Any:
        return self._found[place]

    def __len__(self) -> int:
        return len(self._found)

    def __iter__(self) -> Iterator[Problem]:
        return iter(self._found)

    @property
    def sentences(self) -> list[str]:
        """One line for each, as far as anybody reads them."""
        return [*map(str, self._found[:_SHOWN]), *self._rest()]

    def and_also(self, more: Sequence[Problem]) -> "Problems":
        """These and further ones."""
        return Problems([*self._found, *more], refused=self.refused or any(problem.certain for problem in more))

    def _rest(self) -> list[str]:
        return [f"And {len(self._found) - _SHOWN} more."] if len(self._found) > _SHOWN else []

    def __repr__(self) -> str:
        if not self._found:
            return "Nothing is wrong."
        shown = self._found[:_SHOWN]
        rows = [(problem.node_id, problem.title, problem.input) for problem in shown]
        wide = [max(len(row[column]) for row in [*rows, _COLUMNS]) for column in range(3)]
        lines = [_line(_COLUMNS, wide, _COLUMNS[3])]
        for row, problem in zip(rows, shown, strict=True):
            lines += [_line(row, wide, problem.wrong), _line(("", "", ""), wide, f"→ {problem.todo}")]
        return "\n".join([*lines, *self._rest()])

    def _repr_html_(self) -> str:
        if not self._found:
            return "<p>Nothing is wrong.</p>"
        cell = 'style="text-align:left;vertical-align:top"'
        head = "".join(f"<th {cell}>{name}</th>" for name in _COLUMNS)
        body = "".join(
            "<tr>"
            + "".join(
                f"<td {cell}>{escape(text)}</td>"
                for text in (problem.node_id, problem.title, problem.input, problem.wrong, problem.todo)
            )
            + "</tr>"
            for problem in self._found[:_SHOWN]
        )
        return f"<table><tr>{head}</tr>{body}</table>{''.join(f'<p>{rest}</p>' for rest in self._rest())}"


def _line(place: Sequence[str], wide: Sequence[int], sentence: str) -> str:
    cells = [f"{text:<{width}}" for text, width in zip(place, wide, strict=False)]
    return "  ".join([*cells, sentence]).rstrip()
