"""Converts the workflow templates that ComfyUI ships, and judges each graph by a server's object_info.

python -m tests.lib.templates [object_info.json]

The templates are those of the package comfyui-workflow-templates-json. Where no object_info was recorded, the embedded
server's is taken, which has few classes.
"""

# ruff: noqa: T201 - a command talks on stdout

import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from comfy_widgets.convert import to_api
from comfy_widgets.demo.context import World
from comfy_widgets.demo.folders import Folders
from comfy_widgets.demo.nodes import REGISTRY
from comfy_widgets.demo.object_info import describe_all
from comfy_widgets.demo.settings import Settings
from comfy_widgets.editor.values import produced, widget_values
from comfy_widgets.errors import WorkflowError
from comfy_widgets.graphs import fingerprint

PACKAGE = "comfyui_workflow_templates_json"
# The recorded answer of a server, where it lies beside the repository.
OBJECT_INFO = Path(__file__).parents[3] / "shared" / "comfyui" / "object_info.json"
RECORDED = Path(__file__).parents[1] / "unit" / "data" / "ui_templates.json"


@dataclass
class Verdict:
    """What became of a template."""

    name: str
    subgraphs: bool
    unknown: str | None = None
    wrong: list[str] = field(default_factory=list)
    # Not the conversion's fault: files that this server lacks, and choices that only newer releases have.
    files: list[str] = field(default_factory=list)
    newer: list[str] = field(default_factory=list)
    # What the graph makes.
    fingerprint: str | None = None


def object_info(path: Path = OBJECT_INFO) -> dict:
    """What a server was recorded saying, else what the embedded one says."""
    if path.is_file():
        return json.loads(path.read_text("utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        return describe_all(World(Settings(), Folders(folder), None, None, REGISTRY))


def templates() -> Iterator[tuple[str, dict]]:
    """Every template of the package, by name."""
    found = find_spec(PACKAGE)
    for folder in (found and found.submodule_search_locations) or []:
        for path in sorted(Path(folder).rglob("*.json")):
            workflow = json.loads(path.read_text("utf-8"))
            if isinstance(workflow, dict) and "nodes" in workflow:
                yield path.stem, workflow


def judged(object_info: dict) -> Iterator[Verdict]:
    """Every template, converted and checked."""
    for name, workflow in templates():
        verdict = Verdict(name, bool((workflow.get("definitions") or {}).get("subgraphs")))
        try:
            graph = to_api(workflow, object_info)
        except WorkflowError as error:
            if "does not have the class" in str(error):
                verdict.unknown = str(error)
            else:
                verdict.wrong.append(str(error))
        else:
            verdict.fingerprint = fingerprint(graph)
            for kind, sentence in complaints(graph, object_info):
                getattr(verdict, kind).append(sentence)
        yield verdict


def recorded() -> dict[str, str]:
    """What the editor itself makes of each template, as a fingerprint; nothing where other templates are installed."""
    told = json.loads(RECORDED.read_text("utf-8"))
    return told["fingerprints"] if version(PACKAGE) == told["templates"] else {}


def compared(known: list[Verdict]) -> tuple[int, list[str]]:
    """How many templates the editor was recorded converting, and which of those are another graph here."""
    editors = recorded()
    told = [verdict for verdict in known if verdict.name in editors]
    return len(told), [verdict.name for verdict in told if editors[verdict.name] != verdict.fingerprint]


def complaints(graph: dict, object_info: dict) -> Iterator[tuple[str, str]]:
    """What is wrong with a graph: the kind of complaint as `Verdict` has it, and a sentence."""
    if not any(object_info[node["class_type"]].get("output_node") for node in graph.values()):
        yield "wrong", "no output node"
    for node_id, node in graph.items():
        specs = object_info[node["class_type"]]["input"]
        declared = {**(specs.get("required") or {}), **(specs.get("optional") or {})}
        place = f"{node_id} {node['class_type']}"
        for name, spec in (specs.get("required") or {}).items():
            # With nothing to choose from there is nothing to send.
            if name not in node["inputs"] and choices(spec) != []:
                yield "wrong", f"{place}: no {name}"
        for name, value in node["inputs"].items():
            if isinstance(value, list):
                found = link_complaints(graph, object_info, value, declared.get(name))
            elif name in declared:
                found = value_complaints(declared, name, value)
            else:
                found = iter([("wrong", "the class has no such input")])
            yield from ((kind, f"{place}.{name}: {why}") for kind, why in found)


def choices(spec: list) -> list | None:
    if isinstance(spec[0], list):
        return spec[0]
    return (spec[1].get("options") or []) if spec[0] == "COMBO" and len(spec) > 1 else None


def link_complaints(graph: dict, object_info: dict, link: list, spec: list | None) -> Iterator[tuple[str, str]]:
    source, slot = link
    if source not in graph:
        yield "wrong", f"link to {source}, which is not there"
        return
    outputs = object_info[graph[source]["class_type"]]["output"]
    if not 0 <= slot < len(outputs):
        yield "wrong", f"link to output {slot} of {len(outputs)}"
    elif spec is not None and not joins(outputs[slot], spec[0]):
        yield "wrong", f"link from {outputs[slot]} to {spec[0]}"


def joins(given: object, taken: object) -> bool:
    """A list of choices takes a choice; the rest goes by name, and * takes all."""
    names = ["COMBO" if isinstance(kind, list) else str(kind) for kind in (given, taken)]
    return "*" in names or bool(set(names[0].split(",")) & set(names[1].split(",")))


def value_complaints(declared: dict, name: str, value: object) -> Iterator[tuple[str, str]]:
    kind, options = declared[name][0], declared[name][1] if len(declared[name]) > 1 else {}
    known = choices(declared[name])
    if known is not None:
        if value not in known:
            yield unlisted(declared, known, value), f"{value!r} is not one of {len(known)}"
    elif kind in {"INT", "FLOAT"}:
        if isinstance(value, bool) or not isinstance(value, int | float):
            yield "wrong", f"{value!r} is no number"
        elif not options.get("min", value) <= value <= options.get("max", value):
            yield "wrong", f"{value} is out of range"
    elif kind == "BOOLEAN" and not isinstance(value, bool):
        yield "wrong", f"{value!r} is neither true nor false"
    elif kind == "STRING" and not isinstance(value, str):
        yield "wrong", f"{value!r} is no text"


def unlisted(declared: dict, known: list, value: object) -> str:
    """Whether a choice that a server does not have is a file, of a newer release, or in the wrong place."""
    if value == "" or (isinstance(value, str) and "." in value[-13:]):
        return "files"
    others = (choices(spec) or [] for spec in declared.values())
    misplaced = not isinstance(value, str) or any(value in other for other in others) or not known
    return "wrong" if misplaced else "newer"


def misread(object_info: dict) -> Iterator[str]:
    """Where values read by their order are not those that were saved by name; else "" for each node that can tell."""
    gives = produced(object_info)
    for title, workflow in templates():
        graphs = [workflow, *((workflow.get("definitions") or {}).get("subgraphs") or [])]
        for node in (node for graph in graphs for node in graph["nodes"]):
            named = node.get("widgets_values_named")
            info = object_info.get(node["type"])
            if not info or not named or list(named.values()) != node.get("widgets_values"):
                continue
            if any(name.partition(".")[2] for name in named):
                # Of a newer release of its class: only the names can tell which value is which.
                continue
            nameless = {key: value for key, value in node.items() if key != "widgets_values_named"}
            read = widget_values(nameless, info, gives, f"node {node['id']}")
            wrong = {name: value for name, value in read.items() if name in named and named[name] != value}
            yield f"{title}: node {node['id']} ({node['type']}) reads {wrong}" if wrong else ""


def report(object_info: dict) -> int:
    """Print the counts, and why each one is not valid; the number of wrong ones."""
    verdicts = list(judged(object_info))
    known = [verdict for verdict in verdicts if not verdict.unknown]
    for verdict in known:
        for kind in ("wrong", "newer"):
            for sentence in getattr(verdict, kind):
                print(f"{kind}: {verdict.name}: {sentence}")
    wrong = sum(bool(verdict.wrong) for verdict in known)
    newer = sum(bool(verdict.newer) and not verdict.wrong for verdict in known)
    subgraphs = sum(verdict.subgraphs for verdict in known)
    files = sum(bool(verdict.files) for verdict in known)
    print(f"{len(verdicts)} templates, {len(verdicts) - len(known)} skipped for unknown classes")
    print(f"{len(known) - wrong} of {len(known)} of known classes are valid graphs; {subgraphs} of them have subgraphs")
    print(f"of these {newer} name a choice that only newer servers have, {files} name files that this one lacks")
    editors, other = compared(known)
    print(*(f"not what the editor makes of it: {name}" for name in other), sep="\n", end="\n" if other else "")
    print(f"{editors - len(other)} of {editors} are what the editor itself makes of them")
    nodes = list(misread(object_info))
    wrongly = [sentence for sentence in nodes if sentence]
    print(*wrongly, sep="\n", end="\n" if wrongly else "")
    print(f"{len(nodes)} nodes saved their values by name too: {len(wrongly)} are read otherwise by order")
    return wrong + len(other) + len(wrongly)


if __name__ == "__main__":
    if find_spec(PACKAGE) is None:
        sys.exit("The package comfyui-workflow-templates-json is not installed.")
    if len(sys.argv) > 1 and not Path(sys.argv[1]).is_file():
        sys.exit(f"There is no file {sys.argv[1]}.")
    sys.exit(1 if report(object_info(*map(Path, sys.argv[1:2]))) else 0)
