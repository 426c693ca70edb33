"""Interrupts at random moments of `result()`, while the tracker is busy with other jobs.

``python -m tests.faults.interrupts 200`` ends so many waits, one half in a script and one in a running loop, as in a
notebook; ``--seed 17`` does it again.
"""

import argparse
import asyncio
import os
import random
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from comfy_widgets import Job, Studio, Workflow
from comfy_widgets.demo import DemoServer

CROWD = 5  # other jobs that are under way at each moment
LONGEST_SECONDS = 0.25  # about what a wait takes, so that some end before their interrupt


def small(seed: int, steps: int = 3) -> Workflow:
    slow = {"class_type": "LabSlow", "inputs": {"steps": steps, "delay": 0.01, "preview": "jpeg", "seed": seed}}
    save = {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "lab/small"}}
    return Workflow({"1": slow, "2": save})


class Half:
    """One half: waits that are interrupted, among jobs of which there is always one that runs."""

    def __init__(self, studio: Studio, seed: int) -> None:
        self.studio = studio
        self.lots = random.Random(seed)
        self.numbers = count()
        self.jobs: list[Job] = []
        self.crowd: list[Job] = []
        self.waits = self.hits = 0

    def interrupt(self, wanted: int) -> None:
        """Wait for jobs until so many waits were interrupted."""
        with nobodys_interrupts():
            while self.hits < wanted:
                self._one()

    def _one(self) -> None:
        while sum(not job.over for job in self.crowd) < CROWD:
            self.crowd.append(self.studio.submit(small(next(self.numbers), steps=12)))
        # Next in line, or it would wait for all of them.
        job = self.studio.submit(small(next(self.numbers)), front=True)
        self.jobs.append(job)
        self.waits += 1
        timer = threading.Timer(self.lots.uniform(0, LONGEST_SECONDS), os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        try:
            job.result()
        except KeyboardInterrupt:
            self.hits += 1
        timer.join()

    def wrong(self, server: DemoServer, folder: Path) -> list[str]:
        """What is not as it must be, once all have been waited for."""
        jobs = self.jobs + self.crowd
        bad = [f"{job.status}: {job.error}" for job in jobs if job.take is None or not job.take.path.exists()]
        if sum(job.preview is None for job in self.crowd):
            bad.append("a job of the crowd had no preview: the tracker was not busy")
        if server.journal.posts("/prompt") != len(jobs):
            bad.append(f"{server.journal.posts('/prompt')} prompts for {len(jobs)} jobs")
        bad += [fate for fate in server.journal.fates().values() if fate != "success"]
        bad += [f"a row is left: {row.name}" for row in (folder / "unfinished").iterdir()]
        return bad


@contextmanager
def nobodys_interrupts() -> Iterator[None]:
    """An interrupt that comes between two waits is nobody's: only those during a wait are of interest."""
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def in_a_script(server: DemoServer, folder: Path, seed: int, wanted: int) -> Half:
    with Studio(server.url, cache=folder) as studio:
        half = Half(studio, seed)
        half.interrupt(wanted)
        for job in half.jobs + half.crowd:
            job.result()
    return half


async def in_a_running_loop(server: DemoServer, folder: Path, seed: int, wanted: int) -> Half:
    async with Studio(server.url, cache=folder) as studio:
        half = Half(studio, seed)
        half.interrupt(wanted)
        await asyncio.gather(*half.jobs, *half.crowd)
    return half


def run(seed: int, wanted: int) -> tuple[list[str], str]:
    """Both halves: what went wrong, and a line that sums it up."""
    bad, halves = [], []
    for place, share in ((in_a_script, (wanted + 1) // 2), (in_a_running_loop, wanted // 2)):
        with DemoServer(step_seconds=0.0) as server, tempfile.TemporaryDirectory() as folder:
            made = place(server, Path(folder), seed, share)
            half = asyncio.run(made) if asyncio.iscoroutine(made) else made
            bad += [f"{place.__name__}: {words}" for words in half.wrong(server, Path(folder))]
            halves.append(half)
    hits, waits = (sum(getattr(half, name) for half in halves) for name in ("hits", "waits"))
    jobs = sum(len(half.jobs + half.crowd) for half in halves)
    return bad, f"seed {seed}: {hits} of {waits} waits interrupted, {jobs} jobs, {len(bad)} wrong ends"


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("count", type=int, nargs="?", default=200)
    options.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10_000))
    chosen = options.parse_args()
    # First, so that it is known of a run that hangs or breaks.
    sys.stdout.write(f"seed {chosen.seed}\n")
    sys.stdout.flush()
    bad, line = run(chosen.seed, chosen.count)
    sys.stdout.write("\n".join([*bad, line]) + "\n")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
