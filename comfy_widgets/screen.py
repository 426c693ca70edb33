"""What is shown without being asked for: the badge of a job while a cell waits for it."""

import sys

from comfy_widgets.jobs import Job


def show_while_waiting(job: Job) -> None:
    """Show a job's badge beneath the running cell, once, and only where a notebook's kernel runs this."""
    if job.on_screen or not _in_kernel():
        return
    from IPython.display import display  # noqa: PLC0415 - there only where a kernel is

    job.on_screen = True
    display(job)  # type: ignore[no-untyped-call]


def _in_kernel() -> bool:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and getattr(shell, "kernel", None) is not None
