"""A studio without a cache: files go with the last take that names them."""

import copy
import gc
from dataclasses import replace

import pytest

from comfy_widgets import Studio
from comfy_widgets.held import HeldTakes
from tests.lib.takes import KEY, another, parts, take


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return HeldTakes()


def kept(cache, **changes):
    number = cache.next_number(changes.get("key", KEY))
    made = take(cache.folder, take_number=number, **changes)
    name = cache.name(made.key, made.scene, made.shot, made.title, number)
    made = replace(made, path=cache.folder / f"{name}.mp4", poster=cache.folder / f"{name}.jpg")
    return cache.keep(made, parts(made))


def there(cache):
    gc.collect()
    return sorted(path.suffix for path in cache.folder.iterdir()) if cache.folder.exists() else None


def test_files_are_there_while_the_take_is_held(cache):
    made = kept(cache)
    assert made.path.read_bytes()
    assert there(cache) == [".jpg", ".mp4"]
    del made
    assert there(cache) == []


def test_any_copy_holds_them(cache):
    made = kept(cache)
    copies = [made.as_cached(), copy.deepcopy(made), made.used("scene-002", None)]
    del made
    while copies:
        assert there(cache) == [".jpg", ".mp4"]
        copies.pop()
    assert there(cache) == []


def test_what_is_held_is_found(cache):
    made = kept(cache)
    found = cache.find(KEY)
    assert (found, found.cached, cache.takes()) == (made.as_cached(), True, [made.as_cached()])
    cache.note_use(found, "scene-009", None)
    assert cache.takes(scene="scene-009") == [made.used("scene-009", None).as_cached()]
    del made, found
    gc.collect()
    assert cache.find(KEY) is None
    assert cache.takes() == []


def test_another_take_of_a_key_has_its_own_files(cache):
    one, two = kept(cache), kept(cache)
    other = kept(cache, key=another(1))
    assert (one.take_number, two.take_number, other.take_number) == (1, 2, 1)
    del two
    assert there(cache) == [".jpg", ".jpg", ".mp4", ".mp4"]
    assert cache.find(KEY) == one.as_cached()
    assert other.path.exists()


def test_another_file_of_the_job_holds_all(cache):
    other = take(cache.folder, path=cache.folder / "other.mp4", poster=None)
    made = kept(cache, also=(other,))
    second = made.also[0]
    del made
    assert there(cache) == [".jpg", ".mp4"]
    assert second.to_json().keys() == other.to_json().keys()
    assert "held" not in second.to_json()


def test_the_folder_goes_with_the_last_of_both(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    cache = HeldTakes()
    made = kept(cache)
    folder = cache.folder
    (folder / "runs").mkdir()
    del cache
    gc.collect()
    assert made.path.exists()
    del made
    gc.collect()
    assert not folder.exists()


def test_a_studio_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert repr(Studio(cache=None, offline=True)) == "Studio(offline, keeps no takes)"
    assert list(tmp_path.iterdir()) == []
