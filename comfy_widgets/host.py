"""Where this runs: which notebook host, and what that means for files beside the notebook."""

import os
import sys
from pathlib import Path

_NAMES = {
    "colab": "Google Colab",
    "jupyter": "Jupyter",
    "marimo": "marimo",
    "python": "Python without a notebook",
    "vscode": "VS Code",
}
# These serve no files by their path relative to the notebook.
_NO_FILES = frozenset({"colab", "marimo", "vscode"})
# VS Code tells its process here; over SSH, in WSL and in containers only its folder.
_VSCODE = ("VSCODE_PID", "VSCODE_CWD")


def host() -> str:
    """The host's name: ``colab``, ``jupyter``, ``marimo``, ``python`` or ``vscode``."""
    if "google.colab" in sys.modules:
        return "colab"
    if "marimo" in sys.modules:
        return "marimo"
    session = os.environ.get("JPY_SESSION_NAME")
    # VS Code names the sessions that it opens on a Jupyter server so.
    if "-jvsc-" in (session or "") or (session is None and any(name in os.environ for name in _VSCODE)):
        return "vscode"
    return "jupyter" if "ipykernel" in sys.modules else "python"


def notebook_folder() -> Path:
    """Where the notebook lies: a kernel starts there, and ``%cd`` moves the kernel but not the page."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    been: list[str] = getattr(shell, "user_ns", {}).get("_dh") or []
    return Path(been[0]) if been else Path.cwd()


def title(name: str) -> str:
    """What people call a host.

    Examples
    --------
    >>> title("vscode")
    'VS Code'
    """
    return _NAMES[name]


def serves_files(name: str) -> bool:
    """Whether a page of this host can reach files beside the notebook by their path.

    Examples
    --------
    >>> serves_files("jupyter"), serves_files("colab")
    (True, False)
    """
    return name not in _NO_FILES


def makes_widgets_later(name: str) -> bool:
    """Whether widgets can be made when no cell runs, such as when somebody clicks.

    Examples
    --------
    >>> makes_widgets_later("jupyter"), makes_widgets_later("marimo")
    (True, False)
    """
    return name != "marimo"
