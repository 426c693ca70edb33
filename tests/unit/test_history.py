"""What was tried: order, search, and faces that a saved notebook can be compared by."""

import pytest

from comfy_widgets import Studio, faces
from comfy_widgets.cache import TakeCache
from comfy_widgets.history import History
from comfy_widgets.marks import Marks
from comfy_widgets.widgets import Gallery
from tests.unit.test_widgets_kit import Kit

NASTY = "<img src=x onerror=alert(1)>"


@pytest.fixture
def kit(tmp_path, monkeypatch):
    return Kit(tmp_path, monkeypatch)


@pytest.fixture
def studio(kit, tmp_path):
    """Five takes, and a studio that has no server."""
    cache = TakeCache(tmp_path)
    for number in range(1, 6):
        take = kit.take(
            take_number=number,
            made=f"2026-11-03T10:00:{number // 2:02}Z",
            shot=f"shot-{number % 2 + 1:02}",
            scene="scene-001" if number < 4 else "scene-002",
            inputs={"prompt": "A lighthouse at DUSK" if number % 2 else NASTY, "seed": number, "steps": 20},
            poster=b"\xff" * 8000,
        )
        cache.keep(take, {})
    return Studio(cache=tmp_path, offline=True)


def numbers(history):
    return [take.take_number for take in history]


def test_the_newest_come_first(studio):
    history = studio.history()
    assert numbers(history) == [5, 4, 3, 2, 1]
    assert len(history) == 5
    assert history[0].take_number == 5
    assert numbers(history[1:3]) == [4, 3]
    assert isinstance(history[1:3], History)
    assert all(take.cached for take in history)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"text": "dusk"}, [5, 3, 1]),
        ({"text": "lighthouse Dusk seed 3"}, [3]),
        ({"text": "scene-002"}, [5, 4]),
        ({"scene": "scene-001", "shot": "shot-02"}, [3, 1]),
        ({"limit": 2}, [5, 4]),
        ({"limit": None, "text": "nothing"}, []),
        ({"text": "keeper"}, [2]),
    ],
)
def test_it_is_searched_by_words_and_use(studio, asked, found):
    Marks(studio.cache.folder).set_name(studio.history()[3].handle, "The Keeper")
    assert numbers(studio.history(**asked)) == found


def test_it_shows_itself_as_a_gallery_and_without_a_kernel_as_a_contact_sheet(studio):
    history = studio.history()
    bundle = history._repr_mimebundle_()
    assert faces.WIDGET_VIEW in bundle
    assert Gallery(history).takes == list(history)
    assert bundle["text/html"].count("<img") == 5
    assert NASTY not in bundle["text/html"]
    for told in (bundle["text/html"], bundle["text/plain"]):
        assert not any(word in told for word in ("2026", "gpu-1", str(studio.cache.folder), "9f3a"))


def test_in_a_terminal_it_says_what_was_asked_for(studio):
    assert repr(studio.history("dusk", limit=1)) == (
        "1 take, newest first\n  shot-02: A lighthouse at DUSK, seed 5, steps 20"
    )
    many = History([*studio.history()] * 10)
    assert repr(many).splitlines()[-1] == "  … and 20 more"
    assert repr(History()) == "0 takes, newest first"


def test_a_folder_that_is_not_there_is_an_empty_history(tmp_path):
    assert numbers(Studio(cache=tmp_path / "nowhere", offline=True).history()) == []
