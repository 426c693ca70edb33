"""Video generation with ComfyUI, from a Jupyter notebook.

Examples
--------
>>> import comfy_widgets as cw
>>> studio = cw.Studio.demo()  # doctest: +SKIP
>>> workflow = cw.Workflow.load("workflows/wan22_t2v.json")  # doctest: +SKIP
>>> take = await studio.submit(workflow, prompt="a lighthouse", seed=7)  # doctest: +SKIP
"""

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
