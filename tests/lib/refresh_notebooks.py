"""Run all notebooks without takes and keep what they show: ``python -m tests.lib.refresh_notebooks``."""

import shutil
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


def refresh(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": path.parent}}
    ).execute()
    # The state of widgets is stale as soon as it is saved; the static faces beside it are what is kept.
    notebook.metadata.pop("widgets", None)
    notebook.metadata["language_info"] = {"name": "python"}
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
    nbformat.write(notebook, path)


def main() -> None:
    shutil.rmtree(NOTEBOOKS / "takes", ignore_errors=True)
    for made in ("lighthouse.json", "film.mp4"):
        (NOTEBOOKS / made).unlink(missing_ok=True)
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        refresh(path)


if __name__ == "__main__":
    main()
