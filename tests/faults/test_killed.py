"""A notebook's kernel is killed (-9) at each step of making a take.

Run All in a new kernel has the take, and the server rendered once.
"""

import asyncio
import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError

from comfy_widgets import media
from comfy_widgets.demo import DemoServer
from tests.lib.dying import STEPS

ROOT = Path(__file__).parents[2]

CELLS = (
    "import os\nfrom comfy_widgets import Studio, Workflow\nfrom tests.lib.graphs import wan",
    "studio = Studio(os.environ['COMFY_URL'], cache='takes', quiet=True)\nworkflow = Workflow(wan())",
    "take = {make}",
    "print(take.path)",
)
WAYS = ("await studio.submit(workflow, seed=1)", "studio.run(workflow, seed=1)")


class Kernel(NotebookClient):
    """A Jupyter kernel with a notebook to run; it begins to start at once."""

    @classmethod
    async def begin(cls, url: str, folder: Path, way: str, step: str | None = None) -> "Kernel":
        """Start a kernel; with a step, one that does not get past it."""
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell.format(make=way)) for cell in CELLS])
        kernel = cls(notebook, timeout=60, resources={"metadata": {"path": str(folder)}})
        if step is not None:
            # Not a cell: both kernels run the same notebook.
            arm = f"from tests.lib.dying import die_at; die_at({step!r})"
            kernel.extra_arguments = [f"--IPKernelApp.exec_lines={arm}"]
        kernel.km = kernel.create_kernel_manager()
        places = {"PYTHONPATH": str(ROOT), "COMFY_URL": url, "JUPYTER_RUNTIME_DIR": str(folder / "runtime")}
        kernel.km.connection_file = str(folder / f"{'dying' if step else 'new'}.json")
        await kernel.async_start_new_kernel(env=os.environ | places)
        return kernel

    async def run_all(self) -> str:
        """Run all cells; what the last one printed."""
        await self.async_execute()
        return self.nb.cells[-1].outputs[0].text.strip()


@pytest.mark.parametrize("step", STEPS)
async def test_a_killed_kernel_costs_no_second_render(tmp_path, step):
    way = WAYS[list(STEPS).index(step) % len(WAYS)]
    with DemoServer(step_seconds=0.01) as server:
        killed, new = await asyncio.gather(
            Kernel.begin(server.url, tmp_path, way, step), Kernel.begin(server.url, tmp_path, way)
        )
        with pytest.raises(DeadKernelError):
            await killed.run_all()
        take = tmp_path / await new.run_all()
        assert server.journal.posts("/prompt") == 1
        assert list(server.journal.fates().values()) == ["success"]
    assert media.probe(take).frames == 9
    assert take.with_suffix(".json").exists()
    assert list((tmp_path / "takes" / "unfinished").iterdir()) == []
