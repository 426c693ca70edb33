"""Bindings: names for the inputs of a graph that people change, found by rule (pure)."""

import re
from collections.abc import Callable, Iterable, Mapping
from html import escape
from typing import Any

from comfy_widgets.errors import BindingError
from comfy_widgets.graphs import Graph, link_of, links, literals, output_nodes, title_of, upstream
from comfy_widgets.wording import nearest

# The inputs by which node authors call the same thing.
_SEEDS = ("seed", "noise_seed")
_TEXTS = ("text", "prompt", "text_positive", "value", "string")
_LENGTHS = ("length", "num_frames", "video_frames", "frames")
_FPS = ("fps", "frame_rate")
_WHOLE = frozenset({*_SEEDS, *_LENGTHS, "steps", "width", "height", "batch_size"})
_FILE_INPUTS = {"image", "video", "audio", "file", "mask"}
_LOADS_A_FILE = re.compile(r"(^|_)Load(?!er)")
_SHOWN = 70
_LISTED = 8


class Bindings(dict[str, str]):
    """Name → address, with the values they have now.

    Parameters
    ----------
    graph
        What the addresses lead into.
    addresses
        Name → ``<node id>.<input>``.
    ambiguous
        Names for which several inputs qualify, with those; none was chosen.
    """

    def __init__(
        self, graph: Graph, addresses: Mapping[str, str], ambiguous: Mapping[str, list[str]] | None = None
    ) -> None:
        super().__init__(addresses)
        self.graph = graph
        self.ambiguous = dict(ambiguous or {})

    def value(self, name: str) -> Any:
        """The value that a name has now."""
        node_id, field = place(self.graph, self[name])
        return self.graph[node_id]["inputs"][field]

    def values_now(self) -> dict[str, Any]:
        """Name → value, as it is now."""
        return {name: self.value(name) for name in self}

    def _rows(self) -> list[tuple[str, str, str]]:
        rows = [(name, address, _short(self.value(name))) for name, address in self.items()]
        return rows + [(name, "choose one of", self.candidates(name)) for name in self.ambiguous]

    def candidates(self, name: str) -> str:
        """The inputs that qualify for an ambiguous name, with their nodes' titles."""
        places = self.ambiguous[name]
        titled = [f"{address} ({title_of(self.graph, place(self.graph, address)[0])})" for address in places[:_LISTED]]
        return listed([*titled, *places[_LISTED:]])

    def __repr__(self) -> str:
        rows = self._rows()
        wide = [max((len(row[column]) for row in rows), default=0) for column in (0, 1)]
        return "\n".join(f"{name:<{wide[0]}}  {where:<{wide[1]}}  {value}" for name, where, value in rows)

    def _repr_html_(self) -> str:
        cell = 'style="text-align:left"'
        rows = "".join(
            f"<tr><th {cell}>{escape(name)}</th><td {cell}><code>{escape(where)}</code></td>"
            f"<td {cell}>{escape(value)}</td></tr>"
            for name, where, value in self._rows()
        )
        return f"<table><tr><th {cell}>binding</th><th {cell}>input</th><th {cell}>value</th></tr>{rows}</table>"


def listed(words: list[str]) -> str:
    """Words with commas between, as many as anybody reads.

    Examples
    --------
    >>> listed([str(number) for number in range(100)])
    '0, 1, 2, 3, 4, 5, 6, 7 and 92 more'
    """
    rest = f" and {len(words) - _LISTED} more" if len(words) > _LISTED else ""
    return ", ".join(words[:_LISTED]) + rest


def _short(value: Any) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def place(graph: Graph, address: str) -> tuple[str, str]:
    """The node and the input that an address leads to; an input fed by a link is followed to its widget.

    Raises
    ------
    BindingError
        If the address leads nowhere, to two nodes of one title, or to a link that no single value feeds.
    """
    node_id, field = _split(graph, address)
    if field not in (graph[node_id].get("inputs") or {}):
        likely = nearest(field, list(literals(graph, node_id)))
        raise BindingError(
            f"Node {node_id} ({title_of(graph, node_id)}) has no input {field!r}.",
            hint=f"Did you mean {node_id}.{likely}?" if likely else f"It has: {', '.join(literals(graph, node_id))}.",
        )
    seen = {node_id}
    while link := link_of(graph, graph[node_id]["inputs"][field]):
        source = link[0]
        values, further = literals(graph, source), links(graph, source)
        # A primitive has one value, a reroute one link; control_after_generate is the editor's, not the node's.
        values.pop("control_after_generate", None)
        if len(values) + len(further) != 1 or source in seen:
            choices = ", ".join(f"{source}.{name}" for name in values) or "none of its own"
            raise BindingError(
                f"{address} is fed by node {source} ({title_of(graph, source)}).",
                hint=f"Bind an input of that node instead: {choices}.",
            )
        seen.add(source)
        node_id, field = source, next(iter(values or further))
    return node_id, field


def _split(graph: Graph, address: str) -> tuple[str, str]:
    # Ids, titles and inputs may have dots themselves: the longest that is there.
    ends = [place for place in range(len(address) - 1, 0, -1) if address[place] == "."]
    id_end = next((end for end in ends if address[:end] in graph), None)
    if id_end:
        return address[:id_end], address[id_end + 1 :]
    titles = {title_of(graph, node_id) for node_id in graph}
    title_end = next((end for end in ends if address[:end] in titles), None)
    if not title_end:
        likely = nearest(address.rpartition(".")[0] or address, sorted({*titles, *graph}))
        raise BindingError(
            f"No node has the id or title that {address!r} begins with.",
            hint=f"Did you mean {likely!r}?" if likely else "Write <node id or title>.<input>.",
        )
    title = address[:title_end]
    named = [node_id for node_id in graph if title_of(graph, node_id) == title]
    if len(named) > 1:
        raise BindingError(f"{len(named)} nodes are called {title!r}: {listed(named)}.", hint="Use the node's id.")
    return named[0], address[title_end + 1 :]


def is_whole(field: str) -> bool:
    """Whether an input takes whole numbers alone, by its name."""
    return field in _WHOLE


def takes_file(graph: Graph, node_id: str, field: str) -> bool:
    """Whether an input names a file of the server's input folder."""
    return field in _FILE_INPUTS and bool(_LOADS_A_FILE.search(str(graph[node_id]["class_type"])))


def guess(graph: Graph) -> Bindings:
    """Find the inputs that people change; where several qualify none is taken and all are listed."""
    used = list(upstream(graph, output_nodes(graph)))
    prompts = _texts(graph, used, "positive")
    candidates = {
        "prompt": prompts,
        # A negative that is made of the prompt's conditioning, emptied, has no text of its own.
        "negative": [address for address in _texts(graph, used, "negative") if address not in prompts],
        "seed": _named(graph, used, _SEEDS),
        "steps": _named(graph, used, ("steps",)),
        "cfg": _named(graph, used, ("cfg",)),
        "width": _named(graph, used, ("width",), _measures_a_latent(graph)),
        "height": _named(graph, used, ("height",), _measures_a_latent(graph)),
        "length": _named(graph, used, _LENGTHS),
        "fps": _named(graph, used, _FPS),
        **_keyframes(graph, used),
    }
    found = {name: places[0] for name, places in candidates.items() if len(places) == 1}
    return Bindings(graph, found, {name: places for name, places in candidates.items() if len(places) > 1})


def _address(graph: Graph, node_id: str, field: str) -> str | None:
    """An input's address after following its link; None if no single value feeds it."""
    try:
        return ".".join(place(graph, f"{node_id}.{field}"))
    except BindingError:
        return None


def _named(
    graph: Graph, used: Iterable[str], names: tuple[str, ...], better: Callable[[str], bool] | None = None
) -> list[str]:
    nodes = [(node_id, name) for node_id in used for name in names if name in (graph[node_id].get("inputs") or {})]
    if better and any(better(node_id) for node_id, _ in nodes):
        nodes = [(node_id, name) for node_id, name in nodes if better(node_id)]
    found = [_address(graph, node_id, name) for node_id, name in nodes]
    return list(dict.fromkeys(place for place in found if place and _is_number(graph, place)))


def _is_number(graph: Graph, address: str) -> bool:
    node_id, field = place(graph, address)
    value = graph[node_id]["inputs"][field]
    return isinstance(value, int | float) and not isinstance(value, bool)


def _measures_a_latent(graph: Graph) -> Callable[[str], bool]:
    # A size beside a number of pictures is the latent's; others are of scaling and cropping.
    return lambda node_id: bool({"batch_size", *_LENGTHS} & set(graph[node_id].get("inputs") or {}))


def _texts(graph: Graph, used: list[str], role: str) -> list[str]:
    """Where the text of a role is written: what the sampler's links of that role lead to, else by title."""
    starts = _linked(graph, used, role)
    if not starts and role == "positive":  # a guider without a negative side
        starts = _linked(graph, used, "conditioning")
    found = dict.fromkeys(place for start in starts for place in _text_behind(graph, start, role))
    if found:
        return list(found)
    titled = [node_id for node_id in used if role in title_of(graph, node_id).lower()]
    if not titled and role == "positive":
        titled = [node_id for node_id in used if isinstance(literals(graph, node_id).get("prompt"), str)]
    return [place for node_id in titled for place in _own_text(graph, node_id)]


def _linked(graph: Graph, used: list[str], name: str) -> list[str]:
    return [links(graph, node_id)[name] for node_id in used if name in links(graph, node_id)]


def _text_behind(graph: Graph, start: str, role: str) -> list[str]:
    stack, seen, found = [start], set(), []
    while stack:
        node_id = stack.pop()
        if node_id in seen:
            continue
        seen.add(node_id)
        own = _own_text(graph, node_id)
        found += own
        if not own:
            behind = links(graph, node_id)
            # A node that carries both roles hands each on by its name; conditioning nodes have one way through.
            further = (
                [behind[role]]
                if role in behind
                else [source for name, source in behind.items() if "cond" in name or name in {"positive", "negative"}]
            )
            stack += further
            if not further and "clip" in behind:  # an encoder that has its texts under names of its own
                names = graph[node_id]["inputs"]
                found += [address for name in names for address in _strings(graph, node_id, name)]
    return found


def _own_text(graph: Graph, node_id: str) -> list[str]:
    inputs = graph[node_id].get("inputs") or {}
    found = (_strings(graph, node_id, name) for name in _TEXTS if name in inputs)
    return next((places for places in found if places), [])


def _strings(graph: Graph, node_id: str, field: str) -> list[str]:
    """Where an input's text is written; behind a node that joins several, each of them."""
    if address := _address(graph, node_id, field):
        end, name = place(graph, address)
        return [address] if isinstance(graph[end]["inputs"][name], str) else []
    link = link_of(graph, graph[node_id]["inputs"][field])
    if not link:
        return []
    source = link[0]
    parts = [name for name in graph[source].get("inputs") or {} if name.startswith(_TEXTS)]
    return [each for name in parts for each in _strings(graph, source, name)]


def _keyframes(graph: Graph, used: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {"keyframe": [], "end_keyframe": []}
    last = _shown_last(graph, used)
    for node_id in used:
        if "LoadImage" in str(graph[node_id]["class_type"]) and "image" in literals(graph, node_id):
            found["end_keyframe" if node_id in last else "keyframe"].append(f"{node_id}.image")
    return found


def _shown_last(graph: Graph, used: list[str]) -> set[str]:
    """The nodes whose picture a video ends with, also through scaling and cropping."""
    found: set[str] = set()
    for node_id in reversed(used):  # what follows a node comes first, so one pass is enough
        for name, source in links(graph, node_id).items():
            if "end" in name or "last" in name or (node_id in found and name in {"image", "images"}):
                found.add(source)
    return found
