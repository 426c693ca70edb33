"""``comfy-widgets run``: one take in a terminal, with a bar, and what Ctrl-C means there."""

import argparse
import json
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskProgressColumn, TimeElapsedColumn
from rich.prompt import Prompt
from rich.text import Text

from comfy_widgets.bindings import place
from comfy_widgets.cli_takes import add_cache_option
from comfy_widgets.errors import BindingError, Cancelled
from comfy_widgets.jobs import Job
from comfy_widgets.studio import Studio
from comfy_widgets.workflow import Workflow

INTERRUPTED = 130
# As the badge: until then no news is nothing special.
STALE_SECONDS = 30.0


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
        help="an input by its name or address, such as --set prompt='a lighthouse' --set 3.seed=7",
    )
    run.add_argument("inputs", nargs="*", metavar="NAME=VALUE", help="the same without --set")
    where = run.add_mutually_exclusive_group()
    where.add_argument(
        "--url",
        help="the server (default: COMFY_URL, with the key in COMFY_API_KEY if it wants one, else http://127.0.0.1:8188)",
    )
    where.add_argument("--demo", action="store_true", help="on the embedded server, simulated")
    add_cache_option(run)
    run.add_argument("--fresh", action="store_true", help="make another take even if there is one")
    run.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    studio = Studio.demo(cache=options.cache) if options.demo else Studio(options.url, cache=options.cache)
    with studio:
        workflow = studio.load(options.workflow).result()
        named, others = _inputs(workflow, [*options.inputs, *options.inputs_set])

        async def submitted() -> Job:
            return studio.submit(workflow, inputs=others, fresh=options.fresh, **named)

        # In a loop that turns the job is here at once, so that Ctrl-C finds it however long the server takes.
        job = studio.home.turn(submitted())
        try:
            with _bar(job), _saying_silence(job):
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


def _inputs(workflow: Workflow, told: Sequence[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The values of bindings by their names, and those of other inputs by their addresses."""
    named: dict[str, Any] = {}
    others: dict[str, Any] = {}
    for text in told:
        name, value = _value(workflow, text)
        inputs = others if "." in name and name not in workflow.bindings else named
        if name in inputs:
            raise BindingError(f"{name!r} is given twice.", hint="Leave one out.")
        inputs[name] = value
    return named, others


def _value(workflow: Workflow, text: str) -> tuple[str, Any]:
    """An input and its value, of the kind that it has now."""
    name, sign, value = text.partition("=")
    if not sign:
        raise BindingError(f"{text!r} is no input.", hint="Write NAME=VALUE, such as seed=7.")
    if isinstance(_now(workflow, name), str):
        return name, value
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _now(workflow: Workflow, name: str) -> Any:
    if name in workflow.bindings:
        return workflow.bindings.value(name)
    if "." not in name:
        return None
    node_id, input_name = place(workflow.graph, name)
    return workflow.graph[node_id]["inputs"].get(input_name)


class _News(ProgressColumn):
    """Where a job is, and for how long nobody has told of it."""

    def __init__(self, job: Job) -> None:
        super().__init__()
        self._job = job

    def render(self, _task: Task) -> Text:
        """What stands in the line now."""
        words = f"{self._job.status.value} {self._job.message}".strip()
        return Text(f"{words}, {_silence(self._job)}" if self._job.age >= STALE_SECONDS else words)


def _silence(job: Job) -> str:
    return f"no news for {job.age:.0f} s"


@contextmanager
def _saying_silence(job: Job) -> Iterator[None]:
    """Where no bar can say so: a line when no news come."""
    console = Console(stderr=True)
    over = threading.Event()

    def watch() -> None:
        said = False
        while not over.wait(0.5):
            silent = job.age >= STALE_SECONDS
            if silent and not said:
                words = f"{job.status.value}: {_silence(job)}; Ctrl-C leaves it as it is"
                console.print(words, markup=False, highlight=False, soft_wrap=True)
            said = silent

    if _is_still(console):
        threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    finally:
        over.set()


def _is_still(console: Console) -> bool:
    """Whether a bar could not move: it would leave a line behind."""
    return not console.is_terminal or console.is_dumb_terminal


def _bar(job: Job) -> Progress:
    """A progress bar on stderr that follows a job."""
    columns = (_News(job), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    progress = Progress(*columns, console=console, transient=True, disable=_is_still(console))
    task = progress.add_task("", total=1.0)

    def follow() -> None:
        progress.update(task, completed=job.progress)

    follow()
    job.subscribe(follow)
    return progress
