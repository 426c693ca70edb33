"""Stopping jobs: who asks for it may leave, many cost the server no more than one, and all say what is true."""

import asyncio
import re
from types import SimpleNamespace

import pytest

from comfy_widgets import Workflow
from comfy_widgets.comfyui import stopping
from comfy_widgets.comfyui.client import Client
from comfy_widgets.comfyui.look import Record
from comfy_widgets.comfyui.status import Remote
from comfy_widgets.comfyui.together import Together
from comfy_widgets.comfyui.tracked import begin
from comfy_widgets.errors import Cancelled, KeyRefused
from comfy_widgets.jobs import JobStatus


def slow(seed, steps=400):
    node = {"class_type": "LabSlow", "inputs": {"steps": steps, "delay": 0.1, "preview": "jpeg", "seed": seed}}
    save = {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "lab/slow"}}
    return Workflow({"1": node, "2": save})


async def until(job, said):
    async for _ in job.updates():
        if said(job):
            return
    pytest.fail(f"over: {job.status}")


async def at_work(studio, seed=1):
    job = studio.submit(slow(seed))
    await until(job, lambda job: job.node_title)
    return job


async def test_who_waits_no_longer_still_wants_it_stopped(studio, monkeypatch):
    job = await at_work(studio)
    stop, may = Client.stop, asyncio.Event()

    async def when_allowed(client, prompt_id):
        await may.wait()
        await stop(client, prompt_id)

    monkeypatch.setattr(Client, "stop", when_allowed)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(job.cancel(), 0.1)
    may.set()
    with pytest.raises(Cancelled):
        await asyncio.wait_for(job, 20)


async def test_a_running_job_says_that_it_is_being_stopped(studio, monkeypatch):
    job = await at_work(studio)
    stop, may = Client.stop, asyncio.Event()

    async def when_allowed(client, prompt_id):
        await may.wait()
        await stop(client, prompt_id)

    monkeypatch.setattr(Client, "stop", when_allowed)
    before, stopped = job.progress, job.cancel()
    await until(job, lambda job: job.progress > before)
    assert (job.status, job.message) == (JobStatus.RUNNING, "Stopping")
    may.set()
    await stopped
    assert job.message.startswith("Stopped by you")


async def test_a_server_that_refuses_to_stop_it_is_told(server, studio):
    for route in ("/interrupt", "/queue"):
        server.inject(f"http:403@POST {route}#*")
    job = await at_work(studio)
    stopped = job.cancel()
    await until(job, lambda job: "refused" in job.message)
    assert re.fullmatch(r"The server does not stop it: \S+ refused POST /queue \(HTTP 403\)\.", job.message)
    assert (job.status, stopped.done()) == (JobStatus.RUNNING, False)
    server.heal()
    await asyncio.wait_for(stopped, 20)
    assert job.status is JobStatus.CANCELLED
    assert job.message.startswith("Stopped by you")


async def test_one_that_refuses_is_asked_less_and_less_often(monkeypatch):
    refused = KeyRefused("gpu-1 refused POST /queue (HTTP 403).")
    answers, heard, waits = iter([refused] * 7 + [None]), [], []
    tracked = begin("p", {}, lambda news: heard.append(news.refusal), 0.0)

    class Server:
        async def stop(self, _prompt_id):
            if answer := next(answers):
                raise answer

    async def look(_asked):
        tracked.read(Record(Remote.INTERRUPTED), 1.0)

    async def wait(_futures, **how):
        waits.append(how["timeout"])

    monkeypatch.setattr(stopping, "asyncio", SimpleNamespace(wait=wait))
    await stopping.stop(Server(), tracked, Together(look), lambda: 0.0)
    assert waits == [0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0, 0.2]
    assert heard == [refused.what, None, None]


@pytest.mark.slow
async def test_what_was_stopped_while_nobody_answered_is_cancelled(server, studio):
    await studio.submit(slow(1, steps=1))
    await server.close()
    job = studio.submit(slow(2))
    await until(job, lambda job: job.state.note)
    assert "does not answer" in job.message
    await job.cancel()
    assert job.status is JobStatus.CANCELLED
    assert not list(studio.cache.folder.glob("unfinished/*"))


@pytest.mark.slow
async def test_many_that_are_stopped_at_once_cost_few_looks(server, studio):
    running = await at_work(studio)
    jobs = [studio.submit(slow(seed)) for seed in range(2, 42)]
    for job in jobs:
        await until(job, lambda job: job.queue_position)
    before = server.journal.gets("/queue")
    await asyncio.gather(*(job.cancel() for job in jobs))
    looks = server.journal.gets("/queue") - before
    assert {job.status for job in jobs} == {JobStatus.CANCELLED}
    assert looks < len(jobs) / 2
    assert running.status is JobStatus.RUNNING
    await running.cancel()


async def test_what_is_saved_again_is_not_being_saved_while_it_is_rendered(server, studio, workflow):
    server.inject("output:truncate=100@mp4")
    job, seen = studio.submit(workflow, seed=1), []
    job.subscribe(lambda: seen.append(job.status))
    assert (await job).path.exists()
    again = seen[seen.index(JobStatus.SAVING) :]
    order = list(dict.fromkeys(status for status in again[again.index(JobStatus.SUBMITTING) :]))
    assert order[0] is JobStatus.SUBMITTING
    assert order[-2:] == [JobStatus.SAVING, JobStatus.COMPLETE]
    assert JobStatus.QUEUED in order or JobStatus.RUNNING in order
