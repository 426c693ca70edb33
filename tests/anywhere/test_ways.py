"""Whatever way the news come, in whatever form it is asked for, and in whatever kernel, on any server."""

import asyncio

import pytest

from comfy_widgets.comfyui.client import Client
from comfy_widgets.comfyui.replies import AnswerLost
from comfy_widgets.comfyui.tracker import tracker_for
from comfy_widgets.errors import Lost
from comfy_widgets.jobs import JobStatus
from tests.anywhere.graphs import films, still
from tests.anywhere.test_queue import until

ORDER = ["submitting", "queued", "running", "saving", "complete"]


async def told(job):
    """What a job says on its way: (status, progress, source) of each update."""
    return [(str(job.status), job.progress, job.source) async for _ in job.updates()]


def statuses(news):
    return list(dict.fromkeys(status for status, _, _ in news))


async def test_it_only_goes_forward_and_is_done_when_the_take_is_there(studio, color):
    job = studio.submit(films(color, 4))
    progress = []
    async for _ in job.updates():
        progress.append((ORDER.index(job.status), job.progress))
        assert (job.progress == 1.0) == (job.take is not None)
    assert progress == sorted(progress)
    assert job.take.path.stat().st_size == job.take.size
    # Half of it was told while it ran, not all at its end.
    assert any(0.0 < share < 0.9 for _, share in progress)


async def test_by_asking_alone(studio, monkeypatch, caplog, color):
    """Where a proxy has no WebSocket."""
    monkeypatch.setattr(Client, "socket_url", lambda self, _: self.address.socket_url + "/nowhere")
    jobs = [studio.submit(still(color + n)) for n in range(3)]
    news = await asyncio.gather(*(told(job) for job in jobs))
    assert {job.status for job in jobs} == {JobStatus.COMPLETE}
    assert {source for one in news for *_, source in one} == {"poll"}
    assert caplog.text.count("refuses a WebSocket") == 1
    assert tracker_for(studio.address).socket_refused == "HTTP 404"


async def test_by_asking_alone_a_stop_is_confirmed(studio, monkeypatch, long, somebody):
    monkeypatch.setattr(Client, "socket_url", lambda self, _: self.address.socket_url + "/nowhere")
    job = studio.submit(long)
    await until(job, lambda job: job.status == JobStatus.RUNNING)
    await job.cancel()
    assert job.status == JobStatus.CANCELLED
    assert (await somebody.record(job.id))["status"]["messages"][-1][0] == "execution_interrupted"


async def test_by_listening_alone(studio, monkeypatch, color):
    """Where the queue can't be read."""

    async def starved(_):
        raise AnswerLost("No queue in this test.")

    monkeypatch.setattr(Client, "queue", starved)
    jobs = [studio.submit(films(color + n, 2)) for n in range(2)]
    news = await asyncio.gather(*(told(job) for job in jobs))
    assert [statuses(one)[-2:] for one in news] == [["saving", "complete"]] * 2
    assert all("running" in statuses(one) for one in news)


async def test_a_socket_that_breaks_is_opened_again(studio, busy, color):
    socket = tracker_for(studio.address)._socket
    job = studio.submit(films(color, 3))
    await until(job, lambda job: job.status == JobStatus.QUEUED)
    await socket._connection.close()
    await busy.cancel()
    news = await told(job)
    assert job.status == JobStatus.COMPLETE
    assert [ORDER.index(status) for status, *_ in news] == sorted(ORDER.index(status) for status, *_ in news)
    again = studio.submit(films(color + 1, 3))
    assert "socket" in {source for *_, source in await told(again)}


async def test_another_studio_picks_it_up(place, studio, busy, color, tmp_path):
    job = studio.submit(still(color))
    await until(job, lambda job: job.status == JobStatus.QUEUED)
    waiting = job.id
    await studio.close()
    assert job.status == JobStatus.LOST
    async with place.studio(tmp_path / "takes") as other:
        resumed = {one.id: one for one in other.resume()}
        assert set(resumed) == {waiting, busy.id}
        await resumed[busy.id].cancel()
        assert (await resumed[waiting]).frames == 8
        assert not list((tmp_path / "takes" / "unfinished").glob("*.json"))


@pytest.fixture
async def left(studio, busy, somebody, color):
    """A job that ended after its studio was closed."""
    job = studio.submit(still(color))
    await until(job, lambda job: job.status == JobStatus.QUEUED)
    await studio.close()
    while not await somebody.record(job.id):
        await somebody.interrupt(busy.id)
        await asyncio.sleep(0.05)
    return job


async def test_what_ended_meanwhile_is_fetched(place, left, color, tmp_path):
    async with place.studio(tmp_path / "takes") as other:
        assert (await other.submit(still(color))).prompt_id == left.id


async def test_a_record_that_somebody_cleared_is_lost_and_made_again(place, left, somebody, tmp_path):
    await somebody.forget(left.id)
    async with place.studio(tmp_path / "takes") as other:
        resumed = {one.id: one for one in other.resume()}[left.id]
        with pytest.raises(Lost, match=r"job\.resubmit"):
            await resumed
        assert (await resumed.resubmit()).prompt_id != left.id


async def test_leaving_the_wait_leaves_the_job(studio, busy, color):
    job = studio.submit(still(color))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await job
    await busy.cancel()
    assert (await job).frames == 8


def test_in_a_script(place, color, tmp_path):
    with place.studio(tmp_path) as studio:
        first = studio.submit(still(color))
        second = studio.submit(still(color + 1))
        assert second.result().frames == first.result().frames == 8
        assert studio.run(still(color)).cached


def test_in_a_script_a_job_is_stopped(place, long, tmp_path):
    with place.studio(tmp_path) as studio:
        job = studio.submit(long)
        job.cancel()
        assert job.status == JobStatus.CANCELLED


def test_in_an_asyncio_program(place, color, tmp_path):
    async def program():
        async with place.studio(tmp_path) as studio:
            return await studio.submit(still(color))

    assert asyncio.run(program()).frames == 8


def test_in_one_loop_after_another(place, color, tmp_path):
    """As tests do it: the studio is the same, its first loop is closed while the job waits."""
    studio = place.studio(tmp_path)

    async def ask():
        job = studio.submit(still(color))
        await until(job, lambda job: job.status != JobStatus.SUBMITTING)
        return job

    async def wait(job):
        take = await job
        await studio.close()
        return take

    assert asyncio.run(wait(asyncio.run(ask()))).frames == 8
