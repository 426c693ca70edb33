"""One look: the queue, then history, read as the states and positions of our prompts (pure)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from comfy_widgets.comfyui.replies import OutputFile, output_files, sentence_of
from comfy_widgets.comfyui.status import Remote


@dataclass(frozen=True)
class Place:
    """Where a prompt stands in the server's queue.

    Attributes
    ----------
    remote
        RUNNING or QUEUED.
    position
        Rank among the queued, 1 = next; None while running.
    ahead
        Prompts that must end before it, the running one included.
    ahead_mine
        How many of those are ours.
    """

    remote: Remote
    position: int | None = None
    ahead: int = 0
    ahead_mine: int = 0


def places(queue: Mapping[str, Any], ours: Collection[str]) -> dict[str, Place]:
    """Where each of our prompts stands; who is absent is not in the queue.

    `queue_pending` is a heap array: the order of execution is that of (number, prompt id), not that of the list.
    """
    running = [str(entry[1]) for entry in queue.get("queue_running") or ()]
    waiting = sorted((entry[0], str(entry[1])) for entry in queue.get("queue_pending") or ())
    found: dict[str, Place] = {}
    ahead, mine = len(running), sum(prompt_id in ours for prompt_id in running)
    for rank, (_, prompt_id) in enumerate(waiting, start=1):
        if prompt_id in ours:
            # The same id can be queued twice; its first run is the one that counts.
            found.setdefault(prompt_id, Place(Remote.QUEUED, rank, ahead, mine))
            mine += 1
        ahead += 1
    for prompt_id in running:
        if prompt_id in ours:
            found[prompt_id] = Place(Remote.RUNNING)
    return found


@dataclass(frozen=True)
class Failure:
    """What a node raised."""

    node_id: str
    node_type: str
    exception_type: str
    message: str
    traceback: tuple[str, ...]


@dataclass(frozen=True)
class Record:
    """A history entry: how a prompt ended and what it left; if it was stopped, at which node.

    Of one that ended well `executed` has the output nodes that the server did not leave out, None if it does not tell.
    """

    remote: Remote
    files: tuple[OutputFile, ...] = ()
    failure: Failure | None = None
    seconds: float | None = None
    stopped_at: str | None = None
    executed: tuple[str, ...] | None = None


def record(entry: Mapping[str, Any]) -> Record:
    """Read a history entry.

    `status_str` says "success" after some failures and "error" for interruptions too, so the messages decide:
    the last of them tells a failure from an interruption.
    """
    status = entry.get("status") or {}
    messages = [message for message in status.get("messages") or () if isinstance(message, list) and len(message) > 1]
    files = tuple(output_files(entry.get("outputs") or {}))
    seconds = _seconds(messages)
    bad = [message for message in messages if message[0] in {"execution_error", "execution_interrupted"}]
    if bad and bad[-1][0] == "execution_interrupted":
        stopped_at = str(bad[-1][1].get("node_id") or "") or None
        return Record(Remote.INTERRUPTED, files, None, seconds, stopped_at)
    # A history without a status comes from forks and old servers, which keep records of good ends only.
    if bad or (status and not status.get("completed")):
        return Record(Remote.FAILED, files, _failure(bad[-1][1] if bad else {}), seconds)
    return Record(Remote.SUCCEEDED, files, None, seconds, executed=_executed(entry.get("prompt")))


def _executed(prompt: Any) -> tuple[str, ...] | None:
    told = prompt[4] if isinstance(prompt, list) and len(prompt) > 4 else None
    return tuple(map(str, told)) if isinstance(told, list) else None


def _failure(told: Mapping[str, Any]) -> Failure:
    return Failure(
        node_id=str(told.get("node_id") or ""),
        node_type=str(told.get("node_type") or ""),
        exception_type=str(told.get("exception_type") or "").rpartition(".")[2],
        message=sentence_of(str(told.get("exception_message") or "the server gives no reason"), 400),
        traceback=tuple(str(line).rstrip() for line in told.get("traceback") or ()),
    )


def _seconds(messages: list[Any]) -> float | None:
    """How long it was executed, from the server's own clock."""
    times = [told.get("timestamp") for _, told in (message[:2] for message in messages) if isinstance(told, dict)]
    stamps = [time for time in times if isinstance(time, int | float)]
    return (stamps[-1] - stamps[0]) / 1000 if len(stamps) > 1 else None
