"""Rows of prompts on their way: who owns them, and what is made of those that are damaged."""

import json
import os
import platform
import subprocess
import sys
import threading
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from comfy_widgets import files, unfinished
from comfy_widgets.errors import CacheNotWritable
from comfy_widgets.unfinished import Owner, Row, Unfinished
from tests.lib.takes import KEY

LINUX = Path("/proc/self/stat").exists()


@pytest.fixture
def rows(tmp_path):
    return Unfinished(tmp_path / "takes" / "unfinished")


def row(prompt_id="5f0c", **changes):
    fields = {
        "key": KEY,
        "prompt_id": prompt_id,
        "server": "http://gpu-1:8188",
        "graph": {"6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a hill"}}},
        "inputs": {"prompt": "a hill", "seed": 7},
        "name": "wan",
        "created": "2026-11-03T10:00:00+00:00",
    }
    return Row(**{**fields, **changes})


def test_a_row_comes_back_as_it_was(rows):
    written = row(scene="scene-001", shot="shot-01", fresh=True)
    rows.add(written)
    assert rows.rows() == [written]
    assert (rows.folder / "5f0c.json").is_file()


def test_there_is_no_folder_without_a_row(rows):
    assert rows.rows() == []
    rows.remove("5f0c")
    assert not rows.folder.exists()


def test_a_row_is_removed_once_and_may_be_gone(rows):
    rows.add(row())
    rows.remove("5f0c")
    rows.remove("5f0c")
    assert rows.rows() == []
    assert list(rows.folder.iterdir()) == []


def test_rows_are_listed_oldest_first(rows):
    for prompt_id, created in (("a", "2026-11-03"), ("b", "2026-11-01"), ("c", "2026-11-02")):
        rows.add(row(prompt_id, created=created))
    assert [found.prompt_id for found in rows.rows()] == ["b", "c", "a"]


def test_the_rows_of_a_key_are_read_and_no_other(rows, monkeypatch):
    for prompt_id, key, created in (("a", KEY, "2026-11-03"), ("b", "other", "2026-11-01"), ("c", KEY, "2026-11-02")):
        rows.add(row(prompt_id, key=key, created=created))
    assert [found.prompt_id for found in rows.of(KEY)] == ["c", "a"]
    read, inner = [], unfinished._read
    monkeypatch.setattr(unfinished, "_read", lambda path: read.append(path.stem) or inner(path))
    rows.add(row("d", key="other", created="2026-11-04"))
    rows.remove("a")
    assert [found.prompt_id for found in rows.of(KEY)] == ["c"]
    assert [found.prompt_id for found in rows.of("other")] == ["b", "d"]
    assert sorted(read) == ["b", "c", "d", "d"]


def test_one_at_a_time_is_alone_with_the_rows(rows):
    """In another thread, and through another object, as in another process."""
    rows.folder.parent.mkdir()
    seen = []

    def look(those):
        with those.turn.taken():
            seen.append(len(those.rows()))
            those.add(row(f"{len(seen)}"))

    threads = [threading.Thread(target=look, args=(those,)) for those in (rows, rows, Unfinished(rows.folder))]
    with rows.turn.taken():
        for thread in threads:
            thread.start()
        assert seen == []
    for thread in threads:
        thread.join()
    assert seen == [0, 1, 2]
    assert {path.name for path in rows.folder.iterdir()} == {"1.json", "2.json", "3.json"}


def test_a_folder_whose_files_cannot_be_locked_is_used_all_the_same(rows, monkeypatch):
    def refuse(*_args, **_options):
        raise NotImplementedError

    monkeypatch.setattr(files.FileLock, "acquire", refuse)
    with rows.turn.taken():
        rows.add(row())
    assert rows.rows() == [row()]


@pytest.mark.parametrize(
    "damage",
    [
        lambda _told: "",
        lambda told: json.dumps(told)[:-20],
        lambda _told: "[]",
        lambda _told: "null",
        lambda told: json.dumps({name: value for name, value in told.items() if name != "key"}),
        lambda told: json.dumps({name: value for name, value in told.items() if name != "owner"}),
        lambda told: json.dumps(told | {"owner": {"host": "x"}}),
        lambda told: json.dumps(told | {"owner": None}),
    ],
)
def test_a_damaged_row_is_left_alone_and_hides_no_other(rows, damage):
    rows.add(row("good"))
    rows.add(row("bad"))
    path = rows.folder / "bad.json"
    path.write_text(damage(json.loads(path.read_text())))
    assert [found.prompt_id for found in rows.rows()] == ["good"]
    assert path.exists()


def test_a_row_of_a_later_version_is_read(rows):
    rows.add(row())
    path = rows.folder / "5f0c.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"version": 2, "colour": "red"}))
    assert rows.rows() == [row()]


@pytest.mark.parametrize("prompt_id", ["../outside", "/etc/outside", "a/b"])
def test_an_id_leads_nowhere_else(rows, prompt_id):
    rows.add(row(prompt_id))
    assert [path.parent for path in rows.folder.parent.parent.rglob("*.json")] == [rows.folder]
    rows.remove(prompt_id)
    assert list(rows.folder.iterdir()) == []


def test_a_row_that_cannot_be_written_says_so(tmp_path):
    (tmp_path / "takes").write_text("a file")
    rows = Unfinished(tmp_path / "takes" / "unfinished")
    with pytest.raises(CacheNotWritable):
        rows.add(row())
    rows.remove("5f0c")


def test_a_row_that_cannot_be_removed_is_no_error(rows):
    (rows.folder / "5f0c.json").mkdir(parents=True)
    rows.remove("5f0c")
    assert rows.rows() == []


def test_a_row_that_is_written_again_has_one_owner(rows):
    ours = row()
    rows.add(replace(ours, owner=Owner("elsewhere", 1, "1")))
    rows.add(ours)
    assert rows.rows() == [ours]


def test_a_row_tells_nothing_but_the_request(rows):
    rows.add(row())
    assert set(json.loads((rows.folder / "5f0c.json").read_text())) == set(asdict(row()))


# Owners


def test_this_process_lives():
    owner = Owner.this_process()
    assert (owner.host, owner.pid) == (platform.node(), os.getpid())
    assert owner == Owner.this_process()
    assert owner.lives is True


@pytest.fixture
def other():
    """Another process on this machine, until the test ends it."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def owner_of(process):
    return Owner(platform.node(), process.pid, unfinished._start_of(process.pid))


def test_another_process_lives_until_it_ends(other):
    owner = owner_of(other)
    assert owner.lives is True
    other.kill()
    other.wait()
    assert owner.lives is False


@pytest.mark.skipif(not LINUX, reason="only Linux tells when a process began")
def test_who_has_the_number_of_a_dead_process_is_not_it(other):
    owner = owner_of(other)
    assert owner.start is not None
    assert replace(owner, start=str(int(owner.start) - 1)).lives is False


def test_on_another_machine_nobody_knows():
    assert replace(Owner.this_process(), host="another").lives is None


def test_where_a_signal_is_a_key_press_nobody_knows(monkeypatch):
    """On Windows os.kill(pid, 0) is Ctrl-C."""
    monkeypatch.setattr(unfinished.os, "name", "nt")
    monkeypatch.setattr(unfinished.os, "kill", lambda *_args: pytest.fail("sent"))
    assert Owner(platform.node(), os.getpid(), None).lives is None


def test_a_process_of_somebody_else_lives(monkeypatch):
    def refuse(_pid, _signal):
        raise PermissionError

    monkeypatch.setattr(unfinished.os, "kill", refuse)
    assert Owner.this_process().lives is True


def test_a_number_that_no_process_can_have_is_dead():
    assert replace(Owner.this_process(), pid=2**80).lives is False


@pytest.mark.skipif(not LINUX, reason="only Linux has /proc")
@pytest.mark.parametrize("name", ["plain", "with ) and (", "S 1 2 3"])
def test_a_process_is_told_by_its_start_whatever_it_is_called(tmp_path, name):
    program = tmp_path / name
    program.symlink_to("/bin/sleep")
    with subprocess.Popen([str(program), "60"]) as process:
        start = unfinished._start_of(process.pid)
        process.kill()
    assert start.isdecimal()
    assert int(start) >= int(unfinished._start_of(os.getpid()))
