"""Files are whole or not there, and what the file system says is told in words."""

import errno
import os
import stat
from pathlib import Path

import pytest

from comfy_widgets import files
from comfy_widgets.errors import CacheError, CacheNotWritable, DiskFull
from comfy_widgets.files import Place, put, temporary_beside, told_as_cache_error, write_text


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def failing(number):
    def fail(*_args, **_options):
        raise OSError(number, os.strerror(number))

    return fail


def test_a_text_is_written_with_its_folders(tmp_path):
    path = tmp_path / "a" / "b" / "x.json"
    write_text(path, "ä灯")
    assert path.read_bytes() == "ä灯".encode()
    assert names(path.parent) == ["x.json"]


def test_a_text_that_has_no_utf8_is_still_written(tmp_path):
    write_text(tmp_path / "x.json", '"\ud83d"')
    assert (tmp_path / "x.json").read_text() == '"\\ud83d"'


@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize("before", [None, "old"])
def test_a_reader_sees_the_old_text_or_the_new_one(tmp_path, monkeypatch, step, before):
    path = tmp_path / "x.json"
    if before:
        path.write_text(before)
    target = files.os if step == "fsync" else Path
    monkeypatch.setattr(target, step, failing(errno.ENOSPC))
    with pytest.raises(DiskFull, match=r"x\.json"):
        write_text(path, "new")
    assert names(tmp_path) == (["x.json"] if before else [])
    assert not before or path.read_text() == "old"


def test_an_interrupt_between_the_steps_leaves_nothing_half_written(tmp_path, monkeypatch):
    def interrupted(_descriptor):
        raise KeyboardInterrupt

    monkeypatch.setattr(files.os, "fsync", interrupted)
    (tmp_path / "x.json").write_text("old")
    with pytest.raises(KeyboardInterrupt):
        write_text(tmp_path / "x.json", "new")
    assert names(tmp_path) == ["x.json"]
    assert (tmp_path / "x.json").read_text() == "old"


def test_bytes_are_on_the_disk_before_they_have_their_name(tmp_path, monkeypatch):
    order = []
    fsync, replace = os.fsync, Path.replace
    monkeypatch.setattr(files.os, "fsync", lambda number: order.append("fsync") or fsync(number))
    monkeypatch.setattr(Path, "replace", lambda path, target: order.append("replace") or replace(path, target))
    write_text(tmp_path / "x.json", "text")
    part = tmp_path / ".y.part"
    part.write_bytes(b"film")
    put(part, tmp_path / "y.mp4")
    assert order == ["fsync", "replace"] * 2
    assert names(tmp_path) == ["x.json", "y.mp4"]


def test_a_place_stays_and_keeps_its_name_while_that_leads_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    place = Place("takes")
    assert place.path == Path("takes")
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "sub")
    assert place.path == place.whole == tmp_path / "takes"
    monkeypatch.chdir(tmp_path)
    assert place.path == Path("takes")


@pytest.mark.skipif(os.name == "nt", reason="Windows removes no folder that is somebody's current one")
def test_a_place_stays_when_the_current_folder_is_removed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    place = Place("takes")
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "sub")
    (tmp_path / "sub").rmdir()
    assert place.path == tmp_path / "takes"
    assert Place("takes").path == Path("takes")


def test_a_temporary_file_is_beside_hidden_and_nobody_elses(tmp_path):
    one, two = temporary_beside(tmp_path / "x.json"), temporary_beside(tmp_path / "x.json")
    assert one != two
    assert one.parent == tmp_path
    assert one.name.startswith(".x.json.")
    assert one.suffix == files.TEMPORARY
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_told_as_one(tmp_path, number):
    with (
        pytest.raises(DiskFull, match=r"No space is left for film\.mp4\..*job\.fetch\(\)") as caught,
        told_as_cache_error(tmp_path / "film.mp4"),
    ):
        failing(number)()
    assert isinstance(caught.value.__cause__, OSError)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.EISDIR])
def test_a_folder_that_cannot_be_written_is_named_and_why(tmp_path, number):
    with pytest.raises(CacheNotWritable, match="choose another") as caught, told_as_cache_error(tmp_path / "film.mp4"):
        failing(number)()
    assert str(tmp_path) in caught.value.what
    assert os.strerror(number) in caught.value.what


def test_a_folder_that_was_removed_is_named_with_what_to_do(tmp_path):
    with (
        pytest.raises(CacheError, match=r"film\.mp4 can't be written.*was removed\. .*job\.fetch\(\)") as caught,
        told_as_cache_error(tmp_path / "film.mp4"),
    ):
        failing(errno.ENOENT)()
    assert str(tmp_path) in caught.value.what


def test_any_other_trouble_is_an_error_of_the_cache(tmp_path):
    with (
        pytest.raises(CacheError, match=r"film\.mp4 can't be written: Input/output error"),
        told_as_cache_error(tmp_path / "film.mp4"),
    ):
        failing(errno.EIO)()
    with pytest.raises(CacheError, match="no number"), told_as_cache_error(tmp_path / "film.mp4"):
        raise OSError("no number")


def test_other_errors_pass(tmp_path):
    with pytest.raises(KeyError), told_as_cache_error(tmp_path / "film.mp4"):
        raise KeyError


@pytest.mark.parametrize("block", ["parent is a file", "name is a folder"])
def test_real_obstacles(tmp_path, block):
    path = tmp_path / "takes" / "x.json"
    if block == "parent is a file":
        path.parent.write_text("a file")
    else:
        path.mkdir(parents=True)
    with pytest.raises(CacheNotWritable):
        write_text(path, "text")
    if block == "name is a folder":
        assert names(path.parent) == ["x.json"]
        assert stat.S_ISDIR(path.stat().st_mode)
