"""From a filled graph to a prompt on the server: take over an earlier one, else upload and queue."""

import asyncio
import copy
import time
import uuid
from collections.abc import Awaitable, Callable, Collection, Mapping
from functools import partial
from typing import Any, TypeVar

from comfy_widgets import graphs, refusals
from comfy_widgets.attempt import Attempt
from comfy_widgets.comfyui.replies import AnswerLost, node_problems
from comfy_widgets.comfyui.status import Remote
from comfy_widgets.comfyui.threads import in_thread
from comfy_widgets.comfyui.tracked import News, Tracked
from comfy_widgets.comfyui.tracker import Tracker
from comfy_widgets.errors import ComfyWidgetsError, Lost, Rejected, ServerUnreachable
from comfy_widgets.jobs import JobStatus
from comfy_widgets.outcomes import cancelled, failure
from comfy_widgets.unfinished import Row

_SOCKET_SECONDS = 1.0
_POSTS = 3
_LOOK_AGAIN_SECONDS = 0.5
# ComfyUI needs some seconds to start again, with models longer.
PATIENCE_SECONDS = 45.0

T = TypeVar("T")


async def patiently(attempt: Attempt, ask: Callable[[], Awaitable[T]]) -> T:
    """Ask a server that answered before again and again: it may be starting anew.

    Raises
    ------
    ServerUnreachable, AnswerLost
        If it has not answered for `PATIENCE_SECONDS`.
    """
    patience = asyncio.get_running_loop().time() + PATIENCE_SECONDS
    while True:
        try:
            return await ask()
        except (ServerUnreachable, AnswerLost):
            if asyncio.get_running_loop().time() > patience or attempt.cancelling:
                raise
            attempt.job.move(note="the server does not answer, asking again")
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)


async def attach(attempt: Attempt, tracker: Tracker) -> bool:
    """Take over a prompt that was submitted before, by us or by another kernel.

    Returns
    -------
    bool
        False if there is none.

    Raises
    ------
    Lost
        If there is none and no new one may be submitted.
    """
    row = await in_thread(attempt.row)
    if row is None or not await _server_has(attempt, row, tracker):
        if not attempt.may_submit:
            raise Lost("The server knows nothing of this job any more.", hint="Submit it again: job.resubmit().")
        if row is not None and attempt.is_made_elsewhere(row):
            attempt.passed_over.add(row.prompt_id)
        elif row is not None:
            attempt.cache.unfinished.remove(row.prompt_id)
        return False
    attempt.job.id = row.prompt_id
    if row.owner.lives is not True or not attempt.cache.unfinished.has(row.prompt_id):
        await in_thread(attempt.add_row)
    attempt.tracked = tracker.follow(row.prompt_id, row.graph, attempt.tell)
    tracker.posted(attempt.tracked)
    attempt.answered.set()
    return True


async def _server_has(attempt: Attempt, row: Row, tracker: Tracker) -> bool:
    if attempt.is_submitted_elsewhere(row):
        # Let the tracker's patience decide.
        return True
    if await patiently(attempt, lambda: tracker.find(row.prompt_id)):
        return True
    await asyncio.sleep(_LOOK_AGAIN_SECONDS)
    return await patiently(attempt, lambda: tracker.find(row.prompt_id))


async def submit(attempt: Attempt, tracker: Tracker, extra_data: Mapping[str, Any]) -> bool:
    """See that the graph can run, upload what the server lacks, write the row, queue the prompt.

    Returns
    -------
    bool
        False if somebody else was first: their row is there, or the take.

    Raises
    ------
    Rejected
        If the server would refuse the graph, or does.
    Cancelled
        If it was stopped before it was queued.
    CacheNotWritable, DiskFull
        If the take could not be kept.
    """
    try:
        return await _submit(attempt, tracker, extra_data)
    except (ServerUnreachable, AnswerLost) as error:
        if attempt.cancelling:
            # It was stopped while nobody answered, and is not on the server.
            raise cancelled(attempt.job.progress) from error
        raise


async def _submit(attempt: Attempt, tracker: Tracker, extra_data: Mapping[str, Any]) -> bool:
    job = attempt.job
    await in_thread(attempt.cache.check_writable)
    doubts = await refusals.check(job.request.filled, tracker)
    graph = _named(await _with_uploads(attempt, tracker), job.id)
    # Before the row: others wait for the POST of a row that is young.
    await attempt.turn()
    if not await in_thread(attempt.claim):
        # What an interrupted try was after is not what is there now.
        attempt.prior = None
        return False
    attempt.tracked = tracker.follow(job.id, graph, attempt.tell)
    try:
        await tracker.ready(_SOCKET_SECONDS)
        if attempt.cancelling:
            raise cancelled(job.progress)
        await _post(attempt, attempt.tracked, tracker, graph, extra_data)
        await _see_what_is_left(attempt, tracker)
    except (asyncio.CancelledError, KeyboardInterrupt):
        # The studio is closed, or an interrupt hit us: the row leads back to it.
        tracker.leave(attempt.tracked, attempt.tell)
        raise
    except ComfyWidgetsError as error:
        tracker.leave(attempt.tracked, attempt.tell)
        if isinstance(error, Rejected) and doubts:
            # The server's own words, and what can be done about them.
            error.table = doubts
        # What the server may have keeps its row, or the next run would render it again.
        if not isinstance(error, Lost):
            attempt.drop_row()
        raise
    attempt.answered.set()
    if job.status is JobStatus.SUBMITTING:
        job.move(status=JobStatus.QUEUED, heard=time.monotonic(), note=None)
    return True


async def _see_what_is_left(attempt: Attempt, tracker: Tracker) -> None:
    if attempt.left_out.issuperset(graphs.output_nodes(attempt.job.request.filled.graph)):
        if attempt.tracked is not None:
            await tracker.cancel(attempt.tracked)
        raise all_left_out(attempt)


def all_left_out(attempt: Attempt) -> Rejected:
    """The server runs a preview at most, and none of the nodes that make what is taken."""
    return Rejected(
        "The server would have left out all that this graph is for.",
        hint="Correct these inputs and submit again.",
        problems=attempt.dropped,
    )


async def withdraw_if(found: Awaitable[T | None], attempt: Attempt, tracker: Tracker) -> T | None:
    """Take a prompt off the server again if what it would make is found; what was found."""
    assert attempt.tracked is not None  # noqa: S101 - submit went before
    try:
        if (instead := await found) is None:
            return None
        await tracker.cancel(attempt.tracked)
    except (asyncio.CancelledError, KeyboardInterrupt):
        tracker.leave(attempt.tracked, attempt.tell)
        raise
    tracker.leave(attempt.tracked, attempt.tell)
    attempt.drop_row()
    return instead


async def left_out(attempt: Attempt, tracker: Tracker, executed: Collection[str] | None) -> list[str]:
    """The nodes of those that make what is taken that the server did not execute.

    Parameters
    ----------
    executed
        What the server's record tells; of a prompt that was taken over that is all there is.
    """
    graph = attempt.job.request.filled.graph
    wanted = graphs.output_nodes(graph)
    silent = [] if executed is None else [node_id for node_id in wanted if node_id not in executed]
    classes = (await tracker.classes.known() if silent else None) or {}
    # Muted leftovers and nodes that only look as if they saved are none of the server's outputs.
    outputs = [node_id for node_id in silent if (classes.get(graph[node_id]["class_type"]) or {}).get("output_node")]
    return [node_id for node_id in wanted if node_id in attempt.left_out or node_id in outputs]


async def follow(attempt: Attempt, tracker: Tracker) -> News:
    """Wait until the server has no more to do for it.

    Raises
    ------
    ComfyWidgetsError
        If it did not end well.
    """
    tracked = attempt.tracked
    assert tracked is not None  # noqa: S101 - attach or submit went before
    try:
        if attempt.cancelling:
            await tracker.cancel(tracked)
        # Shielded: a wait that is cancelled must not take the prompt's end from the next one.
        news = await asyncio.shield(tracked.ended)
    finally:
        tracker.leave(tracked, attempt.tell)
    if news.remote is Remote.SUCCEEDED:
        return news
    if news.remote is not Remote.GONE:
        attempt.drop_row()
    raise failure(news, cancelling=attempt.cancelling, progress=attempt.job.progress)


async def taken_over(attempt: Attempt, tracker: Tracker) -> News | None:
    """The end of a prompt that was submitted before, None if there is none or the server never had it."""
    while await attach(attempt, tracker):
        try:
            return await follow(attempt, tracker)
        except Lost:
            if not attempt.may_submit or attempt.job.status is not JobStatus.SUBMITTING:
                raise
            # Whoever wrote the row died before the POST, or is not there yet, which their row tells. Under another id,
            # so that theirs is not mistaken for ours.
            attempt.job.id = str(uuid.uuid4())
    return None


async def _with_uploads(attempt: Attempt, tracker: Tracker) -> dict[str, Any]:
    graph = copy.deepcopy(dict(attempt.job.request.filled.graph))
    for file in attempt.job.request.filled.files:
        attempt.job.move(note=f"uploading {file.path.name}")
        name = await patiently(attempt, partial(tracker.client.provide, file.name, file.path))
        # A server that has other bytes under this name keeps ours under another.
        for node in graph.values() if name != file.name else ():
            node["inputs"] = {field: name if value == file.name else value for field, value in node["inputs"].items()}
    return graph


def _named(graph: Mapping[str, Any], prompt_id: str) -> dict[str, Any]:
    """The graph with names for its files that no other prompt uses, so that each save is a new file."""
    named = copy.deepcopy(dict(graph))
    for node in named.values():
        prefix = node.get("inputs", {}).get("filename_prefix")
        if isinstance(prefix, str):
            node["inputs"]["filename_prefix"] = f"{prefix}_{prompt_id[:8]}"
    return named


async def _post(
    attempt: Attempt, tracked: Tracked, tracker: Tracker, graph: Mapping[str, Any], extra_data: Mapping[str, Any]
) -> None:
    """POST /prompt; an answer that was lost is looked for, and only what is not there is sent again."""
    job = attempt.job
    maybe_sent = False
    for post in range(1, _POSTS + 1):
        try:
            accepted = await tracker.client.submit(
                graph, prompt_id=job.id, client_id=tracker.client_id, extra_data=extra_data, front=job.request.front
            )
        except (AnswerLost, ServerUnreachable) as error:
            maybe_sent = maybe_sent or isinstance(error, AnswerLost)
            if await _arrived(attempt, tracker, maybe_sent=maybe_sent):
                break
            if post == _POSTS:
                raise
        except asyncio.CancelledError:
            # It may have arrived.
            tracker.posted(tracked)
            raise
        else:
            attempt.dropped, attempt.left_out = node_problems(accepted.node_errors, graph), accepted.left_out
            if accepted.prompt_id != job.id:
                tracked = await _renamed(attempt, tracked, tracker, graph, accepted.prompt_id)
            break
    tracker.posted(tracked)


async def _arrived(attempt: Attempt, tracker: Tracker, *, maybe_sent: bool) -> bool:
    """Whether a prompt is on the server whose POST got no answer.

    Raises
    ------
    Lost
        If nobody answers any more and it may be there.
    ServerUnreachable
        If nobody answers any more and it can't be there.
    """
    await asyncio.sleep(_LOOK_AGAIN_SECONDS)
    try:
        return await patiently(attempt, lambda: tracker.find(attempt.job.id))
    except (AnswerLost, ServerUnreachable) as error:
        if not maybe_sent:
            raise
        raise Lost(
            f"The server stopped answering while it took the prompt: {error.what}",
            hint="When it is back: studio.resume(), or job.resubmit().",
        ) from error


async def _renamed(
    attempt: Attempt, tracked: Tracked, tracker: Tracker, graph: Mapping[str, Any], prompt_id: str
) -> Tracked:
    """Follow the id that the server gave instead of ours; old servers and proxies mint their own."""
    tracker.leave(tracked, attempt.tell)
    attempt.drop_row()
    attempt.job.id = prompt_id
    await in_thread(attempt.add_row)
    attempt.tracked = tracker.follow(prompt_id, graph, attempt.tell)
    return attempt.tracked
