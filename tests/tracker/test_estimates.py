"""How long it will probably take: by earlier takes of the same nodes and sizes, counted from the start of execution."""

import time

import pytest

from comfy_widgets.estimates import Estimates, shape
from comfy_widgets.jobs import JobStatus
from tests.lib.graphs import wan


def test_texts_and_seeds_do_not_decide_how_long_it_takes():
    one, two, three = wan(), wan(), wan()
    two["3"]["inputs"]["seed"], two["6"]["inputs"]["text"] = 99, "another"
    three["3"]["inputs"]["steps"] = 20
    assert shape(one) == shape(two) != shape(three)


async def test_the_median_of_the_latest_is_expected_on_the_same_server(studio, workflow):
    estimates = Estimates(studio.cache)
    assert estimates.expected(wan(), "gpu-1:8188", "comfyui") is None
    for seconds in (100.0, 100.0, 3.0, 4.0, 5.0, 6.0, 70.0):
        estimates.learn(wan(), "gpu-1:8188", "comfyui", seconds)
    assert estimates.expected(wan(), "gpu-1:8188", "comfyui") == 5.0
    assert estimates.expected(wan(), "gpu-2:8188", "comfyui") is None


async def test_a_later_job_knows_from_the_takes_on_disk(studio, server, workflow):
    first = studio.submit(workflow, seed=1)
    await first
    assert first.state.expected is None
    held = server.hold("KSampler", step=1)
    second = studio.submit(workflow, seed=2)
    await held
    async for _ in second.updates():
        if second.status is JobStatus.RUNNING:
            break
    assert second.state.expected == pytest.approx(first.take.render_seconds)
    # Counted from the start of execution, and nothing is said any more once it takes longer.
    second.move(expected=100.0, running_since=time.monotonic() - 40)
    assert second.eta == pytest.approx(60, abs=1)
    second.move(expected=10.0)
    assert second.eta is None
    held.release()
    await second
    assert second.eta is None
