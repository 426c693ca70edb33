"""What many jobs cost: memory over thousands, CPU for each event, bytes for each job.

``python -m tests.bench.load memory|cpu|bytes``; each prints its figures and what they must reach.
"""

import argparse
import asyncio
import gc
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path
from unittest.mock import patch

from comfy_widgets import Job, Studio, Workflow
from comfy_widgets.attempt import Attempt
from comfy_widgets.comfyui import events, socket
from comfy_widgets.comfyui.address import Address
from comfy_widgets.comfyui.tracker import Tracker, tracker_for
from comfy_widgets.demo import Settings, start
from comfy_widgets.home_loop import HomeLoop
from tests.lib.takes import request

ABREAST = 50
WARM_UP, JOBS = 1_000, 9_000
GROWTH_MB = 10.0


def small(seed: int) -> Workflow:
    """A thousand bytes without rendering."""
    return Workflow({"1": {"class_type": "LabSmall", "inputs": {"seed": seed, "filename_prefix": "lab/small"}}})


def rss_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * resource.getpagesize() / 1e6


def say(*words: str) -> None:
    sys.stdout.write(" ".join(words) + "\n")
    sys.stdout.flush()


async def memory(warm_up: int, jobs: int) -> bool:
    server = start(Settings(step_seconds=0.0))
    gate = asyncio.Semaphore(ABREAST)
    async with Studio(server.url, cache=None) as studio:

        async def one(seed: int) -> None:
            async with gate:
                take = await studio.submit(small(seed))
                assert take.path.stat().st_size == take.size

        await asyncio.gather(*(one(seed) for seed in range(warm_up)))
        gc.collect()
        before, began = rss_mb(), time.monotonic()
        for start_ in range(0, jobs, 1000):
            await asyncio.gather(*(one(warm_up + start_ + n) for n in range(min(1000, jobs - start_))))
        gc.collect()
        growth, seconds = rss_mb() - before, time.monotonic() - began
        # The lock of the rows is nobody's take.
        files = [path for path in studio.cache.folder.rglob("[!.]*") if path.is_file()]
    left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    sockets = connections()
    server.stop()
    say(f"{jobs} jobs after {warm_up}: RSS {growth:+.1f} MB (≤ {GROWTH_MB:.0f}), {seconds / jobs * 1000:.1f} ms a job,")
    say(f"{len(left)} tasks, {len(sockets)} sockets and {len(files)} files left (0)")
    return growth <= GROWTH_MB and not left and not sockets and not files


def connections() -> list[Path]:
    """The open TCP connections of this process."""
    return [fd for fd in Path("/proc/self/fd").iterdir() if _is_connection(fd)]


def _is_connection(fd: Path) -> bool:
    """Whether a file descriptor is an open TCP connection."""
    try:
        inode = str(fd.readlink())
    except OSError:
        return False
    tables = Path("/proc/self/net/tcp").read_text("ascii").splitlines()[1:]
    return any(inode == f"socket:[{line.split()[9]}]" and line.split()[3] == "01" for line in tables)


async def cpu_of_an_event(live: int) -> float:
    """Microseconds of CPU for one event of a step, with so many jobs followed."""
    tracker = Tracker(Address("http://127.0.0.1:9"))
    graph = small(1).graph | {str(n): {"class_type": "X", "inputs": {}} for n in range(2, 12)}
    moved = 0

    def count_moves() -> None:
        nonlocal moved
        moved += 1

    for n in range(live):
        # As for people: the news become the job's state, and somebody watches that.
        job = Job(f"p{n}", request(), HomeLoop(), None)
        job.subscribe(count_moves)
        tracker.follow(job.id, graph, Attempt(job, None, None).tell)
    count = 20_000
    told = [events.Step(f"p{n % live}", str(2 + n % 10), float(n % 30), 30.0) for n in range(count)]
    began = time.process_time()
    for event in told:
        tracker._hear(event)
    spent = (time.process_time() - began) / count * 1e6
    assert moved >= count
    for tracked in list(tracker._prompts.values()):
        tracker.leave(tracked, tracked.tells[0])
    await tracker.close_if_idle()
    return spent


async def cpu(repeat: int = 5) -> bool:
    few, many = [], []
    for _ in range(repeat):
        few.append(await cpu_of_an_event(10))
        many.append(await cpu_of_an_event(1000))
    ratios = [b / a for a, b in zip(few, many, strict=True)]
    ratio = statistics.median(ratios)
    say(
        f"CPU per event: {statistics.median(few):.1f} µs with 10 live jobs, {statistics.median(many):.1f} µs with 1000:"
    )
    say(f"{ratio:.2f}× (≤ 1.2), {min(ratios):.2f}–{max(ratios):.2f} in {repeat}")
    return ratio <= 1.2


async def bytes_read(queued: int, seconds: float) -> bool:
    """Bytes for each job while a thousand are queued, beside a poll of /queue every two seconds for each."""
    server = start(Settings(step_seconds=0.0))
    read = 0

    async def counting(answer: object) -> None:
        nonlocal read
        await answer.aread()  # type: ignore[attr-defined]
        read += answer.num_bytes_downloaded  # type: ignore[attr-defined]

    def counting_frames(frame: str | bytes) -> events.Event | None:
        nonlocal read
        read += len(frame)
        return events.parse(frame)

    with tempfile.TemporaryDirectory() as folder:
        async with Studio(server.url, cache=folder) as studio:
            inputs = {"steps": 10_000, "delay": 0.05, "preview": "none", "seed": 0}
            slow = {"class_type": "LabSlow", "inputs": inputs}
            save = {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "lab/x"}}
            blocker = studio.submit(Workflow({"1": slow, "2": save}))
            jobs = [studio.submit(padded(seed)) for seed in range(queued)]
            await asyncio.gather(*(placed(job) for job in jobs))
            client = tracker_for(studio.address).client
            client.http.event_hooks["response"].append(counting)
            with patch.object(socket, "parse", counting_frames):
                read = 0
                await asyncio.sleep(seconds)
                ours = read / queued
            client.http.event_hooks["response"].clear()
            poll = len((await client.http.get(f"{server.url}/queue")).content) * (seconds / 2)
            assert not blocker.over
    server.stop()
    say(f"{ours / 1e3:.1f} kB a job in {seconds:.0f} s with {queued} queued,")
    say(f"a poll of /queue every 2 s reads {poll / 1e6:.1f} MB a job:")
    say(f"{ours / poll:.2%} (≤ 1 %); one poll for all of them reads {poll / ours / queued:.1f} times what we do")
    return ours / poll <= 0.01


async def placed(job: Job) -> None:
    async for _ in job.updates():
        if job.queue_position is not None:
            return


def padded(seed: int) -> Workflow:
    """A prompt of the size of a real one, 4 kB."""
    graph = dict(small(seed).graph)
    graph["1"]["inputs"] = {**graph["1"]["inputs"], "note": "x" * 3_500}
    return Workflow(graph)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("what", choices=["memory", "cpu", "bytes"])
    options.add_argument("--jobs", type=int, default=JOBS)
    chosen = options.parse_args()
    work = {
        "memory": lambda: memory(min(WARM_UP, chosen.jobs), chosen.jobs),
        "cpu": cpu,
        "bytes": lambda: bytes_read(1_000, 30.0),
    }[chosen.what]
    return 0 if asyncio.run(work()) else 1


if __name__ == "__main__":
    sys.exit(main())
