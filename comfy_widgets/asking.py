"""How a workflow and a shot become a request, and one item of a batch."""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, NoReturn

from comfy_widgets.batch_items import Item
from comfy_widgets.errors import BindingError, ComfyWidgetsError, TimelineError, WorkflowError
from comfy_widgets.jobs import Job, Request
from comfy_widgets.pipeline import Pipeline
from comfy_widgets.shots import Shot, Text, check_shot
from comfy_widgets.workflow import Filled, Workflow, drawn


def ask(
    pipeline: Pipeline,
    workflow: Workflow,
    shot: Shot | str | None,
    bindings: Mapping[str, Any],
    *,
    inputs: Mapping[str, Any] | None = None,
    fresh: bool = False,
    front: bool = False,
) -> Job:
    """Start making a take; see `Studio.submit`.

    Raises
    ------
    ComfyWidgetsError
        Naming scene and shot, if the workflow can't be filled.
    """
    scene, name = (shot.scene, shot.id) if isinstance(shot, Shot) else (None, shot)
    try:
        filled = _filled(workflow, bindings, inputs)
        return pipeline.submit(Request(filled, scene, name, fresh=fresh, front=front))
    except ComfyWidgetsError as error:
        raise error.at(scene=scene, shot=name) from error.__cause__


def item(
    pipeline: Pipeline,
    workflow: Workflow,
    shot: Shot | None,
    bindings: Mapping[str, Any],
    *,
    label: str = "",
    fresh: bool = False,
) -> Item:
    """One item of a batch.

    Parameters
    ----------
    pipeline, workflow, shot, bindings, fresh
        As for `ask`.
    label
        What people call it, if not by its shot.
    """
    # Drawn once: asked for again it is the same take, which may only not be here yet.
    said = {name: drawn(value) for name, value in bindings.items()}
    return Item(
        label or (shot.id if shot is not None else ""),
        partial(ask, pipeline, workflow, shot, said, fresh=fresh),
        scene=shot.scene if shot is not None else None,
        shot=None if label or shot is None else shot.id,
        prompt=str(said.get("prompt", "")),
        known=None if fresh else partial(_known, pipeline, workflow, said),
    )


def items(
    pipeline: Pipeline,
    workflow: Workflow,
    shots: Iterable[Shot],
    bindings: Mapping[str, Any],
    *,
    style: str | None,
    text: Text,
    fresh: bool,
) -> list[Item]:
    """One item of a batch for each shot; what is wrong with one is said there, and the others are made.

    Parameters
    ----------
    pipeline, workflow, fresh
        As for `ask`.
    shots
        What is to be seen.
    bindings
        Name → value for all, under what a shot says itself.
    style, text
        See `Shot.bindings`.
    """
    if not callable(text):
        raise BindingError(
            f"text is a function that makes a shot's prompt, not {text!r}.",
            hint="An input of that name: Shot(…, inputs={'text': …}).",
        )
    made: list[Item] = []
    for shot in [shots] if isinstance(shots, Shot) else shots:
        check_shot(shot)
        try:
            if any(other.shot == shot.id for other in made):
                raise TimelineError(f"Two shots have the id {shot.id}.", hint="Give each an id of its own.")
            said = {**bindings, **shot.bindings(style, text)}
        except ComfyWidgetsError as error:
            why = error.at(scene=shot.scene, shot=shot.id)
            made.append(Item(shot.id, partial(_refuse, why), scene=shot.scene, shot=shot.id, prompt=str(shot.prompt)))
        else:
            made.append(item(pipeline, workflow, shot, said, fresh=fresh))
    return made


def _refuse(why: ComfyWidgetsError) -> NoReturn:
    raise why


def _filled(workflow: Workflow, bindings: Mapping[str, Any], inputs: Mapping[str, Any] | None = None) -> Filled:
    if not isinstance(workflow, Workflow):
        raise WorkflowError(
            f"A Workflow is needed, not {workflow!r:.60}.",
            hint="Load it: cw.Workflow.load('wan22_api.json') or await studio.load('wan22_ui.json').",
        )
    return workflow.fill(inputs=inputs, **bindings)


async def _known(pipeline: Pipeline, workflow: Workflow, bindings: Mapping[str, Any]) -> bool:
    try:
        return await pipeline.on_disk.known(Request(_filled(workflow, bindings)))
    except Exception:  # noqa: BLE001 - asking for it says why
        return False
