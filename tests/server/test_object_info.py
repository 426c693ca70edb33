"""Node types describe themselves as the real ones do, but for wordings and what is installed."""

import json
from pathlib import Path

import pytest

from comfy_widgets.demo.context import World
from comfy_widgets.demo.folders import Folders
from comfy_widgets.demo.nodes import REGISTRY
from comfy_widgets.demo.object_info import describe
from comfy_widgets.demo.settings import Settings

REAL = Path(__file__).with_name("object_info.json")
SHARED = Path(__file__).parents[3] / "shared" / "comfyui" / "object_info.json"
OWN_WORDS = {"description", "output_tooltips", "input"}
CORE = sorted(name for name, node_type in REGISTRY.items() if node_type.category != "lab")


def reduced(entry):
    """An entry without wordings and lists of files."""
    return {
        **{key: value for key, value in entry.items() if key not in OWN_WORDS},
        "has_tooltips": "output_tooltips" in entry,
        "input": {
            section: specs if section == "hidden" else {name: reduced_input(spec) for name, spec in specs.items()}
            for section, specs in entry["input"].items()
        },
    }


def reduced_input(spec):
    options = spec[1] if len(spec) > 1 else {}
    kept = {key: value for key, value in options.items() if key not in {"tooltip", "options"}}
    return [spec[0] if isinstance(spec[0], str) else "choices", kept]


@pytest.fixture
def world(tmp_path):
    return World(Settings(), Folders(str(tmp_path)), None, None, REGISTRY)


@pytest.mark.parametrize("name", CORE)
def test_it_has_the_real_shape(world, name):
    assert reduced(describe(REGISTRY[name], world)) == json.loads(REAL.read_text())[name]


@pytest.mark.skipif(not SHARED.is_file(), reason="the recorded object_info is not here")
def test_the_fixture_is_the_recording_reduced():
    recorded = json.loads(SHARED.read_text())
    assert json.loads(REAL.read_text()) == {name: reduced(recorded[name]) for name in CORE}
