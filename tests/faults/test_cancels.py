"""Many stops at once: mine only, and each one ends."""

import asyncio
import uuid

import httpx

from comfy_widgets import Studio
from comfy_widgets.demo import DemoServer
from tests.faults.interrupts import small

COUNT = 500
OTHERS = 20


async def test_five_hundred_stops_right_after_submitting(tmp_path):
    with DemoServer(step_seconds=0.0) as server:
        async with Studio(server.url, cache=tmp_path) as studio, httpx.AsyncClient(base_url=server.url) as somebody:
            for n in range(OTHERS):
                body = {"prompt": small(10_000 + n).graph, "prompt_id": str(uuid.uuid4()), "client_id": "somebody"}
                (await somebody.post("/prompt", json=body)).raise_for_status()
            jobs = [studio.submit(small(n)) for n in range(COUNT)]
            await asyncio.gather(*(job.cancel() for job in jobs))
            ours = {job.id for job in jobs}
            await others_to_end(server)
            assert {job.status for job in jobs} <= {"cancelled", "complete"}
            fates = {prompt: fate for prompt, fate in server.journal.fates().items() if prompt not in ours}
            assert list(fates.values()) == ["success"] * OTHERS
            assert not list((tmp_path / "unfinished").glob("*.json"))


async def others_to_end(server):
    async with asyncio.timeout(30):
        # The server lives in another thread, whose journal tells nobody when it changes.
        while any(fate in {"queued", "running"} for fate in server.journal.fates().values()):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
