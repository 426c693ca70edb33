"""Marks on disk: written whole, and none lost between kernels."""

import json
import subprocess
import sys
import threading

import pytest
from filelock import FileLock

from comfy_widgets import marks as module
from comfy_widgets.errors import CacheError, CacheNotWritable
from comfy_widgets.marks import Marks


@pytest.fixture
def marks(tmp_path):
    return Marks(tmp_path / "takes")


def test_a_mark_is_kept_and_taken_back(marks):
    marks.set_favourite("a.1", on=True)
    marks.set_name("a.1", "The good one")
    assert marks.favourites() == {"a.1"}
    assert Marks(marks.path.parent).names() == {"a.1": "The good one"}
    marks.set_favourite("a.1", on=False)
    assert marks.favourites() == frozenset()
    assert marks.names() == {"a.1": "The good one"}
    marks.set_name("a.1", None)
    assert json.loads(marks.path.read_text()) == {"version": 1, "marks": {}}


def test_nothing_is_marked_where_there_is_no_file(marks):
    assert marks.favourites() == frozenset()
    assert marks.names() == {}
    assert not marks.path.parent.exists()


def test_threads_do_not_lose_each_others_marks(marks):
    threads = [
        threading.Thread(target=marks.set_favourite, args=(f"t{number}.1",), kwargs={"on": True})
        for number in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(marks.favourites()) == 20


def test_kernels_do_not_lose_each_others_marks(marks):
    program = (
        "import sys; from pathlib import Path; from comfy_widgets.marks import Marks\n"
        "marks = Marks(Path(sys.argv[1]))\n"
        "for number in range(30): marks.set_favourite(f'{sys.argv[2]}{number}.1', on=True)"
    )
    kernels = [
        subprocess.Popen([sys.executable, "-c", program, str(marks.path.parent), name]) for name in ("a", "b", "c")
    ]
    assert [kernel.wait(60) for kernel in kernels] == [0, 0, 0]
    assert len(marks.favourites()) == 90


def test_what_others_wrote_into_an_entry_stays(marks):
    marks.path.parent.mkdir()
    marks.path.write_text(json.dumps({"version": 2, "marks": {"a.1": {"stars": 5}, "b.1": {"favourite": True}}}))
    marks.set_favourite("a.1", on=True)
    assert json.loads(marks.path.read_text())["marks"] == {
        "a.1": {"stars": 5, "favourite": True},
        "b.1": {"favourite": True},
    }


@pytest.mark.parametrize("text", ["", "{", "[]", '{"marks": 3}', '{"marks": {"a.1": 3}}', "\0"])
def test_a_torn_file_is_read_as_none_and_never_written_over(marks, text):
    marks.path.parent.mkdir()
    marks.path.write_text(text)
    assert marks.favourites() == frozenset()
    with pytest.raises(CacheError, match="Repair it"):
        marks.set_favourite("a.1", on=True)
    assert marks.path.read_text() == text


def test_a_folder_that_is_none_says_so(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CacheNotWritable, match="can't be written"):
        Marks(tmp_path / "file").set_favourite("a.1", on=True)


def test_somebody_who_keeps_the_file_is_named(marks, monkeypatch):
    monkeypatch.setattr(module, "_LOCK_SECONDS", 0.05)
    marks.path.parent.mkdir()
    with FileLock(marks.path.with_name(".marks.lock")), pytest.raises(CacheError, match="Somebody else"):
        marks.set_favourite("a.1", on=True)
