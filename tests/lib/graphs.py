"""Graphs that several tests use."""

import copy

WAN = {
    "3": {
        "class_type": "KSampler",
        "inputs": {
            "seed": 1,
            "steps": 4,
            "cfg": 5.0,
            "sampler_name": "uni_pc",
            "scheduler": "simple",
            "denoise": 1.0,
            "model": ["48", 0],
            "positive": ["6", 0],
            "negative": ["7", 0],
            "latent_image": ["55", 0],
        },
    },
    "6": {
        "class_type": "CLIPTextEncode",
        "inputs": {"text": "a hill", "clip": ["38", 0]},
        "_meta": {"title": "Positive prompt"},
    },
    "7": {
        "class_type": "CLIPTextEncode",
        "inputs": {"text": "blurry", "clip": ["38", 0]},
        "_meta": {"title": "Negative prompt"},
    },
    "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["39", 0]}},
    "37": {
        "class_type": "UNETLoader",
        "inputs": {"unet_name": "wan2.2_ti2v_5B_fp16.safetensors", "weight_dtype": "default"},
    },
    "38": {
        "class_type": "CLIPLoader",
        "inputs": {"clip_name": "umt5_xxl_fp8_e4m3fn_scaled.safetensors", "type": "wan", "device": "default"},
    },
    "39": {"class_type": "VAELoader", "inputs": {"vae_name": "wan2.2_vae.safetensors"}},
    "48": {"class_type": "ModelSamplingSD3", "inputs": {"shift": 8.0, "model": ["37", 0]}},
    "55": {
        "class_type": "Wan22ImageToVideoLatent",
        "inputs": {"width": 320, "height": 192, "length": 9, "batch_size": 1, "vae": ["39", 0]},
    },
    "57": {"class_type": "CreateVideo", "inputs": {"images": ["8", 0], "fps": 24.0}},
    "58": {
        "class_type": "SaveVideo",
        "inputs": {"video": ["57", 0], "filename_prefix": "video/ComfyUI", "format": "auto", "codec": "auto"},
    },
}


def wan(*, keyframe: bool = False) -> dict:
    """A small Wan 2.2 text-to-video graph, or image-to-video."""
    graph = copy.deepcopy(WAN)
    if keyframe:
        graph["56"] = {"class_type": "LoadImage", "inputs": {"image": "example.png"}}
        graph["55"]["inputs"]["start_image"] = ["56", 0]
    return graph
