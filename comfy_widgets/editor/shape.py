"""Whether a file is shaped as ComfyUI's editor saves: much may be missing, what is there must be of its kind (pure)."""

from collections.abc import Iterator, Mapping
from typing import Any

from comfy_widgets.errors import WorkflowError

SAVE_AGAIN = "Open it in ComfyUI and save it again."
# 0.4 is what everybody saves, 1 is the form with links as objects.
_NEXT_VERSION = 2
_Kinds = Mapping[str, tuple[type, ...]]
_GRAPH: _Kinds = {
    "nodes": (list,),
    "links": (list,),
    "inputNode": (Mapping,),
    "outputNode": (Mapping,),
    "definitions": (Mapping,),
    "extra": (Mapping,),
}
_NODE: _Kinds = {"mode": (int,), "inputs": (list,), "outputs": (list,), "properties": (Mapping,)}


def check(workflow: Any) -> None:
    """Refuse what the editor cannot have saved.

    Raises
    ------
    WorkflowError
        If it is no workflow of the editor, of a version that nobody knows, or damaged.
    """
    if not isinstance(workflow, Mapping) or not isinstance(workflow.get("nodes"), list):
        raise WorkflowError(
            "This is no workflow of ComfyUI's editor: it has no list of nodes.",
            hint="Load a file that was saved with Workflow, Save; an API export needs no conversion.",
        )
    version = workflow.get("version", 0)
    if not isinstance(version, int | float) or not 0 <= version < _NEXT_VERSION:
        raise WorkflowError(
            f"This workflow is of version {version!r}, which is not known here.",
            hint="Export it for the API instead: in ComfyUI, Workflow, Export (API).",
        )
    for wrong in _damages(workflow):
        raise WorkflowError(f"This workflow is damaged: {wrong}.", hint=SAVE_AGAIN)


def definitions(graph: Mapping[str, Any]) -> Any:
    """The subgraphs that are defined in a graph, as they were saved."""
    return (graph.get("definitions") or {}).get("subgraphs") or []


def _damages(workflow: Mapping[str, Any]) -> Iterator[str]:
    waiting: list[tuple[str, Any]] = [("it", workflow)]
    while waiting:
        where, graph = waiting.pop()
        if not isinstance(graph, Mapping):
            yield f"{where} is no graph"
            return
        yield from _of_other_kinds(where, graph, _GRAPH)
        if where != "it":
            yield from _not_slots(where, graph)
        for node in graph.get("nodes") or []:
            yield from node_damages(where, node)
        subgraphs = definitions(graph)
        if not isinstance(subgraphs, list):
            yield f"{where} has no list of subgraphs"
            return
        waiting += [(f"subgraph {number}", one) for number, one in enumerate(subgraphs, 1)]


def node_damages(where: str, node: Any) -> Iterator[str]:
    """What of a node cannot have been saved by the editor."""
    if not isinstance(node, Mapping) or not isinstance(node.get("id"), int | str):
        yield f"a node of {where} has no id"
    elif not isinstance(node.get("type"), str):
        yield f"node {node['id']} has no class"
    else:
        yield from _of_other_kinds(f"node {node['id']}", node, _NODE)
        yield from _not_slots(f"node {node['id']}", node)


def _of_other_kinds(where: str, told: Mapping[str, Any], kinds: _Kinds) -> Iterator[str]:
    for name, kind in kinds.items():
        if told.get(name) is not None and not isinstance(told[name], kind):
            yield f"{where} has {name} that can't be read"


def _not_slots(where: str, told: Mapping[str, Any]) -> Iterator[str]:
    for name in ("inputs", "outputs"):
        entries = told.get(name) or []
        if not isinstance(entries, list) or not all(isinstance(entry, Mapping) for entry in entries):
            yield f"{where} has {name} that can't be read"
