"""The folder of takes: what is a take in it, what is none, and what harms it."""

import errno
import json
import os
from pathlib import Path

import pytest
from filelock import FileLock

from comfy_widgets import cache as caching
from comfy_widgets.cache import TakeCache, folder_of_takes, slug_of
from comfy_widgets.errors import CacheNotWritable, DiskFull
from tests.lib.takes import FILM, KEY, another, parts, take

PROMPT_ID = "5f0c2a51-8e0c-4b4e-9d57-5f2b2f6d6a10"


@pytest.fixture
def cache(tmp_path):
    return TakeCache(tmp_path / "takes")


def keep(cache, **changes):
    made = take(cache.folder, **changes)
    return cache.keep(made, parts(made))


def names(folder):
    return sorted(path.name for path in folder.iterdir())


# What is a take


def test_what_was_kept_is_found_and_says_that_it_was_there(cache):
    made = keep(cache)
    found = cache.find(KEY)
    assert found == made.as_cached()
    assert found.path.read_bytes() == FILM
    assert found.cached
    assert TakeCache(cache.folder).find(KEY) == found


def test_nothing_is_written_before_there_is_something_to_keep(cache):
    assert cache.find(KEY) is None
    assert cache.takes() == []
    cache.write_index(now=True)
    assert not cache.folder.exists()


def test_the_sidecar_is_written_last(cache, monkeypatch):
    order = []
    put, write_text = caching.put, caching.write_text

    def watched_put(temporary, path):
        put(temporary, path)
        order.append((path.suffix, cache.find(KEY)))

    def watched_write(path, text):
        order.append((path.name if path.name == "index.json" else path.suffix, None))
        write_text(path, text)

    monkeypatch.setattr(caching, "put", watched_put)
    monkeypatch.setattr(caching, "write_text", watched_write)
    keep(cache)
    assert order == [(".mp4", None), (".jpg", None), (".json", None), ("index.json", None)]


@pytest.mark.parametrize("step", [".mp4", ".jpg", ".json"])
@pytest.mark.parametrize(("number", "error"), [(errno.ENOSPC, DiskFull), (errno.EROFS, CacheNotWritable)])
def test_what_fails_on_the_way_leaves_no_take_and_no_temporary_file(cache, monkeypatch, step, number, error):
    replace_file = Path.replace

    def failing(path, target):
        if Path(target).suffix == step:
            raise OSError(number, os.strerror(number))
        return replace_file(path, target)

    monkeypatch.setattr(Path, "replace", failing)
    with pytest.raises(error):
        keep(cache)
    monkeypatch.undo()
    assert cache.find(KEY) is None
    assert TakeCache(cache.folder).takes() == []
    assert not [name for name in names(cache.folder) if name.endswith(".part")]
    assert cache.next_number(KEY) == 1
    keep(cache)
    assert cache.find(KEY).path.read_bytes() == FILM


@pytest.mark.parametrize("torn", ["", "{", '{"key": 1}', "[]", "null", '{"path": null, "key": "a"}', "\x00\x00"])
def test_a_torn_sidecar_is_no_take(cache, torn):
    made = keep(cache)
    made.path.with_suffix(".json").write_text(torn)
    assert cache.find(KEY) is None
    assert cache.takes() == []


@pytest.mark.parametrize("damage", ["short", "long", "gone", "empty"])
def test_a_video_of_another_size_is_no_take(cache, damage):
    made = keep(cache)
    if damage == "gone":
        made.path.unlink()
    else:
        made.path.write_bytes({"short": FILM[:-1], "long": FILM + b"x", "empty": b""}[damage])
    assert cache.find(KEY) is None
    made.path.write_bytes(FILM)
    assert cache.find(KEY) is not None


def test_a_video_without_a_sidecar_is_no_take(cache):
    made = keep(cache)
    made.path.with_suffix(".json").unlink()
    assert cache.find(KEY) is None


def test_a_missing_poster_costs_the_poster_only(cache):
    keep(cache).poster.unlink()
    assert cache.find(KEY) is not None


def test_the_whole_key_decides_and_not_the_digits_in_the_name(cache):
    keep(cache)
    assert cache.find(KEY[:12] + "0" * 52) is None


@pytest.mark.parametrize("key", ["", "*", KEY[:12], KEY.upper(), "../" + KEY, KEY + "\n"])
def test_what_is_no_key_finds_nothing(cache, key):
    keep(cache)
    assert cache.find(key) is None


def test_a_take_is_found_by_its_key_whatever_it_is_called(cache):
    made = keep(cache)
    for suffix in (".mp4", ".jpg", ".json"):
        path = made.path.with_suffix(suffix)
        path.rename(path.with_name(f"another name [1]*_{KEY[:12]}{suffix}"))
    sidecar = cache.folder / f"another name [1]*_{KEY[:12]}.json"
    told = json.loads(sidecar.read_text())
    told |= {"path": f"another name [1]*_{KEY[:12]}.mp4", "poster": f"another name [1]*_{KEY[:12]}.jpg"}
    sidecar.write_text(json.dumps(told))
    assert cache.find(KEY).path.read_bytes() == FILM


def test_a_folder_with_signs_that_mean_something_to_a_search(tmp_path):
    cache = TakeCache(tmp_path / "takes [a]*?")
    keep(cache)
    assert cache.find(KEY) is not None
    assert len(cache.takes()) == 1


def test_a_sidecar_leads_nowhere_else(cache, tmp_path):
    made = keep(cache)
    outside = tmp_path / "secret.txt"
    outside.write_bytes(FILM)
    sidecar = made.path.with_suffix(".json")
    told = json.loads(sidecar.read_text())
    sidecar.write_text(json.dumps(told | {"path": str(outside), "poster": "../secret.txt"}))
    assert cache.find(KEY) is None
    sidecar.write_text(json.dumps(told | {"poster": "../secret.txt"}))
    assert cache.find(KEY).poster == cache.folder / "secret.txt"


def test_the_newest_take_of_a_key_is_served(cache):
    assert cache.next_number(KEY) == 1
    keep(cache)
    keep(cache, take_number=2)
    assert cache.next_number(KEY) == 3
    newest = cache.find(KEY)
    assert newest.path.name == f"scene-001_shot-01_{KEY[:12]}.2.mp4"
    newest.path.unlink()
    assert cache.find(KEY).take_number == 1


def test_a_copy_of_the_folder_is_complete(cache, tmp_path):
    keep(cache)
    cache.write_index(now=True)
    text = "".join(path.read_text() for path in cache.folder.glob("*.json"))
    assert str(tmp_path) not in text
    moved = TakeCache(cache.folder.rename(tmp_path / "elsewhere"))
    assert moved.find(KEY).path.parent == tmp_path / "elsewhere"


# Names and users


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("shot-01", "shot-01"),
        ("Shot 1: the 'sea'", "Shot-1-the-sea"),
        ("../../etc/passwd", "etc-passwd"),
        ("a\\b:c*d?", "a-b-c-d"),
        (".hidden", "hidden"),
        ("Möwe", "Möwe"),
        ("", ""),
        (None, ""),
        ("...", ""),
    ],
)
def test_slugs_are_fit_for_file_names(text, slug):
    assert slug_of(text) == slug


def test_the_longest_names_still_fit_into_a_folder(cache):
    for sign in ("x", "灯", "𠀋", "ä"):
        name = cache.name(KEY, sign * 200, sign * 200, sign * 200, 99)
        cache.folder.mkdir(exist_ok=True)
        caching.write_text(cache.folder / f"{name}.o12.json", "{}")
        assert name.endswith(f"_{KEY[:12]}.99")


def test_a_name_is_of_the_shot_else_of_the_prompt_else_of_what_it_is(cache):
    assert cache.name(KEY, "scene-001", "shot-01", "A hill", 1) == f"scene-001_shot-01_{KEY[:12]}"
    assert cache.name(KEY, None, None, "A hill", 2) == f"A-hill_{KEY[:12]}.2"
    assert cache.name(KEY, None, "?", "!", 1) == f"take_{KEY[:12]}"


def test_takes_are_listed_by_whom_they_served(cache):
    made = keep(cache)
    keep(cache, key=another(1), scene="scene-002", shot="shot-07", used_by=(("scene-002", "shot-07"),))
    cache.note_use(made, "scene-002", "shot-09")
    assert len(cache.takes()) == 2
    assert [found.key for found in cache.takes(shot="shot-09")] == [KEY]
    assert [found.key for found in cache.takes(scene="scene-002", shot="shot-07")] == [another(1)]
    assert cache.takes(scene="scene-001", shot="shot-09") == []


def test_takes_are_listed_oldest_first(cache):
    for number, made in enumerate(["2026-11-03", "2026-11-01", "2026-11-02"]):
        keep(cache, key=another(number), made=made)
    assert [found.made[-1] for found in cache.takes()] == ["1", "2", "3"]


def test_a_use_that_is_known_writes_nothing(cache):
    made = keep(cache)
    sidecar = made.path.with_suffix(".json")
    before = sidecar.stat().st_mtime_ns, sidecar.stat().st_ino
    assert cache.note_use(made, "scene-001", "shot-01") is made
    assert (sidecar.stat().st_mtime_ns, sidecar.stat().st_ino) == before


def test_a_prompt_that_has_no_utf8_does_not_stop_its_take(cache):
    made = keep(cache, inputs={"prompt": "half a sign: \ud83d"})
    assert cache.find(KEY) == made.as_cached()
    assert cache.find(KEY).inputs["prompt"] == "half a sign: \ud83d"


# The index


def index(cache):
    return json.loads((cache.folder / "index.json").read_text("utf-8"))


def test_the_index_has_one_take_a_line_and_no_graph(cache):
    for number in range(3):
        keep(cache, key=another(number))
    cache.write_index(now=True)
    assert index(cache)["version"] == 1
    assert set(index(cache)["takes"]) == {another(number) for number in range(3)}
    lines = (cache.folder / "index.json").read_text().splitlines()
    assert len(lines) == 5
    assert all(len(line) < 400 for line in lines)
    assert "graph" not in (cache.folder / "index.json").read_text()


@pytest.mark.parametrize("torn", [None, "", "{", "[]", '{"takes": 3}', '{"takes": {"a": 3}}', '{"version": 1}'])
def test_a_missing_or_torn_index_hides_no_take_and_is_made_anew(cache, torn):
    keep(cache)
    cache.write_index(now=True)
    path = cache.folder / "index.json"
    path.unlink() if torn is None else path.write_text(torn)
    assert cache.find(KEY) is not None
    assert len(cache.takes()) == 1
    keep(cache, key=another(1))
    cache.write_index(now=True)
    assert set(index(cache)["takes"]) == {KEY, another(1)}


def test_a_stale_index_makes_no_take(cache):
    made = keep(cache)
    cache.write_index(now=True)
    made.path.unlink()
    assert KEY in index(cache)["takes"]
    assert cache.find(KEY) is None


def test_the_index_is_written_at_most_once_a_second(cache, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(caching.time, "monotonic", lambda: now[0])
    keep(cache, key=another(0))
    keep(cache, key=another(1))
    assert set(index(cache)["takes"]) == {another(0)}
    now[0] += 1.01
    cache.write_index()
    assert set(index(cache)["takes"]) == {another(0), another(1)}


@pytest.mark.parametrize("trouble", ["locked", "no locks here", "read-only"])
def test_an_index_that_cannot_be_written_harms_no_take(cache, monkeypatch, trouble):
    monkeypatch.setattr(caching, "_LOCK_SECONDS", 0.05)
    cache.folder.mkdir()
    other = FileLock(cache.folder / ".index.lock")
    if trouble == "locked":
        other.acquire()
    else:
        error = NotImplementedError() if trouble == "no locks here" else OSError(errno.EROFS, "read-only")

        def refuse(*_args, **_options):
            raise error

        monkeypatch.setattr(caching, "FileLock", refuse)
    keep(cache)
    assert cache.find(KEY) is not None
    assert not (cache.folder / "index.json").exists()
    other.release()
    monkeypatch.undo()
    cache.write_index(now=True)
    assert KEY in index(cache)["takes"]


# A folder that can't be written


def test_a_file_where_the_folder_should_be(tmp_path):
    (tmp_path / "takes").write_text("a file")
    cache = TakeCache(tmp_path / "takes")
    assert cache.find(KEY) is None
    assert cache.takes() == []
    assert cache.unfinished.rows() == []
    with pytest.raises(CacheNotWritable, match=r"can't be written.*choose another"):
        cache.check_writable()
    with pytest.raises(CacheNotWritable):
        TakeCache(tmp_path / "takes" / "deeper").check_writable()
    assert (tmp_path / "takes").read_text() == "a file"


def test_a_check_leaves_nothing(cache):
    cache.check_writable()
    assert names(cache.folder) == []


def test_a_folder_that_can_only_be_read_serves_its_takes(cache, monkeypatch):
    made = keep(cache)
    before = names(cache.folder)

    def refuse(*_args, **_options):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    for name in ("replace", "unlink", "mkdir", "touch"):
        monkeypatch.setattr(Path, name, refuse)
    cache = TakeCache(cache.folder)
    found = cache.find(KEY)
    assert cache.note_use(found, None, "shot-09") is found
    cache.unfinished.remove(PROMPT_ID)
    with pytest.raises(CacheNotWritable, match="Read-only file system"):
        cache.check_writable()
    monkeypatch.undo()
    assert names(cache.folder) == before
    assert cache.find(KEY).used_by == made.used_by


def test_the_folder_of_takes_is_beside_the_notebook_unless_it_is_said(monkeypatch):
    assert folder_of_takes() == Path("takes")
    monkeypatch.setenv("COMFY_WIDGETS_CACHE", "/elsewhere/takes")
    assert folder_of_takes() == Path("/elsewhere/takes")
    assert folder_of_takes("takes/01_first_take") == Path("/elsewhere/takes/01_first_take")
    assert folder_of_takes("mine/takes") == Path("mine/takes")
