"""What the server has rendered and nobody has fetched is fetched, whoever asks, and not rendered again."""

import asyncio
import shutil
from pathlib import Path

import pytest

from comfy_widgets import RANDOM, Shot, Studio, saving
from comfy_widgets.errors import CacheError, FetchFailed, Lost
from comfy_widgets.jobs import JobStatus


@pytest.fixture
def unfetched(server, studio, workflow, monkeypatch):
    """Make a job that is rendered and whose file can't be fetched at first."""
    monkeypatch.setattr(saving, "PAUSE_SECONDS", (0.01,))

    async def unfetched_(*, fresh=True):
        server.inject("view:truncate=50@mp4#*")
        job = studio.submit(workflow, seed=1, fresh=fresh)
        with pytest.raises(FetchFailed):
            await job
        server.heal()
        return job

    return unfetched_


@pytest.mark.parametrize("fresh", [False, True])
async def test_fetching_brings_its_own_file_also_if_there_is_another_of_the_same(
    server, studio, workflow, unfetched, fresh
):
    job = await unfetched(fresh=fresh)
    other = await another_take(server, studio, workflow)
    took = await job.fetch()
    assert (took.prompt_id, took.path != other.path) == (job.id, True)
    assert not list((studio.cache.folder / "unfinished").iterdir())
    assert server.journal.posts("/prompt") == 2


@pytest.mark.parametrize("fresh", [False, True])
async def test_resuming_brings_each_its_own_file(server, studio, workflow, unfetched, fresh):
    job = await unfetched(fresh=fresh)
    await another_take(server, studio, workflow)
    async with Studio(server.url, cache=studio.cache.folder) as again:
        (resumed,) = again.resume()
        assert (await resumed).prompt_id == job.id
    assert len(studio.cache.takes()) == 2
    assert server.journal.posts("/prompt") == 2


@pytest.mark.usefixtures("hasty")
async def test_one_whose_file_the_server_lost_takes_another_of_the_same(server, studio, workflow, unfetched):
    job = await unfetched(fresh=False)
    other = await another_take(server, studio, workflow)
    await server.restarted()
    assert (await job.fetch()).path == other.path
    assert studio.resume() == []


async def test_another_take_that_was_left_behind_is_the_one_that_is_asked_for_again(
    server, studio, workflow, unfetched
):
    job = await unfetched()
    take = await studio.submit(workflow, seed=1, fresh=True)
    assert take.prompt_id == job.id
    assert server.journal.posts("/prompt") == 1


async def test_two_who_want_another_take_do_not_get_the_same_that_was_left_behind(server, studio, workflow, unfetched):
    await unfetched()
    takes = await asyncio.gather(*(studio.submit(workflow, seed=1, fresh=True) for _ in range(2)))
    assert len({take.path for take in takes}) == 2
    assert server.journal.posts("/prompt") == 2


@pytest.mark.parametrize("when", ["render", "fetch", "save"])
async def test_a_notebook_that_goes_elsewhere_keeps_its_takes_where_they_were(
    server, workflow, tmp_path, monkeypatch, when
):
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path)
    if when != "render":
        name = {"fetch": "_fetch", "save": "_check"}[when]
        step = getattr(saving, name)

        def moved(*args, **how):
            monkeypatch.chdir(tmp_path / "sub")
            return step(*args, **how)

        monkeypatch.setattr(saving, name, moved)
    async with Studio(server.url, cache="takes") as studio:
        held = server.hold("KSampler")
        (item,) = batch = studio.generate([Shot("a", "x")], workflow)
        await held
        if when == "render":
            monkeypatch.chdir(tmp_path / "sub")
        held.release()
        await batch
        assert item.take.path == tmp_path / "takes" / item.take.path.name
        assert (await studio.submit(workflow, Shot("b", "x"))).used_by == ((None, "a"), (None, "b"))
        monkeypatch.chdir(tmp_path)
        assert studio.cache.find(item.take.key).path == Path("takes") / item.take.path.name
    assert not list((tmp_path / "sub").iterdir())
    assert not list((tmp_path / "takes" / "unfinished").iterdir())
    written = [path.read_text() for kind in ("*.json", "*.log") for path in tmp_path.rglob(kind)]
    assert written
    assert not any(str(tmp_path) in text for text in written)
    assert server.journal.posts("/prompt") == 1


async def test_what_failed_before_a_notebook_went_elsewhere_is_fetched_from_there(
    server, workflow, tmp_path, monkeypatch
):
    monkeypatch.setattr(saving, "PAUSE_SECONDS", ())
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path)
    async with Studio(server.url, cache="takes") as studio:
        server.inject("view:truncate=50@mp4#*")
        job = studio.submit(workflow, seed=1)
        with pytest.raises(FetchFailed):
            await job
        server.heal()
        monkeypatch.chdir(tmp_path / "sub")
        (resumed,) = studio.resume()
        assert (await resumed).path.parent == tmp_path / "takes"
        assert (await job.fetch()).prompt_id == job.id
    assert not list((tmp_path / "sub").iterdir())


async def test_a_folder_that_is_removed_during_the_render_is_made_again(server, studio, workflow):
    held = server.hold("KSampler")
    job = studio.submit(workflow, seed=1)
    await held
    shutil.rmtree(studio.cache.folder)
    held.release()
    assert studio.cache.find((await job).key).path == job.take.path
    assert server.journal.posts("/prompt") == 1


@pytest.mark.parametrize("act", ["fetch", "resubmit"])
async def test_what_lost_its_row_with_the_folder_is_still_fetched(server, studio, workflow, unfetched, act):
    job = await unfetched(fresh=False)
    shutil.rmtree(studio.cache.folder)
    prompt_id = job.id
    assert (await getattr(job, act)()).prompt_id == prompt_id
    assert server.journal.posts("/prompt") == 1
    assert not list((studio.cache.folder / "unfinished").iterdir())


async def test_what_lost_its_row_has_one_again_while_it_cannot_be_fetched(server, studio, workflow, unfetched):
    job = await unfetched(fresh=False)
    shutil.rmtree(studio.cache.folder)
    server.inject("view:truncate=50@mp4#*")
    with pytest.raises(FetchFailed):
        await job.fetch()
    server.heal()
    assert (await studio.submit(workflow, seed=1)).prompt_id == job.id
    assert server.journal.posts("/prompt") == 1


async def test_a_folder_that_is_removed_during_the_fetch_is_no_fault_of_the_file(server, studio, workflow, monkeypatch):
    check = saving._check

    def removed(*args, **how):
        monkeypatch.setattr(saving, "_check", check)
        shutil.rmtree(studio.cache.folder)
        check(*args, **how)

    monkeypatch.setattr(saving, "_check", removed)
    job = studio.submit(workflow, seed=1)
    with pytest.raises(CacheError, match=r"was removed.*job\.fetch\(\)"):
        await job
    assert (await job.fetch()).path.exists()
    assert server.journal.posts("/prompt") == 1


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("act", ["fetch", "resubmit"])
async def test_what_has_neither_a_row_nor_a_place_on_the_server(server, studio, workflow, unfetched, act):
    job = await unfetched(fresh=False)
    shutil.rmtree(studio.cache.folder)
    await server.restarted()
    if act == "fetch":
        with pytest.raises(Lost, match=r"knows nothing.*job\.resubmit\(\)"):
            await job.fetch()
        assert studio.resume() == []
    assert (await job.resubmit()).path.exists()
    assert server.journal.posts("/prompt") == 2


async def test_a_batch_asked_for_again_renders_nothing_twice(server, studio, workflow, monkeypatch):
    monkeypatch.setattr(saving, "PAUSE_SECONDS", (0.01,))
    server.inject("view:truncate=50@mp4#*")
    batch = await studio.generate([Shot("a", "x"), Shot("b", "y")], workflow, fresh=True, seed=RANDOM)
    assert [item.status for item in batch] == ["error", "error"]
    seeds = [job.inputs["seed"] for job in batch.jobs]
    server.heal()
    await batch.resubmit()
    assert [job.inputs["seed"] for job in batch.jobs] == seeds
    assert len(set(seeds)) == len(batch.takes) == server.journal.posts("/prompt") == 2


async def test_another_take_of_a_shot_asked_for_again_is_the_same_one(server, timeline_of, monkeypatch):
    monkeypatch.setattr(saving, "PAUSE_SECONDS", (0.01,))
    timeline = timeline_of()
    server.inject("view:truncate=50@mp4#*")
    (item,) = batch = await timeline.generate("shot-01", another=True)
    assert item.status == "error"
    server.heal()
    await batch.resubmit()
    assert item.status == JobStatus.COMPLETE
    await timeline.generate("shot-01", another=True)
    assert len(timeline.takes_of("shot-01")) == server.journal.posts("/prompt") == 2


async def another_take(server, studio, workflow):
    """One that somebody made meanwhile, and who knew nothing of the first."""
    async with Studio(server.url, cache=studio.cache.folder.with_name("elsewhere")) as elsewhere:
        take = await elsewhere.submit(workflow, seed=1)
    for file in elsewhere.cache.folder.glob(f"*{take.key[:12]}*"):
        file.rename(studio.cache.folder / file.name)
    return studio.cache.find(take.key)
