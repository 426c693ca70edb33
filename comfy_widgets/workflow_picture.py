"""A small static picture of a graph: what feeds what, and where its bindings are (pure).

It takes its colours from the page around it, so that it fits light and dark, and needs no script.
"""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from itertools import accumulate
from unicodedata import east_asian_width

from comfy_widgets.graph_layout import Layout, Spot, layout
from comfy_widgets.graphs import Graph, output_nodes, title_of

# More than anybody can read at the size of a cell.
MOST_NODES = 60
_WIDE, _HIGH, _ACROSS, _BELOW, _MARGIN = 148, 36, 42, 14, 3
_INSET = 9
# How wide letters are in the wider ones of the usual fonts, as a share of their size.
_NARROW, _BROAD = frozenset("iljtfrI.,:;'|!()[] "), frozenset("mwMWGOQ@%—…")
# Scaled down no further than that it can be read; then the page scrolls.
_SMALLEST = 0.7

_ACCENT = "var(--jp-brand-color1,#1e88e5)"
_FRAME = (
    "overflow-x:auto;margin:4px 0;color:var(--jp-ui-font-color1,inherit);"
    "font-family:var(--jp-ui-font-family,system-ui,sans-serif)"
)


def picture(graph: Graph, marks: Mapping[str, Sequence[str]] | None = None) -> str:
    """Draw a graph as html with an SVG in it.

    Parameters
    ----------
    graph
        In ComfyUI's API format.
    marks
        Node id → words to write into it, such as the names of its bindings.

    Returns
    -------
    str
        Of a graph with more than `MOST_NODES` nodes only how many there are.

    Examples
    --------
    >>> graph = {"1": {"class_type": "Load"}, "2": {"class_type": "Save", "inputs": {"it": ["1", 0]}}}
    >>> picture(graph).count("<rect")
    2
    """
    if not 0 < len(graph) <= MOST_NODES:
        return f'<div style="{_FRAME};font-size:12px;opacity:.7">{len(graph)} nodes</div>'
    placed = layout(graph, _HIGH, _BELOW)
    wide = len(placed.layers) * (_WIDE + _ACROSS) - _ACROSS + 2 * _MARGIN
    high = round(max(placed.heights.values())) + _HIGH + 2 * _MARGIN
    size = f"width:100%;max-width:{wide}px;min-width:{round(wide * _SMALLEST)}px;height:auto;display:block"
    parts = [*_links(placed), *_boxes(graph, placed, marks or {})]
    return (
        f'<div style="{_FRAME}"><svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" '
        f'style="{size}" role="img" aria-label="{escape(_in_words(graph))}" fill="none">{"".join(parts)}</svg></div>'
    )


def _in_words(graph: Graph) -> str:
    ends = ", ".join(dict.fromkeys(title_of(graph, node_id) for node_id in output_nodes(graph)))
    return f"Graph of {len(graph)} nodes, which ends in {ends}"


def _left(number: int) -> int:
    return _MARGIN + number * (_WIDE + _ACROSS)


def _middle(placed: Layout, spot: Spot) -> float:
    return round(placed.heights[spot] + _HIGH / 2 + _MARGIN, 1)


def _links(placed: Layout) -> Iterator[str]:
    column = {spot: number for number, layer in enumerate(placed.layers) for spot in layer}
    drawn, ends = [], []
    for source, target in placed.ways:
        start, end = _left(column[source]) + _WIDE, _left(column[target])
        y, to = _middle(placed, source), _middle(placed, target)
        half = (start + end) // 2
        drawn.append(f"M{start} {y:g}C{half} {y:g} {half} {to:g} {end} {to:g}")
        if target[1] >= 0:
            # On through the layer, between its boxes.
            drawn.append(f"H{end + _WIDE}")
        else:
            ends.append(f'<circle cx="{end}" cy="{to:g}" r="2.5"/>')
    if drawn:
        yield f'<path d="{"".join(drawn)}" stroke="currentColor" stroke-opacity=".4" stroke-width="1.4"/>'
        yield f'<g fill="currentColor" fill-opacity=".6">{"".join(dict.fromkeys(ends))}</g>'


def _boxes(graph: Graph, placed: Layout, marks: Mapping[str, Sequence[str]]) -> Iterator[str]:
    saving = set(output_nodes(graph))
    for number, layer in enumerate(placed.layers):
        for spot in layer:
            node_id, passing = spot
            if passing < 0:
                corner = (_left(number), _middle(placed, spot) - _HIGH / 2)
                yield _box(graph, node_id, corner, marks.get(node_id, ()), makes=node_id in saving)


def _box(graph: Graph, node_id: str, corner: tuple[float, float], marks: Sequence[str], *, makes: bool) -> str:
    x, y = corner
    title, class_type = title_of(graph, node_id), str(graph[node_id]["class_type"])
    edge = f'stroke="{_ACCENT}" stroke-width="1.8"' if makes else 'stroke="currentColor" stroke-opacity=".35"'
    told = f"{title} · node {node_id}" + (f" · {class_type}" if class_type != title else "")
    size = f'width="{_WIDE}" height="{_HIGH}" rx="5"'
    parts = [
        f"<g><title>{escape(told)}</title>",
        f'<rect x="{x:g}" y="{y:g}" {size} fill="currentColor" fill-opacity=".06" {edge}/>',
    ]
    second = ", ".join(marks) or (class_type if class_type != title else "")
    parts.append(_text(title, 12, (x + _INSET, y + (16 if second else 22.5)), 'fill="currentColor"'))
    if second:
        look = f'fill="{_ACCENT}" font-weight="600"' if marks else 'fill="currentColor" fill-opacity=".65"'
        parts.append(_text(second, 10, (x + _INSET, y + 29), look))
    return "".join([*parts, "</g>"])


def _text(text: str, size: int, place: tuple[float, float], look: str) -> str:
    shown = escape(_cut(" ".join(text.split()), (_WIDE - 2 * _INSET) / size))
    return f'<text x="{place[0]:g}" y="{place[1]:g}" font-size="{size}" {look}>{shown}</text>'


def _cut(line: str, room: float) -> str:
    """As much of a line as fits; nothing measures text before it is drawn."""
    widths = [_width(letter) for letter in line]
    if sum(widths) <= room:
        return line
    reached = accumulate(widths, initial=_width("…"))
    return line[: sum(so_far <= room for so_far in reached) - 1].rstrip() + "…"


def _width(letter: str) -> float:
    if letter in _NARROW:
        return 0.38
    if letter in _BROAD:
        return 0.9
    if east_asian_width(letter) in "FW":
        return 1.0
    return 0.7 if letter.isupper() else 0.62
