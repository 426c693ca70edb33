"""A graph held against what a server says of its classes, before a slot of its queue is spent (pure).

The rules are the server's: every node must be of a class that it has; of the rest only what leads to an output node
counts, and inputs that a class does not declare are nobody's business. Where a server may know more than it tells, it
is believed: what a real one would take passes.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from comfy_widgets import graphs
from comfy_widgets.expected import (
    Complaint,
    Expected,
    LocalFile,
    complaint,
    expected,
    folder_of,
    joins,
    names_model,
    unreadable,
)
from comfy_widgets.problems import Problem, Problems
from comfy_widgets.wording import closest, nearest

# A class with a check of its own does without these of the server's; which class has one, no server tells. ComfyUI's
# own look at files alone.
_LEFT_TO_PACKS = {
    "value_not_in_list",
    "value_smaller_than_min",
    "value_bigger_than_max",
    "return_type_mismatch",
    "unreadable_file",
}
_LOADS = re.compile(r"Load(Image|Video|Audio)(Mask)?")
# Finding what was meant takes a while, and nobody reads more.
_MOST_LOOKED_UP = 50


def preflight(
    graph: Mapping[str, Any], object_info: Mapping[str, Any], files: Mapping[str, LocalFile] | None = None
) -> Problems:
    """Find everything for which a server would refuse a graph, or certainly fail.

    Parameters
    ----------
    graph
        In ComfyUI's API format.
    object_info
        What the server answers to ``GET /object_info``: its classes.
    files
        Local files that go to the server with it, by the names that the graph has for them.

    Returns
    -------
    Problems
        All at once; empty if there are none.

    Examples
    --------
    >>> classes = {"Save": {"input": {"required": {"steps": ["INT", {"max": 9}]}}, "output": [], "output_node": True}}
    >>> preflight({"1": {"class_type": "Save", "inputs": {"steps": 10}}}, classes)
    node  title  input  what is wrong
    1     Save   steps  10 is more than 9, the most it takes.
                        → Give it a number up to 9.
    """
    return _Preflight(graph, object_info, files or {}).all()


def unreadable_files(graph: Mapping[str, Any], files: Mapping[str, LocalFile]) -> Problems:
    """Find what `preflight` finds of local files, as far as ComfyUI's own loaders read them: that takes no server.

    Parameters
    ----------
    graph, files
        As for `preflight`.
    """
    found = list(_unreadable(graph, files))
    return Problems(found, refused=bool(found))


def _unreadable(graph: Mapping[str, Any], files: Mapping[str, LocalFile]) -> Iterator[Problem]:
    for node_id, node in graph.items():
        loads = _LOADS.fullmatch(node["class_type"])
        if loads is None:
            continue
        options = {f"{loads[1].lower()}_upload": True}
        for name, value in (node.get("inputs") or {}).items():
            file = files.get(value) if isinstance(value, str) else None
            wrong = unreadable(Expected(name, "COMBO", required=True, options=options), file) if file else None
            if wrong:
                yield Problem(*wrong, node_id, graphs.title_of(graph, node_id), name)


class _Preflight:
    """One graph while it is looked at."""

    def __init__(self, graph: Mapping[str, Any], classes: Mapping[str, Any], files: Mapping[str, LocalFile]) -> None:
        self._sent = graph
        self._classes = classes
        self._files = files
        # Odd nodes are told of; from there on all have the same shape.
        self._graph = {str(node_id): _shaped(node) for node_id, node in graph.items()}
        self._plain = {
            node_id: {**node, "inputs": node["inputs"] if isinstance(node["inputs"], Mapping) else {}}
            for node_id, node in self._graph.items()
        }
        self._sources: dict[str, list[str]] = {}
        self._found: dict[str, list[Problem]] = {}
        self._looked_up = 0

    def all(self) -> Problems:
        """Every problem, in the graph's order."""
        unknown = [problem for node_id in self._graph for problem in self._of_class(node_id)]
        outputs = [node_id for node_id in self._graph if self._info(node_id).get("output_node") is True]
        if not outputs and not unknown:
            return Problems([self._no_output()], refused=True)
        # What feeds a node of an unknown class has to be right once the class is there.
        reached = self._look([*outputs, *(problem.node_id for problem in unknown)])
        self._find_circles(reached)
        found = unknown + [problem for node_id in self._graph for problem in self._found.get(node_id, ())]
        return Problems(found, refused=bool(unknown) or not self._makes_something(outputs))

    def _info(self, node_id: str) -> Mapping[str, Any]:
        info = self._classes.get(self._graph[node_id]["class_type"])
        return info if isinstance(info, Mapping) else {}

    def _problem(self, node_id: str, kind: str, wrong: str, todo: str, name: str = "") -> Problem:
        title, inputs = graphs.title_of(self._graph, node_id), self._graph[node_id]["inputs"]
        value = inputs.get(name) if isinstance(inputs, Mapping) else None
        certain = kind not in _LEFT_TO_PACKS or names_model(value) or not _pack_on(self._info(node_id))
        return Problem(kind, wrong, todo, node_id, title, name, certain)

    def _of_class(self, node_id: str) -> Iterator[Problem]:
        """What the server says first, of any node, whether it leads anywhere or not."""
        class_type = self._graph[node_id]["class_type"]
        if class_type == "?":
            todo = "Give it one, or take it out of the graph."
            if isinstance(self._sent.get("nodes"), list):
                todo = "This was saved from ComfyUI's editor: load it with a studio, which converts it."
            yield self._problem(node_id, "missing_class_type", "It has no class_type.", todo)
        elif class_type not in self._classes:
            wrong = f"The server has no class {class_type}."
            yield self._problem(node_id, "missing_node_type", wrong, self._how_to_get(node_id, class_type))

    def _how_to_get(self, node_id: str, class_type: str) -> str:
        self._looked_up += 1
        near = closest(class_type, list(self._classes), 3) if self._looked_up <= _MOST_LOOKED_UP else []
        meant = f" Or did you mean {' or '.join(near)}?" if near else ""
        pack = _pack_of(self._sent[node_id])
        if pack:
            return f"Install {pack} there, or take it out of the workflow.{meant}"
        prefix, mark, _ = class_type.partition("_")
        alike = [name for name in self._classes if name.startswith(f"{prefix}_")] if mark else []
        packs = {_pack_on(self._classes[name]) for name in (alike or near[:1])} - {""}
        if len(packs) == 1:
            return f"Install the custom nodes that bring it, or a newer release of {packs.pop()}.{meant}"
        return f"Install the custom nodes that bring it, or take it out of the workflow.{meant}"

    def _no_output(self) -> Problem:
        saving = [name for name in ("SaveVideo", "SaveImage") if name in self._classes]
        such_as = f", such as {saving[0]}" if saving else ""
        return Problem(
            "prompt_no_outputs",
            "No node of this graph saves or shows anything.",
            f"Add one that does{such_as}.",
        )

    def _look(self, outputs: list[str]) -> list[str]:
        """Look at each node that leads to an output, once."""
        waiting, reached = list(outputs), []
        while waiting:
            node_id = waiting.pop()
            if node_id not in self._found:
                self._sources[node_id] = []
                self._found[node_id] = list(self._of_node(node_id))
                waiting += self._sources[node_id]
                reached.append(node_id)
        return reached

    def _of_node(self, node_id: str) -> Iterator[Problem]:
        info, inputs = self._info(node_id), self._graph[node_id]["inputs"]
        if not isinstance(inputs, Mapping):
            todo = 'Give it "inputs": {}, with what it needs.'
            yield self._problem(node_id, "missing_inputs", "It has no inputs.", todo)
            return
        if not info:
            self._sources[node_id] += graphs.links(self._plain, node_id).values()
            return
        declared = list(expected(info, inputs))
        for one in declared:
            if one.name not in inputs:
                # A graph saved before a choice became dynamic gives "codec" where "format.codec" is declared now, and
                # the classes that changed so still take it.
                if one.required and one.name.rpartition(".")[2] not in inputs:
                    yield self._missing(node_id, one, [name for name in inputs if not _is_of(name, declared)])
                continue
            value = inputs[one.name]
            if isinstance(value, list):
                yield from self._of_link(node_id, one, value)
            elif wrong := self._of_value(node_id, one, value):
                yield self._problem(node_id, *wrong, one.name)

    def _of_value(self, node_id: str, one: Expected, value: Any) -> Complaint | None:
        file = self._files.get(value) if isinstance(value, str) else None
        if file is not None:
            return unreadable(one, file)
        return complaint(one, value, self._graph[node_id]["class_type"], self._info(node_id))

    def _missing(self, node_id: str, one: Expected, strays: list[str]) -> Problem:
        kind, wrong = "required_input_missing", f"It needs {one.name} and has none."
        folder = folder_of(one, self._info(node_id))
        old_name = nearest(one.name, strays)
        if one.choices == [] and folder:
            wrong = f"It needs {one.name}, and the server has none to choose from."
            return self._problem(node_id, kind, wrong, f"Put one into models/{folder} on the server.", one.name)
        if old_name:
            todo = f"It has {old_name}, which this server's release does not know: probably it was renamed."
        elif one.choices is not None or "default" in one.options or one.kind in {"INT", "FLOAT", "STRING", "BOOLEAN"}:
            default = one.options.get("default", next(iter(one.choices or ()), None))
            todo = "Give it a value." if default in {None, ""} else f"Give it a value, such as {default}."
        else:
            todo = f"Link it to a node that gives {one.kind}."
        return self._problem(node_id, kind, wrong, todo, one.name)

    def _of_link(self, node_id: str, one: Expected, link: list[Any]) -> Iterator[Problem]:
        if len(link) != 2:
            todo = 'Write [node id, output number]; a list that is a value goes into {"__value__": […]}.'
            yield self._problem(node_id, "bad_linked_input", f"{link} is no link.", todo, one.name)
            return
        source, slot = link
        if not isinstance(source, str) or source not in self._graph:
            near = str(source) in self._graph
            todo = f'Write its id as text: "{source}".' if near else "Link it to a node that is there."
            wrong = f"It is linked to node {source}, which is not in the graph."
            yield self._problem(node_id, "unknown_link", wrong, todo, one.name)
            return
        self._sources[node_id].append(source)
        outputs = self._info(source).get("output")
        if not isinstance(outputs, list):
            return
        given = f"{graphs.title_of(self._graph, source)} (node {source})"
        # As Python counts, and so the server: from the end, too.
        if not isinstance(slot, int) or not -len(outputs) <= slot < len(outputs):
            listed = ", ".join(f"{number} {_kind(kind)}" for number, kind in enumerate(outputs)) or "none"
            wrong = f"It is linked to output {slot} of {given}, which is not there."
            yield self._problem(node_id, "bad_slot", wrong, f"That node's outputs: {listed}.", one.name)
        elif not joins(outputs[slot], one.kind):
            fitting = [number for number, kind in enumerate(outputs) if joins(kind, one.kind)]
            todo = f"Its output {fitting[0]} does." if fitting else f"Link it to a node that gives {one.kind}."
            wrong = f"It takes {one.kind}, and {given} gives {_kind(outputs[slot])} there."
            yield self._problem(node_id, "return_type_mismatch", wrong, todo, one.name)

    def _find_circles(self, reached: list[str]) -> None:
        """A problem for each circle of links, at one of its nodes."""
        done: set[str] = set()
        for start in reached:
            # The way from the start, and for each node on it the sources that are still to be followed.
            way = {start: iter(self._sources[start])} if start not in done else {}
            while way:
                node_id = next(reversed(way))
                source = next(way[node_id], None)
                if source is None:
                    done.add(node_id)
                    del way[node_id]
                elif source in way:
                    around = list(way)
                    self._found[source].append(self._circle(around[around.index(source) :]))
                elif source not in done:
                    way[source] = iter(self._sources[source])

    def _circle(self, nodes: list[str]) -> Problem:
        named = [f"{graphs.title_of(self._graph, node_id)} ({node_id})" for node_id in [*nodes, nodes[0]]]
        shown = named if len(named) < 8 else [*named[:6], "…", named[-1]]
        return self._problem(
            nodes[0],
            "dependency_cycle",
            f"It depends on itself: {' ← '.join(shown)}.",
            "Open the workflow in ComfyUI and cut the circle.",
        )

    def _makes_something(self, outputs: list[str]) -> bool:
        """Whether a node that makes what is taken would run; a server leaves out those that can't."""
        kept = set(graphs.output_nodes(self._plain)) & set(outputs) or set(outputs)
        return bool(kept - self._spoiled())

    def _spoiled(self) -> set[str]:
        """The nodes that certainly can't run: those with a problem, and all that depend on them."""
        followers: dict[str, list[str]] = {}
        for node_id, sources in self._sources.items():
            for source in sources:
                followers.setdefault(source, []).append(node_id)
        spoiled = {node_id for node_id, found in self._found.items() if any(problem.certain for problem in found)}
        waiting = list(spoiled)
        while waiting:
            new = set(followers.get(waiting.pop(), ())) - spoiled
            spoiled |= new
            waiting += new
        return spoiled


def _shaped(node: Any) -> dict[str, Any]:
    """A node with a class, inputs and a title, whatever was written."""
    told = node if isinstance(node, Mapping) else {}
    class_type, meta = told.get("class_type"), told.get("_meta")
    return {
        "class_type": class_type if isinstance(class_type, str) and class_type else "?",
        "inputs": told.get("inputs"),
        "_meta": meta if isinstance(meta, Mapping) else {},
    }


def _kind(kind: Any) -> str:
    return "COMBO" if isinstance(kind, list) else str(kind)


def _is_of(name: str, declared: list[Expected]) -> bool:
    """Whether a class declares an input, or one that it belongs to."""
    return any(name == one.name or name.startswith(f"{one.name}.") for one in declared)


def _pack_of(node: Any) -> str | None:
    """What brings a node's class, where the workflow tells."""
    places = (node.get("_meta"), node.get("properties"))
    return next((pack for told in places if isinstance(told, Mapping) and (pack := graphs.pack_of(told))), None)


def _pack_on(info: Any) -> str:
    """The pack that brings a class to the server; nothing for ComfyUI's own."""
    module = str(info.get("python_module") or "") if isinstance(info, Mapping) else ""
    return module.removeprefix("custom_nodes.") if module.startswith("custom_nodes.") else ""
