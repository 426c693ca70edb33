"""The same client before an old server, a new one, one behind a key or a prefix, and Comfy Cloud's form."""

import asyncio
import logging
import socket

import pytest

from comfy_widgets import Studio
from comfy_widgets.comfyui import capabilities
from comfy_widgets.demo import DemoServer
from comfy_widgets.errors import KeyRefused, ServerUnreachable
from comfy_widgets.jobs import JobStatus
from tests.tracker.test_scenarios import settled, simple

pytestmark = pytest.mark.slow

KEY = "hush-hush-secret"


@pytest.mark.parametrize(
    ("settings", "studio_options"),
    [
        ({"release": "0.3.64"}, {}),
        ({"release": "newest"}, {}),
        ({"release": "cloud", "key": KEY}, {"api_key": KEY}),
        ({"key": KEY}, {"api_key": KEY}),
        ({"key": KEY}, {"headers": {"Authorization": f"Bearer {KEY}"}}),
        ({"key": KEY, "key_on": "socket"}, {"api_key": KEY}),
    ],
)
async def test_a_take_and_a_stop(tmp_path, settings, studio_options, caplog):
    caplog.set_level(logging.DEBUG)
    async with (
        DemoServer(step_seconds=0.0, **settings) as server,
        Studio(server.url, cache=tmp_path, **studio_options) as studio,
    ):
        held = server.hold("LabSlow", step=1)
        first, second, third = (studio.submit(simple(seed)) for seed in (1, 2, 3))
        await held
        await settled(third, 2)
        assert (third.ahead, third.ahead_mine) == (2, 2)
        await second.cancel()
        assert second.status is JobStatus.CANCELLED
        held.release()
        assert (await first).path.exists()
        assert (await third).path.exists()
        assert "socket" in {first.source, third.source} or server.journal.of("socket")
    assert KEY not in caplog.text
    for path in tmp_path.rglob("*"):
        assert path.is_dir() or KEY.encode() not in path.read_bytes()
    assert KEY not in repr(studio) + repr(studio.address) + repr(studio.__dict__)


async def test_without_its_key(tmp_path):
    async with DemoServer(key=KEY) as server, Studio(server.url, cache=tmp_path) as studio:
        with pytest.raises(KeyRefused, match=r"refused GET /system_stats.*api_key="):
            await studio.submit(simple())


async def test_a_socket_that_is_refused_leaves_the_looks(tmp_path, caplog):
    """The key opens HTTP, and the proxy has no socket: polling alone is enough, and it is said once."""
    async with (
        DemoServer(step_seconds=0.0, key=KEY, key_on="socket") as server,
        Studio(server.url, cache=tmp_path) as studio,
    ):
        jobs = [studio.submit(simple(seed, steps=10)) for seed in (1, 2)]
        for job in jobs:
            assert (await job).path.exists()
            assert job.source == "poll"
        assert server.journal.count("GET", "/ws") == 1
    assert len([record for record in caplog.records if "refuses a WebSocket (HTTP 401)" in record.getMessage()]) == 1


async def test_the_key_does_not_follow_a_redirect(tmp_path):
    async with (
        DemoServer(step_seconds=0.0, release="cloud", key=KEY) as server,
        Studio(server.url, cache=tmp_path, api_key=KEY) as studio,
    ):
        await studio.submit(simple())
        visits = server.journal.of("store")
        assert visits
        assert not any(visit["with_key"] for visit in visits)


async def test_a_path_prefix(tmp_path):
    """A reverse proxy that serves ComfyUI below a path, HTTP and socket alike."""
    async with DemoServer(step_seconds=0.0) as server, Studio(f"{server.url}/api/", cache=tmp_path) as studio:
        job = studio.submit(simple())
        assert (await job).path.exists()
        assert server.journal.of("socket")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


async def test_desktop_is_named(tmp_path, monkeypatch):
    async with DemoServer() as server:
        port = free_port()
        monkeypatch.setattr(capabilities, "_PORT", port)
        monkeypatch.setattr(capabilities, "_DESKTOP_PORT", server.port)
        async with Studio(f"http://127.0.0.1:{port}", cache=tmp_path) as studio:
            with pytest.raises(ServerUnreachable, match=f"ComfyUI Desktop answers at http://127.0.0.1:{server.port}"):
                await studio.submit(simple())


def test_a_key_from_the_environment_goes_with_an_address_from_there(monkeypatch):
    monkeypatch.setenv("COMFY_API_KEY", KEY)
    assert Studio("http://elsewhere:1").address.headers == {}
    monkeypatch.setenv("COMFY_URL", "http://mine:1")
    assert Studio().address.headers["X-API-Key"] == KEY
    assert Studio("http://elsewhere:1").address.headers == {}


@pytest.mark.parametrize(("release", "warnings"), [("0.3.64", 1), ("newest", 0)])
async def test_an_old_server_shows_the_key_for_partner_nodes(tmp_path, caplog, release, warnings):
    async with (
        DemoServer(step_seconds=0.0, release=release) as server,
        Studio(server.url, cache=tmp_path, comfy_org_key=KEY) as studio,
    ):
        await asyncio.gather(*(studio.submit(simple(seed)) for seed in (1, 2)))
    said = [record.getMessage() for record in caplog.records if "comfy.org key" in record.getMessage()]
    assert len(said) == warnings
    assert KEY not in caplog.text
    for path in tmp_path.rglob("*"):
        assert path.is_dir() or KEY.encode() not in path.read_bytes()
