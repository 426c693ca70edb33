"""Who may import whom: the table of the design, read against every import of the package, inside functions too."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# A module imports from its own floor and from lower numbers; a new module is added here and to CONTRIBUTING's table, by
# its first name.
FLOORS = {
    0: "differences errors faces host page listeners problems summary wording",
    1: "bindings comfyui convert editor expected files film graph_layout graphs home_loop input_files media "
    "picture_texts preflight run_log shots takes variations video_memory workflow workflow_picture",
    2: "cache held marks notebook_file pruning ui_files unfinished uses",
    3: "estimates history job_state jobs screen",
    4: "asking attempt batch batch_items on_disk outcomes pipeline refusals saving submitting sweep",
    5: "embedded packing share timeline timeline_edits timeline_export timeline_file timeline_runs timeline_saving "
    "timeline_script unpacking",
    6: "studio",
    7: "checks widgets",
    8: "cli cli_run cli_takes",
    9: "__init__",
}
# These know no more than this of the package, whatever their floor.
NARROW = {"comfyui": {"errors", "comfyui"}, "demo": {"errors", "media", "demo"}}
# The embedded server stands apart: these start it.
DEMO_IMPORTERS = {"embedded", "cli", "demo"}
# Where a package of others' may be known.
ONLY_IN = {
    "httpx": {"comfyui.client"},
    "websockets": {"comfyui.socket"},
    "anywidget": {"widgets"},
    "ipywidgets": {"widgets"},
    "av": {"film", "media", "demo"},
    "aiohttp": {"demo"},
}

FLOOR_OF = {name: floor for floor, names in FLOORS.items() for name in names.split()}
SOURCES = {
    ".".join(path.relative_to(ROOT / "comfy_widgets").with_suffix("").parts): path.read_text("utf-8")
    for path in sorted((ROOT / "comfy_widgets").rglob("*.py"))
}


def imports(module: str, tree: ast.AST) -> Iterator[str]:
    """Every imported name with its dots: ``comfy_widgets.errors.FetchFailed``, ``os.path``."""
    parts = ["comfy_widgets", *module.split(".")]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = parts[: len(parts) - node.level] if node.level else []
            start = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{start}.{alias.name}" for alias in node.names)


def complaints(module: str, source: str) -> list[str]:
    """What this module imports against the rules, a sentence each."""
    found = []
    for name in imports(module, ast.parse(source)):
        package, _, rest = name.partition(".")
        whys = inside(first(module), first(rest)) if package == "comfy_widgets" else outside(module, package)
        found += [f"{module} imports {name}: {why}" for why in whys]
    return found


def first(name: str) -> str:
    return name.partition(".")[0]


def inside(home: str, target: str) -> Iterator[str]:
    """Why `home` may not import `target`, both first names in the package."""
    if target == "demo" and home not in DEMO_IMPORTERS:
        yield f"only {', '.join(sorted(DEMO_IMPORTERS))} may"
    elif home in NARROW and target not in NARROW[home]:
        yield f"it may know only {', '.join(sorted(NARROW[home]))}"
    elif unknown := {home, target} - {*FLOOR_OF, "demo"}:
        yield f"{' and '.join(unknown)} is not in the table"
    elif "demo" not in {home, target} and FLOOR_OF[target] > FLOOR_OF[home]:
        yield f"that is downwards, from floor {FLOOR_OF[home]} to {FLOOR_OF[target]}"


def outside(module: str, package: str) -> Iterator[str]:
    """Why `module` may not import a package of others'."""
    places = ONLY_IN.get(package)
    if places and not any(f"{module}.".startswith(f"{place}.") for place in places):
        yield f"only {' and '.join(sorted(places))} may know it"
    elif FLOOR_OF.get(first(module)) == 0 and package not in sys.stdlib_module_names:
        yield "the lowest floor knows the standard library alone"


@pytest.mark.parametrize("module", SOURCES)
def test_a_module_has_a_floor(module):
    assert first(module) in {*FLOOR_OF, "demo"}


def test_the_table_of_contributing_is_this_one():
    rows = re.findall(r"^\| (\d+) \| (.*?) \|", (ROOT / "CONTRIBUTING.md").read_text("utf-8"), re.MULTILINE)
    told = {int(floor): sorted(re.findall(r"`(\w+)/?`", modules)) for floor, modules in rows}
    assert told == {floor: sorted(names.split()) for floor, names in FLOORS.items()}
    assert list(told) == sorted(told)


@pytest.mark.parametrize("module", SOURCES)
def test_a_module_imports_by_the_table(module):
    assert complaints(module, SOURCES[module]) == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("errors", "import comfy_widgets.jobs"),
        ("errors", "import rich"),
        ("workflow", "from comfy_widgets.cache import TakeCache"),
        ("workflow", "from comfy_widgets import cache"),
        ("workflow", "from . import cache"),
        ("workflow", "from .cache import TakeCache"),
        ("workflow", "def f():\n    from comfy_widgets.studio import Studio"),
        ("studio", "import comfy_widgets"),
        ("studio", "from comfy_widgets import Studio"),
        ("studio", "import comfy_widgets.unheard_of"),
        ("cache", "import av"),
        ("cache", "import httpx"),
        ("comfyui.look", "from httpx import Response"),
        ("comfyui.client", "import websockets.asyncio.client"),
        ("comfyui.look", "from comfy_widgets.takes import Take"),
        ("comfyui.look", "from ..takes import Take"),
        ("jobs", "import comfy_widgets.demo.process"),
        ("demo.server", "from comfy_widgets.takes import Take"),
        ("studio", "import ipywidgets"),
        ("mediation", "import av"),
    ],
)
def test_the_rules_are_enforced(module, source):
    assert len(complaints(module, source)) == 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("workflow", "from comfy_widgets.errors import WorkflowError\nfrom comfy_widgets import bindings"),
        ("comfyui.look", "from .events import Event\nfrom ..errors import ServerError"),
        ("comfyui.client", "import httpx"),
        ("demo.render.encode", "import av\nimport aiohttp.web\nfrom comfy_widgets.media import probe"),
        ("widgets.base", "import anywidget"),
        ("embedded", "from comfy_widgets.demo.process import start"),
        ("__init__", "from comfy_widgets.studio import Studio"),
    ],
)
def test_what_the_table_allows_passes(module, source):
    assert complaints(module, source) == []


def test_no_two_modules_import_each_other():
    # Within a floor order is free, but it has to be an order.
    asked = {module: set(imports(module, ast.parse(source))) for module, source in SOURCES.items()}
    needs = {
        module: {
            other
            for other in SOURCES
            if any(f"{name}.".startswith(f"comfy_widgets.{other}.") for name in names) and other != module
        }
        for module, names in asked.items()
    }
    while free := [module for module, others in needs.items() if not others]:
        for module in free:
            del needs[module]
        for others in needs.values():
            others.difference_update(free)
    assert needs == {}


@pytest.mark.parametrize("module", SOURCES)
def test_a_module_is_short(module):
    assert len(SOURCES[module].splitlines()) <= 400


@pytest.mark.parametrize("module", SOURCES)
def test_functions_are_short(module):
    long = [
        f"{node.name}: {lines} lines"
        for node in ast.walk(ast.parse(SOURCES[module]))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (lines := length(node)) > 40
    ]
    assert long == []


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from ``def`` to the end, the docstring left out."""
    lines = function.end_lineno - function.lineno + 1
    if ast.get_docstring(function) is not None:
        lines -= function.body[0].end_lineno - function.body[0].lineno + 1
    return lines
