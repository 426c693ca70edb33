"""A workflow of ComfyUI's editor as the graph that a server gets, by what the server says of its classes (pure).

The rules
---------
- A node of a class that the server has is kept, under its id; inside subgraphs under ``host:id``, to any depth.
- Muted nodes go, and with them the inputs that they feed. Bypassed nodes pass on the input that fits.
- Group nodes of older releases are read as subgraphs.
- What only the editor knows (notes, reroutes, primitives, setters and getters) is told by its shape and followed.
- Any other node is of an unknown class. That is an error that names all of them: without it, it is another graph.
- A widget without a saved value has the one that the editor would show; one that can't hold its value is an error.
- Values that no declared input takes are left out: they are the editor's own (controls, buttons, previews).
- Text is taken as it stands: wildcards such as ``{a|b}`` and ``%date%`` are the editor's to fill in.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from comfy_widgets.editor.groups import as_subgraphs, name_of
from comfy_widgets.editor.levels import BYPASSED, MUTED, Level, Subgraphs, first_word, is_getter
from comfy_widgets.editor.links import Gone, Links, Output, Role, Roles, Source
from comfy_widgets.editor.shape import check
from comfy_widgets.editor.values import Node, produced, sent, widget_values
from comfy_widgets.errors import WorkflowError
from comfy_widgets.graphs import pack_of
from comfy_widgets.wording import closest

# More than anybody draws; subgraphs that double themselves at each level of nesting reach it at once.
_MOST_NODES = 50_000
_NAMED_AT_ONCE = 10


def to_api(ui_workflow: Mapping[str, Any], object_info: Mapping[str, Any]) -> dict[str, Any]:
    """Convert a workflow that ComfyUI's editor saved into a graph in the API format.

    Parameters
    ----------
    ui_workflow
        What the editor saved, parsed from JSON.
    object_info
        What the server answers to ``GET /object_info``: its classes.

    Returns
    -------
    dict
        The graph, as a server takes it; titles are kept in ``_meta``, and the node pack where the file names it.

    Raises
    ------
    WorkflowError
        If a node is of a class that the server does not have, or was saved for another version of its class, or if the
        file is no workflow of the editor.

    Examples
    --------
    >>> object_info = {"Save": {"input": {"required": {"text": ["STRING", {}]}}, "output": []}}
    >>> to_api({"nodes": [{"id": 3, "type": "Save", "title": "Keep", "widgets_values": ["hello"]}]}, object_info)
    {'3': {'inputs': {'text': 'hello'}, 'class_type': 'Save', '_meta': {'title': 'Keep'}}}
    """
    check(ui_workflow)
    workflow = as_subgraphs(ui_workflow)
    converting = _Converting(workflow, object_info, Roles(Subgraphs(workflow), object_info))
    graph: dict[str, Any] = {}
    for level, node in converting.kept():
        graph[f"{level.path}{node['id']}"] = converting.converted(level, node)
    return graph


class _Converting:
    """One workflow on its way."""

    def __init__(self, workflow: Mapping[str, Any], classes: Mapping[str, Any], roles: Roles) -> None:
        self._workflow = workflow
        self._classes = classes
        self._roles = roles
        self._links = Links(roles)
        self._produced = produced(classes)

    def kept(self) -> list[tuple[Level, Node]]:
        """The nodes that the graph has, with where they are."""
        found, unknown = [], []
        for level, node in self._active():
            role = self._roles.of(level, node)
            if role is Role.CLASS:
                found.append((level, node))
            elif role is Role.UNKNOWN:
                unknown.append((level, node))
        if unknown:
            raise self._unknown(unknown)
        return found

    def _active(self) -> Iterator[tuple[Level, Node]]:
        """Every node that is neither muted nor bypassed, nor inside one that is."""
        subgraphs = self._roles.subgraphs
        waiting = [Level(self._workflow)]
        seen = 0
        while waiting:
            level = waiting.pop()
            seen += len(level.nodes)
            if seen > _MOST_NODES:
                raise WorkflowError(
                    f"This workflow has more than {_MOST_NODES} nodes, counted through its subgraphs.",
                    hint="Open it in ComfyUI and look for a subgraph that is used too often.",
                )
            for node in level.nodes.values():
                if node.get("mode") not in {MUTED, BYPASSED}:
                    yield level, node
                    if subgraphs.stands_for(node):
                        waiting.append(subgraphs.inside(level, node))

    def converted(self, level: Level, node: Node) -> dict[str, Any]:
        """A node as the graph has it."""
        info = self._classes[node["type"]]
        where = _in_words(level, node)
        title = str(node.get("title") or info.get("display_name") or node["type"])
        inputs: dict[str, Any] = {}
        try:
            inputs |= widget_values(node, info, self._produced, where)
            for name in inputs:
                if (str(node["id"]), name) in level.proxied:
                    inputs[name] = sent(level.proxied[str(node["id"]), name], name, where)
            for entry in node.get("inputs") or []:
                name = _name(entry, info)
                if not entry.get("widget") or _is_known(name, inputs, info):
                    _feed(inputs, name, self._links.source(level, entry), where)
        except WorkflowError as error:
            raise error.at(node_id=f"{level.path}{node['id']}", node_title=title)  # noqa: B904 - the same error
        return {"inputs": inputs, "class_type": node["type"], "_meta": {"title": title, **_origin(node)}}

    def _unknown(self, nodes: list[tuple[Level, Node]]) -> WorkflowError:
        grouped = [(level, node) for level, node in nodes if name_of(node, self._workflow)]
        named = [_in_words(level, node) for level, node in grouped or nodes]
        listed = ", ".join(named[:_NAMED_AT_ONCE]) + (", …" if len(named) > _NAMED_AT_ONCE else "")
        level, node = (grouped or nodes)[0]
        if grouped:
            error = WorkflowError(
                f"This group node can't be read: {listed}.",
                hint="Open the workflow in ComfyUI, turn the group into a subgraph or into nodes, and save it again.",
            )
        elif is_getter(node):
            error = WorkflowError(
                f"No node sets {first_word(node)!r}, which {_in_words(level, node)} gets.",
                hint="Its Set node is missing: put it back in ComfyUI, or remove what needs it.",
            )
        else:
            packs = sorted({pack for _, node in nodes if (pack := pack_of(_origin(node)))})
            near = closest(str(node["type"]), list(self._classes), 2)
            meant = f" Or did you mean {' or '.join(near)}?" if near else ""
            error = WorkflowError(
                f"The server does not have the class of {listed}.",
                hint=f"Install {' and '.join(packs) or 'the node pack'} there, or remove what needs it.{meant}",
            )
        return error.at(node_id=f"{level.path}{node['id']}", node_title=str(node.get("title") or node["type"]))


def _feed(inputs: dict[str, Any], name: str, source: Source, where: str) -> None:
    match source:
        case Output():
            inputs[name] = [*source]
        case Gone():
            inputs.pop(name, None)
        case None:
            pass
        case _:
            inputs[name] = sent(source.value, name, where)


def _name(entry: Mapping[str, Any], info: Mapping[str, Any]) -> str:
    """The name by which the class knows an input: a widget keeps its own where its input was renamed."""
    name, widget = str(entry.get("name")), entry.get("widget")
    if isinstance(widget, Mapping) and not _is_known(name, {}, info) and _is_known(str(widget.get("name")), {}, info):
        return str(widget["name"])
    return name


def _is_known(name: str, inputs: Mapping[str, Any], info: Mapping[str, Any]) -> bool:
    """Whether a class has a widget of this name; without one the editor drops the input, while sockets may be any."""
    sections = [section for section in (info.get("input") or {}).values() if isinstance(section, Mapping)]
    return name in inputs or any(name.partition(".")[0] in section for section in sections)


def _in_words(level: Level, node: Node) -> str:
    title = node.get("title")
    told = f"{title!r}, {node['type']}" if title and title != node["type"] else node["type"]
    return f"node {level.path}{node['id']} ({told})"


def _origin(node: Node) -> dict[str, str]:
    """What newer releases of the editor note of where a class comes from."""
    properties = node.get("properties") or {}
    return {name: str(properties[name]) for name in ("cnr_id", "aux_id", "ver") if properties.get(name)}
