"""A sweep: axes of inputs, cells from the cache at once, the rest made, and stopped without loss."""

import pytest

from comfy_widgets import RANDOM, Workflow
from comfy_widgets.errors import BindingError, WorkflowError
from comfy_widgets.sweep import random_seeds
from tests.tracker.test_batch import next_change
from tests.tracker.test_scenarios import graph, save, slow

pytestmark = pytest.mark.slow


@pytest.fixture
def workflow():
    nodes = graph(a=slow(text="", steps=8, delay=0.02), b=save("a"))
    return Workflow(nodes, bindings={"prompt": "a.text", "seed": "a.seed", "steps": "a.steps"})


async def test_every_combination_is_made_and_found_by_its_place(studio, server, workflow):
    sweep = await studio.sweep(workflow, prompt=["dusk", "dawn"], seed=range(3), steps=1)
    assert list(sweep.takes) == [(prompt, seed) for prompt in ("dusk", "dawn") for seed in range(3)]
    assert sweep.takes["dawn", 2].inputs["prompt"] == "dawn"
    assert sweep.takes["dawn", 2].inputs["steps"] == 1
    assert server.journal.posts("/prompt") == 6
    again = await studio.sweep(workflow, prompt=["dusk", "dawn"], seed=range(3), steps=1)
    assert all(take.cached for take in again.takes.values())
    assert server.journal.posts("/prompt") == 6


async def test_pairs_go_together(studio, workflow):
    sweep = await studio.sweep(workflow, prompt=["dusk", "dawn"], seed=[7, 8], steps=1, zip=True)
    assert list(sweep.takes) == [("dusk", 7), ("dawn", 8)]
    one = await studio.sweep(workflow, seed=[7, 8], steps=1)
    assert list(one.takes) == [7, 8]


async def test_seeds_that_are_drawn_have_places_of_their_own(studio, workflow):
    sweep = await studio.sweep(workflow, seed=[RANDOM] * 3, steps=1)
    assert len(sweep.takes) == 3
    assert {seed: take.inputs["seed"] for seed, take in sweep.takes.items()} == {seed: seed for seed in sweep.takes}


async def test_three_by_four_stopped_at_half_and_continued(studio, server, workflow):
    axes = {"prompt": ["dusk", "dawn", "night"], "seed": range(4)}
    sweep = studio.sweep(workflow, **axes)
    sweep.subscribe(lambda: len(sweep.takes) == 6 and sweep.cancel(rest=True))
    await sweep
    assert len(sweep.takes) in (6, 7)
    assert server.journal.posts("/prompt") == len(sweep.takes)
    assert len((await studio.sweep(workflow, **axes)).takes) == 12
    assert server.journal.posts("/prompt") == 12
    assert len((await studio.sweep(workflow, **axes)).takes) == 12
    assert server.journal.posts("/prompt") == 12


async def test_all_combinations_can_be_queued_at_once(studio, server, workflow):
    held = server.hold("LabSlow")
    sweep = studio.sweep(workflow, seed=range(3), one_at_a_time=False)
    while any(job.status not in ("queued", "running") for job in sweep.jobs):
        await next_change(sweep)
    assert len(sweep.jobs) == server.journal.posts("/prompt") == 3
    held.release()
    assert len((await sweep).takes) == 3


async def test_a_failure_leaves_a_hole_with_its_message(studio, workflow):
    sweep = await studio.sweep(workflow, seed=[1, -5], steps=1)
    assert list(sweep.takes) == [1]
    rows = sweep.table()
    rows = rows if isinstance(rows, list) else rows.to_dict("records")
    assert [row["status"] for row in rows] == ["complete", "error"]
    assert "-5" in rows[1]["error"]
    assert rows[0]["error"] is None or rows[0]["error"] != rows[0]["error"]  # pandas says nan


@pytest.mark.parametrize("workflow", ["wan22.json", {"1": {}}, None])
async def test_what_is_no_workflow_is_told_so(studio, workflow):
    with pytest.raises(WorkflowError, match=r"A Workflow is needed, not.*cw\.Workflow\.load"):
        studio.submit(workflow, prompt="x")
    sweep = await studio.sweep(workflow, seed=[1, 2])
    assert [str(item.error) for item in sweep if "A Workflow is needed" not in str(item.error)] == []


async def test_what_is_no_sweep_is_refused(studio, workflow):
    with pytest.raises(BindingError, match=r"several values.*studio\.sweep\(workflow, seed=range\(3\)\)"):
        studio.sweep(workflow, seed=1)
    with pytest.raises(BindingError, match="prompt has 1, seed has 2"):
        studio.sweep(workflow, prompt=["x"], seed=[1, 2], zip=True)
    with pytest.raises(BindingError, match=r"one value, not several.*studio\.sweep"):
        studio.submit(workflow, seed=range(3))


async def test_its_face_names_the_axes_and_never_a_state(studio, workflow):
    sweep = studio.sweep(workflow, prompt=["<i>dusk</i>"], seed=[1, 2], steps=1)
    before = (repr(sweep), sweep._repr_mimebundle_()["text/html"])
    await sweep
    assert (repr(sweep), sweep._repr_mimebundle_()["text/html"]) == before
    assert "&lt;i&gt;dusk" in before[1]
    assert "Sweep over prompt (1) × seed (2)" in before[0]


def test_random_seeds_differ():
    seeds = random_seeds(20)
    assert len(set(seeds)) == 20
    assert all(0 <= seed < 2**53 for seed in seeds)
