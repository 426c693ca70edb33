"""A batch as a cell shows it: a row for each shot."""

from comfy_widgets.widgets.base import bundled
from comfy_widgets.widgets.batch_face import BatchFace


class BatchView(BatchFace):
    """A batch, live: where each shot is, why one failed, and how long the rest will take.

    Parameters
    ----------
    batch
        What is shown; several views may show the same one.

    Examples
    --------
    >>> studio.generate(shots, workflow)  # doctest: +SKIP
    """

    _esm = bundled("batch_view.js")
    _css = bundled("batch_view.css")
