"""Both sides of the wire say the same words; what is asked is checked before anything is done with it."""

import gzip
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comfy_widgets.errors import Cancelled
from comfy_widgets.jobs import JobStatus
from comfy_widgets.widgets import Compare, Gallery, JobView, QueueBadge, VideoPlayer
from comfy_widgets.widgets.base import bundled
from comfy_widgets.widgets.requests import Request
from comfy_widgets.widgets.snapshot import acts_of, job_state, take_state
from tests.unit.test_widgets_kit import Kit

WIRE = json.loads((Path(__file__).parents[2] / "js/src/lib/wire.json").read_text(encoding="utf-8"))


@pytest.fixture
def kit(tmp_path, monkeypatch):
    return Kit(tmp_path, monkeypatch)


def test_states_have_the_names_the_browser_knows():
    assert [str(status) for status in JobStatus] == WIRE["statuses"]


def test_jobs_and_takes_have_the_fields_the_browser_knows(kit):
    assert sorted(job_state(kit.job(), preview=0)) == WIRE["job"]
    assert sorted(take_state(kit.take())) == WIRE["take"]


def test_every_question_of_the_browser_is_known(kit):
    for widget in (JobView(kit.job()), QueueBadge(kit.job())):
        assert sorted(widget._reads) == WIRE["reads"]
        assert sorted(widget._acts) == WIRE["acts"]
    for widget in (VideoPlayer(kit.take()), Compare(kit.take(), kit.take())):
        assert set(widget._reads) <= set(WIRE["reads"])


def test_a_gallery_has_the_items_and_questions_the_browser_knows(kit):
    gallery = Gallery([kit.take()])
    assert sorted(gallery.items[0]) == WIRE["item"]
    assert set(WIRE["gallery"]["reads"]) <= set(gallery._reads)
    assert sorted(gallery._acts) == WIRE["gallery"]["acts"]


@pytest.mark.parametrize("status", JobStatus)
def test_only_known_acts_are_offered(kit, status):
    assert set(acts_of(kit.job(status=status))) <= set(WIRE["acts"])


def test_a_stopped_job_has_its_hint_on_the_button(kit):
    error = Cancelled("Stopped from here.", hint="Submit it again: job.resubmit().")
    told = job_state(kit.job(status=JobStatus.CANCELLED, error=error), preview=0)
    assert (told["message"], told["acts"]) == ("Stopped from here.", ["again"])


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(json_values | st.fixed_dictionaries({"id": json_values, "kind": json_values, "name": json_values}))
def test_whatever_comes_is_read_or_ignored(content):
    request = Request.parse(content)
    if request is not None:
        assert 0 < len(request.id) <= 64
        assert isinstance(request.kind, str)
        assert isinstance(request.name, str)


def test_answers_name_their_question():
    request = Request.parse({"id": "a-1", "kind": "read", "name": "piece", "offset": 3})
    assert request.answer(size=2) == {"re": "a-1", "ok": True, "size": 2}
    assert request.refuse("No.") == {"re": "a-1", "ok": False, "error": "No."}
    assert request.body["offset"] == 3


def test_a_widget_costs_a_notebook_little():
    """Each widget's code is saved with the notebook, once for each widget in it."""
    code = {path.name: path.read_bytes() for path in bundled("job_view.js").parent.glob("*.js")}
    assert len(code) >= 8
    assert {name: size for name, text in code.items() if (size := len(gzip.compress(text, 9))) > 8000} == {}
    assert [name for name, text in code.items() if b"http://" in text.replace(b"http://www.w3.org", b"")] == []


def test_no_rule_for_one_widget_means_another():
    """They share a page; what is meant for several stands in theme.css and parts.css."""
    found = {}
    for path in sorted((Path(__file__).parents[2] / "js/src").glob("*.css")):
        if path.name in {"theme.css", "parts.css"}:
            continue
        text = re.sub(r"/\*.*?\*/", "", path.read_text("utf-8"), flags=re.DOTALL)
        for selectors in re.findall(r"^([^\s@}][^{]*)\{", text, re.MULTILINE):
            for selector in selectors.split(","):
                found.setdefault(selector.strip(), []).append(path.name)
    assert len(found) > 50
    # The timeline's three files are nested in its root.
    assert {each: names for each, names in found.items() if len(set(names)) > 1} == {
        ".cw-timeline": ["cards.css", "film.css", "timeline.css"]
    }
