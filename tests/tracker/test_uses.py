"""Which cell used which takes is written down with the take, whoever else wants the same."""

import sys
from types import SimpleNamespace

import IPython.display  # noqa: F401 - there before the rest of IPython is replaced
import pytest

from comfy_widgets import Studio, pipeline
from comfy_widgets.errors import CacheError
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


async def test_a_cell_may_have_several_studios_on_one_folder(server, studio, workflow, monkeypatch):
    monkeypatch.setattr(pipeline, "running_cell", lambda: Cell("a", "1"))
    one = await studio.submit(workflow, seed=1)
    async with Studio(server.url, cache=studio.cache.folder) as another:
        two = await another.submit(workflow, seed=2)
    assert studio.cache.uses.read()["a"].takes == tuple(sorted([one.handle, two.handle]))


async def test_what_cannot_be_read_is_not_written_over(studio, workflow, monkeypatch, caplog):
    monkeypatch.setattr(pipeline, "running_cell", lambda: Cell("a", "1"))
    await studio.submit(workflow, seed=1)
    studio.cache.uses.path.write_text("<<<<<<< HEAD")
    for seed in (2, 3):
        await studio.submit(workflow, seed=seed)
    assert studio.cache.uses.path.read_text() == "<<<<<<< HEAD"
    assert caplog.text.count("used.json can't be read") == 1
    with pytest.raises(CacheError, match="Repair it, or move it away"):
        studio.cache.uses.read()


async def test_a_folder_that_cannot_tell_of_uses_gives_its_takes_all_the_same(studio, workflow, monkeypatch):
    monkeypatch.setattr(pipeline, "running_cell", lambda: Cell("a", "1"))
    studio.cache.uses.path.mkdir(parents=True)
    assert (await studio.submit(workflow, seed=1)).kind == "video"


def test_outside_of_a_kernel_there_is_no_cell(monkeypatch):
    assert running_cell() is None
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))
    assert running_cell() is None
