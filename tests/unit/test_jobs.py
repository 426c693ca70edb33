"""A job by itself: its state, who hears of it, and who waits for it; only the test moves it."""

import asyncio
import threading
import time
from pathlib import Path

import pytest

from comfy_widgets.errors import ComfyWidgetsError, NodeFailed, WrongLoop
from comfy_widgets.home_loop import HomeLoop
from comfy_widgets.jobs import Job, JobStatus
from tests.lib.takes import request, take

OVER = {JobStatus.COMPLETE, JobStatus.ERROR, JobStatus.CANCELLED, JobStatus.LOST}


class Acts:
    """Notes what is asked of it."""

    def __init__(self):
        self.asked = []

    def __getattr__(self, name):
        return lambda job: self.asked.append(name) or (name, job)


class NoLoop:
    """The home of a job whose loop was closed."""

    loop = None
    turns_by_itself = False


@pytest.fixture
def home():
    home = HomeLoop()
    yield home
    home.close()


@pytest.fixture
def job(home):
    return Job("5f0c", request(), home, Acts())


@pytest.fixture
async def here(home, job):
    """The job, at home in the running loop."""
    home.bind()
    return job


async def started(waiting):
    """A task that has come to its wait."""
    task = asyncio.ensure_future(waiting)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return task


# Moving and hearing


def test_each_change_is_told_once_and_what_changes_nothing_is_not(job):
    heard = []
    job.subscribe(lambda: heard.append((job.status, job.progress)))
    job.move(status=JobStatus.QUEUED)
    job.move(status=JobStatus.QUEUED)
    job.move(status=JobStatus.RUNNING, progress=0.5)
    assert heard == [(JobStatus.QUEUED, 0.0), (JobStatus.RUNNING, 0.5)]


def test_a_snapshot_stays_as_it_was(job):
    before = job.state
    job.move(progress=0.5)
    assert (before.progress, job.state.progress) == (0.0, 0.5)


def test_an_unknown_field_is_a_mistake(job):
    with pytest.raises(TypeError):
        job.move(colour="red")
    assert job.status is JobStatus.SUBMITTING


def test_a_listener_is_told_until_it_leaves_and_may_leave_twice(job):
    heard = []
    leave = job.subscribe(lambda: heard.append(1))
    job.subscribe(lambda: heard.append(2))
    job.move(progress=0.1)
    leave()
    leave()
    job.move(progress=0.2)
    assert heard == [1, 2, 2]


def test_one_function_may_listen_twice(job):
    heard = []

    def listener():
        heard.append(1)

    leave = job.subscribe(listener)
    job.subscribe(listener)
    job.move(progress=0.1)
    leave()
    job.move(progress=0.2)
    assert heard == [1, 1, 1]


def test_a_listener_may_leave_or_bring_another_while_it_is_told(job):
    heard = []

    def once():
        heard.append("once")
        leave()
        job.subscribe(lambda: heard.append("late"))

    leave = job.subscribe(once)
    job.subscribe(lambda: heard.append("other"))
    job.move(progress=0.1)
    assert heard == ["once", "other"]
    job.move(progress=0.2)
    assert heard == ["once", "other", "other", "late"]


def test_a_broken_listener_is_logged_and_keeps_the_news_from_nobody(job, caplog):
    heard = []

    def broken():
        raise RuntimeError("it is broken")

    job.subscribe(broken)
    job.subscribe(lambda: heard.append(job.progress))
    job.move(progress=0.1)
    job.move(progress=0.2)
    assert heard == [0.1, 0.2]
    assert job.progress == 0.2
    assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR"]
    assert "it is broken" in caplog.text


def test_a_listener_may_move_the_job(job):
    heard = []

    def listener():
        heard.append(job.progress)
        if job.progress < 0.3:
            job.move(progress=job.progress + 0.1)

    job.subscribe(listener)
    job.move(progress=0.1)
    assert heard == pytest.approx([0.1, 0.2, 0.3])


# Updates


async def test_updates_begin_with_now_and_end_with_the_end(here):
    seen = []

    async def watch():
        async for update in here.updates():
            assert update is here
            seen.append(update.status)

    watching = await started(watch())
    assert seen == [JobStatus.SUBMITTING]
    for status in (JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.COMPLETE):
        here.move(status=status)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    await asyncio.wait_for(watching, 1)
    assert seen == ["submitting", "queued", "running", "complete"]
    assert not here._listeners


async def test_changes_that_come_together_are_one_update(here):
    updates = here.updates()
    await anext(updates)
    for step in range(1, 5):
        here.move(progress=step / 10)
    assert (await asyncio.wait_for(anext(updates), 1)).progress == 0.4
    waiting = await started(anext(updates))
    assert not waiting.done()
    here.move(status=JobStatus.CANCELLED)
    assert (await asyncio.wait_for(waiting, 1)).status is JobStatus.CANCELLED


async def test_the_end_is_an_update_also_for_who_is_slow_to_look(here):
    updates = here.updates()
    await anext(updates)
    here.move(status=JobStatus.LOST)
    assert [update.status async for update in updates] == [JobStatus.LOST]


async def test_a_job_that_is_over_has_one_update(here):
    here.move(status=JobStatus.ERROR)
    assert [update.status async for update in here.updates()] == [JobStatus.ERROR]


async def test_who_stops_watching_is_told_no_more(here):
    updates = here.updates()
    await anext(updates)
    assert len(here._listeners) == 1
    await updates.aclose()
    assert not here._listeners


async def test_updates_follow_a_job_again_whose_loop_was_closed():
    acts = Acts()
    job = Job("5f0c", request(), NoLoop(), acts)
    await anext(job.updates())
    assert acts.asked == ["reattach"]


# Waiting


async def test_every_waiter_gets_the_take(here):
    made = take(Path("takes"))

    async def wait():
        return await here

    waiters = [await started(wait()) for _ in range(3)]
    here.move(status=JobStatus.COMPLETE, take=made)
    assert await asyncio.wait_for(asyncio.gather(*waiters), 1) == [made] * 3
    assert await here is made
    assert not here._listeners


async def test_what_went_wrong_is_raised_by_each_wait_with_its_own_traceback(here):
    here.move(status=JobStatus.ERROR, error=NodeFailed("It broke."))
    depths = []
    for _ in range(3):
        with pytest.raises(NodeFailed) as caught:
            await here
        depths.append(len(caught.traceback))
    assert len(set(depths)) == 1


async def test_a_job_that_is_over_without_a_take_says_so(here):
    here.move(status=JobStatus.COMPLETE)
    with pytest.raises(ComfyWidgetsError, match="left no take"):
        await here


async def test_ended_never_raises_and_comes_at_the_end_only(here):
    waiting = await started(here.ended())
    here.move(status=JobStatus.RUNNING)
    await asyncio.sleep(0)
    assert not waiting.done()
    here.move(status=JobStatus.ERROR, error=NodeFailed("It broke."))
    assert await asyncio.wait_for(waiting, 1) is None
    assert await here.ended() is None


async def test_a_wait_that_is_cancelled_leaves_the_job_alone(here):
    other = await started(here.ended())
    waiting = await started(here.ended())
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert here.status is JobStatus.SUBMITTING
    assert len(here._listeners) == 1
    here.move(status=JobStatus.COMPLETE)
    await asyncio.wait_for(other, 1)


async def test_a_wait_may_be_cancelled_in_the_moment_of_the_end(here):
    waiting = await started(here.ended())
    here.move(status=JobStatus.COMPLETE)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await asyncio.sleep(0)


async def test_another_threads_loop_may_wait_while_ours_runs(here):
    made, waits = take(Path("takes")), threading.Event()

    async def wait():
        asyncio.get_running_loop().call_soon(waits.set)
        return await here

    elsewhere = asyncio.create_task(asyncio.to_thread(asyncio.run, wait()))
    await asyncio.to_thread(waits.wait, 5)
    here.move(status=JobStatus.COMPLETE, take=made)
    assert await asyncio.wait_for(elsewhere, 5) is made


def test_a_wait_in_a_loop_that_cannot_move_it_is_an_error(home, job):
    home.bind()
    with pytest.raises(WrongLoop, match=r"job\.result\(\)"):
        asyncio.run(job.ended())


async def test_a_wait_follows_a_job_again_whose_loop_was_closed():
    acts = Acts()
    job = Job("5f0c", request(), NoLoop(), acts)
    waiting = await started(job.ended())
    assert acts.asked == ["reattach"]
    job.move(status=JobStatus.COMPLETE)
    await asyncio.wait_for(waiting, 1)


def test_a_script_waits_with_result(home, job):
    made = take(Path("takes"))
    home.bind().call_later(0.01, lambda: job.move(status=JobStatus.COMPLETE, take=made))
    assert job.result() is made
    assert job.result() is made
    assert job._acts.asked == ["show", "reattach", "show"]


def test_the_result_of_what_is_over_needs_no_loop():
    job = Job("5f0c", request(), NoLoop(), Acts())
    job.move(status=JobStatus.ERROR, error=NodeFailed("It broke."))
    with pytest.raises(NodeFailed):
        job.result()


def test_acts_are_handed_on(job):
    assert [job.cancel(), job.resubmit(), job.fetch()] == [("cancel", job), ("resubmit", job), ("fetch", job)]


# What it tells


@pytest.mark.parametrize("status", JobStatus)
def test_which_states_are_the_end(status):
    assert status.over is (status in OVER)
    assert status == str(status)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"status": JobStatus.QUEUED, "queue_position": 3, "ahead": 3, "ahead_mine": 2}, "3rd in line, 2 of the 3"),
        ({"status": JobStatus.QUEUED}, ""),
        ({"status": JobStatus.RUNNING, "node_title": "KSampler", "step": (3, 20)}, "KSampler, step 3 of 20"),
        ({"status": JobStatus.RUNNING, "node_title": "VAEDecode"}, "VAEDecode"),
        ({"status": JobStatus.RUNNING}, ""),
        ({"status": JobStatus.SUBMITTING, "note": "uploading 01.png"}, "uploading 01.png"),
        ({"status": JobStatus.COMPLETE}, ""),
        ({"status": JobStatus.ERROR, "error": NodeFailed("It broke.", hint="Mend it.")}, "It broke. Mend it."),
    ],
)
def test_what_happens_now_in_words(job, state, message):
    job.move(**state)
    assert job.message.startswith(message)
    assert bool(job.message) is bool(message)


def test_news_grow_old_until_the_end(job):
    job.move(heard=time.monotonic() - 10)
    assert 10 <= job.age < 60
    job.move(status=JobStatus.COMPLETE)
    assert job.age == 0


def test_time_stands_still_at_the_end(job):
    job.move(began=100.0, ended=103.5)
    assert job.elapsed == 3.5
    job.move(began=time.monotonic() - 10, ended=None)
    assert 10 <= job.elapsed < 60


def test_what_is_left_is_known_only_while_it_runs_and_within_the_estimate(job):
    job.move(status=JobStatus.RUNNING, expected=60.0, running_since=time.monotonic() - 20)
    assert 30 < job.eta <= 40
    job.move(running_since=time.monotonic() - 61)
    assert job.eta is None
    job.move(status=JobStatus.QUEUED, running_since=time.monotonic())
    assert job.eta is None


def test_all_takes_of_a_job_begin_with_the_chosen_one(job):
    assert job.takes == ()
    still = take(Path("takes"), kind="image")
    made = take(Path("takes"), also=(still,))
    job.move(take=made)
    assert job.takes == (made, still)


def test_a_job_is_called_by_its_shot(job):
    assert (job.title, job.scene, job.shot, job.inputs["seed"]) == ("shot-01", "scene-001", "shot-01", 7)
