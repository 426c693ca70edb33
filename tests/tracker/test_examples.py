"""Every example in a docstring runs: those that need nothing as they stand, the others on the embedded server."""

import ast
import asyncio
import doctest
import importlib
import inspect
import pkgutil
import shutil
from contextlib import redirect_stdout
from io import StringIO

import pytest

import comfy_widgets as cw
from comfy_widgets.demo import DemoServer
from tests.lib.notebooks import copy

pytestmark = pytest.mark.slow

MODULES = [
    importlib.import_module(found.name)
    for found in pkgutil.walk_packages(cw.__path__, "comfy_widgets.")
    if not found.name.endswith("__main__")
]
EVERY = [test for module in [cw, *MODULES] for test in doctest.DocTestFinder(exclude_empty=True).find(module)]
ON_SERVER = [test for test in EVERY if any(doctest.SKIP in example.options for example in test.examples)]
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def test_examples_that_need_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert [module.__name__ for module in MODULES if doctest.testmod(module).failed] == []


@pytest.fixture
async def names(tmp_path, monkeypatch):
    """What the examples speak of: a studio with its server, a workflow, shots, a job, its take and a batch."""
    folder = copy(tmp_path, takes=True)
    monkeypatch.chdir(folder)
    shutil.copy("workflows/wan22_ui.json", "wan22_ui.json")
    with DemoServer(step_seconds=0.0) as server:
        # What an example calls demo() is this one: the examples end before its own process would have begun.
        monkeypatch.setattr(cw.Studio, "demo", lambda: studio)
        async with cw.Studio(server.url, quiet=True) as studio:
            small = {"width": 128, "height": 80, "length": 5}
            workflow = cw.Workflow.load("workflows/wan22_t2v.json")
            workflow = cw.Workflow(workflow.fill(**small).graph)
            shots = [cw.Shot("shot-01", "A lighthouse at dusk", scene="scene-001")]
            job = studio.submit(workflow, shots[0], seed=1)
            take = await job
            batch = studio.generate(shots, workflow)
            await batch
            cw.pack("01_first_take.ipynb")
            yield {
                "cw": cw,
                "DemoServer": DemoServer,
                "studio": studio,
                "workflow": workflow,
                "shots": shots,
                "job": job,
                "batch": batch,
                "take": take,
                "take_a": take,
                "take_b": await studio.rerun(take, seed=2),
            }


async def test_examples_that_need_a_server(names):
    checker, wrong = doctest.OutputChecker(), {}
    for test in ON_SERVER:
        here = dict(names)
        for example in test.examples:
            try:
                said = await shown(example.source.replace("# doctest: +SKIP", ""), here)
            except Exception as error:  # noqa: BLE001 - each is told at the end
                said = f"{type(error).__name__}: {error}"
                wrong[f"{test.name}: {example.source.strip()}"] = said
                break
            if example.want and not checker.check_output(example.want, said, FLAGS):
                wrong[f"{test.name}: {example.source.strip()}"] = said
    await asyncio.gather(*(task for task in asyncio.all_tasks() if "comfy_widgets batch" in task.get_name()))
    assert wrong == {}


async def shown(source, names):
    """What a cell with this source prints, the value of its last line included."""
    tree = ast.parse(source)
    if isinstance(tree.body[-1], ast.Expr):
        last = ast.copy_location(ast.Name("_", ast.Store()), tree.body[-1])
        tree.body[-1] = ast.copy_location(ast.Assign([last], tree.body[-1].value), tree.body[-1])
    code = compile(ast.fix_missing_locations(tree), "<example>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    names.pop("_", None)
    out = StringIO()
    with redirect_stdout(out):
        ran = eval(code, names)
        if inspect.isawaitable(ran):
            await ran
    value = names.get("_")
    return out.getvalue() + ("" if value is None else f"{value!r}\n")
