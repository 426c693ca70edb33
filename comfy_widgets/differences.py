"""What differs between takes: said for each, while what is equal is said once."""

import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any, NamedTuple

from comfy_widgets.faces import TakeLike

_MEASURED = frozenset({"width", "height", "length", "frames", "seconds", "fps"})
_LONG = 40
_NOTHING = "—"
_MARKS = ",;. "
_MOST_OF_A_GRAPH = 8
_INPUT_FILE = re.compile(r"cw_[0-9a-f]{16}\.")


class Fact(NamedTuple):
    """One named value.

    Parameters
    ----------
    name
        What people call it.
    text
        The value; of long texts only the words that differ.
    whole
        The whole value.
    """

    name: str
    text: str
    whole: str


class Differences(NamedTuple):
    """What is equal in all takes, and for each take what is not.

    Parameters
    ----------
    same
        Equal in all.
    each
        As many lists as takes; the same names in the same order.

    Examples
    --------
    >>> seeds = [[Fact("seed", "1", "1")], [Fact("seed", "22", "22")]]
    >>> Differences([Fact("prompt", "a lighthouse", "a lighthouse")], seeds)
          1  2
    seed  1  22
    equal: prompt
    """

    same: list[Fact]
    each: list[list[Fact]]

    def _rows(self) -> list[list[str]]:
        columns = [["", *(fact.name for fact in self.each[0])]]
        columns += [[str(number), *(fact.text for fact in facts)] for number, facts in enumerate(self.each, 1)]
        return [list(row) for row in zip(*columns, strict=True)]

    def _equal(self) -> str:
        return f"equal: {', '.join(fact.name for fact in self.same)}" if self.same else ""

    def __repr__(self) -> str:
        if not self.each[0]:
            return "Nothing differs."
        rows = self._rows()
        wide = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(f"{text:<{wide[at]}}" for at, text in enumerate(row)).rstrip() for row in rows]
        return "\n".join([*lines, *filter(None, [self._equal()])])

    def _repr_html_(self) -> str:
        if not self.each[0]:
            return "<p>Nothing differs.</p>"
        cell = 'style="text-align:left;vertical-align:top"'
        head, *rows = self._rows()
        body = "".join(
            f"<tr><th {cell}>{escape(name)}</th>"
            + "".join(f"<td {cell}>{escape(text)}</td>" for text in texts)
            + "</tr>"
            for name, *texts in rows
        )
        titles = "".join(f"<th {cell}>{escape(text)}</th>" for text in head)
        return f'<table><tr>{titles}</tr>{body}</table><div style="opacity:.65">{escape(self._equal())}</div>'


def differences(takes: Sequence[TakeLike]) -> Differences:
    """Compare takes by their inputs and measures; by their graphs if those are equal.

    Parameters
    ----------
    takes
        What is compared.
    """
    named = _columns([dict(_facts(take)) for take in takes])
    same = [Fact(name, values[0], values[0]) for name, values in named if len(set(values)) == 1]
    differing = [(name, values) for name, values in named if len(set(values)) > 1]
    if not differing:
        graphs = _columns([dict(_literals(take.graph)) for take in takes])
        differing = [(name, values) for name, values in graphs if len(set(values)) > 1][:_MOST_OF_A_GRAPH]
    shown = [(name, distinct(values), values) for name, values in differing]
    each = [
        [Fact(name, texts[number], wholes[number]) for name, texts, wholes in shown] for number in range(len(takes))
    ]
    return Differences(same, each)


def changes(
    here: tuple[Mapping[str, Any], Mapping[str, Any]], there: tuple[Mapping[str, Any], Mapping[str, Any]]
) -> list[tuple[str, str, str]]:
    """What differs between two requests, each its named inputs and its graph: name, value here, value there.

    Examples
    --------
    >>> changes(({"seed": 8}, {}), ({"seed": 7}, {}))
    [('seed', '8', '7')]
    """
    told: list[tuple[str, list[str]]] = []
    for one, other in ((_values(here[0]), _values(there[0])), (dict(_literals(here[1])), dict(_literals(there[1])))):
        differing = [(name, values) for name, values in _columns([one, other]) if len(set(values)) > 1]
        # What a named input says is written in the graph too.
        told += [(name, values) for name, values in differing if values not in [known for _, known in told]]
    shown = [(name, [_shown(text) for text in distinct(values)]) for name, values in told]
    return [(name, here, there) for name, (here, there) in shown]


def _values(inputs: Mapping[str, Any]) -> dict[str, str]:
    return {name.replace("_", " "): _text(value) for name, value in inputs.items() if value not in (None, "")}


def _shown(text: str) -> str:
    # The name says what is in it, which tells people nothing.
    return "another file" if _INPUT_FILE.match(text) else text


def _facts(take: TakeLike) -> Iterator[tuple[str, str]]:
    for name, value in take.inputs.items():
        if name not in _MEASURED and value not in (None, ""):
            yield name.replace("_", " "), _text(value)
    if take.width and take.height:
        yield "size", f"{take.width}×{take.height}"
    if take.seconds:
        yield "length", f"{take.seconds:.1f} s"
    if take.fps:
        yield "speed", f"{take.fps:g} fps"
    if take.renderer == "demo":
        yield "made by", "simulation"


def _literals(graph: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each value that is written in a graph, by its node's title."""
    for node in graph.values():
        title = node.get("_meta", {}).get("title") or node.get("class_type", "")
        for name, value in node.get("inputs", {}).items():
            if name != "filename_prefix" and not isinstance(value, list):
                yield f"{title} {name}", _text(value)


def _columns(rows: Sequence[Mapping[str, str]]) -> list[tuple[str, list[str]]]:
    names = dict.fromkeys(name for row in rows for name in row)
    return [(name, [row.get(name, _NOTHING) for row in rows]) for name in names]


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else " ".join(str(value).split())


def distinct(texts: list[str]) -> list[str]:
    """Of long texts the words between what they all begin with and what they all end with."""
    if max(map(len, texts)) <= _LONG:
        return texts
    words = [text.split() for text in texts]
    shortest = min(map(len, words))
    start = _common(words, shortest)
    end = _common([row[::-1] for row in words], shortest - start)
    return [" ".join(row[start : len(row) - end]).strip(_MARKS) or _NOTHING for row in words]


def _common(rows: list[list[str]], most: int) -> int:
    """How many words all rows begin with."""
    return next((at for at in range(most) if len({row[at].strip(_MARKS) for row in rows}) > 1), most)
