"""One server, the same notebook twice: the second run asks nothing of the server and is there at once."""

import re
import time

import nbformat
import pytest
from nbclient import NotebookClient

from comfy_widgets.demo import DemoServer
from tests.lib.notebooks import copy

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
@pytest.mark.parametrize(("name", "posts"), [("01_first_take", (1, 1)), ("03_timeline", (3, 3))])
def test_the_second_run_sends_nothing_twice(tmp_path, name, posts):
    path = copy(tmp_path, takes=False) / f"{name}.ipynb"
    with DemoServer(step_seconds=0.02) as server:
        there = re.sub(r"cw\.Studio\.demo\(.*?\)", f"cw.Studio('{server.url}')", path.read_text("utf-8"))
        path.write_text(there, "utf-8")
        run(path)
        made = (server.journal.posts("/prompt"), server.journal.posts("/upload/image"))
        seconds = run(path)
        again = (server.journal.posts("/prompt"), server.journal.posts("/upload/image"))
    assert made == posts
    assert again == made
    assert seconds < SECONDS
