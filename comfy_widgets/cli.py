"""The command line: ``comfy-widgets demo | serve | run | takes | pack | unpack``."""

import argparse
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from comfy_widgets import cli_run, cli_takes, media
from comfy_widgets.cache import TakeCache
from comfy_widgets.demo import serve as serving
from comfy_widgets.errors import ComfyWidgetsError, DemoError
from comfy_widgets.takes import Take

# What hints say in Python, as it is said in a terminal.
_SPOKEN = (
    (re.compile(r"Studio\('([^']+)'\)"), r"--url \1"),
    (re.compile(r"Studio\(url, api_key=…\)"), "COMFY_API_KEY, beside the address in COMFY_URL"),
    (re.compile(r"workflow\.bind\((\w+)='([^']+)'\)"), r"--set \2=…"),
    (re.compile(r": job\.resubmit\(\)"), " by the same command"),
    (re.compile(r" and the notebook's folder"), ""),
)
_FIRST = "01_first_take.ipynb"
_COPY = Path("comfy_widgets_notebooks")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit code is 0 if all went well.

    Parameters
    ----------
    arguments
        Without the program's name; by default those of the process.
    """
    options = _options(arguments)
    try:
        return int(options.run(options))
    except ComfyWidgetsError as error:
        # Not wrapped: a hint may be a command to copy.
        words = f"comfy-widgets: {_in_a_shell(str(error))}"
        Console(stderr=True).print(words, style="red", markup=False, highlight=False, soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        return cli_run.INTERRUPTED


def _in_a_shell(words: str) -> str:
    for spoken, here in _SPOKEN:
        words = spoken.sub(here, words)
    return words


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = _parser()
    options, rest = parser.parse_known_args(arguments)
    # argparse takes positionals of a command only where they stand together, but people put options between them.
    if any(text.startswith("-") for text in rest) or (rest and "inputs" not in options):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    if rest:
        options.inputs += rest
    return options


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="comfy-widgets", description="Video generation with ComfyUI, from a notebook."
    )
    commands = parser.add_subparsers(required=True, metavar="command")

    demo = commands.add_parser("demo", help="open the notebooks in JupyterLab, on the embedded server")
    demo.add_argument(
        "--check", action="store_true", help="run the first notebook without a browser and list its takes"
    )
    demo.set_defaults(run=lambda options: _check() if options.check else _lab())

    commands.add_parser(
        "serve", parents=[serving.parser()], conflict_handler="resolve", help="run the embedded server alone"
    ).set_defaults(run=_serve)
    cli_run.add_command(commands)
    cli_takes.add_commands(commands)
    return parser


def _notebooks() -> Path:
    """The notebooks of the checkout, else a copy of the installed ones in the current folder.

    Raises
    ------
    DemoError
        If there are none, or they can't be copied.
    """
    package = Path(__file__).parent
    checkout = package.parent / "notebooks"
    if (checkout / _FIRST).is_file():
        return checkout
    if not (_COPY / _FIRST).is_file():
        try:
            shutil.copytree(package / "notebooks", _COPY, dirs_exist_ok=True)
        except OSError as error:
            raise DemoError(
                f"The notebooks can't be copied into {_COPY}: {error.strerror or error}.",
                hint="Run it in a folder that can be written, or in a checkout of the repository.",
            ) from error
    return _COPY


def _need(module: str) -> None:
    if importlib.util.find_spec(module) is None:
        raise DemoError(f"The demo needs {module}.", hint="Install it: pip install 'comfy-widgets[demo]'.")


def _lab() -> int:
    _need("jupyterlab")
    # Not the file alone: the address that Jupyter prints, for those whose browser is elsewhere, would not lead to it.
    opened = [str(_notebooks() / _FIRST), f"--LabApp.default_url=/lab/tree/{_FIRST}"]
    command = [sys.executable, "-m", "jupyterlab", *opened]
    # Jupyter refuses to run as root without being told that it is meant.
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    # A newcomer wants to see takes being made, not those that are in git.
    environment = {"COMFY_WIDGETS_CACHE": "takes/demo", **os.environ}
    return subprocess.run(command, check=False, env=environment).returncode  # noqa: S603 - our own interpreter


def _check() -> int:
    """Run the first notebook with an empty folder of takes, and list what it made."""
    _need("jupyterlab")
    _need("aiohttp")
    folder = Path(tempfile.mkdtemp(prefix="comfy_widgets_demo_"))
    console = Console()
    began = time.monotonic()
    # On stderr, so that stdout has a line for each take and nothing else.
    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        progress.add_task(f"Running {_FIRST}")
        trouble = _run_notebook(_notebooks() / _FIRST, folder)
    takes = TakeCache(folder / Path(_FIRST).stem).takes()
    playable = [_playable(take) for take in takes]
    for take, plays in zip(takes, playable, strict=True):
        seconds = f"{take.render_seconds:.1f} s" if take.render_seconds is not None else ""
        words = (
            take.title,
            "complete" if plays else "not playable",
            seconds,
            str(take.path),
            f"{take.size / 1e6:.2f} MB",
        )
        console.print("  ".join(words), markup=False, highlight=False, soft_wrap=True)
    if trouble:
        console.print(trouble, style="red", markup=False, highlight=False)
        return 1
    if not takes:
        console.print(f"{_FIRST} made no take.", style="red")
        return 1
    console.print(f"{len(takes)} take{'s' if len(takes) > 1 else ''} in {time.monotonic() - began:.1f} s.")
    return 0 if all(playable) else 1


def _run_notebook(path: Path, takes: Path) -> str | None:
    """Run a notebook in its folder; what went wrong, in words, or None."""
    import nbformat  # noqa: PLC0415 - come with the demo extra
    from nbclient import NotebookClient  # noqa: PLC0415
    from nbclient.exceptions import CellExecutionError  # noqa: PLC0415

    before = os.environ.get("COMFY_WIDGETS_CACHE")
    os.environ["COMFY_WIDGETS_CACHE"] = str(takes)
    try:
        notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
        client = NotebookClient(
            notebook,
            timeout=300,
            kernel_name="python3",
            resources={"metadata": {"path": path.parent}},
            # ipykernel warns of its own transport, which is not what somebody runs this for.
            extra_arguments=["--IPKernelApp.log_level=ERROR"],
        )
        client.execute()
    except CellExecutionError as error:
        return f"{path.name} failed: {error.ename}: {error.evalue}"
    finally:
        if before is None:
            del os.environ["COMFY_WIDGETS_CACHE"]
        else:
            os.environ["COMFY_WIDGETS_CACHE"] = before
    return None


def _playable(take: Take) -> bool:
    try:
        probe = media.probe(take.path)
    except ComfyWidgetsError:
        return False
    return probe.media_type == "video/mp4" and probe.codec == "h264" and bool(probe.frames)


def _serve(options: argparse.Namespace) -> int:
    console = Console()
    serving.serve(
        serving.settings_of(options),
        announce=lambda url: console.print(
            f"ComfyUI, simulated, at {url}", markup=False, highlight=False, soft_wrap=True
        ),
    )
    return 0
