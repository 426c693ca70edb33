"""Where a job stands among other people's, and how it is stopped, on any server."""

import asyncio
import random

import pytest

from comfy_widgets.comfyui import tracked
from comfy_widgets.errors import Cancelled, Interrupted, Lost
from comfy_widgets.jobs import JobStatus
from tests.anywhere.graphs import still


async def until(job, true):
    """Follow a job until something is true of it."""
    async for _ in job.updates():
        if true(job):
            return
    pytest.fail(f"{job.status} and never so: {job.error}")


async def state_of(job):
    async with asyncio.timeout(60):
        await job.ended()
    return job.status


async def test_places_among_other_peoples(studio, busy, somebody, color):
    """Ours, theirs, ours, theirs, ours: each of ours knows its rank, what is ahead, and which of it is ours."""
    ours, theirs = [], []
    for number in range(3):
        ours.append(studio.submit(still(color + number)))
        await until(ours[-1], lambda job: job.status == JobStatus.QUEUED)
        theirs.append(await somebody.submit(still(color + 8 + number)))
    async with asyncio.timeout(20):
        while True:
            running, waiting = await somebody.queue()
            assert running == [busy.id], "the server was done before the test"
            mine = {job.id for job in ours}
            right = [
                (
                    waiting.index(job.id) + 1,
                    1 + waiting.index(job.id),
                    1 + sum(prompt in mine for prompt in waiting[: waiting.index(job.id)]),
                )
                for job in ours
            ]
            if [(job.queue_position, job.ahead, job.ahead_mine) for job in ours] == right:
                break
            await asyncio.sleep(0.05)
    ranks = [job.queue_position for job in ours]
    assert (ranks[1] - ranks[0], ranks[2] - ranks[1]) >= (2, 2)
    assert [job.ahead_mine for job in ours] == [1, 2, 3]


async def test_the_place_gets_better_and_never_worse(studio, busy, somebody, color):
    await somebody.submit(still(color))
    job = studio.submit(still(color + 1))
    await until(job, lambda job: job.ahead >= 2)
    await busy.cancel()
    seen = [(job.ahead, job.queue_position) async for _ in job.updates() if job.queue_position is not None]
    assert job.status == JobStatus.COMPLETE
    assert seen == sorted(seen, reverse=True)
    assert job.queue_position is None


async def test_front_goes_before_what_waits(studio, busy, somebody, color):
    waits = await somebody.submit(still(color))
    last = studio.submit(still(color + 1))
    first = studio.submit(still(color + 2), front=True)
    await until(last, lambda last: last.ahead_mine == 2 and first.queue_position == 1)
    _, waiting = await somebody.queue()
    assert waiting.index(first.id) < waiting.index(waits) < waiting.index(last.id)
    await busy.cancel()
    await asyncio.gather(first, last)


async def test_others_prompts_move_nothing_of_ours(studio, busy, somebody, color):
    job = studio.submit(still(color))
    await until(job, lambda job: job.queue_position is not None)
    before = job.state.running_since, job.progress
    theirs = await somebody.submit(still(color + 1), front=True)
    await until(job, lambda job: job.queue_position >= 2)
    assert (job.state.running_since, job.progress) == before
    await somebody.delete(theirs)
    await busy.cancel()
    await job


async def test_stopping_one_that_waits_leaves_the_others_alone(studio, busy, somebody, color):
    theirs = await somebody.submit(still(color))
    stopped, stays = studio.submit(still(color + 1)), studio.submit(still(color + 2))
    await until(stopped, lambda job: job.status == JobStatus.QUEUED)
    await stopped.cancel()
    with pytest.raises(Cancelled, match="Stopped by you"):
        await stopped
    assert await somebody.record(stopped.id) is None
    await busy.cancel()
    assert (await stays).frames == 8
    assert (await somebody.record(theirs))["status"]["status_str"] == "success"


async def test_stopping_the_one_that_runs(studio, busy, somebody, color):
    theirs, ours = await somebody.submit(still(color)), studio.submit(still(color + 1))
    await busy.cancel()
    assert busy.status == JobStatus.CANCELLED
    assert (await somebody.record(busy.id))["status"]["messages"][-1][0] == "execution_interrupted"
    await ours
    assert (await somebody.record(theirs))["status"]["status_str"] == "success"


async def test_stopping_right_after_submitting(studio, asked, somebody, color):
    """Some stops come before the prompt is sent, some once it waits or runs; stopped at once nothing would be sent."""
    # What is asked of a server once is no part of what each stop waits for.
    await studio.submit(still(color))
    asked.heard.clear()
    theirs = await somebody.submit(still(color + 10, count=60, size=128))
    lots = random.Random(8)

    async def stopped(number):
        job = studio.submit(still(color + number))
        await asyncio.sleep(lots.uniform(0, 0.5))
        await job.cancel()
        return job

    jobs = await asyncio.gather(*map(stopped, range(1, 9)))
    assert asked.of("POST", "/prompt")
    assert {job.status for job in jobs} <= {JobStatus.CANCELLED, JobStatus.COMPLETE}
    running, waiting = await somebody.queue()
    assert not {job.id for job in jobs} & {*running, *waiting}
    assert not list((studio.cache.folder / "unfinished").glob("*.json"))
    last = studio.submit(still(color + 9))
    await last
    assert (await somebody.record(theirs))["status"]["status_str"] == "success"


async def test_somebody_else_stops_it(studio, busy, somebody):
    while not busy.over:
        await somebody.interrupt(busy.id)
        await asyncio.sleep(0.05)
    with pytest.raises(Interrupted, match=r"Somebody stopped it.*job\.resubmit"):
        await busy


async def test_somebody_else_deletes_it_from_the_queue(studio, busy, somebody, monkeypatch, color):
    """It leaves no trace: it is lost after a while, and can be had again."""
    monkeypatch.setattr(tracked, "GRACE_SECONDS", 2.0)
    job = studio.submit(still(color))
    await until(job, lambda job: job.status == JobStatus.QUEUED)
    await somebody.delete(job.id)
    await busy.cancel()
    assert await state_of(job) == JobStatus.LOST
    with pytest.raises(Lost, match=r"job\.resubmit"):
        await job
    again = job.resubmit()
    assert (await again).frames == 8
    assert again.id != job.id


async def test_nothing_is_sent_for_what_was_stopped_at_once(studio, asked, color):
    job = studio.submit(still(color))
    await job.cancel()
    with pytest.raises(Cancelled):
        await job
    assert not asked.of("POST", "/prompt")
