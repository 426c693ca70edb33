"""A small static picture of a graph: what feeds what, and where its bindings are (pure).

It takes its colours from the page around it, so that it fits light and dark, and needs no script.
"""

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from comfy_widgets.graph_layout import Layout, Spot, layout
from comfy_widgets.graphs import Graph, output_nodes, title_of

# More than anybody can read at the size of a cell.
MOST_NODES = 60
_WIDE, _HIGH, _ACROSS, _BELOW, _MARGIN = 144, 36, 44, 14, 3
# What fits into a box at the sizes of the two lines.
_TITLE, _SMALL = 21, 26
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
    parts = [
        f"<g><title>{escape(told)}</title>",
        f'<rect x="{x:g}" y="{y:g}" width="{_WIDE}" height="{_HIGH}" rx="5" fill="currentColor" '
        f'fill-opacity=".06" {edge}/>',
    ]
    second = ", ".join(marks) or (class_type if class_type != title else "")
    parts.append(_text(title, _TITLE, x + 9, y + (16 if second else 22.5), 'font-size="12" fill="currentColor"'))
    if second:
        look = f'fill="{_ACCENT}" font-weight="600"' if marks else 'fill="currentColor" fill-opacity=".65"'
        parts.append(_text(second, _SMALL, x + 9, y + 29, f'font-size="10" {look}'))
    return "".join([*parts, "</g>"])


def _text(text: str, most: int, x: float, y: float, look: str) -> str:
    line = " ".join(text.split())
    shown = line if len(line) <= most else f"{line[: most - 1].rstrip()}…"
    return f'<text x="{x:g}" y="{y:g}" {look}>{escape(shown)}</text>'
