"""The way of one take on the embedded server, from a workflow to an mp4 on disk."""

import asyncio
import gc
import json
import os
import stat
from fractions import Fraction

import av
import httpx
import pytest

from comfy_widgets import RANDOM, Shot, Studio, Workflow, media
from comfy_widgets.attempt import Attempt
from comfy_widgets.comfyui.client import Client
from comfy_widgets.demo import DemoServer
from comfy_widgets.demo.routes import info
from comfy_widgets.errors import (
    BindingError,
    CacheNotWritable,
    Cancelled,
    Interrupted,
    NodeFailed,
    NotComfyUI,
    OutputMissing,
    Rejected,
)
from comfy_widgets.jobs import JobStatus
from tests.lib.graphs import wan


def decoded(path):
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        frames = list(container.decode(stream))
        return (
            stream.codec_context.name,
            frames[0].width,
            frames[0].height,
            len(frames),
            float(stream.average_rate),
            frames,
        )


async def test_a_take_is_an_mp4_of_the_size_length_and_rate_that_were_asked_for(studio, workflow):
    take = await studio.submit(workflow, prompt="a lighthouse", seed=7, width=256, height=160, length=13, fps=12.0)
    assert decoded(take.path)[:5] == ("h264", 256, 160, 13, 12.0)
    assert (take.width, take.height, take.frames, take.fps, take.kind) == (256, 160, 13, 12.0, "video")
    assert take.renderer == "demo"
    assert not take.cached
    assert take.size == take.path.stat().st_size
    assert take.poster.read_bytes()[:3] == b"\xff\xd8\xff"


async def test_two_seeds_are_two_films(studio, workflow):
    one = await studio.submit(workflow, seed=1)
    two = await studio.submit(workflow, seed=2)
    planes = [bytes(decoded(take.path)[5][4].planes[0]) for take in (one, two)]
    assert planes[0] != planes[1]
    assert one.key != two.key


async def test_what_was_made_is_not_made_again(studio, server, keyframes, tmp_path):
    keyframe = tmp_path / "frame.png"
    keyframe.write_bytes(png())
    first = await studio.submit(keyframes, seed=1, keyframe=keyframe)
    posts, uploads = server.journal.posts("/prompt"), server.journal.posts("/upload/image")
    assert (posts, uploads) == (1, 1)
    again = await studio.submit(keyframes, seed=1, keyframe=keyframe)
    async with Studio(server.url, cache=tmp_path / "takes") as other:
        elsewhere = await other.submit(keyframes, seed=1, keyframe=keyframe)
    assert again == elsewhere == first.as_cached()
    assert again.cached
    assert (server.journal.posts("/prompt"), server.journal.posts("/upload/image")) == (posts, uploads)


async def test_an_input_that_the_server_has_is_not_uploaded_again(studio, server, keyframes, tmp_path):
    keyframe = tmp_path / "frame.png"
    keyframe.write_bytes(png())
    await studio.submit(keyframes, seed=1, keyframe=keyframe)
    await studio.submit(keyframes, seed=2, keyframe=keyframe)
    assert server.journal.posts("/prompt") == 2
    assert server.journal.posts("/upload/image") == 1


async def test_the_same_request_while_it_is_made_is_the_same_job(studio, server, workflow):
    jobs = [studio.submit(workflow, seed=1) for _ in range(3)]
    assert jobs[0] is jobs[1] is jobs[2]
    await asyncio.gather(*jobs)
    assert server.journal.posts("/prompt") == 1


async def test_fresh_adds_a_take_and_the_newest_is_served(studio, server, workflow):
    first = await studio.submit(workflow, seed=1)
    second = await studio.submit(workflow, seed=1, fresh=True)
    assert (first.take_number, second.take_number) == (1, 2)
    assert second.path.name == first.path.stem + ".2.mp4"
    assert first.path.exists()
    assert (await studio.submit(workflow, seed=1)).path == second.path
    assert server.journal.posts("/prompt") == 2


async def test_a_random_seed_makes_another_take_each_time(studio, workflow):
    one = await studio.submit(workflow, seed=RANDOM)
    two = await studio.submit(workflow, seed=RANDOM)
    assert one.inputs["seed"] != two.inputs["seed"]
    assert one.key != two.key


async def test_a_simulated_take_is_a_miss_on_a_real_server(studio, workflow, tmp_path, monkeypatch):
    await studio.submit(workflow, seed=1)
    told = info.system_stats

    def as_a_real_server(core):
        stats = told(core)
        del stats["system"]["renderer"]
        return stats

    monkeypatch.setattr(info, "system_stats", as_a_real_server)
    async with DemoServer(step_seconds=0.01) as real, Studio(real.url, cache=tmp_path / "takes") as other:
        take = await other.submit(workflow, seed=1)
        assert real.journal.posts("/prompt") == 1
    assert take.renderer == "comfyui"
    assert not take.cached


async def test_a_job_goes_forward_through_its_states(studio, workflow):
    job = studio.submit(workflow, seed=1)
    seen, fractions = [], []
    async for update in job.updates():
        seen += [update.status] if update.status not in seen else []
        fractions.append(update.progress)
    order = list(JobStatus)
    assert seen == sorted(seen, key=order.index)
    assert seen[-1] is JobStatus.COMPLETE
    assert JobStatus.RUNNING in seen
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert all(fraction < 1.0 for fraction in fractions[:-1])
    assert job.preview[0] == "image/jpeg"


async def test_one_is_said_only_when_the_take_is_on_disk(studio, workflow):
    job = studio.submit(workflow, seed=1)
    job.subscribe(lambda: job.progress < 1.0 or sidecars.append(list(studio.cache.folder.glob("*.json"))))
    sidecars = []
    await job
    assert len(sidecars[0]) >= 1


async def test_the_folder_tells_everything_and_can_be_moved(studio, workflow, tmp_path):
    take = await studio.submit(workflow, Shot("shot-01", "a hill", scene="scene-001"), seed=3)
    await studio.close()
    assert take.path.name.startswith("scene-001_shot-01_" + take.key[:12])
    sidecar = json.loads(take.path.with_suffix(".json").read_text())
    assert sidecar["graph"]["3"]["inputs"]["seed"] == 3
    assert sidecar["inputs"]["prompt"] == "a hill"
    index = json.loads((studio.cache.folder / "index.json").read_text())
    assert index["version"] == 1
    assert index["takes"][take.key]["file"] == take.path.name
    assert list((studio.cache.folder / "unfinished").iterdir()) == []
    assert not [path for path in studio.cache.folder.rglob("*") if path.suffix == ".part"]
    moved = studio.cache.folder.rename(tmp_path / "elsewhere")
    async with Studio(offline=True, cache=moved) as offline:
        assert (
            await offline.submit(workflow, Shot("shot-01", "a hill", scene="scene-001"), seed=3)
        ).path.parent == moved


async def test_a_shot_that_is_served_a_take_is_listed_with_it(studio, workflow):
    await studio.submit(workflow, Shot("shot-01", "a hill"))
    await studio.submit(workflow, Shot("shot-02", "a hill"))
    (take,) = studio.cache.takes(shot="shot-02")
    assert take.used_by == ((None, "shot-01"), (None, "shot-02"))


async def test_cancelling_a_running_job(studio, server, workflow):
    held = server.hold("KSampler", step=2)
    job = studio.submit(workflow, seed=1)
    await held
    stopping = job.cancel()
    held.release()
    await stopping
    assert job.status is JobStatus.CANCELLED
    with pytest.raises(Cancelled, match=job.id):
        await job
    assert server.journal.fates()[job.id] == "interrupted"
    assert not list((studio.cache.folder / "unfinished").iterdir())
    assert (await job.resubmit()).kind == "video"


async def test_who_asks_again_after_stopping_gets_another_job(studio, server, workflow):
    held = server.hold("KSampler", step=2)
    job = studio.submit(workflow, seed=1)
    await held
    stopping = job.cancel()
    again = studio.submit(workflow, seed=1)
    assert again is not job
    assert job.resubmit() is again
    held.release()
    await stopping
    assert (await again).path.exists()
    assert job.status is JobStatus.CANCELLED


async def test_cancelling_a_queued_job_leaves_the_others_alone(studio, server, workflow):
    held = server.hold("KSampler")
    first = studio.submit(workflow, seed=1)
    await held
    second, third = studio.submit(workflow, seed=2), studio.submit(workflow, seed=3)
    async for _ in third.updates():
        if third.queue_position == 2:
            break
    assert (third.ahead, third.ahead_mine) == (2, 2)
    assert third.message == "2nd in line, both ahead are yours"
    await second.cancel()
    held.release()
    await asyncio.gather(first, third)
    assert server.journal.fates() == {first.id: "success", second.id: "deleted", third.id: "success"}


async def test_cancelling_before_anything_was_sent(studio, server, workflow):
    job = studio.submit(workflow, seed=1)
    await job.cancel()
    assert job.status is JobStatus.CANCELLED
    assert server.journal.posts("/prompt") == 0


async def test_somebody_else_stops_it(studio, server, workflow):
    held = server.hold("KSampler", step=1)
    job = studio.submit(workflow, seed=1)
    await held
    async with httpx.AsyncClient() as somebody:
        await somebody.post(f"{server.url}/interrupt", json={"prompt_id": job.id})
    held.release()
    with pytest.raises(Interrupted, match=r"Somebody stopped it.*resubmit"):
        await job
    assert job.status is JobStatus.ERROR


async def test_cancelling_the_waiter_leaves_the_job(studio, server, workflow):
    held = server.hold("KSampler")
    job = studio.submit(workflow, seed=1)
    await held
    waiter = asyncio.ensure_future(job)
    await asyncio.sleep(0)
    waiter.cancel()
    held.release()
    assert (await job).kind == "video"


@pytest.mark.parametrize("tells", [True, False], ids=["preflight", "server"])
async def test_a_refused_graph_names_the_shot_and_each_complaint(studio, server, tells):
    if not tells:
        server.inject("http:404@GET /object_info")
    graph = wan()
    graph["37"]["inputs"]["unet_name"] = "missing.safetensors"
    with pytest.raises(Rejected) as caught:
        await studio.submit(Workflow(graph), Shot("shot-09", "a hill", scene="scene-002"))
    lines = caught.value._render_traceback_()
    assert lines[0] == "Rejected: Scene scene-002, shot shot-09"
    named = (line for line in lines if line.split()[:2] == ["37", "UNETLoader"] or "UNETLoader (node 37)" in line)
    assert next(named, None)
    assert len(lines) < 8
    assert not list(studio.cache.folder.glob("unfinished/*"))
    assert server.journal.posts("/prompt") == (0 if tells else 1)


async def test_an_unknown_node_says_what_to_install(studio):
    graph = wan()
    graph["3"]["class_type"] = "KSamplerOfTheFuture"
    with pytest.raises(Rejected, match=r"KSamplerOfTheFuture.*Install the custom nodes"):
        await studio.submit(Workflow(graph), prompt="x")


async def test_a_failed_node_is_named(studio, server, workflow):
    # This release checks no choice that is declared in the new form; with its classes the graph would not be sent.
    server.inject("http:404@GET /object_info")
    with pytest.raises(NodeFailed) as caught:
        await studio.submit(workflow, "shot-01", inputs={"58.codec": "bogus"})
    assert caught.value.node_id == "58"
    assert "SaveVideo (node 58) failed" in str(caught.value)
    assert caught.value.prompt_id in str(caught.value)


async def test_errors_of_filling_name_the_shot(studio, workflow):
    with pytest.raises(BindingError, match="Shot shot-01: "):
        studio.submit(workflow, Shot("shot-01", "x", inputs={"promt": "y"}))


async def test_an_output_that_was_deleted_is_made_again(studio, server, workflow, monkeypatch):
    """A prompt that ended well and whose file is gone: the new name makes the server save it again."""
    fetch = Client.fetch

    async def after_somebody_cleaned_up(client, output, into, on_bytes):
        if server.journal.posts("/prompt") == 1:
            for path in server.folders.of("output").rglob("*.mp4"):
                path.unlink()
        return await fetch(client, output, into, on_bytes)

    monkeypatch.setattr(Client, "fetch", after_somebody_cleaned_up)
    take = await studio.submit(workflow, seed=1)
    assert take.path.exists()
    assert server.journal.posts("/prompt") == 2


@pytest.mark.parametrize("size", [0, 10, 1000])
async def test_a_broken_file_is_saved_again_and_never_kept(server, studio, workflow, size):
    server.inject(f"output:truncate={size}@mp4")
    take = await studio.submit(workflow, seed=1)
    assert (take.kind, take.frames) == ("video", 9)
    assert server.journal.posts("/prompt") == 2


async def test_a_file_that_stays_broken_is_an_error(server, studio, workflow):
    server.inject("output:truncate=100@mp4#*")
    job = studio.submit(workflow, seed=1)
    with pytest.raises(OutputMissing, match=r"\.mp4 can't be read.*disk.*resubmit"):
        await job
    assert studio.cache.takes() == []
    assert server.journal.posts("/prompt") == 2
    server.heal()
    assert (await job.resubmit()).kind == "video"


async def test_a_workflow_that_saves_nothing_says_so(studio):
    graph = wan()
    graph["58"] = {"class_type": "PreviewAny", "inputs": {"source": ["6", 0]}}
    with pytest.raises((OutputMissing, Rejected), match=r"left no file|refused"):
        await studio.submit(Workflow(graph), prompt="x")


async def test_somebody_else_answers(tmp_path, workflow):
    async def hello(_reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\nConnection: close\r\n\r\n<html></html>")
        await writer.drain()
        writer.close()

    listener = await asyncio.start_server(hello, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    async with listener, Studio(f"http://127.0.0.1:{port}", cache=tmp_path) as studio:
        with pytest.raises(NotComfyUI, match="not as a ComfyUI server"):
            await studio.submit(workflow, seed=1)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions are POSIX")
async def test_a_folder_that_cannot_be_written_is_told_before_rendering(server, workflow, tmp_path):
    blocked = tmp_path / "takes"
    blocked.write_text("a file where the folder should be")
    async with Studio(server.url, cache=blocked) as studio:
        with pytest.raises(CacheNotWritable, match=r"can't be written.*choose another"):
            await studio.submit(workflow, seed=1)
    assert server.journal.posts("/prompt") == 0
    assert stat.S_ISREG(blocked.stat().st_mode)


def png(light=0):
    """A small real picture."""
    frame = av.VideoFrame(64, 48, "rgb24")
    frame.planes[0].update(bytes([light]) * frame.planes[0].buffer_size)
    encoder = av.CodecContext.create("png", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = 64, 48, "rgb24", Fraction(1, 1)
    return b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)])


async def test_without_a_cache_a_take_is_there_while_somebody_holds_it(server, workflow, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    async with Studio(server.url, cache=None) as studio:
        take = await studio.submit(workflow, seed=1)
        assert (await studio.submit(workflow, seed=1)).cached
        assert server.journal.posts("/prompt") == 1
    del studio
    gc.collect()
    assert media.probe(take.path).frames == take.frames
    del take
    gc.collect()
    assert list(tmp_path.rglob("*.mp4")) == []
    async with Studio(server.url, cache=None) as studio:
        assert not (await studio.submit(workflow, seed=1)).cached
        gc.collect()
        assert list(tmp_path.rglob("*.mp4")) == []


async def test_an_interrupt_just_after_a_take_was_kept_makes_no_second(studio, server, workflow, monkeypatch):
    drop = Attempt.drop_row

    def interrupted(attempt):
        drop(attempt)
        monkeypatch.setattr(Attempt, "drop_row", drop)
        raise KeyboardInterrupt

    monkeypatch.setattr(Attempt, "drop_row", interrupted)
    take = await studio.submit(workflow, seed=1, fresh=True)
    assert (take.cached, take.take_number, server.journal.posts("/prompt")) == (False, 1, 1)
