"""What works on this machine and what does not, said so that a person can mend it."""

import asyncio
import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from comfy_widgets import faces
from comfy_widgets import host as hosts
from comfy_widgets.cache import TakeCache, folder_of_takes
from comfy_widgets.comfyui.address import Address
from comfy_widgets.comfyui.capabilities import Capabilities, probe
from comfy_widgets.comfyui.client import Client
from comfy_widgets.errors import KeyRefused, NotComfyUI, ServerError, ServerUnreachable
from comfy_widgets.held import HeldTakes
from comfy_widgets.studio import Studio
from comfy_widgets.widgets.check_view import CheckView, Finding

_PATIENCE = 5.0
# What JupyterLab and Notebook 7 show widgets with; the package that brings it.
_EXTENSIONS = {"@jupyter-widgets/jupyterlab-manager": "jupyterlab_widgets", "anywidget": "anywidget"}
_LIVE_KERNEL = (7, 4)


def check(studio: Studio | None = None) -> CheckView:
    """Say what works here: versions, host, widgets, takes, server; as a cell's last line also the way to the browser.

    Parameters
    ----------
    studio
        Whose server and takes are looked at; without one only this machine.

    Returns
    -------
    CheckView
        Shows itself; ``print`` gives the same as text.

    Examples
    --------
    >>> cw.check(studio)  # doctest: +SKIP
    """
    name = hosts.host()
    findings = [_versions(), _kernel(), _host(name)]
    if name == "jupyter":
        findings.append(extensions(_server_python(), _extension_folders()))
    findings.append(takes(studio.cache if studio else TakeCache(folder_of_takes())))
    if studio is not None:
        findings.append(_offline() if studio.offline else _server_of(studio))
    return CheckView([finding for finding in findings if finding is not None])


def _versions() -> Finding:
    names = ("comfy_widgets", "anywidget", "ipywidgets")
    known = ", ".join(f"{name} {_version(name) or 'missing'}" for name in names)
    return Finding("versions", "ok", f"{known}, Python {sys.version.split()[0]}")


def _kernel() -> Finding | None:
    known = _version("ipykernel")
    if known is None or "ipykernel" not in sys.modules:
        return None
    live = tuple(int(part) for part in known.split(".")[:2] if part.isdigit()) >= _LIVE_KERNEL
    if live:
        return Finding("kernel", "ok", f"ipykernel {known}: widgets answer while a cell waits")
    return Finding(
        "kernel",
        "warn",
        f"ipykernel {known}: widgets answer only between cells",
        "Install ipykernel 7.4 or newer where this kernel runs.",
    )


def _host(name: str) -> Finding:
    way = "from Jupyter's server" if hosts.serves_files(name) else "through the kernel"
    return Finding("host", "ok", hosts.title(name) if name == "python" else f"{hosts.title(name)}: videos come {way}")


def extensions(python: str | None, folders: Iterable[Path]) -> Finding:
    """Whether the Jupyter server has what shows widgets, in its own environment or in one that it also looks in.

    Parameters
    ----------
    python
        The server's interpreter, None if that is not known.
    folders
        Where every Jupyter server of this person looks.
    """
    places = [*folders]
    if python is not None:
        places.append(Path(python).parent.parent / "share" / "jupyter" / "labextensions")
    missing = [package for name, package in _EXTENSIONS.items() if not any((place / name).is_dir() for place in places)]
    if not missing:
        return Finding("widgets", "ok", "the Jupyter server has what shows them")
    names = " and ".join(missing)
    if python is None:
        return Finding("widgets", "unknown", f"{names} not found, but the server may have its own environment")
    hint = f"Install them there and start Jupyter again: {python} -m pip install {' '.join(missing)}"
    return Finding("widgets", "bad", f"the Jupyter server's environment lacks {names}", hint)


def _server_python() -> str | None:
    """The interpreter of the Jupyter server that started this kernel."""
    try:
        psutil = import_module("psutil")  # comes with ipykernel
    except ImportError:
        return None
    try:
        return _interpreter(psutil.Process(int(os.environ["JPY_PARENT_PID"])))
    except (KeyError, ValueError, IndexError, OSError, psutil.Error):
        return None


def _interpreter(process: Any) -> str | None:
    """The whole path of a process's Python, None where it is not sure.

    What runs is a venv's link followed to the Python that the venv was made with, so the way to it has to be found.
    """
    named = str(process.cmdline()[0])
    if Path(named).is_absolute():
        return named
    if named != Path(named).name:  # not looked for by the shell
        found = Path(process.cwd()) / named
    else:
        found = Path(shutil.which(named, path=process.environ().get("PATH", "")) or "")
    sure = found.is_absolute() and found.samefile(process.exe())
    return os.path.normpath(found) if sure else None


def _extension_folders() -> Iterator[Path]:
    """Where Jupyter looks for extensions besides its own environment, by its documented rules."""
    for folder in filter(None, os.environ.get("JUPYTER_PATH", "").split(os.pathsep)):
        yield Path(folder) / "labextensions"
    yield _data_folder() / "labextensions"
    yield from (Path(root) / "share" / "jupyter" / "labextensions" for root in ("/usr/local", "/usr"))


def _data_folder() -> Path:
    """Where Jupyter keeps what belongs to this person."""
    known = os.environ
    if named := known.get("JUPYTER_DATA_DIR"):
        return Path(named)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Jupyter"
    if sys.platform == "win32" and known.get("APPDATA"):
        return Path(known["APPDATA"]) / "jupyter"
    return Path(known.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "jupyter"


def takes(cache: TakeCache) -> Finding:
    """Whether takes can be kept, and played from a saved notebook; nothing is made by looking.

    Parameters
    ----------
    cache
        The folder of takes.
    """
    if isinstance(cache, HeldTakes):
        return Finding("takes", "warn", "none is kept", "Name a folder for them: cw.Studio(cache='takes').")
    folder = cache.folder
    there = _nearest(folder)
    if not there.is_dir():
        what = f"the folder {folder.name} can't be made: {there.name} is a file"
        return Finding("takes", "bad", what, "Choose another: cw.Studio(cache='folder').")
    if not os.access(there, os.W_OK | os.X_OK):
        hint = "Make it writable, or choose another: cw.Studio(cache='folder')."
        return Finding("takes", "bad", f"the folder {there.name} can't be written", hint)
    count = faces.count_of_takes(len(cache.takes()))
    if hosts.host() == "jupyter" and faces.notebook_path(folder / "take.mp4") is None:
        what = f"{count} in {folder.name}, which a saved notebook cannot play from"
        return Finding("takes", "warn", what, "Choose a folder beside the notebook, with no dot at its beginning.")
    return Finding("takes", "ok", f"{count} in {folder.name}")


def _nearest(folder: Path) -> Path:
    """The folder, or what there is of the way to it: the rest is made with the first take."""
    way = (folder.absolute(), *folder.absolute().parents)
    for path in way:
        with suppress(PermissionError):  # what lies in a closed folder can't be looked at
            if path.exists():
                return path
    return way[-1]


def _offline() -> Finding:
    return Finding("server", "ok", "offline, as the studio was asked to be")


def _server_of(studio: Studio) -> Finding:
    if studio.server.started:
        return server(studio.address)
    return Finding("server", "ok", "the embedded one, started with the first take that is not on disk")


def server(address: Address) -> Finding:
    """Whether a ComfyUI server answers at an address, and which.

    Parameters
    ----------
    address
        Where; its headers go there and nowhere else.
    """
    # A loop may run in this thread already, as in a notebook.
    with ThreadPoolExecutor(1) as beside:
        return beside.submit(_asked, address).result()


def _asked(address: Address) -> Finding:
    """As a studio asks: so what lets a studio in does not fail here."""
    try:
        with asyncio.Runner() as runner:
            found = runner.run(_probed(address))
    except TimeoutError:
        hint = "A server that loads a model answers late: look again."
        return Finding("server", "bad", f"{address} gave no answer within {_PATIENCE:.0f} s", hint)
    except KeyRefused:
        return Finding("server", "bad", f"{address} wants a key, or another one", "Give it: cw.Studio(url, api_key=…).")
    except NotComfyUI:
        hint = "Give the studio ComfyUI's own address: cw.Studio(url)."
        return Finding("server", "bad", f"{address} answers, but not as ComfyUI", hint)
    except ServerUnreachable as error:
        # Nobody is there, or TLS does not come about, or ComfyUI Desktop answers at another port.
        what = f"{error.what[:1].lower()}{error.what[1:].rstrip('.')}; takes that are on disk are served"
        return Finding("server", "bad", what, error.hint or "")
    except ServerError as error:
        return Finding("server", "bad", error.what.rstrip("."), error.hint or "")
    return Finding("server", "ok", f"ComfyUI {found.version}" if found.version else "ComfyUI")


async def _probed(address: Address) -> Capabilities:
    client = Client(address)
    try:
        async with asyncio.timeout(_PATIENCE):
            return await probe(client)
    finally:
        await client.close()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
