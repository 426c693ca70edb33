"""A notebook and the takes that it used in one file, without what is of this machine."""

import json
import shutil
import stat
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from comfy_widgets.cache import DEFAULT_FOLDER, TakeCache, folder_of_takes
from comfy_widgets.errors import ComfyWidgetsError, PackError, TimelineError, UIFormatError, WorkflowError
from comfy_widgets.files import temporary_beside
from comfy_widgets.notebook_file import Notebook, cleaned
from comfy_widgets.pruning import files_of
from comfy_widgets.takes import Take
from comfy_widgets.timeline_file import TimelineFile
from comfy_widgets.ui_files import kept_beside
from comfy_widgets.uses import FILE, Used, digest_of, text_of
from comfy_widgets.workflow import Workflow

_PIECE = 1 << 20
# Nothing of the moment: packing the same twice gives the same bytes.
_MADE, _MODE = (1980, 1, 1, 0, 0, 0), (stat.S_IFREG | 0o644) << 16
_PICTURES = {".png", ".jpg", ".jpeg", ".webp"}
_CARRIERS = {".json", ".mp4", ".webm"}
_EMBEDDED = "the embedded server"

Members = dict[str, Path | str]


def pack(notebook: str | Path, into: str | Path | None = None) -> Path:
    """Put a notebook and the takes that it used into one zip file, which runs anywhere without a server.

    The takes are those that its cells, as they are written now, used when they last ran in its folder, those that its
    outputs show, and those of its timelines. With them go the workflows, pictures and timelines that it names.
    Addresses of servers and folders of this machine are taken out; other takes, unfinished prompts and logs stay here.

    Parameters
    ----------
    notebook
        The notebook's file, as it was saved last.
    into
        The zip file; ``<notebook>.zip`` beside it if nothing is said. What is there is replaced once it is whole.

    Returns
    -------
    Path
        The zip file.

    Raises
    ------
    PackError
        If there is no such notebook, nothing is known of its takes, or it holds a key or leads out of its folder.

    Examples
    --------
    >>> cw.pack("01_first_take.ipynb")  # doctest: +SKIP
    PosixPath('01_first_take.zip')
    """
    path = Path(notebook)
    target = Path(into) if into is not None else path.with_suffix(".zip")
    members = _members(Notebook.read(path))
    temporary = temporary_beside(target)
    try:
        with zipfile.ZipFile(temporary, "w") as archive:
            for name, content in sorted(members.items()):
                _add(archive, name, content)
        temporary.replace(target)
    except OSError as error:
        raise PackError(
            f"{target.name} can't be written: {error.strerror or error}.", hint="Choose another place for it."
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
    return target


def _add(archive: zipfile.ZipFile, name: str, content: Path | str) -> None:
    member = zipfile.ZipInfo(name, _MADE)
    member.external_attr = _MODE
    # Media are compressed already.
    text = PurePosixPath(name).suffix.lower() in {".json", ".ipynb"}
    member.compress_type = zipfile.ZIP_DEFLATED if text else zipfile.ZIP_STORED
    if isinstance(content, str):
        archive.writestr(member, content.encode("utf-8", "surrogatepass"))
        return
    member.file_size = content.stat().st_size
    with content.open("rb") as source, archive.open(member, "w") as packing:
        shutil.copyfileobj(source, packing, _PIECE)


@dataclass
class _Shelf:
    """A folder of takes, and what a notebook used of it.

    Parameters
    ----------
    name
        As the notebook says it.
    cache
        The folder.
    cells
        What its cells used.
    takes
        Handle → take.
    """

    name: str
    cache: TakeCache
    cells: Mapping[str, Used]
    takes: dict[str, Take] = field(default_factory=dict)

    def add(self, handles: Iterable[str], there: Mapping[str, Take]) -> None:
        self.takes |= {handle: there[handle] for handle in handles if handle in there}


def _members(notebook: Notebook) -> Members:
    """Name in the archive → a file, or a text without what is of this machine."""
    shelves, timelines = _shelves(notebook)
    if not any(shelf.takes for shelf in shelves):
        raise PackError(
            f"Nothing is known of the takes that {notebook.path.name} used.",
            hint="Run it once in its folder, and save it; for what is on disk no server is asked.",
        )
    servers = {take.server for shelf in shelves for take in shelf.takes.values() if take.renderer != "demo"}
    names = servers | notebook.servers
    found: Members = {notebook.path.name: notebook.text(names)}
    for path in [*timelines, *_named_files(notebook, shelves)]:
        name = path.relative_to(notebook.folder).as_posix()
        found[name] = _json(path, notebook, names) if path.suffix == ".json" else path
    for shelf in shelves:
        found |= _of_shelf(shelf, notebook, names)
    return found


def _shelves(notebook: Notebook) -> tuple[list[_Shelf], list[Path]]:
    """The folders of takes with what was used of each, and the timelines that are made of that."""
    shelves, there = [], {}
    for name in _folder_names(notebook):
        cache = TakeCache(notebook.folder / folder_of_takes(name))
        cells = {cell: used for cell, used in cache.uses.read().items() if cell in notebook.digests}
        there[name] = {take.handle: take for take in cache.takes()}
        shelf = _Shelf(name, cache, cells)
        shelf.add((handle for used in cells.values() for handle in used.takes), there[name])
        shelf.add((one for one, take in there[name].items() if quote(take.path.name) in notebook.shown), there[name])
        _check_whole(shelf, notebook)
        shelves.append(shelf)
    timelines = []
    for path, handles in _timelines(notebook):
        if any(handle in shelf.takes for shelf in shelves for handle in handles):
            timelines.append(path)
            for shelf in shelves:
                shelf.add(handles, there[shelf.name])
    return [shelf for shelf in shelves if shelf.takes], timelines


def _folder_names(notebook: Notebook) -> list[str]:
    """The folders of takes that a notebook may have used: those that it names, and those that know its cells."""
    known = {path.parent for depth in ("*", "*/*") for path in notebook.folder.glob(f"{depth}/{FILE}")}
    beside = {path.relative_to(notebook.folder).as_posix() for path in known}
    return sorted({DEFAULT_FOLDER, *notebook.caches, *beside})


def _check_whole(shelf: _Shelf, notebook: Notebook) -> None:
    if shelf.takes and (Path(shelf.name).is_absolute() or ".." in Path(shelf.name).parts):
        raise PackError(
            f"The takes of {notebook.path.name} lie outside of its folder.",
            hint="Keep them beside it: Studio(cache='takes').",
        )
    for cell, used in shelf.cells.items():
        if any(handle not in shelf.takes for handle in used.takes):
            raise PackError(
                f"A take that code cell {notebook.digests[cell]} used is not in {shelf.name} any more.",
                hint="Run that cell again.",
            )


def _timelines(notebook: Notebook) -> Iterator[tuple[Path, list[str]]]:
    """The timelines beside a notebook with the takes that they name."""
    for path in sorted(notebook.folder.glob("*.json")):
        try:
            told = TimelineFile(path).read()
        except (TimelineError, OSError):
            continue
        if told is not None:
            yield path, [handle for handles in told.takes.values() for handle in handles]


def _named_files(notebook: Notebook, shelves: Iterable[_Shelf]) -> Iterator[Path]:
    """The workflows and pictures that a notebook names, or that its cells used."""
    for used in {used for shelf in shelves for used in shelf.cells.values()}:
        for name in used.files:
            path = notebook.folder / name
            # The last frames of takes lie among those.
            if not any(path.is_relative_to(shelf.cache.folder) for shelf in shelves):
                if not path.is_file():
                    raise PackError(f"{name}, which {notebook.path.name} used, is gone.", hint="Put it back.")
                yield path
    for path in notebook.named_files(_PICTURES | _CARRIERS):
        if path.suffix.lower() in _PICTURES or _is_workflow(path):
            yield path
            if kept_beside(path).is_file():
                yield kept_beside(path)


def _is_workflow(path: Path) -> bool:
    try:
        Workflow.load(path)
    except UIFormatError:
        return True
    except (WorkflowError, ComfyWidgetsError, OSError):
        return False
    return True


def _of_shelf(shelf: _Shelf, notebook: Notebook, servers: set[str]) -> Members:
    found: Members = {}
    for take in shelf.takes.values():
        for path in files_of(take):
            name = f"{shelf.name}/{path.relative_to(shelf.cache.folder).as_posix()}"
            found[name] = _sidecar(take, notebook, servers) if path == take.sidecar else path
    now = {notebook.digests[cell]: used for cell, used in shelf.cells.items()}
    sources = [cleaned(source, servers, notebook.folder) for source in notebook.sources]
    inside = tuple(name for name in found if "/frames/" in name)
    kept = {
        digest_of(sources[number - 1]): used._replace(
            files=tuple(file for file in used.files if not file.startswith(f"{shelf.name}/") or file in inside)
        )
        for number, used in now.items()
    }
    found[f"{shelf.name}/{FILE}"] = text_of(kept)
    return found


def _sidecar(take: Take, notebook: Notebook, servers: set[str]) -> str:
    """What is known of a take, but not on which server it was made, and as which of its jobs."""
    told = cleaned(take.to_json(), servers, notebook.folder)
    for one in (told, *told["also"]):
        one["server"] = _EMBEDDED if one["renderer"] == "demo" else ""
        one["prompt_id"] = None
    return json.dumps(told, ensure_ascii=False, indent=1)


def _json(path: Path, notebook: Notebook, servers: set[str]) -> Path | str:
    told: Any = json.loads(path.read_text("utf-8-sig"))
    clean = cleaned(told, servers, notebook.folder)
    # As it is wherever that is possible: what was converted from a file goes by the file's bytes.
    return path if clean == told else json.dumps(clean, ensure_ascii=False, indent=1)
