"""What keeps the tracker going: it begins again where it broke, replaces mute sockets, tells silence from a stall."""

import asyncio
import time

import pytest

from comfy_widgets import Studio
from comfy_widgets.comfyui import socket
from comfy_widgets.comfyui import tracker as module
from comfy_widgets.comfyui.socket import Socket
from comfy_widgets.comfyui.tracker import Tracker, tracker_for
from comfy_widgets.demo import DemoServer
from comfy_widgets.errors import SilentTooLong
from comfy_widgets.jobs import JobStatus

SILENCE_SECONDS = 1.0
# Each look asks twice where no answer comes.
ASKED = 2


@pytest.fixture
def hasty(monkeypatch):
    """Silence lasts a second here, and a look that failed is made again in a moment, whatever it cost."""
    monkeypatch.setattr(module, "SILENCE_SECONDS", SILENCE_SECONDS)
    monkeypatch.setattr(module, "_LOOK_SECONDS", 0.2)
    monkeypatch.setattr(module, "_PRICE", 0)


async def until(true):
    async with asyncio.timeout(20):
        # What is waited for happens in the server's thread or inside the tracker, and neither tells.
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def ended(job):
    async with asyncio.timeout(20):
        return await job


async def at_work(server, studio, workflow):
    """A job whose sampler runs, and will until it is let go."""
    held = server.hold("KSampler")
    job = studio.submit(workflow, seed=1)
    await held
    await until(lambda: job.status == JobStatus.RUNNING)
    return job, held


def opened(server):
    """The client ids of all sockets, in the order in which they were opened."""
    return [entry["sid"] for entry in server.journal.of("socket", event="open")]


@pytest.fixture(params=["_hear", "_look_at"])
def broken(request, monkeypatch):
    """A method of the tracker breaks once; this tells that it has."""
    right, broken = getattr(Tracker, request.param), asyncio.Event()

    def method(tracker, *args):
        if not broken.is_set():
            broken.set()
            raise RuntimeError("a mistake of ours")
        return right(tracker, *args)

    monkeypatch.setattr(Tracker, request.param, method)
    return broken


def fail_looks(server, count):
    """No answer comes to the next looks."""
    for number in range(ASKED * count):
        server.inject(f"http:503@GET /queue#{number + 1}")


def looks_that_failed(server):
    return sum("GET /queue" in fault for fault in server.journal.faults()) // ASKED


@pytest.mark.slow
async def test_what_breaks_inside_the_tracker_ends_no_job(server, studio, workflow, broken, caplog):
    job, held = await at_work(server, studio, workflow)
    assert broken.is_set()
    # Looks alone would do for this job; the next ones are to have previews as well.
    await until(lambda: len(opened(server)) == 2)
    held.release()
    assert (await ended(job)).path.exists()
    following = studio.submit(workflow, seed=2)
    await ended(following)
    assert following.preview
    assert server.journal.posts("/prompt") == 2
    assert caplog.text.count("The tracker broke and starts again") == 1
    # The first socket may still have been open at the server.
    assert len(set(opened(server))) == 2


@pytest.mark.slow
async def test_a_socket_that_stays_mute_is_replaced(tmp_path, workflow):
    async with DemoServer(step_seconds=0.01, faults=("ws:mute@execution_start",)) as server:
        async with Studio(server.url, cache=tmp_path) as studio:
            held = server.hold("KSampler")
            job = studio.submit(workflow, seed=1)
            await held
            await until(lambda: len(opened(server)) == 2)
            held.release()
            await ended(job)
        # The server confirmed the end of the first, so the id may be used again under which it tells of this prompt.
        assert len(set(opened(server))) == 1
        assert job.preview


@pytest.mark.slow
async def test_a_mute_socket_whose_end_nobody_confirms_gets_another_id(tmp_path, workflow, monkeypatch):
    """The server may still hold the old one, and forgets the newer of two with one id when the older closes."""
    async with DemoServer(step_seconds=0.01, faults=("ws:mute@execution_start",)) as server:
        reopen = Socket.reopen

        async def while_nobody_answers(self, client_id):
            server.stall(1.0)
            await reopen(self, client_id)

        monkeypatch.setattr(socket, "_CLOSE_SECONDS", 0.2)
        monkeypatch.setattr(Socket, "reopen", while_nobody_answers)
        async with Studio(server.url, cache=tmp_path) as studio:
            held = server.hold("KSampler")
            job = studio.submit(workflow, seed=1)
            await held
            await until(lambda: len(opened(server)) == 2)
            held.release()
            await ended(job)
            # Prompts are submitted under it from now on, and are to be heard of.
            assert tracker_for(studio.address).client_id == opened(server)[1]
        assert len(set(opened(server))) == 2


async def test_a_socket_that_was_cut_comes_back_under_its_id(tmp_path, workflow):
    """The server tells of a prompt only under the id that it came with."""
    async with DemoServer(step_seconds=0.01, faults=("ws:cut@execution_start",)) as server:
        async with Studio(server.url, cache=tmp_path) as studio:
            held = server.hold("KSampler")
            job = studio.submit(workflow, seed=1)
            await held
            await until(lambda: len(opened(server)) == 2)
            held.release()
            await ended(job)
        assert len(set(opened(server))) == 1
        assert job.preview


async def test_two_who_use_one_server_have_sockets_of_their_own(server, studio, tmp_path, workflow):
    """With another key it is somebody else to the server; under one id the first would hear nothing any more."""
    async with Studio(server.url, cache=tmp_path / "hers", api_key="hers") as hers:
        await asyncio.gather(ended(studio.submit(workflow, seed=1)), ended(hers.submit(workflow, seed=2)))
    assert len(opened(server)) == len(set(opened(server))) == 2


@pytest.mark.slow
@pytest.mark.usefixtures("hasty")
async def test_a_job_ends_when_nothing_was_heard_for_long(server, studio, workflow):
    began = time.monotonic()
    job, _ = await at_work(server, studio, workflow)
    await server.close()
    with pytest.raises(SilentTooLong, match=r"Nothing was heard of it.*the last look: ") as caught:
        await ended(job)
    assert time.monotonic() - began >= SILENCE_SECONDS
    assert caught.value.hint == "When it is back: studio.resume(), or job.resubmit()."
    assert job.status is JobStatus.LOST
    # It may go on there, so what is needed to find it again stays.
    assert (studio.cache.folder / "unfinished" / f"{job.id}.json").exists()


@pytest.mark.usefixtures("hasty")
async def test_two_looks_that_fail_are_no_silence(server, studio, workflow, monkeypatch):
    monkeypatch.setattr(module, "SILENCE_SECONDS", 0.0)
    job, held = await at_work(server, studio, workflow)
    fail_looks(server, 2)
    tracker_for(studio.address)._ask()
    await until(lambda: looks_that_failed(server) == 2)
    held.release()
    await ended(job)


@pytest.mark.slow
@pytest.mark.usefixtures("hasty")
async def test_a_cell_that_computes_for_long_is_no_silence_of_the_server(server, studio, workflow):
    """Looks failed before it and one fails after it: three of them and long enough, yet the server was there."""
    job, held = await at_work(server, studio, workflow)
    tracker = tracker_for(studio.address)
    fail_looks(server, 3)
    tracker._ask()
    await until(lambda: tracker._failed_looks == 2)
    asyncio.get_running_loop().call_soon(time.sleep, SILENCE_SECONDS + module._STALL_SECONDS)
    await until(lambda: looks_that_failed(server) == 3)
    held.release()
    await ended(job)
