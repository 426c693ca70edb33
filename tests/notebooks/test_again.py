"""One server, the same notebook twice: the second run asks nothing of the server and is there at once."""

import shutil
import time
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from comfy_widgets.demo import DemoServer

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
SECONDS = 3.0


def run(path):
    """Seconds that the notebook's cells took, without the start of the kernel."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": path.parent}})
    with client.setup_kernel():
        began = time.monotonic()
        for place, cell in enumerate(notebook.cells):
            client.execute_cell(cell, place)
        return time.monotonic() - began


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_the_second_run_sends_nothing_twice(tmp_path):
    shutil.copytree(NOTEBOOKS, tmp_path / "notebooks", ignore=shutil.ignore_patterns("takes"))
    path = tmp_path / "notebooks" / "01_first_take.ipynb"
    with DemoServer(step_seconds=0.02) as server:
        path.write_text(path.read_text("utf-8").replace("cw.Studio.demo()", f"cw.Studio('{server.url}')"), "utf-8")
        run(path)
        made = (server.journal.posts("/prompt"), server.journal.posts("/upload/image"))
        seconds = run(path)
        again = (server.journal.posts("/prompt"), server.journal.posts("/upload/image"))
    assert made == (1, 1)
    assert again == made
    assert seconds < SECONDS
