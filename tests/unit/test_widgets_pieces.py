"""Pieces of a take: whole when joined, and of no other file."""

import pytest

from comfy_widgets.errors import InputFileError
from comfy_widgets.widgets import Gallery
from comfy_widgets.widgets.pieces import PIECE, Shelf, handle
from comfy_widgets.widgets.snapshot import take_state
from tests.unit.test_widgets_kit import Kit


@pytest.fixture
def kit(tmp_path, monkeypatch):
    return Kit(tmp_path, monkeypatch)


@pytest.fixture
def big(kit):
    return kit.take(data=bytes(range(256)) * 9000)


def ask(take, offset):
    return {"take": handle(take), "offset": offset}


def test_the_pieces_joined_are_the_file(big):
    shelf = Shelf([big])
    pieces = [shelf.piece(ask(big, offset)) for offset in range(0, big.size, PIECE)]
    assert [len(piece) for piece in pieces] == [PIECE, PIECE, big.size - 2 * PIECE]
    assert b"".join(pieces) == big.path.read_bytes()


@pytest.mark.parametrize("offset", [-1, 10**9, "0", None, True, 1.5])
def test_an_offset_outside_the_file_is_refused(big, offset):
    with pytest.raises(InputFileError, match="no piece at"):
        Shelf([big]).piece(ask(big, offset))


@pytest.mark.parametrize("name", ["../../etc/passwd", "", None, 3, ["a"]])
def test_only_what_is_shown_can_be_asked_for(big, name):
    with pytest.raises(InputFileError, match="not shown here"):
        Shelf([big]).piece({"take": name, "offset": 0})


def test_a_path_is_no_name(big):
    for name in (str(big.path), big.path.name, big.key):
        with pytest.raises(InputFileError, match="not shown here"):
            Shelf([big]).piece({"take": name, "offset": 0})


def test_two_takes_of_one_key_are_told_apart(kit):
    first, second = kit.take(data=b"first"), kit.take(data=b"second", take_number=2)
    shelf = Shelf([first, second])
    assert shelf.piece(ask(first, 0)) == b"first"
    assert shelf.piece(ask(second, 0)) == b"second"


def test_every_file_of_a_job_can_be_asked_for(kit):
    still = kit.take(data=b"picture", take_number=2, kind="image")
    made = kit.take(data=b"video").with_also([still])
    shelf = Shelf([made])
    told = take_state(made)
    assert [shelf.piece({"take": file["id"], "offset": 0}) for file in (told, *told["also"])] == [b"video", b"picture"]
    # Shown apart from each other they are not mixed up either.
    assert [*Gallery([made, *made.also]).takes] == [made, *made.also]


def test_a_deleted_file_is_named_without_its_folder(big):
    big.path.unlink()
    with pytest.raises(InputFileError, match=r"is gone") as caught:
        Shelf([big]).piece(ask(big, 0))
    assert big.path.name in str(caught.value)
    assert str(big.path.parent) not in str(caught.value)


def test_a_file_that_became_shorter_is_not_passed_off_as_whole(big):
    big.path.write_bytes(b"short")
    with pytest.raises(InputFileError, match="shorter"):
        Shelf([big]).piece(ask(big, 0))


def test_the_graph_of_what_is_shown_can_be_asked_for(kit):
    take = kit.take(graph={"3": {"class_type": "KSampler", "inputs": {"seed": 7}}})
    assert Shelf([take]).graph({"take": handle(take)}) == take.graph
    with pytest.raises(InputFileError, match="not shown here"):
        Shelf().graph({"take": handle(take)})


def test_the_poster_of_what_is_shown_can_be_asked_for(kit):
    take = kit.take(poster=b"jpeg")
    shelf = Shelf([take])
    assert shelf.poster({"take": handle(take)}) == b"jpeg"
    take.poster.unlink()
    with pytest.raises(InputFileError, match="is gone"):
        shelf.poster({"take": handle(take)})
    with pytest.raises(InputFileError, match="no poster"):
        Shelf([bare := kit.take(take_number=2)]).poster({"take": handle(bare)})
