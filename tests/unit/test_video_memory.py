"""Models that are larger than the server's video memory are told, where the server says how large both are."""

import json

import pytest

from comfy_widgets.comfyui import memory
from comfy_widgets.video_memory import models, too_large
from tests.lib.graphs import wan
from tests.lib.raw_server import reply

CLASSES = {"UNETLoader": {"output": ["MODEL"]}, "CLIPLoader": {"output": ["CLIP"]}, "VAELoader": {"output": ["VAE"]}}
SIZES = {
    "diffusion_models": {"wan2.2_ti2v_5B_fp16.safetensors": 10_000_000_000},
    "text_encoders": {"umt5_xxl_fp8_e4m3fn_scaled.safetensors": 6_700_000_000},
}
GPU = {"type": "cuda", "vram_total": 24, "vram_free": 6, "torch_vram_total": 14, "torch_vram_free": 2}


def told(graph, room, sizes=SIZES):
    return {problem.input for problem in too_large(graph, models(graph, CLASSES), sizes, room)}


def test_each_model_that_does_not_fit_is_named():
    assert told(wan(), 12_000_000_000) == set()
    assert told(wan(), 8_000_000_000) == {"unet_name"}
    assert told(wan(), 4_000_000_000) == {"unet_name", "clip_name"}
    assert told(wan(), 4_000_000_000, {}) == set()


def test_it_is_a_warning():
    (problem,) = too_large(wan(), models(wan(), CLASSES), SIZES, 8_000_000_000)
    assert not problem.certain
    assert str(problem) == (
        "UNETLoader (node 37), unet_name: wan2.2_ti2v_5B_fp16.safetensors has 10.0 GB, and the server has 8.0 GB of "
        "video memory for it. It will be slow or run out of memory: use a smaller file, or end other programs there."
    )


def test_a_model_that_is_not_loaded_as_it_is_is_left_out():
    graph = wan()
    graph["37"]["inputs"]["weight_dtype"] = "fp8_e4m3fn"
    graph["38"]["inputs"]["device"] = "cpu"
    assert told(graph, 1) == set()


@pytest.mark.parametrize("node", [{}, {"class_type": "UNETLoader", "inputs": [1]}, {"inputs": None}, {"class_type": 3}])
def test_odd_nodes_have_no_models(node):
    assert models({"1": node}, CLASSES | {"3": "odd"}) == []


def says(*devices):
    return lambda _asked: reply({"system": {}, "devices": list(devices)})


async def test_what_comfyui_holds_itself_counts_as_free(talk):
    client, _ = await talk(says(GPU, {"type": "cuda", "vram_free": 99}))
    assert await memory.Memory(client).room() == 6 + 14 - 2


@pytest.mark.parametrize("devices", [[], [{**GPU, "type": "cpu"}], [{"type": "cuda", "vram_free": 6}], ["odd"]])
async def test_where_nobody_tells_the_server_is_asked_once(talk, devices):
    client, server = await talk(says(*devices))
    asked = memory.Memory(client)
    assert [await asked.room(), await asked.room()] == [None, None]
    assert len(server.asked) == 1


async def test_the_sizes_of_a_folder_are_asked_for_once(talk):
    files = [{"name": "a.safetensors", "size": 5}, {"name": "b"}, {"size": "x"}, 3]
    client, server = await talk(lambda _asked: reply(json.dumps(files)))
    asked = memory.Memory(client)
    assert (await asked.sizes(["vae"]))["vae"] == {"a.safetensors": 5}
    await asked.sizes(["vae"])
    assert server.paths("GET") == ["/experiment/models/vae"]


@pytest.mark.parametrize("answer", [reply(b"", 404), reply("<html>"), reply({"error": "no"}), reply(b"", 500)])
async def test_a_server_without_that_route_tells_of_no_sizes(talk, answer):
    client, _ = await talk(lambda _asked: answer)
    assert await memory.Memory(client).sizes(["vae"]) == {"vae": {}}


async def test_a_server_that_tells_slowly_holds_nothing_up(talk, monkeypatch):
    monkeypatch.setattr(memory, "_PATIENCE_SECONDS", 0.05)
    client, _ = await talk(lambda _asked: b"HTTP/1.1 200 X\r\nContent-Length: 9\r\n\r\n")
    asked = memory.Memory(client)
    assert await asked.room() is None
    assert await asked.sizes(["vae"]) == {"vae": {}}
