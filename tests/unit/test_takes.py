"""Takes as data: to JSON and back, and what they show of themselves."""

import dataclasses
import json

import pytest

from comfy_widgets.takes import Take
from tests.lib.takes import another, take


@pytest.fixture
def made(tmp_path):
    still = take(tmp_path, path=tmp_path / "x.o1.png", kind="image", poster=None, used_by=())
    return take(tmp_path).with_also([still])


def test_a_take_comes_back_from_json_as_it_was(made, tmp_path):
    assert Take.from_json(json.loads(json.dumps(made.to_json())), tmp_path) == made


def test_the_files_of_a_job_are_told_apart(made, tmp_path):
    second = Take.from_json(dataclasses.replace(made, take_number=2).to_json(), tmp_path)
    handles = [file.handle for take_ in (made, second) for file in (take_, *take_.also)]
    assert handles == [f"{made.key}.{place}" for place in ("1", "1.o1", "2", "2.o1")]


def test_json_tells_no_folder_and_no_passing_state(made, tmp_path):
    told = json.dumps(made.as_cached().to_json())
    assert str(tmp_path) not in told
    assert "cached" not in told


def test_a_folder_can_be_moved(made, tmp_path):
    moved = Take.from_json(made.to_json(), tmp_path / "elsewhere")
    assert moved.path == tmp_path / "elsewhere" / made.path.name
    assert moved.poster == tmp_path / "elsewhere" / made.poster.name
    assert moved.also[0].path == tmp_path / "elsewhere" / "x.o1.png"


@pytest.mark.parametrize("field", ["path", "poster"])
@pytest.mark.parametrize("told", ["/etc/passwd", "../../etc/passwd", "a/b/passwd"])
def test_json_leads_out_of_no_folder(made, tmp_path, field, told):
    read = Take.from_json(made.to_json() | {field: told}, tmp_path)
    assert getattr(read, field) == tmp_path / "passwd"


def test_fields_of_later_versions_are_left_out_and_of_earlier_ones_filled_in(made, tmp_path):
    told = made.to_json() | {"version": 3, "colour": "red"}
    assert Take.from_json(told, tmp_path).version == 3
    needed = {
        field.name
        for field in dataclasses.fields(Take)
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    }
    least = Take.from_json({name: told[name] for name in needed}, tmp_path)
    assert (least.used_by, least.also, least.take_number, least.cached) == ((), (), 1, False)


@pytest.mark.parametrize("missing", ["key", "path", "size", "made", "kind"])
def test_what_lacks_something_is_no_take(made, tmp_path, missing):
    told = made.to_json()
    del told[missing]
    with pytest.raises((KeyError, TypeError)):
        Take.from_json(told, tmp_path)


def test_users_are_listed_once_in_their_order(made):
    assert made.used("scene-001", "shot-01") is made
    more = made.used(None, "shot-09").used("scene-002", "shot-01").used(None, "shot-09")
    assert more.used_by == (("scene-001", "shot-01"), (None, "shot-09"), ("scene-002", "shot-01"))
    assert made.used_by == (("scene-001", "shot-01"),)


def test_a_cached_take_says_so_and_is_the_same_otherwise(made):
    assert made.as_cached().cached
    assert dataclasses.replace(made.as_cached(), cached=False) == made


def test_a_take_cannot_be_changed(made):
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.shot = "shot-02"


@pytest.mark.parametrize(
    ("changes", "title"),
    [
        ({}, "shot-01"),
        ({"shot": None}, "A lighthouse at dusk"),
        ({"shot": None, "inputs": {"prompt": " \n"}}, "scene-001_shot-01_" + another(1)[:12] + ".mp4"),
        ({"shot": None, "inputs": {"prompt": "x" * 61}}, "x" * 59 + "…"),
        ({"shot": None, "inputs": {"prompt": "x" * 60}}, "x" * 60),
    ],
)
def test_a_take_is_called_by_its_shot_else_its_prompt_else_its_file(tmp_path, changes, title):
    assert take(tmp_path, key=another(1), **changes).title == title


def test_a_take_is_one_line_and_hides_its_graph(made):
    assert repr(made) == "shot-01: 320 × 192, 49 frames at 24 fps, 2.0 s, video"
    assert "CLIPTextEncode" not in repr(made)
