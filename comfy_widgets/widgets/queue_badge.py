"""The badge of a job: one line that tells state, place in the queue, progress and time."""

from comfy_widgets.widgets.base import bundled
from comfy_widgets.widgets.job_face import JobFace


class QueueBadge(JobFace):
    """One line about a job, live, with a button for what can be done now.

    Parameters
    ----------
    job
        What is shown; several badges may show the same job.

    Examples
    --------
    >>> cw.QueueBadge(studio.submit(workflow, prompt="a lighthouse"))  # doctest: +SKIP
    """

    _esm = bundled("queue_badge.js")
    _css = bundled("queue_badge.css")
