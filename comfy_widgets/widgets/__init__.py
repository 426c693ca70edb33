"""Widgets for notebooks. Importing this package makes jobs show themselves live."""

from comfy_widgets import faces
from comfy_widgets.batch import Batch
from comfy_widgets.history import History
from comfy_widgets.jobs import Job
from comfy_widgets.sweep import Sweep
from comfy_widgets.takes import Take
from comfy_widgets.timeline import Timeline
from comfy_widgets.widgets.batch_view import BatchView
from comfy_widgets.widgets.compare import Compare
from comfy_widgets.widgets.gallery import Gallery
from comfy_widgets.widgets.job_view import JobView
from comfy_widgets.widgets.queue_badge import QueueBadge
from comfy_widgets.widgets.sweep_view import SweepView
from comfy_widgets.widgets.timeline_view import TimelineView
from comfy_widgets.widgets.video_player import VideoPlayer

__all__ = [
    "BatchView",
    "Compare",
    "Gallery",
    "JobView",
    "QueueBadge",
    "SweepView",
    "TimelineView",
    "VideoPlayer",
]

faces.register(Batch, BatchView)
faces.register(History, Gallery)
faces.register(Job, JobView)
faces.register(Sweep, SweepView)
faces.register(Take, VideoPlayer)
faces.register(Timeline, TimelineView)
