"""A cell that blocks the event loop: how long it takes afterwards until every job says again what is so.

``python -m tests.faults.blocked 90`` blocks for so many seconds.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

from comfy_widgets import Job, Studio, Workflow
from comfy_widgets.demo import DemoServer
from tests.faults.interrupts import small

TRUE_WITHIN_SECONDS = 2.0
GIVEN_UP_SECONDS = 30.0
# While the cell blocks, three jobs end, one stands still in the midst of its work, and one waits behind it.
TRUTH = ["complete"] * 3 + ["running", "queued"]


def standing() -> Workflow:
    """A job that can be held alone: by a node's id that no other has."""
    graph = small(100).graph
    return Workflow({"90": graph["1"], "2": {**graph["2"], "inputs": {**graph["2"]["inputs"], "images": ["90", 0]}}})


def told(jobs: list[Job]) -> list[str]:
    return [str(job.status) for job in jobs]


async def run(seconds: float, folder: Path) -> tuple[float, list[str]]:
    """Seconds after the block until all was true, and what was never true."""
    with DemoServer(step_seconds=0.0) as server:
        async with Studio(server.url, cache=folder) as studio:
            begun, stands = server.hold("1", step=2), server.hold("90", step=2)
            jobs = [studio.submit(small(n, steps=20)) for n in range(3)]
            jobs += [studio.submit(standing()), studio.submit(small(101))]
            await begun
            while any(job.status == "submitting" for job in jobs):  # noqa: ASYNC110 - several change it
                await asyncio.sleep(0.01)
            begun.release()
            time.sleep(seconds)  # noqa: ASYNC251 - the cell that blocks
            while sum(fate == "success" for fate in server.journal.fates().values()) < TRUTH.count("complete"):
                time.sleep(0.01)  # noqa: ASYNC251 - and goes on, if the machine is slow
            took = await until_true(jobs)
            bad = [] if told(jobs) == TRUTH else [f"{told(jobs)} is not {TRUTH}"]
            if (jobs[-1].queue_position, jobs[-1].ahead, jobs[-1].ahead_mine) != (1, 1, 1):
                bad.append(f"the last one is at {jobs[-1].queue_position}, {jobs[-1].ahead} ahead")
            stands.release()
            await asyncio.gather(*jobs)
        if server.journal.posts("/prompt") != len(jobs):
            bad.append(f"{server.journal.posts('/prompt')} prompts for {len(jobs)} jobs")
    return took, bad


async def until_true(jobs: list[Job]) -> float:
    began = time.monotonic()
    while told(jobs) != TRUTH and time.monotonic() - began < GIVEN_UP_SECONDS:  # noqa: ASYNC110 - several change it
        await asyncio.sleep(0.02)
    return time.monotonic() - began


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("seconds", type=float, nargs="?", default=90.0)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        took, bad = asyncio.run(run(chosen.seconds, Path(folder)))
    after = f"{took:.2f} s after (≤ {TRUE_WITHIN_SECONDS:.0f})"
    line = f"blocked for {chosen.seconds:.0f} s: all {len(TRUTH)} jobs true {after}"
    sys.stdout.write("\n".join([*bad, line]) + "\n")
    return bool(bad) or took > TRUE_WITHIN_SECONDS


if __name__ == "__main__":
    sys.exit(main())
