"""What the browser is told about a batch: an item for each job, and the whole around them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from comfy_widgets import faces
from comfy_widgets.batch import Batch, Item
from comfy_widgets.differences import distinct
from comfy_widgets.errors import ComfyWidgetsError
from comfy_widgets.jobs import JobStatus
from comfy_widgets.sweep import Sweep
from comfy_widgets.takes import Take
from comfy_widgets.wording import ordinal, seconds_left

# Places further back change with each job that ends, for hundreds of items at once, and nobody counts them.
_FAR = 20
_LONGEST = 400


def item_state(item: Item) -> dict[str, Any]:
    """One of a batch as its row or cell shows it."""
    job, error = item.job, item.error
    return {
        "label": item.label,
        "scene": item.scene or "",
        "prompt": _line(item.prompt)[:_LONGEST],
        "status": item.status,
        "message": _message(item),
        "progress": round(job.progress, 3) if job is not None and item.begun else 0,
        "eta": None if job is None else seconds_left(job.eta),
        "took": round(job.elapsed, 1) if job is not None and item.over else None,
        "attempts": item.attempts,
        "error": None if error is None else _error(item, error),
        "take": None if item.take is None else _take(item.take),
    }


def seen_of(item: Item) -> tuple[Any, ...]:
    """What an item's state follows from, by identity: a job's state is replaced when it changes."""
    return (item.job, item.job.state if item.job else None, item.refused, item.skipped)


def batch_state(batch: Batch) -> dict[str, Any]:
    """The batch around its items."""
    items = batch.items
    return {
        "complete": sum(item.take is not None for item in items),
        "cached": sum(item.take is not None and item.take.cached for item in items),
        "failed": sum(item.status in {JobStatus.ERROR, JobStatus.LOST} for item in items),
        "active": sum(not item.over for item in items),
        "waiting": sum(not item.over and not item.begun for item in items),
        # Coarse, so that they are told a few times a minute only.
        "progress": round(batch.progress, 2 if len(items) < 100 else 3),
        "left": seconds_left(batch.remaining, 5),
    }


def axes_of(sweep: Sweep) -> dict[str, Any]:
    """What never changes: the axes with their values, and what is equal everywhere."""
    axes = [{"name": name, "values": _labels(values)} for name, values in sweep.axes.items()]
    common = {name: value.name if isinstance(value, Path) else value for name, value in sweep.common.items()}
    prompt = _line(common.get("prompt"))
    same = [*([("", prompt)] if prompt else []), *((name, _line(text)) for name, text in faces.shown_inputs(common))]
    return {"axes": axes, "pairs": sweep.pairs, "same": [list(fact) for fact in same]}


def _labels(values: Sequence[Any]) -> list[list[str]]:
    """Each value as people read it, of long ones only the words that differ; and the whole."""
    wholes = [_value(value)[:_LONGEST] for value in values]
    return [list(pair) for pair in zip(distinct(wholes) if len(wholes) > 1 else wholes, wholes, strict=True)]


def _value(value: Any) -> str:
    if isinstance(value, Path):
        return value.name
    return f"{value:g}" if isinstance(value, float) else _line(value)


def _line(text: Any) -> str:
    return " ".join(str("" if text is None else text).split())


def _error(item: Item, error: ComfyWidgetsError) -> dict[str, Any]:
    # The hint of one that was stopped on purpose is the button beside it.
    hint = "" if item.status == JobStatus.CANCELLED else error.hint or ""
    return {"where": error.where, "what": item.why, "hint": hint, "details": error.details()}


def _take(take: Take) -> dict[str, Any]:
    # Empty: only the kernel has it. As a data URI hundreds of them would make the notebook large.
    place = "" if take.poster is None else faces.notebook_path(take.poster) or ""
    return {
        "id": take.handle,
        "poster": place if take.poster is not None else None,
        "kind": take.kind,
        "seconds": take.seconds,
        "ratio": round(take.width / take.height, 3) if take.width and take.height else None,
        "cached": take.cached,
    }


def _message(item: Item) -> str:
    job = item.job if not item.over else None
    if job is None:
        return ""
    if job.status is JobStatus.QUEUED and job.queue_position is not None:
        if job.queue_position > _FAR:
            return f"more than {_FAR} before it"
        return "next" if job.queue_position == 1 else f"{ordinal(job.queue_position)} in line"
    # Which node runs, but not its step: the percentage says that already.
    return job.node_title or "" if job.status is JobStatus.RUNNING else job.message
