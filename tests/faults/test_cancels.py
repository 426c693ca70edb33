"""Many stops at once: mine only, and each one ends."""

import asyncio
import random
import uuid
from collections import Counter

import httpx

from comfy_widgets import Studio
from comfy_widgets.demo import DemoServer
from tests.faults.interrupts import small

COUNT = 500
OTHERS = 20
# A stop in the same turn of the loop finds nothing sent: some come before the prompt is, some once it waits or runs.
LATEST_SECONDS = 0.5
# Between two submits: all at once would be stopped before the first is sent.
APART_SECONDS = 0.01


async def test_five_hundred_stops_right_after_submitting(tmp_path):
    lots = random.Random(500)
    with DemoServer(step_seconds=0.0) as server:
        async with Studio(server.url, cache=tmp_path) as studio, httpx.AsyncClient(base_url=server.url) as somebody:
            # What is asked of a server once is no part of what each stop waits for.
            await studio.submit(small(COUNT))
            theirs = [str(uuid.uuid4()) for _ in range(OTHERS)]
            stops = []
            for n in range(COUNT):
                if n % (COUNT // OTHERS) == 0:
                    # Between ours, so that what comes late or asks too much has somebody else's to stop.
                    prompt_id = theirs[n // (COUNT // OTHERS)]
                    body = {"prompt": small(10_000 + n).graph, "prompt_id": prompt_id, "client_id": "somebody"}
                    (await somebody.post("/prompt", json=body)).raise_for_status()
                job = studio.submit(small(n))
                stops.append(asyncio.create_task(stop_later(job, lots.uniform(0, LATEST_SECONDS))))
                await asyncio.sleep(APART_SECONDS)
            jobs = await asyncio.gather(*stops)
            await others_to_end(server)
            fates = server.journal.fates()
            ours = Counter(fates[job.id] for job in jobs if job.id in fates)
            assert {job.status for job in jobs} <= {"cancelled", "complete"}
            assert {prompt: fates.get(prompt) for prompt in theirs} == dict.fromkeys(theirs, "success")
            # Else nothing was asked of the server, and the rest would say nothing.
            assert ours.total() > COUNT / 10
            assert {"deleted", "interrupted"} <= set(ours) <= {"deleted", "interrupted", "success"}
            assert not list((tmp_path / "unfinished").glob("*.json"))


async def stop_later(job, seconds):
    await asyncio.sleep(seconds)
    await job.cancel()
    return job


async def others_to_end(server):
    async with asyncio.timeout(30):
        # The server lives in another thread, whose journal tells nobody when it changes.
        while any(fate in {"queued", "running"} for fate in server.journal.fates().values()):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
