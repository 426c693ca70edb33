"""``comfy-widgets takes``, ``pack`` and ``unpack``: takes that are on disk, from a terminal."""

import argparse
import json
import shutil
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from comfy_widgets import faces, pruning
from comfy_widgets.bindings import listed
from comfy_widgets.cache import TakeCache, folder_of_takes
from comfy_widgets.errors import CacheError, NotCached
from comfy_widgets.packing import pack
from comfy_widgets.takes import Take
from comfy_widgets.unpacking import unpack

_UNITS = {"kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12}
_ENDLESS = 10_000


def add_cache_option(parser: argparse.ArgumentParser) -> None:
    """Let a command be told the folder of takes."""
    parser.add_argument(
        "--cache",
        "--folder",
        type=Path,
        default=Path("takes"),
        metavar="DIR",
        help="the folder of takes (default: %(default)s)",
    )


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add these commands to the command line."""
    takes = commands.add_parser("takes", help="list, show, export or prune a folder of takes")
    add_cache_option(takes)
    acts = takes.add_subparsers(metavar="act")
    takes.set_defaults(run=_list, scene=None, shot=None)
    listing = acts.add_parser("list", help="all takes, oldest first")
    listing.add_argument("--scene")
    listing.add_argument("--shot")
    listing.set_defaults(run=_list)
    show = acts.add_parser("show", help="everything about one take, as JSON")
    show.add_argument("take", help="the beginning of its key or of its file's name, or its path")
    show.set_defaults(run=_show)
    export = acts.add_parser("export", help="copy a take's file")
    export.add_argument("take", help="the beginning of its key or of its file's name, or its path")
    export.add_argument("to", type=Path, help="a file or a folder")
    export.add_argument("--force", action="store_true", help="replace a file that is there already")
    export.set_defaults(run=_export)
    prune = acts.add_parser("prune", help="remove the oldest takes, favourites stay")
    prune.add_argument("--max", required=True, type=_bytes, metavar="SIZE", help="how much may stay, such as 20GB")
    prune.add_argument("--favourites-too", action="store_true", help="favourites may go as well")
    prune.add_argument("--yes", action="store_true", help="do not ask first")
    prune.set_defaults(run=_prune)
    _add_archives(commands)


def _add_archives(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    packing = commands.add_parser("pack", help="put a notebook and its takes into one file, which runs anywhere")
    packing.add_argument("notebook", type=Path)
    packing.add_argument("into", nargs="?", type=Path, help="the zip file (default: beside the notebook)")
    packing.set_defaults(run=lambda options: _told(pack(options.notebook, options.into)))
    unpacking = commands.add_parser("unpack", help="open a notebook that was packed")
    unpacking.add_argument("archive", type=Path)
    unpacking.add_argument("folder", nargs="?", type=Path, default=Path(), help="where to (default: this folder)")
    unpacking.set_defaults(run=lambda options: _told(unpack(options.archive, options.folder)))


def _told(path: Path) -> int:
    Console().print(str(path), markup=False, highlight=False, soft_wrap=True)
    return 0


def _bytes(text: str) -> int:
    number, unit = text[:-2], text[-2:].lower()
    try:
        size = round(float(number) * _UNITS[unit]) if unit in _UNITS else int(text)
    except (ValueError, OverflowError):
        size = -1
    # Who writes 20 means gigabytes, and as bytes it would let every take go.
    if size < 0 or (size and unit not in _UNITS):
        raise argparse.ArgumentTypeError(f"{text!r} is no size; write it as 20GB or 500MB.")
    return size


def _cache(options: argparse.Namespace) -> TakeCache:
    return TakeCache(folder_of_takes(options.cache))


def _list(options: argparse.Namespace) -> int:
    cache = _cache(options)
    takes = cache.takes(scene=options.scene, shot=options.shot)
    # What reads a pipe reads lines.
    console = Console() if sys.stdout.isatty() else Console(width=_ENDLESS)
    table = Table(box=None, pad_edge=False)
    for column in ("made", "scene", "shot", "what", "MB", "file"):
        # Of those that may fold the widest give way first.
        number = column == "MB"
        table.add_column(
            column, justify="right" if number else "left", no_wrap=number or column == "made", overflow="fold"
        )
    for take in takes:
        made = take.made[:16].replace("T", " ")
        what = ", ".join(faces.facts(take)) or take.kind
        cells = (made, take.scene or "", take.shot or "", what, f"{take.size / 1e6:.2f}", take.path.name)
        table.add_row(*(cell.replace("[", "\\[") for cell in cells))
    if takes:
        console.print(table)
    said = f"{_counted(takes)}, {pruning.size(takes) / 1e6:.1f} MB in {cache.folder}"
    console.print(said, markup=False, highlight=False, soft_wrap=True)
    return 0


def _counted(takes: list[Take]) -> str:
    return "1 take" if len(takes) == 1 else f"{len(takes)} takes"


def _found(options: argparse.Namespace) -> Take:
    cache = _cache(options)
    takes = cache.takes()
    # `run` prints a path; the folder was given already.
    wanted = Path(options.take).name or options.take
    fitting = [take for take in takes if take.key.startswith(wanted) or take.path.name.startswith(wanted)]
    if not fitting:
        raise NotCached(f"No take in {cache.folder} begins with {wanted!r}.", hint="comfy-widgets takes lists all.")
    named = [take for take in fitting if wanted in {take.path.name, take.path.stem}]
    if len(fitting) > 1 and len(named) != 1:
        names = listed([take.path.name for take in fitting])
        raise NotCached(
            f"{len(fitting)} takes in {cache.folder} begin with {wanted!r}: {names}.",
            hint="Give more of the name, up to the whole of it.",
        )
    return named[0] if len(named) == 1 else fitting[0]


def _show(options: argparse.Namespace) -> int:
    Console().print_json(json.dumps(_found(options).to_json()))
    return 0


def _export(options: argparse.Namespace) -> int:
    take = _found(options)
    try:
        to = options.to / take.path.name if options.to.is_dir() else options.to
        if to.exists() and not options.force:
            raise CacheError(f"{to} is there already.", hint="Give another name, or --force.")
        copied = Path(shutil.copy2(take.path, to))
    except OSError as error:
        raise CacheError(f"{take.path.name} can't be copied to {options.to}: {error.strerror or error}.") from error
    Console().print(str(copied), markup=False, highlight=False, soft_wrap=True)
    return 0


def _prune(options: argparse.Namespace) -> int:
    cache = _cache(options)
    going = cache.too_many(max_bytes=options.max, keep_favourites=not options.favourites_too)
    if going and not options.yes and not _agreed(going):
        return 1
    pruning.remove(going)
    console = Console()
    for take in going:
        console.print(f"removed {take.path.name}", markup=False, highlight=False)
    left = cache.takes()
    console.print(f"{_counted(left)}, {cache.size() / 1e6:.1f} MB stay", markup=False, highlight=False)
    return 0


def _agreed(going: list[Take]) -> bool:
    """Whether somebody who sits there wants these to go; a script that can't be asked does."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return True
    for take in going:
        Console().print(take.path.name, markup=False, highlight=False, soft_wrap=True)
    try:
        answer = input(f"Remove {_counted(going)}, {pruning.size(going) / 1e6:.1f} MB? [y/N] ")
    except EOFError:
        return False
    return answer.strip().lower() in {"y", "yes"}
