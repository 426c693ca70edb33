"""The takes of a timeline and its file: those that came, those of another kernel, those that are not there today."""

import json

import pytest

from comfy_widgets import Shot, Studio, Workflow
from comfy_widgets.errors import TimelineChanged
from comfy_widgets.timeline import Timeline
from tests.lib.graphs import wan
from tests.lib.takes import parts, take

SHOTS = (Shot("shot-01", "A lighthouse"), Shot("shot-02", "Gulls"))


@pytest.fixture
def make(tmp_path):
    def make_(shots=SHOTS, cache="takes"):
        studio = Studio(offline=True, cache=tmp_path / cache)
        return Timeline(shots, workflow=Workflow(wan(), name="wan"), studio=studio, file=tmp_path / "film.json")

    return make_


@pytest.fixture
def entry(tmp_path):
    """What the file says of the first shot."""
    return lambda: json.loads((tmp_path / "film.json").read_text("utf-8"))["shots"][0]


def came(timeline, number=1, name="shot-01"):
    """A take that has been made for a shot."""
    cache = timeline.studio.cache
    made = take(cache.folder, take_number=number)
    cache.keep(made, parts(made))
    timeline._moved({name}, [(name, made)])
    return made.handle


def test_takes_that_are_not_there_today_stay_in_the_file(make, entry):
    first = make()
    handles = [came(first, number) for number in (1, 2)]
    first.choose("shot-01", handles[0])
    without = make([Shot("shot-01", "A hill"), SHOTS[1]], cache="not mounted")
    assert (without.takes_of("shot-01"), without.missing()) == ((), ["shot-01", "shot-02"])
    assert "shot-01" not in without.chosen
    without.edit("shot-02", prompt="Terns")
    assert (entry()["prompt"], entry()["takes"], entry()["chosen"]) == ("A hill", handles, handles[0])
    without.reload()
    without.edit("shot-02", prompt="Gulls")
    again = make()
    assert [each.handle for each in again.takes_of("shot-01")] == handles
    assert again.chosen_of("shot-01").handle == handles[0]


def test_one_that_is_made_while_the_others_are_not_there_stands_beside_them(make, entry):
    handles = [came(make(), number) for number in (1, 2)]
    without = make(cache="not mounted")
    new = came(without, 3)
    assert without.chosen_of("shot-01").handle == new
    assert (entry()["takes"], entry()["chosen"]) == ([*handles, new], new)
    came(without, 1)
    assert entry()["takes"] == [handles[1], new, handles[0]]


def test_the_newest_stands_in_for_a_chosen_one_that_is_gone(make, entry):
    first = make()
    handles = [came(first, number) for number in (1, 2, 3)]
    gone = first.takes_of("shot-01")[1]
    first.choose("shot-01", gone)
    gone.path.rename(gone.path.with_suffix(".away"))
    again = make()
    assert again.chosen["shot-01"].handle == handles[2]
    again.edit("shot-02", prompt="Terns")
    assert entry()["chosen"] == handles[1]
    gone.path.with_suffix(".away").rename(gone.path)
    assert make().chosen["shot-01"].handle == handles[1]
    again.choose("shot-01", handles[0])
    assert again.chosen["shot-01"].handle == handles[0]


def test_a_take_that_came_while_somebody_else_had_changed_the_file_is_there_after_reload(make, entry, tmp_path):
    timeline, path = make(), tmp_path / "film.json"
    first = came(timeline)
    theirs = take(timeline.studio.cache.folder, take_number=2)
    timeline.studio.cache.keep(theirs, parts(theirs))
    path.write_text(path.read_text("utf-8").replace(f'["{first}"]', f'["{first}", "{theirs.handle}"]'), "utf-8")
    ours = came(timeline, 3)
    assert isinstance(timeline.complaint, TimelineChanged)
    changed = []
    timeline.subscribe(lambda change: changed.extend(change.shots))
    timeline.reload()
    assert [each.handle for each in timeline.takes_of("shot-01")] == [first, theirs.handle, ours]
    assert timeline.chosen_of("shot-01").handle == first
    assert entry()["takes"] == [first, theirs.handle, ours]
    assert "shot-01" in changed
    before = path.read_text("utf-8").replace("[\n", "[\n\n")
    path.write_text(before, "utf-8")
    timeline.reload()
    assert path.read_text("utf-8") == before


@pytest.mark.parametrize("theirs", [lambda text: text.replace("Gulls", "Terns"), lambda text: text[:9]])
def test_a_take_that_could_not_be_saved_is_there_when_the_cell_is_run_again(make, entry, tmp_path, theirs):
    timeline, path = make(), tmp_path / "film.json"
    handles = [came(timeline)]
    path.write_text(theirs(path.read_text("utf-8")), "utf-8")
    handles.append(came(timeline, 2))
    assert timeline.complaint is not None
    again = make()
    assert [each.handle for each in again.takes_of("shot-01")] == handles
    assert "shot-01" in again.chosen
    if again.complaint is not None:
        again.save(anyway=True)
    assert entry()["takes"] == handles


def test_a_file_that_was_deleted_is_begun_anew(make, tmp_path):
    came(make())
    (tmp_path / "film.json").unlink()
    assert make().takes_of("shot-01") == ()
