"""Another server comes to the address of one that was used: nothing of the old one is said of the new one."""

import asyncio

import pytest

from comfy_widgets import Studio
from comfy_widgets.comfyui import capabilities
from comfy_widgets.demo import DemoServer
from comfy_widgets.demo.routes import info
from comfy_widgets.errors import Lost


@pytest.fixture
def real(monkeypatch):
    """From the call on, servers say what a real one does."""
    told = info.system_stats

    def as_a_real_server(core):
        stats = told(core)
        stats["system"].pop("renderer")
        return stats

    return lambda: monkeypatch.setattr(info, "system_stats", as_a_real_server)


async def until(job, said):
    async for _ in job.updates():
        if said():
            return
    pytest.fail(f"over: {job.status}")


def again(port, **settings):
    return DemoServer(step_seconds=0.01, port=port, **settings)


@pytest.mark.parametrize("closed", [False, True])
async def test_a_simulated_clip_is_not_served_by_a_real_server_in_its_place(server, tmp_path, workflow, real, closed):
    old = Studio(server.url, cache=tmp_path)
    assert (await old.submit(workflow, seed=1)).renderer == "demo"
    if closed:
        await old.close()
    port = server.port
    await server.close()
    real()
    async with again(port) as other, Studio(other.url, cache=tmp_path) as new:
        take = await new.submit(workflow, seed=1)
        assert (take.renderer, take.cached) == ("comfyui", False)
        assert (await new.submit(workflow, seed=2)).renderer == "comfyui"
        await old.close()


async def test_nor_by_one_that_is_still_starting(server, studio, workflow, real):
    await studio.submit(workflow, seed=1)
    port = server.port
    await server.close()
    job = studio.submit(workflow, seed=2)
    await until(job, lambda: "does not answer" in job.message)
    real()
    async with again(port):
        assert (await job).renderer == "comfyui"
        assert not (await studio.submit(workflow, seed=1)).cached
        await studio.close()


async def test_what_is_on_disk_does_not_wait_for_a_server_that_went(server, studio, workflow):
    await studio.submit(workflow, seed=1)
    await server.close()
    job = studio.submit(workflow, seed=1)
    assert (await asyncio.wait_for(job, 5)).cached
    assert job.message == "the server can't be reached"


async def test_one_that_is_asked_without_a_socket_is_asked_again_in_time(tmp_path, workflow, real, monkeypatch):
    """Nothing tells that the server went: all was on disk, so that nothing was followed."""
    async with DemoServer(step_seconds=0.01) as server:
        async with Studio(server.url, cache=tmp_path) as studio:
            await studio.submit(workflow, seed=1)
        async with Studio(server.url, cache=tmp_path) as studio:
            assert (await studio.submit(workflow, seed=1)).cached
            real()
            monkeypatch.setattr(capabilities, "_HOLDS_SECONDS", 0.0)
            assert not (await studio.submit(workflow, seed=1)).cached


async def test_an_older_release_is_asked_for_the_queue_that_it_has(tmp_path, workflow, hasty):
    async with DemoServer(step_seconds=0.01, release="newest") as server:
        port, studio = server.port, Studio(server.url, cache=tmp_path)
        newest = await studio.submit(workflow, seed=1)
        held = server.hold("KSampler")
        left = studio.submit(workflow, seed=2)
        await held
    async with again(port, release="0.3.64") as other:
        with pytest.raises(Lost):
            await left
        held = other.hold("KSampler")
        first, second = (studio.submit(workflow, seed=seed) for seed in (3, 4))
        await held
        await until(second, lambda: second.queue_position == 1)
        held.release()
        assert (await first).version == "0.3.64" != newest.version
        await second
        await studio.close()


async def test_one_question_serves_all_jobs_while_the_server_stays(studio, workflow, monkeypatch):
    probe, asked = capabilities.probe, []
    monkeypatch.setattr(capabilities, "probe", lambda client: asked.append(client) or probe(client))
    for seed in range(3):
        await studio.submit(workflow, seed=seed)
    await asyncio.gather(*(studio.submit(workflow, seed=seed) for seed in range(6)))
    assert len(asked) == 1
