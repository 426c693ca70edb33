"""What is saved in notebooks: text of people stays text, and nothing in it is of this machine or this moment."""

import re
import subprocess
import sys
import time
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import unquote

import pytest

import comfy_widgets.widgets  # noqa: F401 - what it registers belongs to no test that has a registry of its own
from comfy_widgets import faces
from comfy_widgets.jobs import Job, JobStatus
from tests.lib.takes import parts, request, take

NASTY = """</strong><script>alert("1")</script><img src=x onerror='alert(2)'> & "quoted" 'it'"""
SCRIPTS = {"script", "iframe", "object", "embed", "link", "style", "form", "a", "svg", "base", "meta"}


class Read(HTMLParser):
    """The tags and the text of a piece of html."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.open, self.text = [], [], ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in {"img", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data

    def attributes(self, tag):
        return next(attributes for name, attributes in self.tags if name == tag)


def read(html):
    """Html that is well formed and can do nothing."""
    page = Read(html)
    assert not page.open
    assert not SCRIPTS & {tag for tag, _ in page.tags}
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    return page


@pytest.fixture
def notebook(tmp_path, monkeypatch):
    """The folder that a notebook lies in, which is the working folder."""
    folder = tmp_path / "my notebooks"
    folder.mkdir()
    monkeypatch.chdir(folder)
    for name in ("google.colab", "marimo"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.delenv("VSCODE_PID", raising=False)
    monkeypatch.setattr(faces, "_live", {})
    return folder


def kept(folder, **changes):
    made = take(folder, **changes)
    for temporary, path in parts(made).items():
        temporary.rename(path)
    return made


def job(**inputs):
    return Job("5f0c2a51-8e0c-4b4e-9d57-5f2b2f6d6a10", request(**inputs), None, None)


# Text stays text


@pytest.mark.parametrize("where", ["prompt", "negative", "seed", "cfg", "a <b> name"])
def test_what_people_write_into_inputs_stays_text(notebook, where):
    made = kept(notebook / "takes", inputs={"prompt": "a hill", where: NASTY})
    told = faces.take_html(made, "takes/x.mp4")
    assert "script>alert" in read(told).text
    assert "<script" not in told
    assert "<script" not in faces.job_html(job(**{"prompt": "a hill", where: NASTY}))


@pytest.mark.parametrize("field", ["scene", "shot"])
def test_what_people_call_scenes_and_shots_stays_text(notebook, field):
    asked = job()
    asked.request = replace(asked.request, **{field: NASTY})
    assert NASTY in read(faces.job_html(asked)).text
    page = read(faces.take_html(kept(notebook / "takes", shot=NASTY), "takes/x.mp4"))
    assert NASTY in page.text
    assert page.attributes("video")["aria-label"] == NASTY


@pytest.mark.parametrize("kind", ["video", "image", "audio", "other"])
@pytest.mark.parametrize("name", ['it\'s "fine".mp4', "a#b?c%20d&e=f.mp4", "<script>.mp4", "ä 灯:1.mp4", "a;b.mp4"])
def test_file_names_are_quoted_for_addresses(notebook, name, kind):
    folder = notebook / "my 'takes' #1"
    made = kept(folder, path=folder / name, kind=kind)
    bundle = faces.bundle_of_take(made)
    page = read(bundle["text/html"])
    sources = [attributes["src"] for _, attributes in page.tags if "src" in attributes]
    assert len(sources) == 1 or kind == "other"
    if kind != "other":
        assert unquote(sources[0]) == f"my 'takes' #1/{name}"
        assert not set(sources[0]) & set("#?&\"'<> :")
        assert "://" not in sources[0]


def test_a_sidecar_that_was_tampered_with_is_no_html(notebook):
    made = kept(notebook / "takes", width='"><script>', height='"onplay="alert(1)', frames=None, seconds=None)
    told = faces.take_html(made, "takes/x.mp4")
    page = read(told)
    assert "onplay" not in page.attributes("video")
    assert "<script" not in told


@pytest.mark.parametrize("kind", ["video", "image"])
def test_a_portrait_is_no_higher_than_in_the_player(notebook, kind):
    made = kept(notebook / "takes", kind=kind, width=720, height=1280)
    style = read(faces.take_html(made, "takes/x.mp4")).attributes({"image": "img"}.get(kind, kind))["style"]
    assert {"max-height:480px", "object-fit:contain"} <= set(style.split(";"))


# Nothing of this machine or this moment


def test_a_take_shows_the_same_everywhere_and_later(notebook, tmp_path, monkeypatch):
    first = faces.bundle_of_take(kept(notebook / "takes"))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    later = kept(
        elsewhere / "takes",
        made="2027-01-01T00:00:00+00:00",
        server="127.0.0.1:45123",
        prompt_id="another",
        render_seconds=3.0,
        take_number=1,
        version="0.9",
        cached=True,
    )
    assert faces.bundle_of_take(later) == first
    assert str(tmp_path) not in str(first)
    assert not re.search(r"2026|gpu-1|8188|5f0c2a51", str(first).replace("5f0c2a518e0c", ""))


def test_a_job_shows_its_request_and_not_its_state(notebook):
    one, two = job(), job()
    two.id = "another"
    two.move(status=JobStatus.RUNNING, progress=0.5, queue_position=3, node_title="KSampler", began=time.monotonic())
    assert faces.bundle_of_job(one) == faces.bundle_of_job(two)
    told = str(faces.bundle_of_job(two))
    assert two.id not in told
    assert "KSampler" not in told
    assert not re.search(r"running|queued|%|0\.5", told)
    assert repr(one) == "shot-01: A lighthouse at dusk, seed 7"


# Posters


@pytest.mark.parametrize(("size", "shown"), [(1, True), (8000, True), (8001, False), (0, False)])
def test_a_poster_is_small_or_left_out(notebook, size, shown):
    made = kept(notebook / "takes")
    made.poster.write_bytes(b"\xff" * size)
    told = faces.take_html(made, "takes/x.mp4")
    assert ('poster="data:image/jpeg;base64,' in told) is shown
    assert len(told) < 8_000 * 4 / 3 + 2_500


@pytest.mark.parametrize("poster", ["gone", "a folder", "none"])
def test_a_take_without_a_poster_still_shows_itself(notebook, poster):
    made = kept(notebook / "takes")
    made.poster.unlink()
    if poster == "a folder":
        made.poster.mkdir()
    made = replace(made, poster=None) if poster == "none" else made
    page = read(faces.take_html(made, "takes/x.mp4"))
    assert "poster" not in page.attributes("video")
    assert "img" not in [tag for tag, _ in read(faces.take_html(made, None)).tags]


def test_a_video_waits_until_somebody_plays_it(notebook):
    video = read(faces.bundle_of_take(kept(notebook / "takes"))["text/html"]).attributes("video")
    assert video["preload"] == "none"
    assert "controls" in video
    assert "autoplay" not in video


def test_out_of_reach_the_poster_stands_for_the_video(notebook):
    page = read(faces.take_html(kept(notebook / "takes"), None))
    assert page.attributes("img")["src"].startswith("data:image/jpeg;base64,")
    assert "video" not in [tag for tag, _ in page.tags]


# Where a notebook can reach


def test_a_path_is_relative_to_the_notebook(notebook):
    assert faces.notebook_path(Path("takes/x.mp4")) == "takes/x.mp4"
    assert faces.notebook_path(notebook / "takes" / "a b.mp4") == "takes/a%20b.mp4"
    assert faces.notebook_path(notebook / "takes" / ".." / "x.mp4") == "x.mp4"


def test_a_path_counts_from_the_notebook_wherever_the_kernel_went(notebook, monkeypatch):
    shell = SimpleNamespace(user_ns={"_dh": [str(notebook), str(notebook / "sub")]})
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    (notebook / "sub").mkdir()
    monkeypatch.chdir(notebook / "sub")
    assert faces.notebook_path(Path("takes/x.mp4")) == "sub/takes/x.mp4"
    assert faces.notebook_path(notebook / "takes" / "x.mp4") == "takes/x.mp4"


@pytest.mark.parametrize("path", ["../takes/x.mp4", "/tmp/x.mp4", ".takes/x.mp4", "takes/.cache/x.mp4", "takes/.x.mp4"])
def test_outside_of_the_notebooks_folder_and_in_hidden_ones_nothing_is_reached(notebook, path):
    assert faces.notebook_path(Path(path)) is None


def test_a_link_out_of_the_folder_is_followed(notebook, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (notebook / "takes").symlink_to(tmp_path / "elsewhere")
    assert faces.notebook_path(notebook / "takes" / "x.mp4") is None


def test_the_other_files_of_a_job_are_shown_or_named(notebook, monkeypatch):
    folder = notebook / "takes"
    still = take(folder, path=folder / f"{'<b>'}.o1.png", kind="image", poster=None)
    other = take(folder, path=folder / "x.o2.zip", kind="other", poster=None)
    made = kept(folder).with_also([still, other])
    page = read(faces.take_html(made, "takes/x.mp4"))
    assert page.attributes("img")["src"] == "takes/%3Cb%3E.o1.png"
    assert "x.o2.zip" in page.text
    assert "and 3 more" in read(faces.take_html(made.with_also([still] * 15), None)).text
    monkeypatch.setenv("VSCODE_PID", "1")
    dead = read(faces.take_html(made, None))
    assert "<b>.o1.png" in dead.text
    assert "takes/%3Cb%3E.o1.png" not in [told.get("src") for _, told in dead.tags]


@pytest.mark.parametrize("where", ["VS Code", "google.colab", "marimo"])
def test_where_no_relative_address_works_none_is_given(notebook, monkeypatch, where):
    made = kept(notebook / "takes")
    assert faces.notebook_path(made.path) is not None
    if where == "VS Code":
        monkeypatch.setenv("VSCODE_PID", "1")
    else:
        monkeypatch.setitem(sys.modules, where, object())
    assert faces.notebook_path(made.path) is None
    assert "<video" not in faces.bundle_of_take(made)["text/html"]


def test_a_folder_that_is_gone_is_no_error(tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert faces.notebook_path(tmp_path / "x.mp4") is None


# Live faces


class Thing:
    pass


class Special(Thing):
    pass


class Widget:
    def __init__(self, shown):
        self.shown = shown

    def _repr_mimebundle_(self):
        return {faces.WIDGET_VIEW: {"model_id": "1"}, "text/plain": "a widget"}, {"metadata": 1}


def test_the_nearest_class_has_the_live_face(monkeypatch):
    monkeypatch.setattr(faces, "_live", {})
    assert faces.live_face(Special()) is None
    faces.register(Thing, Widget)
    special = Special()
    assert faces.live_face(special).shown is special
    faces.register(Special, lambda _thing: "special")
    assert faces.live_face(special) == "special"


def test_a_take_is_live_also_if_nobody_asked_for_a_widget():
    code = (
        "import sys; from comfy_widgets import faces; from comfy_widgets.takes import Take;"
        "print('ipywidgets' in sys.modules, faces.live_face(0), faces._live[Take].__name__)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert told.split() == ["False", "None", "VideoPlayer"]


def test_a_job_has_a_widget_and_words_beside_it(monkeypatch):
    monkeypatch.setattr(faces, "_live", {Job: Widget})
    bundle = faces.bundle_of_job(job())
    assert set(bundle) == {faces.WIDGET_VIEW, "text/plain", "text/html"}
    assert bundle["text/plain"] == "shot-01: A lighthouse at dusk, seed 7"


def test_a_take_has_a_widget_only_where_its_file_is_out_of_reach(notebook, monkeypatch):
    made = kept(notebook / "takes")
    monkeypatch.setattr(faces, "_live", {type(made): Widget})
    assert set(faces.bundle_of_take(made)) == {"text/plain", "text/html"}
    monkeypatch.setenv("VSCODE_PID", "1")
    assert set(faces.bundle_of_take(made)) == {faces.WIDGET_VIEW, "text/plain", "text/html"}
    monkeypatch.setattr(faces, "_live", {type(made): lambda _take: None})
    assert set(faces.bundle_of_take(made)) == {"text/plain", "text/html"}


# Words

LONG = "A lighthouse on a rocky coast at dusk, slow camera drift, gentle waves, gulls"


@pytest.mark.parametrize(
    ("shot", "inputs", "text"),
    [
        ("shot-01", {"prompt": "a  hill\n at dusk", "seed": 7}, "shot-01: a hill at dusk, seed 7"),
        (None, {"prompt": "a  hill\n at dusk", "seed": 7}, "a hill at dusk, seed 7"),
        (None, {"prompt": LONG, "keyframe": "01.png"}, f"{LONG}, keyframe 01.png"),
        (None, {"prompt": "a hill"}, "a hill"),
        ("shot-01", {"seed": 0}, "shot-01: seed 0"),
        (None, {"steps": 4}, "wan"),
    ],
)
def test_a_request_in_one_line_that_says_nothing_twice(shot, inputs, text):
    asked = job(**inputs)
    asked.request = replace(asked.request, shot=shot, scene=None)
    assert faces.job_text(asked) == text
    shown = " ".join(read(faces.job_html(asked)).text.split())
    assert shown.count(LONG[:30]) <= 1
    assert "…" not in shown


def test_a_take_without_a_shot_says_its_prompt_once(notebook):
    made = kept(notebook / "takes", shot=None, inputs={"prompt": LONG})
    assert read(faces.take_html(made, None)).text.count(LONG[:30]) == 1
    assert made.title.endswith("…")
    assert len(made.title) <= 60


def test_facts_are_those_that_are_known():
    made = take(Path("takes"))
    assert faces.facts(made) == ["320 × 192", "49 frames at 24 fps", "2.0 s"]
    still = take(Path("takes"), kind="image", fps=None, frames=1, seconds=None, renderer="demo")
    assert faces.facts(still) == ["320 × 192", "simulated"]
    assert faces.facts(take(Path("takes"), width=None, frames=None, seconds=None)) == []
    assert faces.take_text(made) == "shot-01: 320 × 192, 49 frames at 24 fps, 2.0 s, video"


def test_inputs_are_shown_without_what_the_file_tells():
    inputs = {"prompt": "x", "negative": " a\n b ", "seed": 2**60, "cfg": 5.0, "width": 3, "note": "", "none": None}
    assert faces.shown_inputs(inputs) == [("seed", str(2**60)), ("cfg", "5"), ("negative", "a b")]
