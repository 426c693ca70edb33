"""When a timeline's file is written: also while another timeline takes it over, or somebody else has it open."""

import asyncio
import errno
import threading

import pytest
from filelock import FileLock

from comfy_widgets import Shot, Studio, Workflow, timeline_file
from comfy_widgets.errors import DiskFull, TimelineError
from comfy_widgets.timeline import Timeline
from tests.lib.graphs import wan


@pytest.fixture
def make(tmp_path):
    def make_():
        studio = Studio(offline=True, cache=tmp_path / "takes")
        workflow = Workflow(wan(), name="wan")
        return Timeline([Shot("shot-01", "first")], workflow=workflow, studio=studio, file=tmp_path / "film.json")

    return make_


class Disk:
    """A disk that takes its time, until it is let go on."""

    def __init__(self, monkeypatch):
        self.reached, self.go_on = threading.Event(), threading.Event()
        self._write = timeline_file.write_text
        monkeypatch.setattr(timeline_file, "write_text", self.write)

    def write(self, path, text):
        self.reached.set()
        assert self.go_on.wait(30)
        self._write(path, text)


class Turn:
    """A lock; whoever waits for it lets the disk go on."""

    def __init__(self, lock, disk):
        self._lock, self._disk = lock, disk

    def __enter__(self):
        self._disk.go_on.set()
        return self._lock.__enter__()

    def __exit__(self, *error):
        return self._lock.__exit__(*error)


async def test_the_next_timeline_reads_what_the_one_before_is_writing(make, monkeypatch, tmp_path):
    first = make()
    await asyncio.wait_for(first.keeper._task, 30)
    disk = Disk(monkeypatch)
    first.edit("shot-01", prompt="said last")
    await asyncio.to_thread(disk.reached.wait, 30)
    first.keeper._lock = Turn(first.keeper._lock, disk)
    again = make()
    disk.go_on.set()
    assert again["shot-01"].prompt == "said last"
    again.edit("shot-01", prompt="and more")
    await asyncio.wait_for(again.keeper._task, 30)
    assert again.complaint is None
    assert '"and more"' in (tmp_path / "film.json").read_text("utf-8")


async def test_what_is_read_again_is_what_is_being_written(make, monkeypatch, tmp_path):
    timeline = make()
    await asyncio.wait_for(timeline.keeper._task, 30)
    disk = Disk(monkeypatch)
    timeline.edit("shot-01", prompt="said last")
    await asyncio.to_thread(disk.reached.wait, 30)
    timeline.keeper._lock = Turn(timeline.keeper._lock, disk)
    timeline.reload()
    disk.go_on.set()
    assert timeline["shot-01"].prompt == "said last"
    timeline.edit("shot-01", prompt="and more")
    timeline.save()
    assert '"and more"' in (tmp_path / "film.json").read_text("utf-8")


def test_a_thread_that_comes_after_the_next_timeline_writes_nothing(make, tmp_path):
    first = make()
    make()
    first.edit("shot-01", prompt="nobody looks here any more")
    before = (tmp_path / "film.json").read_text("utf-8")
    first.keeper._write()
    assert (tmp_path / "film.json").read_text("utf-8") == before
    for said in (first.save, lambda: first.save(anyway=True), first.reload, first.save):
        with pytest.raises(TimelineError, match="Another timeline"):
            said()
    assert (tmp_path / "film.json").read_text("utf-8") == before


@pytest.mark.parametrize("mended", [True, False])
def test_what_could_not_be_written_goes_on_with_the_next_timeline(make, tmp_path, monkeypatch, mended):
    first, path = make(), tmp_path / "film.json"

    def full(*_):
        raise told from OSError(errno.ENOSPC, "No space left on device")

    told = DiskFull("No space is left for film.json.")
    with monkeypatch.context() as disk:
        disk.setattr(timeline_file, "write_text", full)
        first.edit("shot-01", prompt="said last")
        assert str(first.complaint).startswith(
            "film.json can't be saved: No space left on device. The timeline goes on"
        )
        again = make() if not mended else None
    again = again or make()
    assert again["shot-01"].prompt == "said last"
    again.edit("shot-01", title="x")
    assert again.complaint is None
    assert '"said last"' in path.read_text("utf-8")


def test_a_file_that_somebody_else_has_open_is_tried_again(make, monkeypatch, tmp_path):
    monkeypatch.setattr(timeline_file, "_LOCK_SECONDS", 0.01)
    timeline, path = make(), tmp_path / "film.json"
    for said, once_more in (("second", timeline.save), ("third", lambda: timeline.edit("shot-01", title="x"))):
        with FileLock(path.with_name(".film.json.lock")):
            timeline.edit("shot-01", prompt=said)
            assert str(timeline.complaint) == (
                "film.json can't be saved: Somebody else has it open. "
                "The timeline goes on; the next change tries again."
            )
            with pytest.raises(TimelineError, match="Somebody else has it open"):
                timeline.save()
        once_more()
        assert timeline.complaint is None
        assert f'"{said}"' in path.read_text("utf-8")
