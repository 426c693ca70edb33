"""How a job ended badly, as an error in words (pure)."""

from comfy_widgets.comfyui.replies import node_title
from comfy_widgets.comfyui.status import Remote
from comfy_widgets.comfyui.tracked import News
from comfy_widgets.errors import Cancelled, ComfyWidgetsError, Interrupted, Lost, NodeFailed, SilentTooLong
from comfy_widgets.jobs import JobStatus

_TRACEBACK_LINES = 3
_CORRECT = "Correct its inputs and submit again; the server's log has the rest."
_SMALLER = "The GPU's memory is full: ask for a smaller or a shorter video, or free it in ComfyUI, and submit again."


def status_of(error: ComfyWidgetsError) -> JobStatus:
    """The state of a job that ended with this error."""
    if isinstance(error, Cancelled):
        return JobStatus.CANCELLED
    return JobStatus.LOST if isinstance(error, Lost | SilentTooLong) else JobStatus.ERROR


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
        return (
            cancelled(progress)
            if cancelling
            else Interrupted("Somebody stopped it on the server.", hint="Submit it again: job.resubmit().")
        )
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
        traceback=list(told.traceback[-_TRACEBACK_LINES:]),
    )
    return error.at(node_id=told.node_id, node_title=title)


def cancelled(progress: float) -> Cancelled:
    """Stopped from here, so far on its way (0 to 1)."""
    return Cancelled(f"Stopped by you at {progress:.0%}.", hint="Submit it again: job.resubmit().")


def closed() -> Lost:
    """The studio was closed before its end."""
    return Lost("The studio was closed while it was being made.", hint="The server goes on: studio.resume().")
