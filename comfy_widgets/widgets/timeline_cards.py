"""What the browser is told about a timeline: a card for each shot, and only what differs from what it knows."""

from collections.abc import Mapping
from typing import Any

from comfy_widgets import faces
from comfy_widgets.batch import Item
from comfy_widgets.errors import ComfyWidgetsError, TimelineChanged
from comfy_widgets.jobs import JobStatus
from comfy_widgets.takes import Take
from comfy_widgets.timeline import Timeline
from comfy_widgets.timeline_export import Export
from comfy_widgets.wording import ordinal, seconds_left

# Places further back change with each job that ends, for hundreds of shots at once, and nobody counts them.
_FAR = 20
# Fields of a shot that name a picture.
PICTURES = ("keyframe", "end_keyframe")


def card(timeline: Timeline, name: str) -> dict[str, Any]:
    """A shot as its card shows it."""
    takes, item = timeline.takes_of(name), timeline.runs.latest.get(name)
    chosen = timeline.chosen_of(name)
    error = item.error if item is not None else None
    told = timeline[name].to_json()
    del told["id"]
    return {
        "shot": told,
        "status": timeline.status(name),
        "active": timeline.runs.active(name) is not None,
        "message": _message(item),
        "progress": round(item.job.progress, 3) if item and item.job and not item.over else 0,
        "eta": seconds_left(item.job.eta) if item and item.job else None,
        "error": None if error is None else _error(error),
        "takes": [_take(take) for take in takes],
        "chosen": None if chosen is None else chosen.handle,
        "seconds": None if chosen is None else chosen.seconds,
        "edited": timeline.edited(name),
        "drawing": timeline.pictures.active(name) is not None,
        "picture": _picture_error(timeline, name),
    }


def whole(timeline: Timeline, cards: Mapping[str, Any]) -> dict[str, Any]:
    """The timeline around its cards."""
    active = sum(timeline.runs.active(shot.id) is not None for shot in timeline.shots)
    return {
        "title": timeline.title,
        "order": [shot.id for shot in timeline.shots],
        "seconds": round(timeline.seconds, 2),
        "complete": len(timeline.chosen),
        "missing": len(timeline.missing()),
        "active": active,
        # Coarse, so that it is told a few times a minute only.
        "progress": round(timeline.progress, 2 if len(cards) < 100 else 3),
        "left": seconds_left(timeline.remaining, 5),
        "undo": timeline.can_undo,
        "drawer": timeline.keyframes is not None,
        "pictures": [name for name in PICTURES if name in timeline.recipe.workflow.bindings],
        "inputs": _inputs(timeline),
        "complaint": _complaint(timeline),
        "exported": None if timeline.exported is None else _exported(timeline.exported),
    }


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of `now` that are others than before."""
    return {name: value for name, value in now.items() if name not in before or before[name] != value}


def _inputs(timeline: Timeline) -> dict[str, Any]:
    """What else the workflow can be told for a shot, with what it has."""
    apart = {"prompt", "negative", "seed", *PICTURES}
    known = timeline.recipe.workflow.bindings
    return {name: known.value(name) for name in known if name not in apart}


def _exported(export: Export) -> dict[str, Any]:
    name = export.path.name
    words = f"{name} is there" if export.over else f"{name} {int(100 * export.progress)} %"
    return {"words": words if export.error is None else export.error.sentence, "over": export.over}


def _complaint(timeline: Timeline) -> dict[str, Any] | None:
    """Why nothing is saved, and what can be done about it: an act and its words."""
    error = timeline.complaint
    if error is None:
        return None
    does = [("save", "Try again")]
    if isinstance(error, TimelineChanged):
        does = [("reload", "Take theirs"), ("save", "Keep mine")]
    elif timeline.keeper.blocked:
        does = [("reload", "Read it again"), ("save", "Write it anew")]
    return {"what": error.what, "hint": error.hint or "", "does": [] if timeline.keeper.retired else does}


def _take(take: Take) -> dict[str, Any]:
    # Empty: only the kernel has it. As a data URI hundreds of them would make the notebook large.
    place = "" if take.poster is None else faces.notebook_path(take.poster) or ""
    return {"id": take.handle, "poster": place if take.poster is not None else None, "seed": take.inputs.get("seed")}


def _message(item: Item | None) -> str:
    job = item.job if item is not None and not item.over else None
    if job is None:
        return ""
    if job.status is JobStatus.QUEUED and job.queue_position is not None:
        if job.queue_position > _FAR:
            return f"more than {_FAR} before it"
        return "next" if job.queue_position == 1 else f"{ordinal(job.queue_position)} in line"
    return "" if job.status is JobStatus.RUNNING else job.message


def _error(error: ComfyWidgetsError) -> dict[str, Any]:
    return {"where": error.where, "what": error.what, "hint": error.hint or "", "details": error.details()}


def _picture_error(timeline: Timeline, name: str) -> dict[str, Any] | None:
    item = timeline.pictures.latest.get(name)
    return _error(item.error) if item is not None and item.error is not None else None
