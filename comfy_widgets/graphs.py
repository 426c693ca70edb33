"""A graph in ComfyUI's API format: its links, its titles, and the key that names what it makes (pure)."""

import hashlib
import json
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from comfy_widgets.errors import WorkflowError

Graph = Mapping[str, Mapping[str, Any]]

# How the editor calls the pack that is ComfyUI itself.
CORE = "comfy-core"


def link_of(graph: Graph, value: Any) -> tuple[str, int] | None:
    """Where an input comes from: (node id, output slot); None if it is a value."""
    if isinstance(value, list) and len(value) == 2 and isinstance(value[0], str) and value[0] in graph:
        return value[0], value[1]
    return None


def title_of(graph: Graph, node_id: str) -> str:
    """A node's title, else its class."""
    node = graph[node_id]
    return str((node.get("_meta") or {}).get("title") or node["class_type"])


def pack_of(told: Mapping[str, Any]) -> str | None:
    """What brings a class, by what newer releases of the editor note with a node; None if they did not.

    Examples
    --------
    >>> pack_of({"cnr_id": "comfyui-kjnodes"}), pack_of({"cnr_id": "comfy-core", "ver": "0.4.0"})
    ('the custom nodes comfyui-kjnodes', 'ComfyUI 0.4.0 or newer')
    """
    pack, version = (told.get("cnr_id") or told.get("aux_id")), told.get("ver")
    if pack == CORE:
        return f"ComfyUI {version} or newer" if version else "a newer ComfyUI"
    return f"the custom nodes {pack}" if pack else None


def literals(graph: Graph, node_id: str) -> dict[str, Any]:
    """The inputs of a node that are values."""
    inputs = graph[node_id].get("inputs") or {}
    return {name: value for name, value in inputs.items() if link_of(graph, value) is None}


def links(graph: Graph, node_id: str) -> dict[str, str]:
    """The inputs of a node that come from other nodes: name → node id."""
    found = {name: link_of(graph, value) for name, value in (graph[node_id].get("inputs") or {}).items()}
    return {name: link[0] for name, link in found.items() if link}


def rows(graph: Graph) -> list[list[Any]]:
    """The nodes as people read them: id, title, class, and each input's name and value; a link is an arrow.

    Examples
    --------
    >>> rows({"3": {"class_type": "Sampler", "inputs": {"seed": 7, "model": ["4", 0]}}, "4": {"class_type": "Loader"}})
    [['3', 'Sampler', 'Sampler', [['seed', '7'], ['model', '← 4']]], ['4', 'Loader', 'Loader', []]]
    """
    return [
        [
            node_id,
            title_of(graph, node_id),
            node["class_type"],
            [[name, _shown(graph, value)] for name, value in (node.get("inputs") or {}).items()],
        ]
        for node_id, node in graph.items()
    ]


def _shown(graph: Graph, value: Any) -> str:
    link = link_of(graph, value)
    if link:
        return f"← {link[0]}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def output_nodes(graph: Graph) -> list[str]:
    """The nodes that make what is taken: those that save under a name, else those that nothing follows."""
    saving = [node_id for node_id in graph if "filename_prefix" in (graph[node_id].get("inputs") or {})]
    if saving:
        return saving
    followed = {source for node_id in graph for source in links(graph, node_id).values()}
    return [node_id for node_id in graph if node_id not in followed]


def upstream(graph: Graph, roots: list[str]) -> Iterator[str]:
    """The roots and every node that they depend on, each once and after all that it depends on.

    Raises
    ------
    WorkflowError
        If nodes depend on each other in a circle.
    """
    done: set[str] = set()
    open_: set[str] = set()
    # A chain can be longer than Python's recursion goes.
    stack = [(root, False) for root in reversed(roots)]
    while stack:
        node_id, leaving = stack.pop()
        if leaving:
            open_.discard(node_id)
            done.add(node_id)
            yield node_id
        elif node_id in open_:
            raise WorkflowError(
                f"Node {node_id} ({title_of(graph, node_id)}) depends on itself through its links.",
                hint="Open the workflow in ComfyUI and cut the circle.",
            )
        elif node_id not in done:
            open_.add(node_id)
            stack.append((node_id, True))
            # A node that is open is an ancestor: it is pushed so that the circle is found when it comes up.
            stack += [(source, False) for source in links(graph, node_id).values() if source not in done]
    return


def fingerprint(graph: Graph, without: Collection[str] = ()) -> str:
    """What a graph makes, as 64 hex digits: ids, titles, file names and branches that make nothing do not matter.

    Parameters
    ----------
    graph
        In ComfyUI's API format.
    without
        Output nodes that make nothing: the server left them out.

    Examples
    --------
    >>> one = {"1": {"class_type": "Save", "inputs": {"filename_prefix": "a", "x": 2.0}}}
    >>> two = {"9": {"class_type": "Save", "inputs": {"filename_prefix": "b", "x": 2}}}
    >>> fingerprint(one) == fingerprint(two)
    True
    """
    outputs = [node_id for node_id in output_nodes(graph) if node_id not in without]
    hashes: dict[str, str] = {}
    for node_id in upstream(graph, outputs):
        inputs = {
            unicodedata.normalize("NFC", name): _told(graph, value, hashes)
            for name, value in (graph[node_id].get("inputs") or {}).items()
            if name != "filename_prefix"
        }
        hashes[node_id] = _digest([graph[node_id]["class_type"], inputs])
    return _digest(sorted(hashes[node_id] for node_id in outputs))


def key(fingerprint: str, renderer: str) -> str:
    """Under what a take is kept: the request and the kind of renderer; no simulated clip passes for a real take."""
    return _digest([renderer, fingerprint])


def _told(graph: Graph, value: Any, hashes: Mapping[str, str]) -> Any:
    link = link_of(graph, value)
    return {"from": hashes[link[0]], "slot": link[1]} if link else _plain(value)


def _plain(value: Any) -> Any:
    match value:
        case bool() | None:
            return value
        case float() if value.is_integer():
            return int(value)
        case str():
            return unicodedata.normalize("NFC", value)
        case Mapping():
            return {str(name): _plain(inner) for name, inner in value.items()}
        case list() | tuple():
            return [_plain(inner) for inner in value]
    return value


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    # A lone surrogate in a prompt has no UTF-8, and must not be what stops a take.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
