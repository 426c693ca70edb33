"""``comfy-widgets run``: one take in a terminal, with a bar, and what Ctrl-C means there."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.prompt import Prompt

from comfy_widgets.cli_takes import add_cache_option
from comfy_widgets.errors import BindingError, Cancelled
from comfy_widgets.jobs import Job
from comfy_widgets.studio import Studio
from comfy_widgets.workflow import Workflow

INTERRUPTED = 130


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add it to the command line."""
    run = commands.add_parser(
        "run",
        help="make one take of a workflow",
        description="Make one take of a workflow and print its path. What was made before is found on disk; what an "
        "earlier run left on the server is picked up. Ctrl-C asks whether to cancel or to leave it running.",
    )
    run.add_argument("workflow", type=Path, help="an API-format or UI-format file, or a video that carries its graph")
    run.add_argument(
        "--set",
        dest="inputs_set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="an input, such as --set prompt='a lighthouse' --set seed=7",
    )
    run.add_argument("inputs", nargs="*", metavar="NAME=VALUE", help="the same without --set")
    run.add_argument("--url", help="the server (default: COMFY_URL, else http://127.0.0.1:8188)")
    run.add_argument("--demo", action="store_true", help="on the embedded server, simulated")
    add_cache_option(run)
    run.add_argument("--fresh", action="store_true", help="make another take even if there is one")
    run.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    studio = Studio.demo(cache=options.cache) if options.demo else Studio(options.url, cache=options.cache)
    with studio:
        workflow = studio.load(options.workflow).result()
        inputs = _inputs(workflow, [*options.inputs, *options.inputs_set])

        async def submitted() -> Job:
            return studio.submit(workflow, fresh=options.fresh, **inputs)

        # In a loop that turns the job is here at once, so that Ctrl-C finds it however long the server takes.
        job = studio.home.turn(submitted())
        try:
            with _bar(job):
                job.result()
        except KeyboardInterrupt:
            if not job.over and not _stopped(job, options):
                return INTERRUPTED
        take = job.result()
    Console().print(str(take.path), markup=False, highlight=False, soft_wrap=True)
    return 0


def _stopped(job: Job, options: argparse.Namespace) -> bool:
    """After Ctrl-C: whether it is over in spite of it, with a take or an error of its own."""
    console = Console(stderr=True)

    def say(words: str) -> None:
        console.print(words, markup=False, highlight=False, soft_wrap=True)

    left = "Run the same command again for its take."
    if options.fresh:
        left = "studio.resume() in Python fetches its take; the same command would make another."
    if options.demo:
        say("Stopped: the embedded server ends with this command.")
        return False
    if not _wants_it_cancelled(console):
        say(f"Left as it is. {left}")
        return False
    try:
        with console.status("Cancelling"):
            job.cancel()
    except KeyboardInterrupt:
        say(f"The server has not confirmed that it is cancelled. If it goes on: {left}")
        return False
    if isinstance(job.error, Cancelled):
        say(f"Cancelled at {job.progress:.0%}.")
        return False
    return job.over


def _wants_it_cancelled(console: Console) -> bool:
    """Ask, where somebody can answer; who does not want to answer leaves it running."""
    if sys.stdin is None or not sys.stdin.isatty() or not console.is_terminal:
        return False
    try:
        question = "(c)ancel it on the server, or (l)eave it running?"
        return Prompt.ask(question, console=console, choices=["c", "l"], default="l") == "c"
    except (KeyboardInterrupt, EOFError):
        console.print()
        return False


def _inputs(workflow: Workflow, told: Sequence[str]) -> dict[str, Any]:
    inputs: dict[str, Any] = {}
    for text in told:
        name, value = _value(workflow, text)
        if name in inputs:
            raise BindingError(f"{name!r} is given twice.", hint="Leave one out.")
        inputs[name] = value
    return inputs


def _value(workflow: Workflow, text: str) -> tuple[str, Any]:
    """A binding and its value, of the kind that it has now."""
    name, sign, value = text.partition("=")
    if not sign:
        raise BindingError(f"{text!r} is no input.", hint="Write NAME=VALUE, such as seed=7.")
    now = workflow.bindings.value(name) if name in workflow.bindings else None
    if isinstance(now, str):
        return name, value
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _bar(job: Job) -> Progress:
    """A progress bar on stderr that follows a job."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    # A bar that can't move would leave a line behind.
    still = not console.is_terminal or console.is_dumb_terminal
    progress = Progress(*columns, console=console, transient=True, disable=still)
    task = progress.add_task(job.status.value, total=1.0)

    def follow() -> None:
        words = f"{job.status.value} {job.message}".strip()
        progress.update(task, completed=job.progress, description=words.replace("[", "\\["))

    follow()
    job.subscribe(follow)
    return progress
