"""A job as a cell shows it: its badge, the picture as it comes, then the take."""

from comfy_widgets.widgets.base import bundled
from comfy_widgets.widgets.job_face import JobFace


class JobView(JobFace):
    """A job's badge with its player beneath, which appears with the first picture.

    One widget instead of two in a box, since each widget's code is saved with the notebook.

    Parameters
    ----------
    job
        What is shown.
    """

    _esm = bundled("job_view.js")
    _css = bundled("job_view.css")
