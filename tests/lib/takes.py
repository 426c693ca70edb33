"""Takes and requests that several tests use."""

from pathlib import Path

from comfy_widgets.graphs import key as key_of
from comfy_widgets.jobs import Request
from comfy_widgets.takes import Take
from comfy_widgets.workflow import Filled

KEY = "ab" * 32
FILM = b"not really a film"


def take(folder: Path, **changes) -> Take:
    """A take whose files lie nowhere yet."""
    number = changes.get("take_number", 1)
    key = changes.get("key", KEY)
    name = f"scene-001_shot-01_{key[:12]}" + (f".{number}" if number > 1 else "")
    fields = {
        "key": key,
        "path": folder / f"{name}.mp4",
        "kind": "video",
        "media_type": "video/mp4",
        "size": len(FILM),
        "made": "2026-11-03T10:00:00+00:00",
        "server": "gpu-1:8188",
        "renderer": "comfyui",
        "poster": folder / f"{name}.jpg",
        "width": 320,
        "height": 192,
        "fps": 24.0,
        "frames": 49,
        "seconds": 2.04,
        "inputs": {"prompt": "A lighthouse at dusk", "seed": 7},
        "graph": {"6": {"class_type": "CLIPTextEncode", "inputs": {"text": "A lighthouse at dusk"}}},
        "scene": "scene-001",
        "shot": "shot-01",
        "used_by": (("scene-001", "shot-01"),),
        "prompt_id": "5f0c2a51-8e0c-4b4e-9d57-5f2b2f6d6a10",
    }
    return Take(**{**fields, **changes})


def parts(made: Take, film: bytes = FILM) -> dict[Path, Path]:
    """A take's bytes in temporary files, as they are before it is kept."""
    made.path.parent.mkdir(parents=True, exist_ok=True)
    told = {made.path.with_name(".film.part"): film, made.path.with_name(".poster.part"): b"\xff\xd8\xff small"}
    for path, data in told.items():
        path.write_bytes(data)
    return dict(zip(told, (made.path, made.poster), strict=True))


def request(**inputs) -> Request:
    """A request with these named inputs."""
    filled = Filled({}, (), inputs or {"prompt": "A lighthouse at dusk", "seed": 7}, "wan")
    return Request(filled, scene="scene-001", shot="shot-01")


def another(number: int) -> str:
    """A key that no other number has."""
    return key_of(str(number), "comfyui")
