"""A frame of ComfyUI's WebSocket as a small frozen event (pure)."""

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """Something entered or left the queue; the count includes the running prompt and everybody's."""

    remaining: int


@dataclass(frozen=True, slots=True)
class Started:
    """Our prompt is being executed."""

    prompt_id: str


@dataclass(frozen=True, slots=True)
class Cached:
    """These nodes are served from the server's own cache and will not report anything."""

    prompt_id: str
    nodes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Executing:
    """A node begins; right after connecting the server leaves the prompt id out."""

    prompt_id: str | None
    node: str


@dataclass(frozen=True, slots=True)
class Over:
    """`executing` with node null: the prompt has ended one way or another and history can be read."""

    prompt_id: str


@dataclass(frozen=True, slots=True)
class Step:
    """How far one node is."""

    prompt_id: str
    node: str
    value: float
    max: float


@dataclass(frozen=True, slots=True)
class NodeStates:
    """All nodes of a prompt that are not waiting: node → (value, max, finished)."""

    prompt_id: str
    nodes: Mapping[str, tuple[float, float, bool]]


@dataclass(frozen=True, slots=True)
class Executed:
    """A node left something to show or to save."""

    prompt_id: str
    node: str
    output: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ending:
    """The server announces an end; history may lag behind it, and a blocked branch announces one that isn't."""

    prompt_id: str
    kind: str


@dataclass(frozen=True, slots=True)
class Preview:
    """A picture of the work in progress; without a prompt id it belongs to whatever of ours is running."""

    prompt_id: str | None
    node: str | None
    media_type: str
    data: bytes


Event = StatusChanged | Started | Cached | Executing | Over | Step | NodeStates | Executed | Ending | Preview

_PREVIEW, _PREVIEW_WITH_METADATA = 1, 4
_IMAGE_TYPES = {1: "image/jpeg", 2: "image/png"}
_ENDINGS = {"execution_success", "execution_error", "execution_interrupted"}


def parse(frame: str | bytes) -> Event | None:
    """Read one frame; None for what means nothing to us, or is damaged.

    Examples
    --------
    >>> parse('{"type": "executing", "data": {"node": null, "prompt_id": "a"}}')
    Over(prompt_id='a')
    """
    try:
        return _binary(frame) if isinstance(frame, bytes) else _text(json.loads(frame))
    except (ValueError, KeyError, TypeError, AttributeError, struct.error):
        return None


def _text(message: Mapping[str, Any]) -> Event | None:  # noqa: PLR0911 - one line for each kind of message
    kind, data = message["type"], message["data"]
    match kind:
        case "status":
            return StatusChanged(int(data["status"]["exec_info"]["queue_remaining"]))
        case "execution_start":
            return Started(data["prompt_id"])
        case "execution_cached":
            return Cached(data["prompt_id"], tuple(data["nodes"]))
        case "executing":
            return _executing(data)
        case "progress":
            return Step(data["prompt_id"], str(data["node"]), float(data["value"]), float(data["max"]))
        case "progress_state":
            return NodeStates(data["prompt_id"], {str(node): _state(told) for node, told in data["nodes"].items()})
        case "executed":
            return Executed(data["prompt_id"], str(data["node"]), data.get("output") or {})
        case _ if kind in _ENDINGS:
            return Ending(data["prompt_id"], kind)
    return None


def _executing(data: Mapping[str, Any]) -> Event | None:
    prompt_id, node = data.get("prompt_id"), data.get("node")
    if node is None:
        return Over(prompt_id) if prompt_id else None
    return Executing(prompt_id, str(node))


def _state(told: Mapping[str, Any]) -> tuple[float, float, bool]:
    return float(told["value"]), float(told["max"]), told["state"] == "finished"


def _binary(frame: bytes) -> Event | None:
    kind, second = struct.unpack_from(">II", frame)
    if kind == _PREVIEW:
        return Preview(None, None, _IMAGE_TYPES.get(second, "image/jpeg"), frame[8:])
    if kind == _PREVIEW_WITH_METADATA:
        about = json.loads(frame[8 : 8 + second])
        node = about.get("display_node_id") or about.get("node_id")
        media_type = str(about.get("image_type", "image/jpeg"))
        return Preview(about.get("prompt_id"), node, media_type, frame[8 + second :])
    return None
