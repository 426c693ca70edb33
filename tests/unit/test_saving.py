"""Several writers on one folder of takes, and files that come in pieces."""

import asyncio
import errno
import json
import multiprocessing
import os
from dataclasses import replace
from pathlib import Path

import pytest

from comfy_widgets import saving
from comfy_widgets.cache import TakeCache
from comfy_widgets.comfyui.address import Address
from comfy_widgets.comfyui.capabilities import Capabilities
from comfy_widgets.comfyui.client import Client
from comfy_widgets.comfyui.replies import OutputFile
from comfy_widgets.errors import DiskFull, FetchFailed
from tests.lib.raw_server import Cut, RawServer, reply
from tests.lib.takes import FILM, KEY, another, request, take

PROMPT_ID = "5f0c2a51-8e0c-4b4e-9d57-5f2b2f6d6a10"
NOTES = [OutputFile("9", "notes.bin", "", "output")]


def names(folder):
    """What lies there, but for the lock, which means nothing while nobody holds it."""
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")


def _write_takes(folder, first, barrier):
    cache = TakeCache(folder)
    barrier.wait()
    for number in range(first, first + 10):
        made = take(cache.folder, key=another(number))
        ours = {path.with_name(f".{first}{path.name}"): target for path, target in parts_of(made, first).items()}
        cache.keep(made, ours)
    cache.write_index(now=True)


def parts_of(made, first):
    """Temporary files of one process: those of `tests.lib.takes` are the same for all."""
    made.path.parent.mkdir(parents=True, exist_ok=True)
    told = {made.path.with_name("film.part"): made.path, made.path.with_name("poster.part"): made.poster}
    for path in told:
        path.with_name(f".{first}{path.name}").write_bytes(FILM)
    return told


def test_two_processes_write_into_one_folder(tmp_path):
    cache = TakeCache(tmp_path / "takes")
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(2)
    writers = [context.Process(target=_write_takes, args=(cache.folder, first, barrier)) for first in (0, 10)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(30)
    assert [writer.exitcode for writer in writers] == [0, 0]
    keys = {another(number) for number in range(20)}
    assert {found.key for found in cache.takes()} == keys
    assert set(json.loads((cache.folder / "index.json").read_text())["takes"]) == keys
    assert not [name for name in names(cache.folder) if name.endswith(".part")]


def fetching(folder, server, files=NOTES, **changes):
    """Bring one prompt's file into a folder, as one of several kernels does."""
    origin = saving.Origin(request(), KEY, PROMPT_ID, "gpu-1:8188", Capabilities("comfyui", None))
    client = Client(Address.parse(server.url))

    async def run():
        try:
            return await saving.save(client, TakeCache(folder), replace(origin, **changes), files, lambda *_news: None)
        finally:
            await client.close()

    return run()


async def test_two_kernels_that_fetch_the_same_prompt_make_one_whole_take(tmp_path):
    film = bytes(range(256)) * 4000

    def answer(asked):
        start = int(asked.headers.get("range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))
        status = 206 if start else 200
        return reply(film[start:], status, Content_Range=f"bytes {start}-{len(film) - 1}/{len(film)}")

    async with RawServer(answer) as server:
        takes = await asyncio.gather(*(fetching(tmp_path, server) for _ in range(4)))
    assert {made.path.read_bytes() == film for made in takes} == {True}
    assert len(TakeCache(tmp_path).takes()) == 1
    assert not [name for name in names(tmp_path) if name.endswith(".part")]


async def test_a_prompt_that_made_another_take_of_a_key_is_kept_once(tmp_path):
    fresh = replace(request(), fresh=True)
    async with RawServer(lambda _asked: reply(FILM)) as server:
        first = await fetching(tmp_path, server)
        again = await fetching(tmp_path, server, request=fresh)
        another_prompt = await fetching(tmp_path, server, request=fresh, prompt_id="another")
    assert again == first
    assert another_prompt.take_number == 2


async def test_another_take_without_a_suffix_has_its_own_sidecar(tmp_path):
    asked, bare = replace(request(), fresh=True), [OutputFile("9", "notes", "", "output")]
    async with RawServer(lambda _asked: reply(FILM)) as server:
        made = [await fetching(tmp_path, server, bare, request=asked, prompt_id=one) for one in ("first", "second")]
    cache = TakeCache(tmp_path)
    assert [take.path for take in cache.takes()] == [take.path for take in made]
    assert cache.note_use(made[1], None, "shot-02").used_by == (("scene-001", "shot-01"), (None, "shot-02"))
    cache.prune(max_bytes=0)
    assert not [name for name in names(tmp_path) if KEY[:12] in name]


async def test_a_later_attempt_goes_on_where_a_cut_one_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(saving, "PAUSE_SECONDS", ())
    ranges = []

    def answer(asked):
        ranges.append((asked.headers.get("range"), asked.headers.get("if-match")))
        if len(ranges) == 1:
            return Cut(reply(FILM, ETag='"1-a"')[:-5])
        return reply(FILM[-5:], 206, Content_Range=f"bytes {len(FILM) - 5}-{len(FILM) - 1}/{len(FILM)}")

    async with RawServer(answer) as server:
        with pytest.raises(FetchFailed, match=r"job\.fetch\(\)"):
            await fetching(tmp_path, server)
        assert TakeCache(tmp_path).takes() == []
        made = await fetching(tmp_path, server)
    assert ranges == [(None, None), (f"bytes={len(FILM) - 5}-", '"1-a"')]
    assert made.path.read_bytes() == FILM
    assert not [name for name in names(tmp_path) if name.endswith(".part")]


async def test_a_disk_that_is_full_while_fetching_is_told_as_that(tmp_path, monkeypatch):
    opened = Path.open

    def full(path, mode="r", *args, **options):
        if path.suffix == ".part" and mode in {"wb", "ab"}:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return opened(path, mode, *args, **options)

    monkeypatch.setattr(Path, "open", full)
    async with RawServer(lambda _asked: reply(FILM)) as server:
        with pytest.raises(DiskFull, match=r"No space is left for notes\.bin.*job\.fetch\(\)"):
            await fetching(tmp_path, server)
    assert names(tmp_path) == []


async def test_what_was_worked_on_is_not_continued(tmp_path, monkeypatch):
    """An mp4 whose index was moved to the front is another file than the server's."""

    def refuse(*_args):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(TakeCache, "keep", refuse)
    ranges = []

    def answer(asked):
        ranges.append(asked.headers.get("range"))
        return reply(FILM)

    async with RawServer(answer) as server:
        with pytest.raises(DiskFull):
            await fetching(tmp_path, server)
        assert names(tmp_path) == []
        monkeypatch.undo()
        assert (await fetching(tmp_path, server)).path.read_bytes() == FILM
    assert ranges == [None, None]
