"""The four cases of the event loop: a running one, none, a closed one, another one."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from comfy_widgets import Studio, attempt
from comfy_widgets.demo import DemoServer
from comfy_widgets.errors import WrongLoop
from comfy_widgets.home_loop import HomeLoop
from comfy_widgets.jobs import JobStatus

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


@pytest.fixture
def threaded():
    """A server with a thread of its own: it goes on while the test's thread does nothing."""
    with DemoServer(step_seconds=0.01) as server:
        yield server


def test_a_script_needs_no_loop(threaded, workflow, tmp_path):
    with Studio(threaded.url, cache=tmp_path) as studio:
        takes = [studio.run(workflow, seed=seed) for seed in (1, 2)]
        job = studio.submit(workflow, seed=3)
        assert job.status in {JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.SAVING, JobStatus.COMPLETE}
        assert threaded.journal.posts("/prompt") == 3
        assert job.result().path.exists()
    assert all(take.path.exists() for take in takes)


def test_a_script_stops_a_job(threaded, workflow, tmp_path):
    with Studio(threaded.url, cache=tmp_path) as studio:
        held = threaded.hold("KSampler", step=1)
        job = studio.submit(workflow, seed=1)
        held.wait()
        threaded.release()
        job.cancel()
        assert job.over


def test_an_asyncio_program_brings_its_own(threaded, workflow, tmp_path):
    async def program():
        async with Studio(threaded.url, cache=tmp_path) as studio:
            return await asyncio.gather(*(studio.submit(workflow, seed=seed) for seed in (1, 2)))

    assert all(take.path.exists() for take in asyncio.run(program()))


def test_a_job_is_followed_again_after_its_loop_was_closed(threaded, workflow, tmp_path):
    studio = Studio(threaded.url, cache=tmp_path)
    held = threaded.hold("KSampler")

    async def submitted():
        job = studio.submit(workflow, seed=1)
        await asyncio.to_thread(held.wait)
        return job

    async def awaited(job):
        async with studio:
            return await job

    job = asyncio.run(submitted())
    threaded.release()
    assert asyncio.run(awaited(job)).path.exists()
    assert threaded.journal.posts("/prompt") == 1


@pytest.mark.parametrize("waits", ["await", "result"])
def test_so_are_all_of_its_jobs(threaded, workflow, tmp_path, waits):
    studio = Studio(threaded.url, cache=tmp_path)
    held = threaded.hold("KSampler")

    async def submitted():
        jobs = [studio.submit(workflow, seed=seed) for seed in (1, 2)]
        await asyncio.to_thread(held.wait)
        return jobs

    async def awaited(jobs):
        again = studio.submit(workflow, seed=1)
        return await asyncio.gather(*jobs, again)

    jobs = asyncio.run(submitted())
    threaded.release()
    if waits == "await":
        takes = asyncio.run(awaited(jobs))
        assert takes[0].path == takes[2].path
    else:
        takes = [job.result() for job in jobs]
        studio.close()
    assert all(take.path.exists() for take in takes)
    assert threaded.journal.posts("/prompt") == 2


@pytest.mark.parametrize("waits", ["await", "script"])
def test_a_job_is_stopped_after_its_loop_was_closed(threaded, workflow, tmp_path, waits):
    studio = Studio(threaded.url, cache=tmp_path)
    held = threaded.hold("KSampler")

    async def submitted():
        jobs = [studio.submit(workflow, seed=seed) for seed in (1, 2)]
        await asyncio.to_thread(held.wait)
        async for now in jobs[1].updates():
            if now.status is JobStatus.QUEUED:
                break
        return jobs

    async def stopped(job):
        async with studio:
            await job.cancel()
            return job.status

    first, queued = asyncio.run(submitted())
    if waits == "await":
        assert asyncio.run(stopped(queued)) is JobStatus.CANCELLED
    else:
        queued.cancel()
        assert queued.status is JobStatus.CANCELLED
        assert not first.over
        studio.close()
    threaded.release()
    assert threaded.journal.posts("/prompt") == 2
    assert threaded.journal.fates()[queued.id] == "deleted"


def test_a_studio_at_work_in_one_loop_refuses_another(threaded, workflow, tmp_path):
    with Studio(threaded.url, cache=tmp_path) as studio:
        studio.run(workflow, seed=1)

        async def elsewhere():
            studio.submit(workflow, seed=2)

        with pytest.raises(WrongLoop, match="another event loop"):
            asyncio.run(elsewhere())


NESTED = """
    import asyncio, sys, comfy_widgets as cw
    sys.path.insert(0, {root!r})
    from tests.lib.graphs import wan

    async def cell():
        beats = 0
        async def beat():
            nonlocal beats
            while True:
                beats += 1
                await asyncio.sleep(0.01)
        task = asyncio.create_task(beat())
        async with cw.Studio({url!r}, cache={cache!r}) as studio:
            take = studio.run(cw.Workflow(wan()), seed=1)
        task.cancel()
        print(take.frames, beats > 5)

    asyncio.run(cell())
"""


def test_blocking_inside_a_running_loop_lets_it_turn(threaded, tmp_path):
    """In a process of its own: nest_asyncio2 changes asyncio.run for all that comes after."""
    script = textwrap.dedent(NESTED.format(root=str(ROOT), url=threaded.url, cache=str(tmp_path)))
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert (ran.returncode, ran.stdout.split()) == (0, ["9", "True"]), ran.stderr


def test_a_loop_that_is_shut_down_while_the_index_is_due_complains_of_nothing(
    threaded, workflow, tmp_path, monkeypatch
):
    monkeypatch.setattr(attempt, "_INDEX_SECONDS", 0.05)
    complaints = []

    async def program():
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: complaints.append(context))
        async with Studio(threaded.url, cache=tmp_path) as studio:
            await studio.submit(workflow, seed=1)
        # As asyncio.run does it, which goes on for as long as a thread still works.
        await loop.shutdown_default_executor()
        await asyncio.sleep(0.2)

    asyncio.run(program())
    assert (tmp_path / "index.json").exists()
    assert complaints == []


def test_an_interrupt_ends_the_wait_and_not_the_job(threaded, workflow, tmp_path):
    with Studio(threaded.url, cache=tmp_path) as studio:
        held = threaded.hold("KSampler")
        job = studio.submit(workflow, seed=1)
        held.wait()
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
        with pytest.raises(KeyboardInterrupt):
            job.result()
        assert not job.over
        threaded.release()
        assert job.result().path.exists()
        assert threaded.journal.posts("/prompt") == 1


def begun(work, *args):
    """The outcome of work in a thread that keeps nobody from ending."""
    outcome = Future()

    def go():
        try:
            outcome.set_result(work(*args))
        except BaseException as error:  # noqa: BLE001 - the test raises it
            outcome.set_exception(error)

    threading.Thread(target=go, daemon=True).start()
    return outcome


def seen(state):
    """Wait until it is so, in any thread."""
    for _ in range(3000):
        if state():
            return
        threading.Event().wait(0.01)
    raise AssertionError


def test_when_the_thread_that_turns_the_loop_leaves_the_next_goes_on():
    home, events, waiting = HomeLoop(), [asyncio.Event() for _ in range(3)], []

    async def told(number):
        waiting.append(number)
        return await events[number].wait()

    outcomes = []
    for number in range(3):
        outcomes.append(begun(home.turn, told(number)))
        seen(lambda number=number: number in waiting)
    for event, outcome in zip(events, outcomes, strict=True):
        home.loop.call_soon_threadsafe(event.set)
        assert outcome.result(30)
    home.close()
    assert home.loop is None


def test_threads_of_a_script_run_at_once(threaded, workflow, tmp_path):
    with Studio(threaded.url, cache=tmp_path) as studio:
        together = threading.Barrier(4)

        def run(seed):
            together.wait()
            return studio.run(workflow, seed=seed)

        takes = [outcome.result(60) for outcome in [begun(run, seed) for seed in (1, 2, 3, 3)]]
    assert [take.inputs["seed"] for take in takes] == [1, 2, 3, 3]
    assert threaded.journal.posts("/prompt") == 3


def test_a_thread_stops_a_job_that_another_waits_for(threaded, workflow, tmp_path):
    with Studio(threaded.url, cache=tmp_path) as studio:
        held = threaded.hold("KSampler", step=1)
        job = studio.submit(workflow, seed=1)
        held.wait()
        waits = begun(job.result)
        seen(lambda: studio.home.turns_by_itself)
        threaded.release()
        job.cancel()
        assert job.over
        assert waits.exception(30) is job.error


@pytest.mark.parametrize("turns", ["here", "elsewhere"])
def test_an_interrupt_ends_no_wait_in_another_thread(threaded, workflow, tmp_path, turns):
    with Studio(threaded.url, cache=tmp_path) as studio:
        held = threaded.hold("KSampler")
        job = studio.submit(workflow, seed=1)
        held.wait()

        def second():
            seen(lambda: studio.home.turns_by_itself)
            return job.result()

        other = begun(second if turns == "here" else job.result)
        if turns == "elsewhere":
            seen(lambda: studio.home.turns_by_itself)
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
        with pytest.raises(KeyboardInterrupt):
            job.result()
        assert not job.over
        threaded.release()
        assert other.result(60).path.exists()
        assert threaded.journal.posts("/prompt") == 1


def test_callers_that_take_all_threads_of_a_program_leave_some_to_their_jobs(threaded, workflow, tmp_path):
    async def program():
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(2))
        async with Studio(threaded.url, cache=tmp_path) as studio:
            await studio.submit(workflow, seed=1)
            runs = [asyncio.to_thread(studio.run, workflow, seed=seed) for seed in (2, 3, 4)]
            return await asyncio.wait_for(asyncio.gather(*runs), 30)

    assert [take.inputs["seed"] for take in asyncio.run(program())] == [2, 3, 4]


def test_the_home_loop_puts_the_signal_handler_back():
    home, before = HomeLoop(), signal.getsignal(signal.SIGINT)
    assert home.turn(asyncio.sleep(0, 5)) == 5
    assert signal.getsignal(signal.SIGINT) is before
    home.close()


SCRIPT = """
    import sys, comfy_widgets as cw
    sys.path.insert(0, {root!r})
    from tests.lib.graphs import wan
    studio = cw.Studio.demo(cache={cache!r}, step_seconds=0.01)
    print(studio.run(cw.Workflow(wan()), prompt="a hill", seed=1).frames, flush=True)
    print({ending}, flush=True)
"""


@pytest.mark.parametrize(
    "ending",
    [
        "studio.close().done()",
        "'left open'",
        "cw.Studio(offline=True).load('nowhere.json').exception()",
        "__import__('asyncio').run(__import__('asyncio').sleep(0))",
    ],
)
def test_a_script_ends_by_itself_and_quietly(tmp_path, ending):
    script = textwrap.dedent(SCRIPT.format(root=str(ROOT), cache=str(tmp_path), ending=ending))
    ran = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", "-c", script],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.splitlines()[0] == "9"


def test_the_embedded_server_ends_with_a_killed_kernel(tmp_path):
    script = (
        textwrap.dedent(SCRIPT.format(root=str(ROOT), cache=str(tmp_path), ending="studio.address.url")) + "input()"
    )
    kernel = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with kernel:
        kernel.stdout.readline()
        url = kernel.stdout.readline().strip()
        kernel.send_signal(signal.SIGKILL)
        kernel.wait()
    assert url.startswith("http://127.0.0.1:")
    assert gone(url)


def gone(url):
    """Whether the server at this address has ended, waiting as long as a server needs for that."""
    import httpx

    deadline = 100
    for _ in range(deadline):
        try:
            httpx.get(f"{url}/system_stats", timeout=1)
        except httpx.TransportError:
            return True
        threading.Event().wait(0.1)
    return False
