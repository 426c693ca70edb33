"""What the browser is told about jobs and takes: small JSON, without bytes, ids, secrets or folders of this machine."""

from collections.abc import Callable, Mapping
from typing import Any

from comfy_widgets import faces
from comfy_widgets.errors import ComfyWidgetsError, FetchFailed
from comfy_widgets.jobs import Job, JobStatus
from comfy_widgets.takes import Take
from comfy_widgets.widgets.pieces import handle

# A browser's numbers are exact up to here; seeds go further.
_EXACT = 2**53

_STOPPABLE = frozenset({JobStatus.SUBMITTING, JobStatus.QUEUED, JobStatus.RUNNING})


def acts_of(job: Job) -> list[str]:
    """What a person can do with a job now, the likeliest first."""
    if job.status in _STOPPABLE:
        return ["stop"]
    if isinstance(job.error, FetchFailed):
        return ["fetch", "again"]
    return ["again"] if job.over and job.status is not JobStatus.COMPLETE else []


def job_state(job: Job, preview: int) -> dict[str, Any]:
    """A job now; seconds are relative, since the browser's clock may differ.

    Parameters
    ----------
    job
        What is told.
    preview
        How many preview pictures there have been; the browser asks for the newest.
    """
    return {
        "status": str(job.status),
        "title": job.title,
        "message": _message(job),
        "progress": round(job.progress, 4),
        "elapsed": round(job.elapsed, 2),
        "eta": None if job.eta is None else round(job.eta, 1),
        "age": round(job.age, 2),
        "source": job.source,
        "preview": preview,
        "error": None if job.error is None else error_state(job.error),
        "acts": acts_of(job),
    }


def _message(job: Job) -> str:
    # The hint of a job that was stopped on purpose is the button beside it.
    return job.error.what if job.error and job.status is JobStatus.CANCELLED else job.message


def error_state(error: ComfyWidgetsError) -> dict[str, Any]:
    """Where an error happened in a word, and what stands behind it line by line."""
    return {"where": error.shot or "", "details": [line for line in (error.where, *error.details()) if line]}


def take_state(take: Take, name: Callable[[Take], str] = handle) -> dict[str, Any]:
    """A take: its own file, what made it, and the other files of its job, each with the name to ask for it by."""
    return file_state(take, name) | {
        "title": take.title,
        "inputs": exact(take.inputs),
        "made": take.made,
        "server": take.server,
        "render_seconds": take.render_seconds,
        "simulated": take.renderer == "demo",
        "cached": take.cached,
        "take_number": take.take_number,
        "also": [file_state(other, name) for other in take.also],
    }


def file_state(take: Take, name: Callable[[Take], str]) -> dict[str, Any]:
    """One file; its bytes are asked for by its name, or by its place beside the notebook where a server has that."""
    return {
        "id": name(take),
        "file": take.path.name,
        "kind": take.kind,
        "media_type": take.media_type,
        "size": take.size,
        "width": take.width,
        "height": take.height,
        "fps": take.fps,
        "frames": take.frames,
        "seconds": take.seconds,
        "poster": poster_state(take),
        "place": faces.notebook_path(take.path),
    }


def exact(value: Any) -> Any:
    """The same JSON with the numbers that a browser would round, such as seeds, as text."""
    if isinstance(value, Mapping):
        return {name: exact(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [exact(inner) for inner in value]
    return str(value) if isinstance(value, int) and abs(value) > _EXACT else value


def poster_state(take: Take) -> str | None:
    """The small picture by its place, which costs a saved notebook nothing, else as a data URI if it is small."""
    if take.poster is None:
        return None
    return faces.notebook_path(take.poster) or faces.poster_uri(take.poster)
