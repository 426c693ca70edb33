"""What a real ComfyUI server was recorded doing to its clients, done to ours; each name is that of a recording."""

import asyncio
import json
import uuid

import httpx
import pytest
import websockets

from comfy_widgets import Studio, Workflow
from comfy_widgets.comfyui.tracker import tracker_for
from comfy_widgets.demo import DemoServer
from comfy_widgets.errors import Interrupted, Lost, NodeFailed, Rejected
from comfy_widgets.jobs import JobStatus


def graph(**nodes):
    return {name: {"class_type": spec.pop("class_type"), "inputs": spec} for name, spec in nodes.items()}


def slow(seed=1, steps=3, delay=0.01, **more):
    return {"class_type": "LabSlow", "steps": steps, "delay": delay, "preview": "jpeg", "seed": seed, **more}


def save(source, prefix="lab/x"):
    return {"class_type": "SaveImage", "images": [source, 0], "filename_prefix": prefix}


def simple(seed=1, **more):
    return Workflow(graph(a=slow(seed, **more), b=save("a")))


@pytest.fixture
async def somebody(server):
    """Another person on the same server."""
    async with httpx.AsyncClient(base_url=server.url) as client:
        yield client


async def post(client, workflow, **more):
    body = {"prompt": workflow.graph, "prompt_id": str(uuid.uuid4()), **more}
    return (await client.post("/prompt", json=body)).json()["prompt_id"]


@pytest.mark.slow
@pytest.mark.usefixtures("hasty")
async def test_delete_pending(studio, server, somebody):
    """Somebody deletes our queued prompt: it leaves no trace, so it is lost, and can be had again."""
    held = server.hold("LabSlow")
    first, second = studio.submit(simple(1)), studio.submit(simple(2))
    await held
    async for _ in second.updates():
        if second.queue_position == 1:
            break
    await somebody.post("/queue", json={"delete": [second.id]})
    with pytest.raises(Lost, match=r"no longer knows it.*job\.resubmit"):
        await second
    assert second.status is JobStatus.LOST
    held.release()
    await first
    assert (await second.resubmit()).path.exists()


async def test_execution_blocker(studio):
    """A blocked branch announces an error on the socket, and the prompt ends well."""
    blocked = {"class_type": "LabBlocker", "image": ["a", 0], "block": True, "message": "not today"}
    workflow = Workflow(graph(a=slow(), b=save("a"), c=blocked, d=save("c", "lab/y")))
    assert (await studio.submit(workflow)).path.exists()


async def test_execution_error(studio):
    failing = {"class_type": "LabFail", "image": ["a", 0], "message": "no such luck"}
    job = studio.submit(Workflow(graph(a=slow(), f=failing, b=save("f"))))
    with pytest.raises(NodeFailed, match=r"LabFail \(node f\) failed: ValueError: no such luck"):
        await job
    assert job.error.prompt_id == job.id
    assert job.progress < 1.0


async def test_interrupt_last_node(studio, server):
    """An interrupt that comes when the last node is done, and the prompt still runs: the job won the race."""
    server.inject("history:late=1")
    held = server.hold("SaveImage")
    job = studio.submit(simple())
    await held
    held.release()
    await happened(server, "history:late=1")
    await job.cancel()
    assert server.journal.posts("/interrupt") >= 1
    assert server.journal.fates()[job.id] == "success"
    assert job.status is JobStatus.COMPLETE
    assert (await job).path.exists()
    assert job.error is None


async def happened(server, fault):
    async with asyncio.timeout(20):
        # The server lives in another thread, whose journal tells nobody when it changes.
        while fault not in server.journal.faults():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_interrupt_running(studio, server, somebody):
    held = server.hold("LabSlow", step=1)
    job = studio.submit(simple())
    await held
    await somebody.post("/interrupt")
    held.release()
    with pytest.raises(Interrupted):
        await job


async def test_nan_output(studio):
    assert (
        await studio.submit(Workflow(graph(a=slow(), b=save("a"), n={"class_type": "LabNan", "n": 1})))
    ).path.exists()


async def test_other_client_broadcast(studio, server, somebody):
    """Progress of prompts without a client id goes to every socket; it is not ours."""
    held = server.hold("LabSlow", step=1)
    theirs = await post(somebody, simple(99, steps=30))
    await held
    job = studio.submit(simple(1))
    seen = []
    job.subscribe(lambda: seen.append((job.status, job.progress)))
    async for _ in job.updates():
        if job.status is JobStatus.QUEUED and job.queue_position == 1:
            break
    held.release()
    await job
    assert (job.ahead, theirs != job.id) == (0, True)
    assert all(progress == 0 for status, progress in seen if status is JobStatus.QUEUED)


async def test_outputs_keys(studio):
    """All kinds of outputs are kept as they are; the take is what a browser plays."""
    workflow = Workflow(
        graph(a=slow(), m={"class_type": "LabManyOutputs", "images": ["a", 0], "filename_prefix": "lab/m"})
    )
    job = studio.submit(workflow)
    take = await job
    assert take.media_type == "video/mp4"
    suffixes = sorted(each.path.suffix for each in job.takes)
    assert suffixes == [".flac", ".gif", ".glb", ".mp4", ".mp4", ".webm"]
    assert {each.kind for each in job.takes} == {"video", "image", "audio", "other"}
    assert all(each.path.stat().st_size == each.size for each in job.takes)
    again = studio.submit(workflow)
    await again
    assert [each.path for each in again.takes] == [each.path for each in job.takes]


async def test_outputs_of_another_pack(studio):
    workflow = Workflow(graph(a=slow(), v={"class_type": "LabFakeVHS", "images": ["a", 0]}))
    assert (await studio.submit(workflow)).kind == "video"


async def test_partly_invalid_run(studio):
    """A 200 that drops a branch: what is left is made."""
    workflow = Workflow(graph(a=slow(), b=save("a"), c={"class_type": "SaveImage", "filename_prefix": "lab/z"}))
    assert (await studio.submit(workflow)).path.exists()


async def test_queue_order(studio, server, somebody):
    """Positions on the real heap: others' prompts with numbers of their own, in front and behind."""
    held = server.hold("LabSlow", step=1)
    await post(somebody, simple(50))
    await held
    jobs = [studio.submit(simple(seed)) for seed in (1, 2, 3)]
    await asyncio.gather(*(submitted(job) for job in jobs))
    await post(somebody, simple(51), number=-5)
    await post(somebody, simple(52), front=True)
    await post(somebody, simple(53))
    front = studio.submit(simple(4), front=True)
    await asyncio.gather(*(settled(job, position) for job, position in zip([front, *jobs], (1, 4, 5, 6), strict=True)))
    # In front of all others is ours, then -5, then their front, which was asked for earlier.
    assert [(job.queue_position, job.ahead, job.ahead_mine) for job in jobs] == [(4, 4, 1), (5, 5, 2), (6, 6, 3)]
    held.release()
    await asyncio.gather(front, *jobs)


async def submitted(job):
    async for _ in job.updates():
        if job.queue_position is not None:
            return


async def settled(job, position):
    async with asyncio.timeout(20):
        async for _ in job.updates():
            if job.queue_position == position:
                return


@pytest.mark.parametrize("fault", ["ws:cut@6", "ws:mute@6", "ws:cut@2", "ws:mute@1"])
async def test_reconnect_midrun(tmp_path, fault):
    async with DemoServer(step_seconds=0.0, faults=(fault,)) as server, Studio(server.url, cache=tmp_path) as studio:
        job = studio.submit(simple(steps=20))
        assert (await job).path.exists()
        assert job.source == "poll"
        assert fault in server.journal.faults()
        assert server.journal.posts("/prompt") == 1


async def test_runtime_dependency_cycle(studio):
    """The server calls it a success; its own messages say otherwise."""
    workflow = Workflow(graph(c={"class_type": "LabExpandCycle", "seed": 1}, b=save("c")))
    with pytest.raises(NodeFailed, match=r"[Cc]ycle"):
        await studio.submit(workflow)


async def test_same_client_id_twice(studio, server):
    """A second socket under our id takes all events: looks tell the rest, and we open another under a new id."""
    held = server.hold("LabSlow", step=1)
    job = studio.submit(simple(steps=10))
    await held
    client_id = tracker_for(studio.address).client_id
    socket = f"{server.url.replace('http', 'ws')}/ws?clientId={client_id}"
    async with websockets.connect(socket, close_timeout=0.1) as thief:
        await thief.recv()
        held.release()
        assert (await job).path.exists()


@pytest.mark.slow
@pytest.mark.usefixtures("hasty")
async def test_server_restart(studio, server):
    held = server.hold("LabSlow", step=1)
    first, second = studio.submit(simple(1)), studio.submit(simple(2))
    await held
    await submitted(second)
    await server.restarted()
    for job in (first, second):
        with pytest.raises(Lost, match=job.id):
            await job
        assert (studio.cache.folder / "unfinished" / f"{job.id}.json").exists()
        assert (await job.resubmit()).path.exists()
    assert list((studio.cache.folder / "unfinished").iterdir()) == []


async def test_subgraph_expand(studio):
    workflow = Workflow(graph(x={"class_type": "LabExpand", "seed": 3}, b=save("x")))
    job = studio.submit(workflow)
    assert (await job).path.exists()
    assert len(job.takes) == 2


async def test_three_queued(studio, server):
    held = server.hold("LabSlow")
    jobs = [studio.submit(simple(seed)) for seed in (1, 2, 3)]
    await held
    await asyncio.gather(settled(jobs[1], 1), settled(jobs[2], 2))
    assert [job.message for job in jobs[1:]] == [
        "Next in line, the one ahead is yours",
        "2nd in line, both ahead are yours",
    ]
    held.release()
    await asyncio.gather(*jobs)
    assert server.journal.posts("/prompt") == 3


@pytest.mark.slow
async def test_unserializable_poisoned_history(studio, server):
    """A record that the server can't write down: ended, unreadable, and said so; other jobs are not touched."""
    tracker_for(studio.address)
    server.inject("ws:cut@1")
    poisoned = Workflow(graph(a=slow(), n={"class_type": "LabUnserializable", "n": 1}))
    job = studio.submit(poisoned)
    with pytest.raises((NodeFailed, Lost)):
        await asyncio.wait_for(job.ended(), 20) or await job


async def test_async_nodes(studio):
    nodes = {name: {"class_type": "LabAsync", "seconds": 0.1, "seed": seed} for seed, name in enumerate("pq")}
    job = studio.submit(Workflow(graph(**nodes, b=save("p"), c=save("q", "lab/q"))))
    await job
    assert len(job.takes) == 2


@pytest.mark.slow
async def test_history_delete_and_evict(studio, server):
    """Somebody clears the history as soon as we ended; the socket had told all that matters."""
    server.inject("history:clear@1")
    assert (await studio.submit(simple())).path.exists()


@pytest.mark.parametrize("tells", [True, False], ids=["preflight", "server"])
@pytest.mark.parametrize(
    ("nodes", "words"),
    [
        (graph(a=slow(steps=-1), b=save("a")), "LabSlow"),
        (graph(a=slow(delay="x"), b=save("a")), "LabSlow"),
        (graph(a=slow(), b=save("nowhere")), "SaveImage"),
        (graph(a=slow()), "refused the graph"),
        (graph(a=slow(), b={"class_type": "SaveImage", "images": ["a", 7], "filename_prefix": "x"}), "SaveImage"),
        (graph(a={"class_type": "LoadImage", "image": "nope.png"}, b=save("a")), "LoadImage"),
        (graph(a={"class_type": "CheckpointLoaderSimple", "ckpt_name": "no.safetensors"}, b=save("a")), "refused"),
    ],
)
async def test_validation_errors(studio, server, nodes, words, tells):
    if not tells:
        server.inject("http:404@GET /object_info")
    with pytest.raises(Rejected, match=words) as caught:
        await studio.submit(Workflow(nodes), "shot-01")
    assert caught.value.hint
    assert caught.value.shot == "shot-01"
    assert json.dumps(server.journal.fates()) == "{}"
    # Whether steps may be negative is left to the pack that LabSlow is of.
    assert server.journal.posts("/prompt") == (0 if tells and nodes["a"]["inputs"].get("steps") != -1 else 1)
