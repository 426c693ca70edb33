"""Workflow files as the editor saves them: converted once, and kept as a graph beside the file."""

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from comfy_widgets.comfyui.threads import in_thread
from comfy_widgets.convert import to_api
from comfy_widgets.errors import CacheError, ServerError, UIFormatError
from comfy_widgets.files import write_text
from comfy_widgets.workflow import Workflow


def kept_beside(path: Path) -> Path:
    """Where the converted graph of a UI-format file is kept: ``wan22_ui.api.json`` beside ``wan22_ui.json``."""
    return path.with_name(f"{path.stem}.api.json")


async def load(path: Path, object_info: Callable[[], Awaitable[Mapping[str, Any]]]) -> Workflow:
    """Read a workflow file of either format.

    Parameters
    ----------
    path
        The file.
    object_info
        Asks the server for its node classes; only for a UI-format file that was not converted before.

    Raises
    ------
    WorkflowError
        If there is no such file, or it can't be converted.
    UIFormatError
        If it must be converted and no server answers.
    """
    try:
        return await in_thread(Workflow.load, path)
    except UIFormatError as error:
        text = await in_thread(path.read_text, "utf-8-sig")
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        kept = await in_thread(_kept, path, digest)
        if kept is not None:
            return Workflow(kept, name=path.stem)
        try:
            classes = await object_info()
        except ServerError as unreachable:
            raise UIFormatError(
                f"{path.name} was saved from ComfyUI's editor, and converting it takes a server: {unreachable.what}",
                hint="Load it once while a server runs; the converted graph is kept beside it.",
            ) from error
        graph = await in_thread(to_api, json.loads(text), classes)
        await in_thread(_keep, path, digest, graph)
        return Workflow(graph, name=path.stem)


def _kept(path: Path, digest: str) -> dict[str, Any] | None:
    try:
        told = json.loads(kept_beside(path).read_text("utf-8"))
        return dict(told["prompt"]) if told["converted_from"] == digest else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _keep(path: Path, digest: str, graph: Mapping[str, Any]) -> None:
    told = {"converted_from": digest, "prompt": graph}
    try:
        write_text(kept_beside(path), json.dumps(told, ensure_ascii=False, indent=1))
    except CacheError:
        # A folder that can only be read costs a conversion each time, nothing else.
        return
