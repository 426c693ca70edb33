"""A server, a studio and a small workflow for each test."""

import pytest

from comfy_widgets import Studio, Workflow
from comfy_widgets.demo import DemoServer
from tests.lib.graphs import wan


@pytest.fixture
async def server():
    async with DemoServer(step_seconds=0.01) as server:
        yield server


@pytest.fixture
async def studio(server, tmp_path):
    async with Studio(server.url, cache=tmp_path / "takes") as studio:
        yield studio


@pytest.fixture
def workflow():
    return Workflow(wan(), name="wan")


@pytest.fixture
def keyframes():
    return Workflow(wan(keyframe=True), name="wan")
