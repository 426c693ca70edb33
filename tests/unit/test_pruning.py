"""What goes with a take: also the picture that the next shot of a chain begins with."""

import os
from dataclasses import replace

import pytest

from comfy_widgets import media, pruning, timeline_runs
from comfy_widgets.cache import TakeCache
from tests.lib.takes import KEY, another, parts, take


@pytest.fixture
def last(monkeypatch):
    """The bytes of a take's last picture, which are its film's."""
    monkeypatch.setattr(media, "last_frame", lambda path, into: into.write_bytes(path.read_bytes()))
    return lambda found: timeline_runs.last_frame(found).read_bytes()


def kept(cache, film, **changes):
    made = take(cache.folder, size=len(film), **changes)
    cache.keep(made, parts(made, film))
    return cache.find(KEY)


def test_the_last_picture_goes_with_its_take(tmp_path, last):
    cache = TakeCache(tmp_path)
    without = cache.size() if kept(cache, b"the old film") else 0
    assert last(cache.find(KEY)) == b"the old film"
    assert cache.size() == without + len(b"the old film")
    cache.prune(max_bytes=0)
    assert [path for path in tmp_path.rglob("*") if path.is_file() and "shot-01" in path.name] == []
    assert last(kept(cache, b"the new film")) == b"the new film"


def test_a_last_picture_that_is_older_than_the_take_is_made_anew(tmp_path, last):
    cache = TakeCache(tmp_path)
    old = kept(cache, b"the old film", made="2020-11-03T10:00:00.000+00:00")
    assert last(old) == b"the old film"
    for path in (old.path, old.path.with_suffix(".json")):
        path.unlink()  # by hand, as people do
    new = kept(cache, b"the new film", made="2999-11-03T10:00:00.000+00:00")
    assert new.path == old.path
    assert last(new) == b"the new film"


@pytest.mark.parametrize("made", ["2020-11-03T10:00:00.000+00:00", "some day"])
def test_a_last_picture_is_kept_whatever_the_times_of_the_files_are(tmp_path, last, made):
    # A checkout writes the folder of pictures before the takes.
    found = kept(TakeCache(tmp_path), b"the film", made=made)
    picture = timeline_runs.last_frame(found)
    picture.write_bytes(b"made before")
    os.utime(found.path, (picture.stat().st_mtime + 60,) * 2)
    assert last(found) == b"made before"


def test_what_goes_is_known_before_it_goes(tmp_path):
    cache = TakeCache(tmp_path)
    for number in (1, 2, 3):
        made = take(tmp_path, key=another(number), shot=f"shot-0{number}", made=f"2026-11-0{number}T10:00:00+00:00")
        cache.keep(made, parts(made))
    oldest, middle, newest = cache.takes()
    room = pruning.size([oldest, newest])
    assert pruning.chosen(cache.takes(), max_bytes=room) == [oldest]
    assert pruning.chosen(cache.takes(), max_bytes=room, kept={oldest.handle}) == [middle]
    assert pruning.chosen(cache.takes(), max_bytes=cache.size()) == []
    assert cache.takes() == [oldest, middle, newest]
    pruning.remove([middle])
    assert cache.takes() == [oldest, newest]


def test_a_file_that_two_takes_share_counts_once(tmp_path):
    cache = TakeCache(tmp_path)
    found = kept(cache, b"the film")
    sharing = replace(found, also=(found,))
    kept(cache, b"another film", key=another(2))
    other = cache.find(another(2))
    room = pruning.size([other]) - 1
    assert pruning.chosen([sharing, found, other], max_bytes=room) == [sharing, found, other]
