"""Shots as they are edited, and the file they are kept in; nothing is generated here."""

import json
from codecs import BOM_UTF8
from fractions import Fraction
from pathlib import Path

import pytest

from comfy_widgets import RANDOM, Shot, Studio, Workflow
from comfy_widgets.errors import ComfyWidgetsError, InputFileError, TimelineChanged, TimelineError
from comfy_widgets.timeline import Timeline
from comfy_widgets.timeline_runs import DEFAULT_NEGATIVE, Recipe
from comfy_widgets.timeline_script import EDITABLE, Script
from tests.lib.graphs import wan

SHOTS = (Shot("shot-01", "A lighthouse", scene="scene-001"), Shot("shot-02", "Gulls"), Shot("shot-03", "A storm"))
CJK = "灯台" * 150


@pytest.fixture
def make(tmp_path):
    def make_(shots=SHOTS, **how):
        workflow = how.pop("workflow", None) or Workflow(wan(), name="wan")
        studio = Studio(offline=True, cache=tmp_path / "takes")
        return Timeline(shots, workflow=workflow, studio=studio, file=tmp_path / "film.json", **how)

    return make_


def ids(timeline):
    return [shot.id for shot in timeline.shots]


def test_edits_are_told_and_taken_back(make):
    timeline = make()
    told = []
    timeline.subscribe(lambda change: told.append((sorted(change.shots), change.order)))
    timeline.edit("shot-02", prompt="Gulls, closer", enhancers={"Mood": ["calm"], "Lens": "35 mm"})
    assert timeline["shot-02"].enhancers == {"Mood": ["calm"], "Lens": ["35 mm"]}
    assert timeline.duplicate("shot-01").id == "shot-04"
    timeline.move("shot-03", 0)
    timeline.delete("shot-02")
    assert ids(timeline) == ["shot-03", "shot-01", "shot-04"]
    assert timeline.add().id == "shot-05"
    assert told[0] == (["shot-02"], False)
    assert all(order for _, order in told[1:])
    while timeline.undo():
        pass
    assert timeline.shots == SHOTS


def test_typing_is_one_step_back(make):
    timeline = make()
    for text in ("G", "Gu", "Gul"):
        timeline.edit("shot-02", typing=True, prompt=text)
    timeline.edit("shot-03", typing=True, prompt="x")
    timeline.undo()
    assert timeline["shot-02"].prompt == "Gul"
    timeline.undo()
    assert timeline.shots == SHOTS
    assert timeline.undo() is False


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"promt": "x"}, "Did you mean 'prompt'"),
        ({"id": "x"}, "no 'id'"),
        ({"prompt": None}, "prompt of a shot"),
        ({"prompt": 3}, "prompt of a shot"),
        ({"seed": "7"}, "whole number"),
        ({"seed": True}, "whole number"),
        ({"seed": RANDOM}, "another=True"),
        ({"seed": 5.5}, "whole number"),
        ({"seed": float("inf")}, "whole number"),
        ({"enhancers": {"Mood": 5}}, "Framing"),
        ({"inputs": {"steps": RANDOM}}, "name → value"),
        ({"seconds": -1}, "above 0"),
        ({"enhancers": {"Mod": []}}, "Framing"),
        ({"inputs": ["steps"]}, "name → value"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(make, changes, words):
    timeline = make()
    with pytest.raises(TimelineError, match=words):
        timeline.edit("shot-01", **changes)
    assert timeline.shots == SHOTS
    assert not timeline.can_undo
    # What an edit may not say, neither may the code: it could not be read back.
    shot = Shot(**{"id": "shot-09", "prompt": "x"} | changes) if set(changes) <= set(EDITABLE) else None
    for give in (lambda: make([shot]), lambda: timeline.add(shot), lambda: setattr(timeline, "shots", [shot])):
        if shot is not None:
            with pytest.raises(TimelineError, match=f"Shot shot-09: .*{words}"):
                give()


def test_what_the_code_says_is_there_when_it_is_run_again(make):
    shots = [
        Shot("a", "x", seed=5.0, seconds=Fraction(5, 2), enhancers={"Mood": "calm"}),
        Shot("b", "y", inputs={"mask": Path("masks") / "b.png", "cfg": 4.5}),
    ]
    first = make(shots)
    assert (first["a"].seed, first["a"].seconds, first["a"].enhancers) == (5, 2.5, {"Mood": ["calm"]})
    first.edit("b", prompt="edited")
    again = make(shots)
    assert again.complaint is None
    assert again["b"].prompt == "edited"
    assert again["a"] == first["a"]


def test_ids_are_unique_and_asked_for_by_name(make):
    with pytest.raises(TimelineError, match="Two shots have the id shot-01"):
        make([SHOTS[0], SHOTS[0]])
    with pytest.raises(TimelineError, match="Did you mean 'shot-01'"):
        make().edit("shot01", prompt="x")
    with pytest.raises(TimelineError, match="needs an id"):
        make([Shot(" ", "x")])


def test_it_is_there_again_with_what_people_did(make, tmp_path):
    first = make()
    first.edit("shot-02", prompt=CJK, title="<b>" + "x" * 300)
    first.delete("shot-03")
    first.move("shot-02", 0)
    again = make()
    assert again.shots == first.shots
    assert ids(again) == ["shot-02", "shot-01"]
    changed = make([Shot("shot-01", "A hill"), *SHOTS[1:], Shot("shot-09", "New")])
    assert [(shot.id, shot.prompt) for shot in changed.shots] == [
        ("shot-02", CJK),
        ("shot-01", "A hill"),
        ("shot-09", "New"),
    ]
    assert len((tmp_path / "film.json").read_text("utf-8").splitlines()) == 5


def test_somebody_elses_change_is_not_overwritten(make, tmp_path):
    timeline, path = make(), tmp_path / "film.json"
    theirs = path.read_text("utf-8").replace("Gulls", "Terns")
    path.write_text(theirs, "utf-8")
    timeline.edit("shot-01", prompt="Mine")
    assert path.read_text("utf-8") == theirs
    assert isinstance(timeline.complaint, TimelineChanged)
    with pytest.raises(TimelineChanged, match="changed by somebody else"):
        timeline.save()
    timeline.reload()
    assert timeline.complaint is None
    assert (timeline["shot-01"].prompt, timeline["shot-02"].prompt) == ("A lighthouse", "Terns")
    timeline.undo()
    assert timeline["shot-01"].prompt == "Mine"
    assert '"Mine"' in path.read_text("utf-8")
    path.write_text(theirs, "utf-8")
    timeline.edit("shot-03", prompt="Mine too")
    timeline.save(anyway=True)
    assert '"Mine too"' in path.read_text("utf-8")
    assert timeline.complaint is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"version": 2, "shots": []}', "newer version"),
        ('{"version": 1, "shots": [{"id"', r"can't be read \(JSONDecodeError"),
        ("[]", "can't be read"),
        ('{"version": 1}', r"can't be read \(KeyError"),
        ('{"version": "1", "shots": []}', "its version is no number"),
        ('{"version": 1, "shots": "abc"}', "its shots are no list"),
        ("[" * 100_000, "can't be read"),
        ("\x00\xff", "can't be read"),
    ],
)
def test_a_file_that_is_no_timeline_stays_as_it_is(make, tmp_path, text, words):
    path = tmp_path / "film.json"
    path.write_bytes(text.encode("latin-1"))
    timeline = make()
    assert timeline.shots == SHOTS
    timeline.edit("shot-01", prompt="goes on")
    with pytest.raises(TimelineError, match=words):
        timeline.save()
    assert path.read_bytes() == text.encode("latin-1")
    timeline.save(anyway=True)
    assert make(()).shots == timeline.shots


def test_a_file_edited_by_hand_says_which_shot_is_wrong(make, tmp_path):
    path = tmp_path / "film.json"
    shots = [
        {"id": "a", "prompt": "one"},
        {"id": "b"},
        {"id": "a", "prompt": "two"},
        {"id": "c", "prompt": "x", "seed": "7"},
        5,
        {"id": "d", "prompt": "x", "enhancers": {"Mood": 5}},
        {"id": "e", "prompt": "x", "takes": 5},
        {"id": " ", "prompt": "x"},
    ]
    path.write_text(json.dumps({"version": 1, "shots": shots}), "utf-8")
    timeline = make(())
    assert ids(timeline) == ["a", "a-2", "e"]
    for words in (
        "Shot 2 of film.json (b)",
        "the second is now a-2",
        "Shot 4 of film.json (c)",
        "Shot 5 of film.json (no id)",
        "Shot 6 of film.json (d)",
        "The takes of shot e in film.json",
        "Shot 8 of film.json (no id)",
    ):
        assert words in str(timeline.complaint)
    before = path.read_text("utf-8")
    timeline.edit("a", prompt="three")
    assert path.read_text("utf-8") == before


def test_for_a_shot_that_cannot_be_read_the_codes_stands_in(make, tmp_path):
    path = tmp_path / "film.json"
    make().edit("shot-03", prompt="Edited")
    whole = path.read_text("utf-8")
    path.write_text(whole.replace('"prompt": "Gulls"', '"prompt": 5'), "utf-8")
    again = make()
    assert [(shot.id, shot.prompt) for shot in again.shots] == [
        ("shot-01", "A lighthouse"),
        ("shot-02", "Gulls"),
        ("shot-03", "Edited"),
    ]
    assert "Shot 2 of film.json (shot-02) can't be read" in str(again.complaint)
    again.reload()
    assert ids(again) == ["shot-01", "shot-02", "shot-03"]
    path.write_text(whole, "utf-8")
    again.reload()
    assert again.complaint is None


@pytest.mark.parametrize(
    "saved_by_an_editor", [lambda data: data.replace(b"\n", b"\r\n"), lambda data: BOM_UTF8 + data]
)
def test_an_editors_ends_of_lines_are_no_change_by_somebody_else(make, tmp_path, saved_by_an_editor):
    make()
    path = tmp_path / "film.json"
    path.write_bytes(saved_by_an_editor(path.read_bytes()))
    timeline = make()
    timeline.edit("shot-01", prompt="Mine")
    assert timeline.complaint is None
    assert '"Mine"' in path.read_text("utf-8")


def test_the_one_before_says_who_has_the_file(make):
    first = make()
    make()
    first.edit("shot-01", prompt="x")
    with pytest.raises(TimelineError, match=r"^Another timeline has film\.json now\. Edit that one\.$"):
        first.save()


def test_a_folder_that_cannot_be_written_is_said_and_tried_again(make, tmp_path):
    timeline, path = make(), tmp_path / "film.json"
    kept = path.read_text("utf-8")
    path.unlink()
    path.mkdir()
    timeline.edit("shot-01", prompt="x")
    assert timeline.complaint is not None
    path.rmdir()
    path.write_text(kept, "utf-8")
    timeline.save(anyway=True)
    assert timeline.complaint is None


def test_a_request_says_everything(make, tmp_path):
    recipe = Recipe(Workflow(wan(), name="wan"), "35 mm film", None, Shot.text)
    shot = Shot("shot-01", "A hill", seed=7, seconds=2, enhancers={"Mood": ["calm"]})
    assert recipe.inputs(shot) == {
        "prompt": "A hill (Mood: calm) Style: 35 mm film",
        "negative": "blurry",
        "seed": 7,
        "seconds": 2,
    }
    silent = Workflow(wan(), name="wan")
    silent.graph["7"]["inputs"]["text"] = ""
    assert Recipe(silent, None, None, Shot.text).inputs(shot)["negative"] == DEFAULT_NEGATIVE
    assert Recipe(silent, None, "rain", Shot.text).inputs(shot)["negative"] == "rain"
    own = Recipe(silent, None, "rain", lambda shot, style: f"{shot.id}!{style}")
    assert own.inputs(Shot("a", "b", negative="fog")) == {"prompt": "a!None", "negative": "fog"}


def test_a_picture_is_looked_at_before_a_server_is_asked(tmp_path):
    recipe = Recipe(Workflow(wan(keyframe=True), name="wan"), None, None, Shot.text)
    with pytest.raises(InputFileError, match="has no keyframe") as caught:
        recipe.inputs(Shot("a", "b"))
    assert "timeline.edit('a', keyframe=" in caught.value.hint
    torn = tmp_path / "torn.png"
    torn.write_bytes(b"not a picture")
    with pytest.raises(InputFileError, match=r"torn\.png is not an image"):
        recipe.inputs(Shot("a", "b", keyframe=torn))
    with pytest.raises(InputFileError, match=r"The keyframe .*nowhere\.png does not exist"):
        recipe.inputs(Shot("a", "b", keyframe=tmp_path / "nowhere.png"))


def test_its_face_names_the_request_and_never_a_state(make):
    timeline = make([Shot("shot-01", "<b>x</b>", title="Arrival")], title="Light & house")
    html = timeline._repr_mimebundle_()["text/html"]
    assert "&lt;b&gt;x" in html
    assert "Light &amp; house" in html
    assert repr(timeline) == "Light & house: 1 shot\n  shot-01: <b>x</b>"


def test_nothing_to_export_is_said(make):
    with pytest.raises(TimelineError, match="No shot has a take yet"):
        make().export("film.mp4")
    with pytest.raises(TimelineError, match="no workflow for keyframes"):
        make().make_keyframes()
    with pytest.raises(TimelineError, match="no take of shot-01"):
        make().choose("shot-01", "ab.1")
    with pytest.raises(TimelineError, match="no take of shot-01"):
        make().chosen["shot-01"] = 1


def test_it_can_be_kept_nowhere(make, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    timeline = Timeline(SHOTS, workflow=Workflow(wan(), name="w"), studio=Studio(offline=True), file=None)
    timeline.edit("shot-01", prompt="x")
    with pytest.raises(ComfyWidgetsError, match="has no file"):
        timeline.save()
    assert list(Path.cwd().iterdir()) == []


def test_two_in_one_notebook_have_two_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    how = {"workflow": Workflow(wan(), name="w"), "studio": Studio(offline=True)}
    first = Timeline(SHOTS, title="The lighthouse", **how)
    second = Timeline(SHOTS[:1], **how)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    second.edit("shot-01", prompt="x")
    assert sorted(path.name for path in tmp_path.glob("*.json")) == ["Film.json", "The-lighthouse.json"]
    assert list(Path.cwd().iterdir()) == []
    assert first.complaint is second.complaint is None


def test_a_script_is_its_own_past():
    script = Script(SHOTS, {"shot-01": "ab.1"})
    assert script.moved("shot-01", 2).chosen == {"shot-01": "ab.1"}
    assert script.without({"shot-01"}).chosen == {}
    assert script.choosing("shot-01", None).chosen == {}
    assert script.ids == ("shot-01", "shot-02", "shot-03")
