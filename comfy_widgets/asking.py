"""How a workflow and a shot become a request, and one item of a batch."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from comfy_widgets.batch_items import Item
from comfy_widgets.errors import ComfyWidgetsError
from comfy_widgets.jobs import Job, Request
from comfy_widgets.pipeline import Pipeline
from comfy_widgets.shots import Shot
from comfy_widgets.workflow import Workflow


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
        filled = workflow.fill(inputs=inputs, **bindings)
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
    prompt: str | None = None,
    fresh: bool = False,
) -> Item:
    """One item of a batch.

    Parameters
    ----------
    pipeline, workflow, shot, bindings, fresh
        As for `ask`.
    label
        What people call it, if not by its shot.
    prompt
        What they read, if it is not the prompt among the inputs.
    """
    return Item(
        label or (shot.id if shot is not None else ""),
        partial(ask, pipeline, workflow, shot, bindings, fresh=fresh),
        scene=shot.scene if shot is not None else None,
        shot=None if label or shot is None else shot.id,
        prompt=str(bindings.get("prompt", "")) if prompt is None else prompt,
        known=None if fresh else partial(_known, pipeline, workflow, bindings),
    )


async def _known(pipeline: Pipeline, workflow: Workflow, bindings: Mapping[str, Any]) -> bool:
    try:
        return await pipeline.known(Request(workflow.fill(**bindings)))
    except ComfyWidgetsError:
        return False  # asking for it says why
