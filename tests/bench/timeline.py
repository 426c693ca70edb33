"""What a timeline of five hundred shots costs: the browser to show it, the kernel to tell of it.

``python -m tests.bench.timeline paint|messages``; each prints its figures and what they must reach.
"""

import argparse
import asyncio
import contextlib
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import comm

from comfy_widgets import Shot, Studio, Workflow
from comfy_widgets.demo import Settings, start
from comfy_widgets.timeline import Timeline
from comfy_widgets.widgets import TimelineView
from tests.browser.conftest import running_browser
from tests.browser.long_film import SHOTS, page_for, painted, scrolled

ROUNDS = 5
PAINT_MS, TASK_MS = 100, 50
MESSAGES, BYTES, CORE = 12, 300, 0.05
UPDATES, QUEUED = 50, 50


def say(words: str) -> None:
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


def paint() -> bool:
    medians, longest = [], []
    with running_browser() as browser:
        for _ in range(ROUNDS):
            with page_for(browser) as page:
                medians.append(statistics.median(painted(page)["times"]))
                longest.append(scrolled(browser, page)["task"])
    middle = statistics.median(medians)
    say(f"First paint of {SHOTS} shots: {middle:.0f} ms, median of 5 (≤ {PAINT_MS});")
    say(f"{min(medians):.0f}–{max(medians):.0f} in {ROUNDS} rounds")
    say(f"Longest task of a scripted scroll: {max(longest):.0f} ms of its thread's own time (≤ {TASK_MS});")
    say(f"{min(longest):.0f}–{max(longest):.0f} in {ROUNDS} rounds")
    return middle <= PAINT_MS and max(longest) <= TASK_MS


@contextlib.contextmanager
def listening() -> Iterator[list[int]]:
    """The sizes of all custom messages to the browser, in bytes."""
    told: list[int] = []
    publish = comm.DummyComm.publish_msg

    def count(self: Any, kind: str, data: Any = None, *args: Any, **more: Any) -> None:
        if isinstance(data, dict) and data.get("method") == "custom":
            told.append(len(json.dumps(data["content"], ensure_ascii=False).encode()))
        publish(self, kind, data, *args, **more)

    comm.DummyComm.publish_msg = count
    yield told
    comm.DummyComm.publish_msg = publish


async def messages(seconds: float) -> bool:
    """Of five hundred shots one runs and others are queued; the server tells of it fifty times a second."""
    server = start(Settings(step_seconds=0.0))
    with tempfile.TemporaryDirectory() as folder, listening() as told:
        async with Studio(server.url, cache=folder) as studio:
            timeline = Timeline(_shots(), workflow=_slow(), studio=studio, file=Path(folder) / "film.json")
            view = TimelineView(timeline)
            batch = timeline.generate(*(f"shot-{n:03}" for n in range(QUEUED + 1)))
            while not _settled(view):  # noqa: ASYNC110 - a bench may look again and again
                await asyncio.sleep(0.1)
            await asyncio.sleep(2)
            updates: list[None] = []
            for job in batch.jobs:
                job.subscribe(lambda: updates.append(None))
            told.clear()
            worked, began = time.process_time(), time.monotonic()
            await asyncio.sleep(seconds)
            worked, passed = time.process_time() - worked, time.monotonic() - began
            count, size = len(told), sum(told) / max(1, len(told))
            say(
                f"{len(updates) / passed:.0f} updates a second, {SHOTS} shots, {QUEUED} of them queued, {passed:.0f} s:"
            )
            timeline.stop()
            await batch
            view.close()
    server.stop()
    say(f"{count / passed:.1f} messages a second (≤ {MESSAGES}), {size:.0f} bytes each (≤ {BYTES}),")
    say(f"kernel at {worked / passed:.1%} of a core (≤ {CORE:.0%})")
    return count / passed <= MESSAGES and size <= BYTES and worked / passed <= CORE


def _settled(view: TimelineView) -> bool:
    """Whether one runs, and each other one's place in the queue is told."""
    cards = view.snapshot()["cards"].values()
    return (
        sum(card["status"] == "running" for card in cards) == 1
        and sum(bool(card["message"]) for card in cards) == QUEUED
    )


def _shots() -> list[Shot]:
    return [Shot(f"shot-{n:03}", "A lighthouse at dusk " * 5, seed=n) for n in range(SHOTS)]


def _slow() -> Workflow:
    # A server tells each step twice, by itself and among all nodes.
    inputs = {"steps": 2_000, "delay": 2 / UPDATES, "preview": "none", "seed": 0, "text": ""}
    graph = {
        "1": {"class_type": "LabSlow", "inputs": inputs},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "lab/x"}},
    }
    return Workflow(graph, bindings={"prompt": "1.text", "seed": "1.seed"})


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("what", choices=["paint", "messages"])
    options.add_argument("--seconds", type=float, default=10.0, help="how long messages are counted")
    chosen = options.parse_args()
    reached = paint() if chosen.what == "paint" else asyncio.run(messages(chosen.seconds))
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
