"""Which cell used which takes is written down with the take, whoever else wants the same."""

import sys
from types import SimpleNamespace

from comfy_widgets import pipeline
from comfy_widgets.uses import Cell, Used, Uses, digest_of, running_cell


def kernel(code, run):
    """What IPython has while a cell runs in a kernel."""
    parent = {"content": {"code": code}, "header": {"msg_id": run}}
    return SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel=SimpleNamespace(get_parent=lambda: parent)))


async def test_a_cell_is_known_by_what_is_written_in_it(studio, workflow, monkeypatch):
    monkeypatch.setitem(sys.modules, "IPython", kernel("job = studio.submit(…)", "one"))
    take = await studio.submit(workflow, seed=1)
    assert Uses(studio.cache.folder).read() == {digest_of("job = studio.submit(…)"): Used((take.handle,))}


async def test_cells_that_want_the_same_job_are_both_known(studio, server, workflow, monkeypatch):
    cells = iter([Cell("a", "1"), Cell("b", "2")])
    monkeypatch.setattr(pipeline, "running_cell", lambda: next(cells))
    held = server.hold("KSampler")
    one = studio.submit(workflow, seed=1)
    await held
    assert studio.submit(workflow, seed=1) is one
    held.release()
    take = await one
    assert studio.cache.uses.read() == {"a": Used((take.handle,)), "b": Used((take.handle,))}


async def test_a_cell_that_runs_again_begins_anew(studio, workflow, monkeypatch):
    runs = iter("1122")
    monkeypatch.setattr(pipeline, "running_cell", lambda: Cell("a", next(runs)))
    takes = [await studio.submit(workflow, seed=seed) for seed in (1, 2, 3, 2)]
    assert studio.cache.uses.read()["a"].takes == tuple(sorted(take.handle for take in takes[1:3]))


async def test_a_folder_that_cannot_tell_of_uses_gives_its_takes_all_the_same(studio, workflow, monkeypatch):
    monkeypatch.setattr(pipeline, "running_cell", lambda: Cell("a", "1"))
    studio.cache.uses.path.mkdir(parents=True)
    assert (await studio.submit(workflow, seed=1)).kind == "video"


def test_outside_of_a_kernel_there_is_no_cell(monkeypatch):
    assert running_cell() is None
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))
    assert running_cell() is None
