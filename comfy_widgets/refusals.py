"""What a server would refuse of a request, found out before anything is sent to it."""

import logging
from collections.abc import Mapping
from typing import Any

from comfy_widgets import graphs
from comfy_widgets.comfyui.threads import in_thread
from comfy_widgets.comfyui.tracker import Tracker
from comfy_widgets.errors import Rejected
from comfy_widgets.expected import LocalFile, is_ours
from comfy_widgets.input_files import looked_at
from comfy_widgets.preflight import preflight, unreadable_files
from comfy_widgets.problems import Problem, Problems
from comfy_widgets.video_memory import models, too_large
from comfy_widgets.workflow import Filled

log = logging.getLogger(__name__)


async def check(filled: Filled, tracker: Tracker) -> Problems:
    """Hold a request against the server's classes, its files and the server's memory.

    Returns
    -------
    Problems
        Those for which the server may or may not refuse it: it decides.

    Raises
    ------
    Rejected
        If the server would refuse it. Where its classes can't be had or understood, its own validation speaks.
    """
    graph = filled.graph
    files = await in_thread(looked_at, filled.files)
    classes = await tracker.classes.known()
    problems = await _problems(graph, classes, files)
    if problems.refused:
        # Somebody may have put a model there, or a node pack, since the classes were told.
        classes = await tracker.classes.known(other_than=classes)
        problems = await _problems(graph, classes, files)
    gone = [] if problems.refused else await _gone(filled, tracker)
    low = await _low_memory(graph, classes or {}, tracker)
    unknown = [graph[problem.node_id]["class_type"] for problem in problems if problem.kind == "missing_node_type"]
    told = problems.and_also([*gone, *low])
    if told.refused and await _lacks(tracker, unknown):
        raise _rejected(told)
    for problem in low:
        if tracker.memory.is_news(problem.where):
            log.warning("%s", problem)
    return told


async def check_files(filled: Filled) -> None:
    """See that the local files can be read: that much can be told without a server.

    Raises
    ------
    Rejected
        If one can't.
    """
    told = unreadable_files(filled.graph, await in_thread(looked_at, filled.files))
    if told.refused:
        raise _rejected(told)


def _rejected(told: Problems) -> Rejected:
    many = "1 problem" if len(told) == 1 else f"{len(told)} problems"
    return Rejected(
        f"The server would have refused the graph: {many}.",
        hint="Nothing was sent; correct this and submit again.",
        problems=told.sentences,
        table=told,
    )


async def _lacks(tracker: Tracker, unknown: list[str]) -> bool:
    """Whether the server lacks one of these classes, if there are any: what it can't describe it may have."""
    for class_type in dict.fromkeys(unknown):
        if await tracker.classes.lacks(class_type):
            return True
    return not unknown


async def _problems(
    graph: Mapping[str, Any], classes: Mapping[str, Any] | None, files: Mapping[str, LocalFile]
) -> Problems:
    try:
        return await in_thread(preflight, graph, classes, files) if classes else Problems([])
    except Exception:
        # It is there to help: what it can't read must not keep a take from being made.
        log.exception("The graph could not be held against the server's classes")
        return Problems([])


async def _gone(filled: Filled, tracker: Tracker) -> list[Problem]:
    """Files of an earlier request that are neither here nor on this server: it may be another one, or was emptied."""
    graph, here = filled.graph, {file.name for file in filled.files}
    known_as = {address: str(filled.inputs.get(name, "")) for name, address in filled.bindings.items()}
    found = []
    for node_id in graphs.upstream(graph, graphs.output_nodes(graph)):
        for name, value in graphs.literals(graph, node_id).items():
            if is_ours(value) and value not in here and await tracker.client.has_input(value) is False:
                wrong = f"This server does not have its file, {known_as.get(f'{node_id}.{name}') or value}."
                title = graphs.title_of(graph, node_id)
                found.append(Problem("input_file_gone", wrong, "Give it again, as a local file.", node_id, title, name))
    return found


async def _low_memory(graph: Mapping[str, Any], classes: Mapping[str, Any], tracker: Tracker) -> list[Problem]:
    files = models(graph, classes)
    room = await tracker.memory.room() if files else None
    if room is None:
        return []
    return too_large(graph, files, await tracker.memory.sizes(dict.fromkeys(file.folder for file in files)), room)
