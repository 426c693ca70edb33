"""A server of which nothing is known but that it speaks as ComfyUI does, and other people who use it.

By default the embedded one as both releases; ``COMFY_URL=http://host:8188 tests/run --server`` holds another against
these tests. Nothing here may disturb what other people have there: no clearing, no interrupt without a prompt id.
"""

import os
import random
import time
import uuid

import httpx
import pytest

from comfy_widgets import Studio
from comfy_widgets.comfyui.address import Address
from comfy_widgets.comfyui.tracker import tracker_for
from comfy_widgets.demo import Settings, start
from tests.anywhere.graphs import films, still

ANOTHER = os.environ.get("TESTS_SERVER")
KEY = os.environ.get("TESTS_SERVER_KEY") or None
# How long the server has to do with what the others wait behind; it is stopped when a test has seen enough.
LONG_SECONDS = 60.0
# Few nodes and many pictures: a queue full of nodes is slow to read.
LONG = {"count": 100, "size": 384}


class Place:
    """A server, and how fast it is."""

    def __init__(self, url: str, key: str | None) -> None:
        self.url = url
        self.key = key
        self.films = 0

    def studio(self, folder, **options):
        return Studio(self.url, cache=folder, api_key=self.key, **options)

    def measure(self, folder) -> None:
        """See how many films the server saves in the time that a test needs."""
        with self.studio(folder) as studio:
            studio.run(still(a_colour()))
            began = time.monotonic()
            studio.run(films(a_colour(), 4, **LONG))
            self.films = min(500, round(4 * LONG_SECONDS / (time.monotonic() - began)))


def a_colour() -> int:
    """One that the server has not been asked for: its own cache must not answer."""
    return random.SystemRandom().randrange(1 << 20) << 4


@pytest.fixture(scope="session", params=["there"] if ANOTHER else ["0.3.64", "newest"])
def place(request, tmp_path_factory):
    # In a process of its own: it has to be as busy as a real one, and must not keep Python from this one.
    server = None if ANOTHER else start(Settings(release=request.param))
    place = Place(ANOTHER or server.url, KEY)
    place.measure(tmp_path_factory.mktemp("takes"))
    yield place
    if server is not None:
        server.stop()


@pytest.fixture
def color():
    return a_colour()


@pytest.fixture
async def studio(place, tmp_path):
    async with place.studio(tmp_path / "takes") as studio:
        yield studio


@pytest.fixture
def long(place, color):
    """A workflow that keeps the server busy for seconds and can be stopped between two of its many nodes."""
    return films(color, place.films, **LONG)


@pytest.fixture
async def busy(studio, long):
    """The server is busy with a job of ours; it is stopped at the end."""
    job = studio.submit(long)
    async for _ in job.updates():
        if job.status == "running":
            break
    yield job
    await job.cancel()


class Somebody:
    """Another client of the same server, who asks and is asked in plain HTTP."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http
        self.prompts: list[str] = []

    async def submit(self, workflow, **more) -> str:
        body = {"prompt": workflow.graph, "prompt_id": str(uuid.uuid4()), "client_id": "somebody", **more}
        answer = (await self.http.post("/prompt", json=body)).raise_for_status().json()
        self.prompts.append(answer["prompt_id"])
        return answer["prompt_id"]

    async def queue(self) -> tuple[list[str], list[str]]:
        """The prompts that run and those that wait, in the order in which they will run."""
        told = (await self.http.get("/queue")).raise_for_status().json()
        waiting = sorted((entry[0], entry[1]) for entry in told["queue_pending"])
        return [entry[1] for entry in told["queue_running"]], [prompt for _, prompt in waiting]

    async def record(self, prompt: str) -> dict | None:
        return (await self.http.get(f"/history/{prompt}")).raise_for_status().json().get(prompt)

    async def forget(self, prompt: str) -> None:
        """Take one record out of the history."""
        (await self.http.post("/history", json={"delete": [prompt]})).raise_for_status()

    async def delete(self, prompt: str) -> None:
        """Take one prompt out of the queue."""
        (await self.http.post("/queue", json={"delete": [prompt]})).raise_for_status()

    async def interrupt(self, prompt: str) -> None:
        """Stop one prompt, if it is the one that runs: releases before September 2025 stop whatever runs."""
        running, _ = await self.queue()
        if running == [prompt]:
            (await self.http.post("/interrupt", json={"prompt_id": prompt})).raise_for_status()


@pytest.fixture
async def somebody(place):
    headers = dict(Address.parse(place.url, api_key=place.key).headers)
    async with httpx.AsyncClient(base_url=place.url, headers=headers, timeout=60) as http:
        person = Somebody(http)
        yield person
        for prompt in person.prompts:
            await person.delete(prompt)


class Asked:
    """What a studio's tracker asks of its server."""

    def __init__(self, studio: Studio) -> None:
        self.heard: list[httpx.Request] = []
        tracker_for(studio.address).client.http.event_hooks["request"].append(self._note)

    async def _note(self, request: httpx.Request) -> None:
        self.heard.append(request)

    def of(self, method: str, path: str) -> list[httpx.Request]:
        return [one for one in self.heard if one.method == method and one.url.path.endswith(path)]


@pytest.fixture
async def asked(studio):
    return Asked(studio)
