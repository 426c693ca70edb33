"""What is published: the names, and what lies in the sdist and the wheel."""

import ast
import inspect
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path, PurePosixPath
from types import FunctionType

import pytest

import comfy_widgets
import comfy_widgets.demo

ROOT = Path(__file__).parents[2]
CONSTANTS = {"RANDOM"}  # values can't carry a docstring
BUNDLED = re.compile(r'bundled\("([^"]+)"\)')
WIDGETS = {path.stem for path in (ROOT / "js" / "src").glob("*.ts")}
# Made by installing, running and editing; planted before the build, so that leaving them out is seen.
LITTER = ["js/node_modules", "notebooks/takes", "notebooks/.ipynb_checkpoints", "tests/__pycache__", ".venv"]


def test_the_package_shows_its_public_names_and_nothing_else():
    assert dir(comfy_widgets) == sorted(comfy_widgets.__all__)


def test_a_public_name_comes_from_where_type_checkers_find_it():
    [typed] = [node for node in ast.parse(inspect.getsource(comfy_widgets)).body if isinstance(node, ast.If)]
    seen = {alias.name: getattr(import_module(one.module), alias.name) for one in typed.body for alias in one.names}

    assert {name: getattr(comfy_widgets, name) for name in comfy_widgets.__all__} == seen


def test_a_name_that_is_not_public_is_no_attribute():
    with pytest.raises(AttributeError, match="no attribute 'Studios'"):
        comfy_widgets.Studios  # noqa: B018 - to ask is the test


def test_the_embedded_server_loads_neither_widgets_nor_ipython():
    code = "import sys, comfy_widgets.demo.serve; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    assert {"IPython", "ipywidgets", "httpx", "rich"}.isdisjoint(loaded)


def docstrings(name: str, value: object) -> Iterator[tuple[str, str | None]]:
    """The docstrings of a public class and its public members, those of its bases too, or of a function."""
    doc = value.__dict__.get("__doc__") if inspect.isclass(value) else value.__doc__
    generated = doc is not None and doc.startswith(f"{name}(")  # what dataclass writes when there is none
    yield name, None if generated else doc
    bases = (
        [base for base in value.__mro__ if base.__module__.startswith("comfy_widgets")]
        if inspect.isclass(value)
        else ()
    )
    for member, found in (pair for base in bases for pair in vars(base).items()):
        if not member.startswith("_") and isinstance(found, FunctionType | classmethod | staticmethod | property):
            yield f"{name}.{member}", found.__doc__


PUBLIC = {name: getattr(comfy_widgets, name) for name in comfy_widgets.__all__}
PUBLIC |= {name: getattr(comfy_widgets.demo, name) for name in comfy_widgets.demo.__all__}


@pytest.mark.parametrize("name", sorted(set(PUBLIC) - CONSTANTS))
def test_a_public_name_is_documented(name):
    value = PUBLIC[name]

    assert callable(value)
    assert [path for path, doc in docstrings(name, value) if not doc] == []
    # That it runs is seen in tests/tracker/test_examples.py.
    assert ">>> " in inspect.getdoc(value)


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    """A copy of the sources in which the JavaScript is not built."""
    tree = tmp_path_factory.mktemp("tree")
    for name in ("comfy_widgets", "js", "notebooks", "tests"):
        left_out = shutil.ignore_patterns("static", "__pycache__", *(PurePosixPath(path).name for path in LITTER))
        shutil.copytree(ROOT / name, tree / name, ignore=left_out)
    for path in filter(Path.is_file, ROOT.iterdir()):
        shutil.copy(path, tree)
    return tree


@pytest.mark.slow
@pytest.mark.parametrize("node", [None, "v18.1.0"])
def test_without_node_a_build_says_what_it_needs_in_a_few_lines(tree, tmp_path, node):
    if node:
        for name in ("node", "npm"):
            (tmp_path / name).write_text(f"#!/bin/sh\necho {node}\n")
            (tmp_path / name).chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-m", "build", "--sdist", "--outdir", str(tmp_path / "dist"), str(tree)],
        env={**os.environ, "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "takes Node.js 20 or newer with npm" in done.stderr
    assert ("This is Node.js 18.1.0." if node else "Node.js and npm were not found.") in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


@pytest.fixture(scope="module")
def published(tree, tmp_path_factory) -> Path:
    """An sdist, and the wheel that is built from that sdist, of a tree that was used."""
    for folder in LITTER:
        (tree / folder).mkdir()
        (tree / folder / "planted.js").touch()
    built = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-m", "build", "--outdir", str(built), str(tree)], check=True)
    return built


@pytest.fixture(scope="module")
def sdist(published) -> set[str]:
    [path] = published.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        return {str(PurePosixPath(*PurePosixPath(name).parts[1:])) for name in archive.getnames()}


@pytest.fixture(scope="module")
def wheel(published) -> Path:
    [path] = published.glob("*.whl")
    return path


@pytest.mark.slow
def test_the_sdist_has_all_that_builds_and_tests(sdist):
    wanted = [
        "pyproject.toml",
        "LICENSE",
        "README.md",
        "js/package-lock.json",
        *(f"js/src/{name}.ts" for name in WIDGETS),
        *(f"comfy_widgets/static/{name}.js" for name in WIDGETS),
        *(str(path.relative_to(ROOT)) for path in (ROOT / "notebooks").glob("*.ipynb")),
        "tests/run",
        "tests/requirements.lock",
        "tests/unit/test_package.py",
    ]

    assert [name for name in wanted if name not in sdist] == []


@pytest.mark.slow
def test_the_sdist_has_nothing_that_was_installed_or_made_by_running(sdist):
    assert [name for name in sdist if name.startswith(tuple(f"{folder}/" for folder in LITTER))] == []


@pytest.mark.slow
def test_the_wheel_has_the_package_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    sources = [path.relative_to(ROOT).as_posix() for path in (ROOT / "comfy_widgets").rglob("*.py")]
    # What is read of the browser side; code that is loaded later has no style of its own.
    read = [
        name for path in (ROOT / "comfy_widgets").rglob("*.py") for name in BUNDLED.findall(path.read_text("utf-8"))
    ]
    bundles = [f"comfy_widgets/static/{name}" for name in read]
    assert {f"{name}.js" for name in WIDGETS} <= set(read)
    meta = f"{'-'.join(wheel.name.split('-')[:2])}.dist-info"

    assert [name for name in [*sources, *bundles, "comfy_widgets/py.typed"] if name not in names] == []
    assert f"{meta}/licenses/LICENSE" in names
    assert {name.split("/")[0] for name in names} == {"comfy_widgets", meta}


@pytest.mark.slow
def test_the_wheel_works_where_nothing_else_of_the_project_is(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    program = "import comfy_widgets as cw; print(cw.__file__); print(len(cw.__all__))"

    said = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()

    assert said == [str(tmp_path / "comfy_widgets" / "__init__.py"), str(len(comfy_widgets.__all__))]
