"""Interrupts and blocked loops: what a person does to a cell must not be done to the tracker."""

import asyncio
import os
import random
import signal
import threading
import time

import pytest

from comfy_widgets import Job, Studio, Take, Workflow
from comfy_widgets.demo import DemoServer

INTERRUPTS = 100
BLOCKED_SECONDS = 4.0
TRUE_WITHIN_SECONDS = 2.0


def small(seed: int, steps: int = 3) -> Workflow:
    slow = {"class_type": "LabSlow", "inputs": {"steps": steps, "delay": 0.01, "preview": "jpeg", "seed": seed}}
    save = {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "lab/small"}}
    return Workflow({"1": slow, "2": save})


def interrupted(studio: Studio, lots: random.Random, count: int) -> int:
    """Interrupt the wait for each of so many jobs at a random moment; how many waits that ended."""
    hit = 0
    # An interrupt that comes between two waits is nobody's: only those during a wait are of interest.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        for seed in range(count):
            job = studio.submit(small(seed))
            timer = threading.Timer(lots.uniform(0, 0.08), os.kill, (os.getpid(), signal.SIGINT))
            timer.start()
            try:
                job.result()
            except KeyboardInterrupt:
                hit += 1
            timer.join()
            assert finished(job).path.exists()
    finally:
        signal.signal(signal.SIGINT, before)
    return hit


def finished(job: Job) -> Take:
    """The take, whether or not the interrupt came only now."""
    try:
        return job.result()
    except KeyboardInterrupt:
        return job.result()


@pytest.fixture
def server():
    with DemoServer(step_seconds=0.0) as server:
        yield server


def test_interrupts_in_a_script(server, tmp_path):
    with Studio(server.url, cache=tmp_path) as studio:
        assert interrupted(studio, random.Random(1), INTERRUPTS) > INTERRUPTS / 4
    assert server.journal.posts("/prompt") == INTERRUPTS


async def test_interrupts_inside_a_running_loop(server, tmp_path):
    """As in a notebook: the tracker runs in the loop that `result` turns."""
    async with Studio(server.url, cache=tmp_path) as studio:
        busy = [studio.submit(small(1000 + n, steps=100)) for n in range(5)]
        assert interrupted(studio, random.Random(2), INTERRUPTS) > INTERRUPTS / 4
        await asyncio.gather(*busy)
    assert server.journal.posts("/prompt") == INTERRUPTS + len(busy)


async def test_a_cell_that_blocks_loses_nothing(server, tmp_path):
    async with Studio(server.url, cache=tmp_path) as studio:
        jobs = [studio.submit(small(n, steps=20)) for n in range(3)]
        held = server.hold("LabSlow", step=2)
        await held
        held.release()
        time.sleep(BLOCKED_SECONDS)  # noqa: ASYNC251 - the cell that blocks
        began = time.monotonic()
        await asyncio.gather(*jobs)
        assert time.monotonic() - began < TRUE_WITHIN_SECONDS
    assert server.journal.posts("/prompt") == len(jobs)
