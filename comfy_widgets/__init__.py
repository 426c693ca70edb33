"""Video generation with ComfyUI, from a Jupyter notebook.

Examples
--------
>>> import comfy_widgets as cw
>>> studio = cw.Studio.demo()  # doctest: +SKIP
>>> workflow = cw.Workflow.load("workflows/wan22_t2v.json")  # doctest: +SKIP
>>> take = await studio.submit(workflow, prompt="a lighthouse", seed=7)  # doctest: +SKIP
"""

from importlib import import_module
from typing import TYPE_CHECKING

from comfy_widgets import faces

if TYPE_CHECKING:
    from comfy_widgets.batch import Batch
    from comfy_widgets.cache import TakeCache
    from comfy_widgets.checks import check
    from comfy_widgets.convert import to_api
    from comfy_widgets.errors import ComfyWidgetsError
    from comfy_widgets.jobs import Job, JobStatus
    from comfy_widgets.packing import pack
    from comfy_widgets.share import export_html
    from comfy_widgets.shots import Shot
    from comfy_widgets.studio import Studio
    from comfy_widgets.sweep import Sweep, random_seeds
    from comfy_widgets.takes import Take
    from comfy_widgets.timeline import Timeline
    from comfy_widgets.unpacking import unpack
    from comfy_widgets.widgets import Compare, Gallery, QueueBadge, VideoPlayer
    from comfy_widgets.workflow import RANDOM, Workflow

__all__ = [
    "RANDOM",
    "Batch",
    "ComfyWidgetsError",
    "Compare",
    "Gallery",
    "Job",
    "JobStatus",
    "QueueBadge",
    "Shot",
    "Studio",
    "Sweep",
    "Take",
    "TakeCache",
    "Timeline",
    "VideoPlayer",
    "Workflow",
    "check",
    "export_html",
    "pack",
    "random_seeds",
    "to_api",
    "unpack",
]

# A module is imported when its name is first asked for (PEP 562). The embedded server is a process of this package too:
# it would else hold IPython and all widgets in memory, and start half a second later.
_HOMES = {
    "Batch": "batch",
    "ComfyWidgetsError": "errors",
    "Compare": "widgets",
    "Gallery": "widgets",
    "Job": "jobs",
    "JobStatus": "jobs",
    "QueueBadge": "widgets",
    "RANDOM": "workflow",
    "Shot": "shots",
    "Studio": "studio",
    "Sweep": "sweep",
    "Take": "takes",
    "TakeCache": "cache",
    "Timeline": "timeline",
    "VideoPlayer": "widgets",
    "Workflow": "workflow",
    "check": "checks",
    "export_html": "share",
    "pack": "packing",
    "random_seeds": "sweep",
    "to_api": "convert",
    "unpack": "unpacking",
}

faces.registered_by(lambda: import_module("comfy_widgets.widgets"))


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    return value


def __dir__() -> list[str]:
    return list(__all__)
