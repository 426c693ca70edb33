"""What the server's answers mean: acceptance, rejection, output files (pure)."""

import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from comfy_widgets.errors import Rejected, ServerError

_TAG = re.compile(r"<(script|style|head).*?</\1>|<[^>]+>", re.DOTALL | re.IGNORECASE)
_SPACE = re.compile(r"\s+")

# What a browser plays in a <video>; what else moves pictures comes after it.
_PLAYABLE = {".mp4": "video/mp4", ".webm": "video/webm", ".m4v": "video/mp4"}
_MOVING = {".mov": "video/quicktime", ".mkv": "video/x-matroska", ".avi": "video/x-msvideo"}
_STILL = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp", ".gif": "image/gif"}
_SOUND = {".mp3": "audio/mpeg", ".flac": "audio/flac", ".wav": "audio/wav", ".opus": "audio/ogg", ".ogg": "audio/ogg"}


class AnswerLost(ServerError):  # noqa: N818
    """The request went out and no answer came back: what it did is unknown."""


class Unreadable(ServerError):  # noqa: N818
    """There is a record, and the server can't write it down."""


@dataclass(frozen=True)
class Accepted:
    """A prompt that was queued; `node_errors` tells of branches that were dropped."""

    prompt_id: str
    node_errors: Mapping[str, Any]

    @property
    def left_out(self) -> set[str]:
        """The output nodes that are not executed."""
        found: set[str] = set()
        for node_id, told in self.node_errors.items():
            outputs = told.get("dependent_outputs") if isinstance(told, Mapping) else None
            found.update(map(str, outputs or [node_id]))
        return found


@dataclass(frozen=True)
class OutputFile:
    """A file that a node left on the server."""

    node_id: str
    filename: str
    subfolder: str
    type: str

    @property
    def suffix(self) -> str:
        """The extension with its dot, in lower case."""
        return PurePosixPath(self.filename).suffix.lower()

    @property
    def kind(self) -> str:
        """One of video, image, audio, other, by extension: SaveVideo reports its mp4 under `images`."""
        for kind, table in (("video", _PLAYABLE | _MOVING), ("image", _STILL), ("audio", _SOUND)):
            if self.suffix in table:
                return kind
        return "other"

    @property
    def media_type(self) -> str:
        """The MIME type by extension."""
        return (_PLAYABLE | _MOVING | _STILL | _SOUND).get(self.suffix, "application/octet-stream")

    @property
    def playable(self) -> bool:
        """Whether a browser's <video> plays it."""
        return self.suffix in _PLAYABLE


def output_files(outputs: Mapping[str, Any]) -> list[OutputFile]:
    """Every file named in a history entry's `outputs`, by shape: each list of dicts with a `filename`."""
    found = dict.fromkeys(_files(outputs))
    return list(found)


def _files(outputs: Mapping[str, Any]) -> Iterator[OutputFile]:
    for node_id, told in outputs.items():
        for items in told.values() if isinstance(told, dict) else ():
            for item in items if isinstance(items, list) else ():
                if isinstance(item, dict) and isinstance(item.get("filename"), str) and item["filename"]:
                    yield OutputFile(
                        str(node_id),
                        item["filename"],
                        str(item.get("subfolder") or ""),
                        str(item.get("type") or "output"),
                    )


def chosen_output(files: list[OutputFile]) -> OutputFile | None:
    """The one that becomes the take: kept rather than temporary, playable rather than not, the last node's.

    Of several that one node left, mp4 goes first: every browser plays it.
    """
    nodes = list(dict.fromkeys(file.node_id for file in files))

    def worth(place: int) -> tuple[bool, bool, bool, int, bool, int]:
        file = files[place]
        video = file.kind == "video"
        return (file.type == "output", file.playable, video, nodes.index(file.node_id), file.suffix == ".mp4", place)

    return files[max(range(len(files)), key=worth)] if files else None


def sentence_of(text: str, limit: int = 200) -> str:
    """The readable part of an answer that may be an HTML page, in one short line."""
    plain = html.unescape(_TAG.sub(" ", text))
    line = _SPACE.sub(" ", plain).strip()
    return line if len(line) <= limit else line[: limit - 1] + "…"


def queue_of(jobs: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """A newer server's list of jobs in the form of GET /queue."""
    entries = [(job.get("status"), [job.get("priority") or 0, job.get("id")]) for job in jobs]
    return {
        "queue_running": [entry for status, entry in entries if status == "in_progress"],
        "queue_pending": [entry for status, entry in entries if status == "pending"],
    }


def rejection(status: int, text: str, graph: Mapping[str, Any]) -> Rejected:
    """The error for an answer other than 200 to POST /prompt."""
    try:
        reply = json.loads(text)
    except ValueError:
        reply = None
    if not isinstance(reply, dict):
        said = sentence_of(text).rstrip(".") or "no text"
        return Rejected(
            f"The server refused the prompt with HTTP {status}: {said}.",
            hint="Check that the address is a ComfyUI server's, and what a proxy before it lets through.",
        )
    error = reply.get("error")
    error = error if isinstance(error, dict) else {"message": str(error or "no reason given")}
    problems = node_problems(reply.get("node_errors") or {}, graph)
    what = sentence_of(str(error.get("message") or error.get("type"))).rstrip(".")
    details = sentence_of(str(error.get("details") or ""))
    if details and not problems:
        what = f"{what} ({details})"
    return Rejected(f"The server refused the graph: {what}.", hint=_hint(error, problems), problems=problems)


def node_problems(node_errors: Mapping[str, Any], graph: Mapping[str, Any]) -> list[str]:
    """One sentence for each complaint in `node_errors`."""
    sentences = []
    for node_id, told in node_errors.items():
        title = node_title(graph, node_id)
        for error in told.get("errors", ()) if isinstance(told, dict) else ():
            message = sentence_of(str(error.get("message", error.get("type"))))
            details = sentence_of(str(error.get("details") or ""), 300)
            complaint = f"{message.rstrip('.')}: {details}" if details else message
            sentences.append(f"{title} (node {node_id}): {complaint.rstrip('.')}.")
    return sentences


def _hint(error: Mapping[str, Any], problems: list[str]) -> str:
    if error.get("type") in {"invalid_prompt", "missing_node_type"}:
        return "Install the custom nodes that bring this class on the server, or take it out of the workflow."
    if any("not in list" in problem.lower() for problem in problems):
        return "Put the missing file into the server's models folder, or choose one that it lists."
    return "Correct these inputs and submit again."


def node_title(graph: Mapping[str, Any], node_id: str) -> str:
    """What people call a node: its title, else its class, else its id."""
    node = graph.get(node_id)
    if not isinstance(node, Mapping):
        return f"node {node_id}"
    title = (node.get("_meta") or {}).get("title")
    return str(title or node.get("class_type") or f"node {node_id}")
