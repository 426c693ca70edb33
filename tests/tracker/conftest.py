"""A server, a studio and a small workflow for each test."""

import pytest

from comfy_widgets import Studio, Timeline, Workflow, media
from comfy_widgets.comfyui import tracked
from comfy_widgets.demo import DemoServer
from tests.browser.clips import clip
from tests.lib.graphs import wan
from tests.lib.timelines import SHOTS


@pytest.fixture
async def server():
    async with DemoServer(step_seconds=0.01) as server:
        yield server


@pytest.fixture
async def studio(server, tmp_path):
    async with Studio(server.url, cache=tmp_path / "takes") as studio:
        yield studio


@pytest.fixture
def hasty(monkeypatch):
    """Prompts that are nowhere count as gone sooner; the server here is never late."""
    monkeypatch.setattr(tracked, "GRACE_SECONDS", 0.5)


@pytest.fixture
def workflow():
    return Workflow(wan(), name="wan")


@pytest.fixture
def keyframes():
    return Workflow(wan(keyframe=True), name="wan")


@pytest.fixture
def picture(tmp_path):
    """A keyframe of its own colours for each name."""

    def picture_(name="a"):
        path = tmp_path / f"{name}.png"
        film = clip(
            tmp_path / f"{name}.mp4", seconds=0.5, size="96x64", source={"a": "testsrc2"}.get(name, "smptebars")
        )
        media.last_frame(film, path)
        return str(path)

    return picture_


@pytest.fixture
def timeline_of(studio, workflow, tmp_path):
    """A timeline of these shots, with a file of its own."""

    def timeline_of_(shots=SHOTS, **how):
        return Timeline(shots, **{"workflow": workflow, "studio": studio, "file": tmp_path / "film.json"} | how)

    return timeline_of_
