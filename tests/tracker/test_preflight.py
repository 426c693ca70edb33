"""A graph is held against the server's classes before anything is sent to it."""

import asyncio
import json

import pytest

from comfy_widgets import Studio, Workflow
from comfy_widgets.comfyui import classes
from comfy_widgets.comfyui.client import Client
from comfy_widgets.demo.routes import info
from comfy_widgets.errors import InputFileError, NodeFailed, Rejected, ServerError
from comfy_widgets.jobs import JobStatus
from tests.lib.graphs import wan
from tests.tracker.test_a_take import png


def broken(**inputs):
    graph = wan()
    graph["37"]["inputs"] |= {"unet_name": "wan2.2_t2v_5B.safetensors"}
    graph["3"]["inputs"] |= inputs
    return Workflow(graph, name="wan")


async def test_all_problems_come_at_once_and_nothing_is_sent(studio, server):
    job = studio.submit(broken(steps=-4, sampler_name="uni_pcc"))
    with pytest.raises(Rejected, match="would have refused the graph: 3 problems") as caught:
        await job
    assert [sentence.partition(":")[0] for sentence in caught.value.problems] == [
        "KSampler (node 3), steps",
        "KSampler (node 3), sampler_name",
        "UNETLoader (node 37), unet_name",
    ]
    assert caught.value.problems[2].endswith(
        "Put it into models/diffusion_models on the server. Did you mean wan2.2_ti2v_5B_fp16.safetensors?"
    )
    assert caught.value.hint == "Nothing was sent; correct this and submit again."
    assert job.status is JobStatus.ERROR
    assert server.journal.posts("/prompt") == 0
    assert not list(studio.cache.folder.glob("unfinished/*"))


async def test_a_cell_shows_a_table(studio):
    with pytest.raises(Rejected) as caught:
        await studio.submit(broken(), "shot-01")
    lines = caught.value._render_traceback_()
    assert lines[2].split() == ["node", "title", "input", "what", "is", "wrong"]
    assert lines[3].startswith("  37    UNETLoader  unet_name  The server has no file")
    assert lines[4].strip().startswith("→ Put it into models/diffusion_models")


async def test_a_keyframe_is_not_uploaded_for_a_graph_that_cannot_run(studio, server, keyframes, tmp_path):
    picture = tmp_path / "a.png"
    picture.write_bytes(b"a picture")
    with pytest.raises(Rejected, match="steps: 0 is less than 1"):
        await studio.submit(keyframes, keyframe=picture, steps=0)
    assert server.journal.posts("/upload/image") == 0


async def test_a_keyframe_that_can_not_be_read_is_told_before_a_slot_is_spent(studio, server, keyframes, tmp_path):
    picture = tmp_path / "first.png"
    picture.write_bytes(png()[:60])
    again = "Save it again as PNG or JPEG, or choose another picture."
    with pytest.raises(Rejected) as caught:
        await studio.submit(keyframes, keyframe=picture, steps=-4)
    assert [str(problem) for problem in caught.value.table] == [
        "KSampler (node 3), steps: -4 is less than 1, the least it takes. Give it a number from 1 to 10000.",
        f"LoadImage (node 56), image: {picture} can't be read as a picture. {again}",
    ]
    assert "<table>" in caught.value.table._repr_html_()
    assert server.journal.posts("/prompt") == server.journal.posts("/upload/image") == 0


async def test_a_video_is_no_keyframe(studio, server, workflow, keyframes):
    take = await studio.submit(workflow, seed=1)
    with pytest.raises(Rejected, match=r"mp4 is a video, and it takes a picture\. Save"):
        await studio.submit(keyframes, keyframe=take.path)
    assert server.journal.posts("/prompt") == 1


@pytest.fixture
def small_gpu(monkeypatch):
    """A server whose models do not fit its video memory."""
    told, read = info.system_stats, Client.read

    def with_gpu(core):
        gpu = {"type": "cuda", "vram_free": 7e9, "torch_vram_total": 2e9, "torch_vram_free": 1e9}
        return {
            **told(core),
            "devices": [{name: value if name == "type" else int(value) for name, value in gpu.items()}],
        }

    async def with_sizes(client, path):
        files = [{"name": "wan2.2_ti2v_5B_fp16.safetensors", "size": 10_000_000_000}]
        return files if path == "/experiment/models/diffusion_models" else await read(client, path)

    monkeypatch.setattr(info, "system_stats", with_gpu)
    monkeypatch.setattr(Client, "read", with_sizes)


@pytest.mark.usefixtures("small_gpu")
async def test_low_video_memory_is_a_warning(studio, workflow, caplog):
    assert (await studio.submit(workflow, seed=1)).path.exists()
    (record,) = caplog.records
    assert "10.0 GB, and the server has 8.0 GB of video memory" in record.message
    await studio.submit(workflow, seed=2)
    assert len(caplog.records) == 1


@pytest.mark.usefixtures("small_gpu")
async def test_low_video_memory_stands_in_the_table_of_what_is_refused(studio, workflow):
    with pytest.raises(Rejected, match="2 problems") as caught:
        await studio.submit(workflow, steps=-4)
    assert [problem.kind for problem in caught.value.table] == ["value_smaller_than_min", "video_memory_low"]


async def test_the_classes_are_asked_for_once(studio, server, workflow):
    await asyncio.gather(*(studio.submit(workflow, seed=seed) for seed in range(3)))
    await studio.submit(workflow, seed=9)
    assert server.journal.gets("/object_info") == 1


async def test_two_studios_share_what_a_server_told(studio, server, workflow, tmp_path):
    await studio.submit(workflow, seed=1)
    async with Studio(server.url, cache=tmp_path / "other") as other:
        await other.submit(workflow, seed=2)
    assert server.journal.gets("/object_info") == 1


async def test_a_take_that_is_here_asks_for_no_classes(studio, server, workflow):
    await studio.submit(workflow, seed=1)
    before = server.journal.gets("/object_info")
    await studio.submit(workflow, seed=1)
    assert server.journal.gets("/object_info") == before


async def test_a_file_that_was_added_meanwhile_is_seen(studio, server, workflow, tmp_path):
    await studio.submit(workflow, seed=1)
    graph = wan(keyframe=True)
    graph["56"]["inputs"]["image"] = "added.png"
    with pytest.raises(Rejected, match=r"no file 'added\.png'"):
        await studio.submit(Workflow(graph))
    assert server.journal.gets("/object_info") == 2
    (server.folders.of("input") / "added.png").write_bytes(b"a picture")
    # It is no picture, which only the node finds out.
    with pytest.raises(NodeFailed):
        await studio.submit(Workflow(graph))
    assert server.journal.gets("/object_info") == 3


async def test_a_batch_of_complaints_asks_once_more(studio, server, workflow):
    await studio.submit(workflow, seed=1)
    jobs = [studio.submit(broken(seed=seed)) for seed in range(5)]
    errors = await asyncio.gather(*jobs, return_exceptions=True)
    assert {type(error) for error in errors} == {Rejected}
    assert server.journal.gets("/object_info") <= 3


@pytest.mark.parametrize("fault", ["404", "500", "503", "html", "reset"])
async def test_a_server_that_does_not_tell_is_asked_all_the_same(studio, server, workflow, fault):
    server.inject(f"http:{fault}@GET /object_info#*")
    takes = [await studio.submit(workflow, seed=seed) for seed in range(2)]
    assert all(take.path.exists() for take in takes)
    # A read whose answer was lost is tried twice.
    assert server.journal.gets("/object_info") <= 2
    with pytest.raises(Rejected, match=r"The server refused the graph.*UNETLoader \(node 37\)"):
        await studio.submit(broken())
    assert server.journal.posts("/prompt") == 3


async def test_a_server_that_tells_slowly_holds_nothing_up(studio, server, workflow, monkeypatch):
    monkeypatch.setattr(classes, "_PATIENCE_SECONDS", 0.1)
    server.inject("http:slow=20@GET /object_info#*")
    async with asyncio.timeout(10):
        assert (await studio.submit(workflow, seed=1)).path.exists()


@pytest.mark.parametrize("told", [{}, {"KSampler": None}, {"KSampler": {"input": [], "output": "x"}}, {"error": "no"}])
async def test_an_odd_answer_blocks_nothing_that_it_does_not_name(studio, workflow, monkeypatch, told):
    """Classes of which most are missing are no answer to hold a graph against."""

    async def object_info(_client):
        return json.loads(json.dumps(told))

    monkeypatch.setattr(Client, "object_info", object_info)
    assert (await studio.submit(workflow, seed=1)).path.exists()


async def test_what_preflight_cannot_read_is_left_to_the_server(studio, workflow, monkeypatch, caplog):
    def fails(graph, object_info):
        raise KeyError("input")

    monkeypatch.setattr("comfy_widgets.refusals.preflight", fails)
    assert (await studio.submit(workflow, seed=1)).path.exists()
    assert "could not be held against" in caplog.text


async def test_a_choice_of_the_new_form_is_checked_before_it_fails(studio, server, workflow):
    """Release 0.3.64 takes such a value and fails when all is rendered."""
    with pytest.raises(Rejected, match=r"codec: 'bogus' is not among the 2.*auto, h264"):
        await studio.submit(workflow, inputs={"58.codec": "bogus"})
    assert server.journal.posts("/prompt") == 0


async def test_what_a_node_pack_may_allow_is_left_to_the_server(studio, server):
    """Its own refusal then says more: what the server says, and what to do about it."""
    graph = {
        "1": {"class_type": "LabSlow", "inputs": {"steps": 1, "delay": 0.0, "preview": "gif", "seed": 1}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}},
    }
    with pytest.raises(Rejected, match="The server refused the graph") as caught:
        await studio.submit(Workflow(graph))
    shown = "\n".join(caught.value._render_traceback_())
    assert "LabSlow (node 1): " in shown
    assert "→ Choose one of: none, jpeg, png." in shown
    assert server.journal.posts("/prompt") == 1


async def test_a_class_that_the_server_cannot_describe_is_left_to_it(studio, server, workflow, monkeypatch):
    """Such a class is missing from the list of all, and a server that has it takes the graph."""
    object_info = Client.object_info

    async def all_but_one(client, class_type=""):
        if class_type:
            raise ServerError("The server answered with HTTP 500.")
        return {name: info for name, info in (await object_info(client)).items() if name != "KSampler"}

    monkeypatch.setattr(Client, "object_info", all_but_one)
    assert (await studio.submit(workflow, seed=1)).path.exists()


async def test_a_keyframe_that_changes_before_it_is_uploaded_is_not_taken_for_the_first(
    studio, server, keyframes, tmp_path
):
    keyframe = tmp_path / "frame.png"
    keyframe.write_bytes(png())
    job = studio.submit(keyframes, seed=1, keyframe=keyframe)
    keyframe.write_bytes(png(light=200))
    with pytest.raises(InputFileError, match="has changed since it was asked for"):
        await job
    assert server.journal.posts("/prompt") == server.journal.posts("/upload/image") == 0
