"""The recorded workflows run to files of the recorded sizes, frame counts and codecs; a Wan 2.2 graph does too."""

import hashlib
import json
import struct
import zlib
from pathlib import Path

import av
import pytest

from comfy_widgets.demo.render import encode
from comfy_widgets.demo.render.pictures import Solid
from tests.server import reduced
from tests.server.client import Client, names
from tests.server.replay import STEPS

HERE = Path(__file__).parent / "workflows"
SHARED = Path(__file__).parents[3] / "shared" / "comfyui" / "workflows"
#: Node, codec, width, height, frames, rate, subfolder, extension.
FILES = {
    "core_image_to_video": ("4", "h264", 96, 64, 16, 8, "video", "mp4"),
    "core_seed_widget_video": ("6", "h264", 128, 96, 12, 6, "video", "mp4"),
    "core_text_seed_video": ("6", "h264", 128, 96, 24, 12, "video", "mp4"),
    "core_video_to_video": ("5", "h264", 64, 48, 5, 10, "video", "mp4"),
    "core_webm": ("3", "vp9", 128, 96, 12, 12, "video", "webm"),
    "lab_slow_text_seed_video": ("5", "h264", 64, 64, 16, 8, "lab", "mp4"),
    "wan22": ("11", "h264", 320, 192, 13, 24, "video", "mp4"),
}


def workflow(name, **changes):
    graph = json.loads((HERE / f"{name}.json").read_text())
    for address, value in changes.items():
        node, _, field = address.removeprefix("n").partition("_")
        graph[node]["inputs"][field] = value
    return graph


@pytest.fixture
def client(comfy_server):
    folder = comfy_server.folders.of("input")
    folder.joinpath("start.png").write_bytes(encode.png(next(iter(Solid(96, 64, 1, 0x336699).frames()))))
    encode.video(folder / "input.mp4", Solid(64, 48, 5, 0x996633), 10.0, {})
    with Client(comfy_server) as client:
        yield client.connect()


def made(server, client, graph, node):
    """Run a graph; the path of what a node saved, and the events."""
    prompt_id, events = client.run(graph)
    entry = client.history(prompt_id)
    assert entry["status"]["status_str"] == "success", entry["status"]["messages"][-1]
    shown = entry["outputs"][node]
    assert shown["animated"] == [True]
    item = shown["images"][0]
    return server.folders.of("output") / item["subfolder"] / item["filename"], events


@pytest.mark.parametrize("name", FILES)
def test_the_file_is_as_recorded(comfy_server, client, name):
    node, codec, width, height, frames, rate, subfolder, extension = FILES[name]
    path, events = made(comfy_server, client, workflow(name), node)
    assert (path.parent.name, path.suffix) == (subfolder, f".{extension}")
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        decoded = [(frame.width, frame.height) for frame in container.decode(video=0)]
        assert (stream.codec_context.name, stream.average_rate) == (codec, rate)
        assert stream.codec_context.pix_fmt == "yuv420p"
        tags = {key.lower(): value for key, value in container.metadata.items()}
        assert json.loads(tags["prompt"]) == json.loads(json.dumps(workflow(name)))
    assert decoded == [(width, height)] * frames
    assert in_short(names(events)) == in_short(recorded_names("success_video"))


def recorded_names(recording):
    """The events of a recording, named as the client names them."""
    told = [step["see"] for step in reduced.load(recording) if "see" in step]
    return ["executing null" if see[0] == "executing" and see[1]["node"] is None else see[0] for see in told]


def in_short(events):
    """In which order the kinds first came and in which last, however many nodes and steps a graph has."""
    lasting = [event for event in events if event not in STEPS]
    return list(dict.fromkeys(lasting)), list(dict.fromkeys(reversed(lasting)))


def test_events_come_in_the_recorded_order(comfy_server, client):
    """Every one, as of the same graph on the real server."""
    _, events = made(comfy_server, client, workflow("lab_slow_text_seed_video"), "5")
    assert names(events) == recorded_names("success_video")


def boxes(path):
    """The names of an mp4's outermost boxes, in order."""
    data, place, found = path.read_bytes(), 0, []
    while place < len(data):
        size, name = struct.unpack(">I4s", data[place : place + 8])
        found.append(name.decode())
        place += size
    return found


def test_the_index_is_at_the_end(comfy_server, client):
    path, _ = made(comfy_server, client, workflow("wan22"), "11")
    assert boxes(path)[-1] == "moov"


def test_the_same_graph_gives_the_same_bytes(comfy_server, client):
    digests = []
    for _ in range(2):
        path, _ = made(comfy_server, client, workflow("wan22"), "11")
        digests.append(hashlib.sha256(path.read_bytes()).hexdigest())
        client.http.post("/free", json={"free_memory": True})
    assert digests[0] == digests[1]
    assert len(list(path.parent.glob("*.mp4"))) == 2


def frame_of(path, number):
    with av.open(str(path)) as container:
        return bytes(list(container.decode(video=0))[number].reformat(format="gray").planes[0])


def difference(first, second):
    return sum(abs(a - b) for a, b in zip(first, second, strict=True)) / len(first)


@pytest.mark.parametrize("change", [{"n8_seed": 8}, {"n6_text": "a forest in the morning"}])
def test_another_seed_or_prompt_gives_other_pictures(comfy_server, client, change):
    one, _ = made(comfy_server, client, workflow("wan22"), "11")
    other, _ = made(comfy_server, client, workflow("wan22", **change), "11")
    assert difference(frame_of(one, 6), frame_of(other, 6)) > 2


def test_the_picture_moves(comfy_server, client):
    path, _ = made(comfy_server, client, workflow("wan22"), "11")
    assert difference(frame_of(path, 0), frame_of(path, 12)) > 0.5


def test_a_clip_begins_with_its_keyframe(comfy_server, client):
    graph = workflow("wan22", n5_start_image=["12", 0])
    graph["12"] = {"class_type": "LoadImage", "inputs": {"image": "start.png"}}
    path, _ = made(comfy_server, client, graph, "11")
    key = 0.299 * 0x33 + 0.587 * 0x66 + 0.114 * 0x99
    row = frame_of(path, 0)[len(frame_of(path, 0)) // 2 :][:200]
    assert abs(sum(row) / len(row) - key) < 8
    last = frame_of(path, 12)
    assert abs(sum(last) / len(last) - key) > 8


def test_another_file_of_the_same_name_is_seen(comfy_server, client):
    graph = workflow("core_image_to_video")
    first, _ = made(comfy_server, client, graph, "4")
    png = encode.png(next(iter(Solid(96, 64, 1, 0xFF0000).frames())))
    comfy_server.folders.of("input").joinpath("start.png").write_bytes(png)
    second, _ = made(comfy_server, client, graph, "4")
    assert first != second


def test_images_carry_their_graph(comfy_server, client):
    graph = {
        "1": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 48, "batch_size": 2, "color": 255}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "kept/ünï"}},
    }
    prompt_id, _ = client.run(graph, extra_data={"extra_pnginfo": {"workflow": {"id": "w", "t": "日本"}}})
    items = client.history(prompt_id)["outputs"]["2"]["images"]
    assert [item["filename"] for item in items] == ["ünï_00001_.png", "ünï_00002_.png"]
    path = comfy_server.folders.of("output") / "kept" / items[1]["filename"]
    texts = png_texts(path.read_bytes())
    assert json.loads(texts["prompt"]) == graph
    assert json.loads(texts["workflow"]) == {"id": "w", "t": "日本"}
    with av.open(str(path)) as container:
        assert next(container.decode(video=0)).width == 64


def png_texts(data):
    place, found = 8, {}
    while place < len(data):
        size, kind = struct.unpack(">I4s", data[place : place + 8])
        body = data[place + 8 : place + 8 + size]
        (check,) = struct.unpack(">I", data[place + 8 + size : place + 12 + size])
        assert check == zlib.crc32(kind + body)
        if kind in {b"tEXt", b"iTXt"}:
            key, _, value = body.partition(b"\0")
            found[key.decode()] = value.decode("latin-1") if kind == b"tEXt" else value[4:].decode()
        place += 12 + size
    return found


def test_every_kind_of_output_at_once(comfy_server, client):
    graph = {
        "1": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 48, "batch_size": 4, "color": 255}},
        "2": {"class_type": "LabManyOutputs", "inputs": {"images": ["1", 0], "filename_prefix": "lab/many"}},
    }
    prompt_id, _ = client.run(graph)
    shown = client.history(prompt_id)["outputs"]["2"]
    endings = {
        key: [item["filename"].rpartition(".")[2] for item in shown[key]] for key in ("images", "gifs", "audio", "3d")
    }
    assert endings == {"images": ["mp4", "mp4", "webm"], "gifs": ["gif"], "audio": ["flac"], "3d": ["glb"]}
    for items in (shown[key] for key in endings):
        for item in items:
            assert client.http.get("/view", params=item).status_code == 200


@pytest.mark.skipif(not SHARED.is_dir(), reason="the recorded workflows are not here")
def test_the_workflows_are_the_recorded_ones():
    for path in SHARED.glob("*.json"):
        assert json.loads(path.read_text()) == json.loads((HERE / path.name).read_text())
