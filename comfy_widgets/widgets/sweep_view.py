"""A sweep as a cell shows it: a grid that fills in."""

from typing import Any

from comfy_widgets.sweep import Sweep
from comfy_widgets.widgets.base import bundled
from comfy_widgets.widgets.batch_face import BatchFace
from comfy_widgets.widgets.batch_state import axes_of


class SweepView(BatchFace):
    """A sweep, live: its axes with their names, a cell for each combination, any of them side by side.

    Parameters
    ----------
    sweep
        What is shown; several views may show the same one.

    Examples
    --------
    >>> studio.sweep(workflow, prompt=["dusk", "dawn"], seed=range(3))  # doctest: +SKIP
    """

    _esm = bundled("sweep_view.js")
    _css = bundled("sweep_view.css")

    def __init__(self, sweep: Sweep) -> None:
        self._axes = axes_of(sweep)
        super().__init__(sweep)
        self.sweep = sweep

    @property
    def title(self) -> str:
        """What its axes are."""
        return (" + " if self._axes["pairs"] else " × ").join(axis["name"] for axis in self._axes["axes"])

    def snapshot(self) -> dict[str, Any]:
        """The whole sweep with its axes."""
        return super().snapshot() | self._axes
