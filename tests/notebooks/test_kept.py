"""What is kept in git: notebooks and takes are small, and neither tells of the machine or the moment that made them."""

import json
import re

import pytest

from comfy_widgets.cache import TakeCache
from tests.lib.notebooks import NOTEBOOKS, WITH_TAKES

PATHS = sorted(NOTEBOOKS.glob("*.ipynb"))
REPLAYED = [path for path in PATHS if path.name.startswith(WITH_TAKES)]
# A clock, an id that is drawn, an address with its port, a folder of a machine, the memory address of an object.
PASSING = re.compile(
    r"\b\d{1,2}:\d\d:\d\d\b|\b[0-9a-f]{8}-[0-9a-f]{4}-|(?:127\.0\.0\.1|localhost):\d+|(?<![\w.])/(?:home|root|tmp|Users)/"
    r"|\bat 0x[0-9a-f]{6,}|\b20\d\d-\d\d-\d\dT"
)
# Posters; what looks like a path in one is none.
DATA = re.compile(r"data:image/jpeg;base64,[\w+/=]*")


def name(path):
    return path.stem


def outputs(path):
    """Everything that a notebook's cells show, as text."""
    for cell in json.loads(path.read_text("utf-8"))["cells"]:
        for output in cell.get("outputs", ()):
            data = {kind: told for kind, told in output.get("data", {}).items() if "widget-view" not in kind}
            yield DATA.sub("", json.dumps([data, output.get("text"), output.get("traceback")], ensure_ascii=False))


@pytest.mark.parametrize("path", PATHS, ids=name)
def test_a_notebook_is_small(path):
    assert path.stat().st_size < 400_000


@pytest.mark.parametrize("path", PATHS, ids=name)
def test_outputs_tell_nothing_that_is_another_next_time(path):
    assert [found for told in outputs(path) for found in PASSING.findall(told)] == []


@pytest.mark.parametrize(
    "told", ["at 10:31:07", "6f1c0a2b-1234-", "http://127.0.0.1:8188", "'/tmp/x'", "at 0x7f00aa11", "2026-11-03T10"]
)
def test_what_passes_is_found(told):
    assert PASSING.search(told)


@pytest.mark.parametrize("path", PATHS, ids=name)
def test_a_notebook_has_a_folder_of_takes_of_its_own(path):
    source = "\n".join("".join(cell["source"]) for cell in json.loads(path.read_text("utf-8"))["cells"])
    assert set(re.findall(r"cache=\"([^\"]+)\"", source)) <= {f"takes/{path.stem}"}


@pytest.mark.parametrize("path", REPLAYED, ids=name)
def test_takes_in_git_are_small_and_whole(path):
    folder = NOTEBOOKS / "takes" / path.stem
    files = [file for file in folder.rglob("*") if file.is_file() and ignored_by_git(file.relative_to(folder)) is None]
    takes = TakeCache(folder).takes()
    assert takes
    assert sum(file.stat().st_size for file in files) <= 1_000_000
    parts = {file for take in takes for one in (take, *take.also) for file in (one.path, one.poster) if file}
    sidecars = {take.path.with_suffix(".json") for take in takes}
    assert {file for file in files if file.parent.name != "frames"} == parts | sidecars | {folder / "used.json"}
    assert {take.server for take in takes} == {"the embedded server"}


def ignored_by_git(path):
    """What a run leaves in such a folder besides takes."""
    return re.match(r"runs/|unfinished/|index\.json|\.", path.as_posix())
