"""The gallery: its wire form, what is liked, and its contact sheet."""

import json

import pytest

from comfy_widgets import faces
from comfy_widgets.errors import InputFileError
from comfy_widgets.widgets import Gallery
from comfy_widgets.widgets.pieces import handle
from tests.unit.test_widgets_kit import Kit, until

NASTY = "<img src=x onerror=alert(1)>"


@pytest.fixture
def kit(tmp_path, monkeypatch):
    return Kit(tmp_path, monkeypatch)


def many(kit, count, **fields):
    return [kit.take(take_number=number + 1, **fields) for number in range(count)]


def test_the_wire_form(kit):
    [take] = many(kit, 1, scene="scene-001", seconds=5.0, used_by=(("scene-001", "shot-01"), ("scene-002", "shot-02")))
    gallery = Gallery([take])
    assert gallery.state == {"seq": 0, "marks": []}
    assert gallery.items == [
        {
            "id": handle(take),
            "title": "shot-01",
            "take_number": 1,
            "scenes": ["scene-001", "scene-002"],
            "shots": ["shot-01", "shot-02"],
            "prompt": "A lighthouse at dusk",
            "seed": "7",
            "seconds": 5.0,
            "poster": None,
        }
    ]
    assert repr(gallery) == "Gallery('1 take')"


def test_two_hundred_takes_are_small(kit):
    long = {"prompt": "A lighthouse at dusk, " * 100, "seed": 878722216565963}
    state = Gallery(many(kit, 200, inputs=long, poster=b"\xff" * 8000)).get_state()
    assert len(json.dumps([state["state"], state["items"]])) < 140_000


def test_a_poster_is_told_by_its_place_or_asked_for(kit, tmp_path, monkeypatch):
    [take] = many(kit, 1, poster=b"\xff")
    gallery = Gallery([take])
    assert gallery.items[0]["poster"] == ""
    assert kit.ask(gallery, "read", "poster", take=handle(take))[1] == [b"\xff"]
    monkeypatch.chdir(tmp_path)
    assert Gallery([take]).items[0]["poster"] == take.poster.name


def test_a_take_is_told_whole_when_it_is_opened(kit):
    takes = many(kit, 2)
    gallery = Gallery(takes)
    told, _ = kit.ask(gallery, "read", "take", take=handle(takes[1]))
    assert told["take"]["file"] == takes[1].path.name
    assert kit.ask(gallery, "read", "piece", take=handle(takes[1]), offset=0)[1] == [b"mp4"]
    refused, _ = kit.ask(gallery, "read", "take", take="other.1")
    assert refused["error"] == "This take is not shown here any more. Run the cell again."


async def test_what_is_liked_is_kept_beside_the_takes(kit, tmp_path):
    takes = many(kit, 3)
    gallery = Gallery(takes)
    answer, _ = await kit.ask_soon(gallery, "act", "mark", take=handle(takes[1]), on=True)
    assert answer == {"re": "q", "ok": True}
    await until(lambda: gallery.state["marks"] == [handle(takes[1])])
    assert gallery.favourites == [takes[1]]
    assert Gallery(takes).state["marks"] == [handle(takes[1])]
    assert (tmp_path / "marks.json").exists()
    await kit.ask_soon(gallery, "act", "mark", take=handle(takes[1]), on=False)
    assert gallery.favourites == []


async def test_a_mark_that_cannot_be_kept_is_refused_in_words(kit, tmp_path):
    takes = many(kit, 1)
    (tmp_path / "marks.json").write_text("{")
    answer, _ = await kit.ask_soon(Gallery(takes), "act", "mark", take=handle(takes[0]), on=True)
    assert answer["error"] == "marks.json can't be read. Repair it, or move it away to begin a new one."


async def test_only_what_is_shown_can_be_marked(kit, tmp_path):
    answer, _ = await kit.ask_soon(Gallery(many(kit, 1)), "act", "mark", take="other.1", on=True)
    assert answer["ok"] is False
    assert not (tmp_path / "marks.json").exists()


def test_a_take_that_is_given_twice_is_shown_once(kit):
    [take] = many(kit, 1)
    assert Gallery([take, take]).takes == [take]


async def test_takes_of_one_key_from_two_folders_are_shown_and_liked_apart(kit):
    takes = [kit.take(b"here"), kit.take(b"there", folder="other")]
    gallery = Gallery(takes)
    assert gallery.takes == takes
    names = [item["id"] for item in gallery.items]
    assert [kit.ask(gallery, "read", "piece", take=name, offset=0)[1] for name in names] == [[b"here"], [b"there"]]
    assert kit.ask(gallery, "read", "take", take=names[1])[0]["take"]["id"] == names[1]
    await kit.ask_soon(gallery, "act", "mark", take=names[1], on=True)
    await until(lambda: gallery.state["marks"] == [names[1]])
    assert Gallery(takes[1:]).favourites == takes[1:]
    assert Gallery(takes[:1]).favourites == []


def test_what_has_takes_is_as_good_as_a_list(kit):
    takes = many(kit, 2)
    for given in (iter(takes), {("dusk", 1): takes[0], ("dawn", 1): takes[1]}, Gallery(takes)):
        assert Gallery(given).takes == takes
    assert Gallery(takes[0]).takes == takes[:1]
    with pytest.raises(InputFileError, match=r"no takes in str 'takes/x\.mp4'\. Give takes"):
        Gallery("takes/x.mp4")


def test_the_contact_sheet_shows_twelve_and_a_count(kit):
    takes = many(kit, 40, poster=b"\xff" * 8000)
    sheet = Gallery(takes).static_html()
    assert sheet.count("<img") == 12
    assert "40 takes, the first 12 shown" in sheet
    assert len(sheet) < 140_000


def test_the_contact_sheet_of_few_and_of_none(kit):
    assert "the first" not in Gallery(many(kit, 12)).static_html()
    assert "0 takes" in Gallery([]).static_html()


def test_titles_are_text(kit):
    assert NASTY not in faces.gallery_html(many(kit, 1, shot=NASTY, poster=b"\xff"))
