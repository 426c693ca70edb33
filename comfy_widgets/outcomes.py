"""How a job ended badly, as an error in words (pure)."""

import copy
from collections.abc import Sequence

from comfy_widgets import graphs
from comfy_widgets.comfyui.replies import node_title
from comfy_widgets.comfyui.status import Remote
from comfy_widgets.comfyui.tracked import News
from comfy_widgets.differences import changes
from comfy_widgets.errors import Cancelled, ComfyWidgetsError, Interrupted, Lost, NodeFailed, NotCached, SilentTooLong
from comfy_widgets.jobs import Job, JobStatus, Request
from comfy_widgets.takes import Take

_FRAMES = 2
_CORRECT = "Correct its inputs and submit again; the server's log has the rest."
_SMALLER = "The GPU's memory is full: ask for a smaller or a shorter video, or free it in ComfyUI, and submit again."
_TOLD_CHANGES = 6


def status_of(error: ComfyWidgetsError) -> JobStatus:
    """The state of a job that ended with this error."""
    if isinstance(error, Cancelled):
        return JobStatus.CANCELLED
    return JobStatus.LOST if isinstance(error, Lost | SilentTooLong) else JobStatus.ERROR


def may_be_there(job: Job) -> bool:
    """Whether the server may have the file of a job that is over, as far as its error tells."""
    error = job.error
    ended = isinstance(error, NodeFailed | Interrupted | Cancelled)
    return error is not None and error.prompt_id == job.id and not ended


def failure(news: News, *, cancelling: bool, progress: float) -> ComfyWidgetsError:
    """Why a prompt left no take.

    Parameters
    ----------
    news
        The last of it.
    cancelling
        Whether it was to be stopped from here.
    progress
        How far it was, 0 to 1.
    """
    if news.remote is Remote.INTERRUPTED:
        stopped = cancelled(progress) if cancelling else _interrupted()
        node = news.record.stopped_at if news.record else None
        return stopped.at(node_id=node, node_title=node_title(news.progress.graph, node)) if node else stopped
    if news.remote is Remote.GONE:
        return Lost(
            "The server no longer knows it: it restarted, or its queue or history was cleared.",
            hint="Submit it again: job.resubmit().",
        )
    told = news.record.failure if news.record else None
    if told is None or not told.node_id:
        return NodeFailed(
            f"The server failed: {told.message.rstrip('.') if told else 'it gives no reason'}.",
            hint="Its log may say more; submit it again: job.resubmit().",
        )
    title = node_title(news.progress.graph, told.node_id)
    error = NodeFailed(
        f"{title} (node {told.node_id}) failed: {told.exception_type}: {told.message.rstrip('.')}.",
        hint=_SMALLER if told.exception_type.endswith("OutOfMemoryError") else _CORRECT,
        traceback=list(told.traceback[-_FRAMES:]),
    )
    return error.at(node_id=told.node_id, node_title=title)


def _interrupted() -> Interrupted:
    return Interrupted("Somebody stopped it on the server.", hint="Submit it again: job.resubmit().")


def cancelled(progress: float) -> Cancelled:
    """Stopped from here, so far on its way (0 to 1)."""
    return Cancelled(f"Stopped by you at {progress:.0%}.", hint="Submit it again: job.resubmit().")


def closed() -> Lost:
    """The studio was closed before its end."""
    return Lost("The studio was closed while it was being made.", hint="The server goes on: studio.resume().")


def missed(request: Request, takes: Sequence[Take], trouble: ComfyWidgetsError | None) -> ComfyWidgetsError:
    """It is not on disk, and nothing can make it now.

    Parameters
    ----------
    request
        What was asked for.
    takes
        What is on disk.
    trouble
        Why no server can make it; None if none was to be asked.
    """
    if trouble is None:
        what = "another take needs a server (fresh=True)" if request.fresh else "this was never made"
        error: ComfyWidgetsError = NotCached(
            f"The studio is offline, and {what}: {request.title}.",
            hint="Ask for what was made, or run it with a server first: Studio(url), without offline=True.",
        )
    else:
        # The tracker may tell the same one to others.
        error = copy.copy(trouble)
    if takes and not request.fresh:
        error.nearest = [_nearest(request, takes)]
    return error


def _nearest(request: Request, takes: Sequence[Take]) -> str:
    """The take that has most in common with a request, and what differs."""
    wanted = request.filled.inputs, request.filled.graph
    told = {take: changes(wanted, (take.inputs, take.graph)) for take in takes}
    take = min(reversed(takes), key=lambda take: (len(told[take]), take.shot != request.shot))
    named = [
        f"{name} {here}" if here == there else f"{name} {here} (there {there})"
        for name, here, there in told[take][:_TOLD_CHANGES]
    ]
    more = [f"{len(told[take]) - _TOLD_CHANGES} more"] if len(told[take]) > _TOLD_CHANGES else []
    same = not told[take] and graphs.fingerprint(take.graph) == request.filled.fingerprint
    if same and take.key != request.filled.key(take.renderer):
        return f"{take.path.name} is a part of it: the server left out the rest."
    if not told[take] and take.renderer == "demo":
        return f"{take.path.name} is the same, but simulated by the embedded server: Studio(offline=True) shows it."
    what = ", ".join([*named, *more]) or "how its nodes are joined"
    return f"The nearest take, {take.path.name}, differs in: {what}."
