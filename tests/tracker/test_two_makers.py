"""Two who want the same at the same time, in two kernels or in two loops of one: it is rendered once."""

import asyncio
import contextlib
import sys
import threading

import pytest

from comfy_widgets import Studio, Workflow, submitting
from comfy_widgets.attempt import Attempt
from comfy_widgets.cache import TakeCache
from comfy_widgets.comfyui import tracked
from comfy_widgets.errors import KeyRefused
from tests.lib.graphs import wan

pytestmark = pytest.mark.slow

KERNEL = """
import sys
from comfy_widgets import Studio, Workflow
from tests.lib.graphs import wan

with Studio(sys.argv[1], cache=sys.argv[2]) as studio:
    print("ready", flush=True)
    sys.stdin.readline()
    print(studio.run(Workflow(wan()), seed=1).path.name)
"""


@pytest.fixture
async def kernels(server, tmp_path):
    """Two processes that have imported all they need and wait for the word."""
    command = (sys.executable, "-c", KERNEL, server.url, str(tmp_path))
    piped = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.PIPE}
    both = [await asyncio.create_subprocess_exec(*command, **piped) for _ in range(2)]
    for kernel in both:
        assert await kernel.stdout.readline() == b"ready\n"
    yield both
    for kernel in both:
        with contextlib.suppress(ProcessLookupError):
            kernel.kill()
        await kernel.wait()


@pytest.fixture
def claimed(monkeypatch):
    """Set when somebody has written a row; what is nowhere for a moment counts as gone."""
    monkeypatch.setattr(tracked, "GRACE_SECONDS", 0.1)
    monkeypatch.setattr(tracked, "GRACE_LOOKS", 1)
    written, add = threading.Event(), Attempt.add_row

    def tell(attempt):
        add(attempt)
        written.set()

    monkeypatch.setattr(Attempt, "add_row", tell)
    return written


def made_by_another(server, folder, **options):
    """Another loop of this process that makes the take, in a thread."""
    paths = []

    def make():
        with Studio(server.url, cache=folder) as studio, contextlib.suppress(KeyRefused):
            paths.append(studio.run(Workflow(wan(), name="wan"), seed=1, **options).path)

    thread = threading.Thread(target=make)
    thread.start()
    return thread, paths


@pytest.mark.parametrize("pause", [0.0, 0.5])
async def test_two_kernels_on_one_folder_render_once(server, tmp_path, kernels, pause):
    server.inject("http:slow=1.5@GET /object_info#*")
    for kernel in kernels:
        kernel.stdin.write(b"\n")
        await kernel.stdin.drain()
        await asyncio.sleep(pause)
    printed = {(await kernel.communicate())[0] for kernel in kernels}
    assert printed == {next(tmp_path.glob("*.mp4")).name.encode() + b"\n"}
    assert server.journal.posts("/prompt") == 1
    assert not list((tmp_path / "unfinished").iterdir())


@pytest.mark.parametrize(("fresh", "renders"), [(False, 1), (True, 2)])
async def test_two_loops_of_one_process_render_once(server, tmp_path, fresh, renders):
    server.inject("http:slow=1@GET /object_info#*")
    makers = [made_by_another(server, tmp_path, fresh=fresh) for _ in range(2)]
    for thread, _ in makers:
        await asyncio.to_thread(thread.join)
    assert {path for _, paths in makers for path in paths} == set(tmp_path.glob("*.mp4"))
    assert server.journal.posts("/prompt") == len(list(tmp_path.glob("*.mp4"))) == renders


async def test_takes_of_one_key_that_end_at_once_are_all_kept(server, tmp_path, workflow, monkeypatch):
    """Each would be the first of its key: none replaces another."""
    together, number = threading.Barrier(3), TakeCache.next_number

    def at_once(cache, key):
        found = number(cache, key)
        # Who is let in alone waits in vain for the others.
        with contextlib.suppress(threading.BrokenBarrierError):
            together.wait(1)
        return found

    monkeypatch.setattr(TakeCache, "next_number", at_once)
    thread, paths = made_by_another(server, tmp_path, fresh=True)
    async with Studio(server.url, cache=tmp_path) as studio:
        takes = await asyncio.gather(*(studio.submit(workflow, seed=1, fresh=True) for _ in range(2)))
        await asyncio.to_thread(thread.join)
        assert {take.path for take in takes} | set(paths) == {take.path for take in studio.cache.takes()}
    assert sorted(take.take_number for take in takes) != [1, 1]
    assert len(set(tmp_path.glob("*.mp4"))) == server.journal.posts("/prompt") == 3


async def test_what_somebody_makes_while_we_prepare_is_theirs(server, tmp_path, workflow, monkeypatch):
    """Their take is on disk and their row is gone before we come to write ours."""
    check, asked = submitting.refusals.check, []

    async def while_the_other_makes_it(filled, tracker):
        asked.append(filled)
        if len(asked) == 1:
            thread, _ = made_by_another(server, tmp_path)
            await asyncio.to_thread(thread.join)
        return await check(filled, tracker)

    monkeypatch.setattr(submitting.refusals, "check", while_the_other_makes_it)
    async with Studio(server.url, cache=tmp_path) as studio:
        take = await studio.submit(workflow, seed=1)
    assert len(asked) == 2
    assert take.cached
    assert server.journal.posts("/prompt") == 1


async def test_who_comes_second_waits_for_the_post_of_the_first(server, tmp_path, workflow, claimed):
    """For longer than a prompt of our own may be nowhere."""
    server.inject("http:slow=5@POST /prompt#*")
    thread, paths = made_by_another(server, tmp_path)
    async with Studio(server.url, cache=tmp_path) as studio:
        await asyncio.to_thread(claimed.wait)
        take = await studio.submit(workflow, seed=1)
    await asyncio.to_thread(thread.join)
    assert [take.path] == paths
    assert server.journal.posts("/prompt") == 1


async def test_both_whose_file_is_broken_have_it_saved_again_once(server, tmp_path):
    server.inject("output:truncate=100@mp4")
    server.inject("http:slow=1@GET /object_info#*")
    makers = [made_by_another(server, tmp_path) for _ in range(2)]
    for thread, _ in makers:
        await asyncio.to_thread(thread.join)
    assert {path for _, paths in makers for path in paths} == set(tmp_path.glob("*.mp4"))
    assert server.journal.posts("/prompt") == 2


async def test_what_the_first_was_refused_the_second_asks_itself(server, tmp_path, workflow, claimed):
    """A row that goes and leaves no take sets free who waited for it."""
    server.inject("http:slow=2@POST /prompt")
    server.inject("http:403@POST /prompt")
    thread, paths = made_by_another(server, tmp_path)
    async with Studio(server.url, cache=tmp_path) as studio:
        await asyncio.to_thread(claimed.wait)
        assert (await studio.submit(workflow, seed=1)).path.exists()
    await asyncio.to_thread(thread.join)
    assert paths == []
    assert server.journal.posts("/prompt") == 2
