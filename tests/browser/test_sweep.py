"""A sweep and a batch in a real JupyterLab, on an embedded server that outlives the kernel."""

import json
import re
import statistics

import pytest
from playwright.sync_api import expect

from comfy_widgets.demo import DemoServer
from tests.browser.conftest import READY, ROOT, shoot, wait_for_kernel
from tests.browser.long_film import PAINT
from tests.browser.timelines import python
from tests.lib.graphs import wan

MAKE = """
import time
import comfy_widgets as cw
studio = cw.Studio("{url}")
workflow = cw.Workflow.load("wan.json")
"""
HURT = "<img src=x onerror='window.hacked=1'>"
SWEEP = f"""
began = time.monotonic()
axes = {{"prompt": ["A lighthouse at dusk", "A lighthouse at dawn", "{HURT}"], "seed": range(4)}}
sweep = studio.sweep(workflow, **axes)
sweep
"""
AWAIT = "await sweep\nseconds = time.monotonic() - began"


@pytest.fixture
def server():
    with DemoServer(step_seconds=0.02) as server:
        yield server


@pytest.fixture
def make(place, start, server):
    """A notebook with a studio and a workflow, and these cells."""

    def make_(*cells, **how):
        (place / "wan.json").write_text(json.dumps(wan()))
        notebook = start(MAKE.replace("{url}", server.url), *cells, **how)
        expect(notebook.page.locator(".cw-board").first).to_be_visible()
        return notebook

    return make_


def cells(page, state, count):
    expect(page.locator(f".cw-cell[data-state={state}]")).to_have_count(count)


def rows(page, state, count):
    expect(page.locator(f".cw-item[data-state={state}]")).to_have_count(count)


def button(page, name):
    return page.get_by_role("button", name=name, exact=True)


def cell(page, prompt, seed):
    return page.get_by_role("button", name=re.compile(f"^prompt {prompt}, seed {seed}:"))


def pass_on(server, held, count):
    """Let so many prompts render, one after the other, and hold the next one in its sampler."""
    for _ in range(count):
        following = server.hold("KSampler")
        held.release()
        following.wait()
        held = following
    return held


def axe(page, within):
    page.add_script_tag(path=ROOT / "js" / "node_modules" / "axe-core" / "axe.min.js")
    found = page.evaluate(
        "async (within) => (await axe.run(within)).violations.map((v) => [v.id, v.nodes[0].html])", within
    )
    assert found == []


def test_three_by_four_stopped_at_half_continued_and_run_again(make, server):
    # The first one is held before the cell can have made it.
    first = server.hold("KSampler")
    notebook = make(SWEEP, AWAIT)
    page = notebook.page
    first.wait()
    cells(page, "running", 1)
    cells(page, "waiting", 11)
    held = pass_on(server, first, 5)
    cells(page, "complete", 5)
    cells(page, "running", 1)
    expect(page.get_by_role("columnheader", name="seed 3")).to_be_visible()
    expect(page.get_by_role("rowheader").last).to_have_text(HURT)
    shoot(page.locator(".cw-board"), "sweep-half")
    button(page, "Stop the rest").click()
    cells(page, "cancelled", 6)
    expect(button(page, "Stop")).to_be_visible()
    held.release()
    cells(page, "complete", 6)
    assert server.journal.posts("/prompt") == 6

    button(page, "Generate missing (6)").click()
    cells(page, "complete", 12)
    expect(page.locator(".cw-head-all")).to_contain_text("12 of 12 complete")
    assert server.journal.posts("/prompt") == 12
    assert page.evaluate("() => window.hacked") is None

    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.restartKernel()")
    wait_for_kernel(notebook)
    took = []
    for _ in range(3):
        # What else the machine does may make a run slow, but not each time.
        notebook.run_all()
        expect(page.locator(".cw-head-all")).to_contain_text("12 of 12 complete, 12 from the cache")
        took.append(float(python(page, "print(seconds)")))
        if took[-1] < 2:
            break
    print(f"the sweep of 12 again: {min(took):.2f} s")  # noqa: T201 - the figure of "< 2 s", seen with -rP
    assert min(took) < 2
    assert server.journal.posts("/prompt") == 12
    page.wait_for_function("() => document.querySelectorAll('.cw-face img').length === 12")
    shoot(page.locator(".cw-board"), "sweep-done")
    assert page.errors == []


def test_cells_are_opened_and_compared_by_keyboard_alone(make, server):
    page = make(SWEEP, AWAIT).page
    cells(page, "complete", 12)
    cell(page, "A lighthouse at dusk", 0).focus()
    press = page.keyboard.press
    press("Enter")
    page.wait_for_function(READY, arg=[".cw-stage .cw-player video", 1])
    expect(page.locator(".cw-stage")).to_contain_text("A lighthouse at dusk")
    press("Escape")
    expect(page.locator(".cw-stage")).to_be_hidden()
    expect(cell(page, "A lighthouse at dusk", 0)).to_be_focused()
    press("x")
    press("ArrowDown")
    expect(cell(page, "A lighthouse at dawn", 0)).to_be_focused()
    press("ArrowRight")
    press("Tab")
    expect(page.get_by_role("checkbox", name="Select prompt A lighthouse at dawn, seed 1")).to_be_focused()
    press("Space")
    expect(button(page, "Compare (2)")).to_be_enabled()
    press("c")
    page.wait_for_function(READY, arg=[".cw-stage .cw-compare video", 2])
    expect(page.locator(".cw-stage .cw-player")).to_have_count(0)
    expect(page.locator(".cw-stage .cw-captions")).to_contain_text("seed 1")
    assert python(page, "print(type(sweep.takes['A lighthouse at dawn', 1]).__name__, len(sweep.takes))") == "Take 12"
    shoot(page.locator(".cw-board"), "sweep-compare")
    button(page, "Play all in step").focus()
    press("Enter")
    page.wait_for_function("() => document.querySelector('.cw-stage video').currentTime > 0.1")
    press("Escape")
    expect(page.locator(".cw-stage")).to_be_hidden()
    assert page.errors == []


BATCH = """
shots = [
    cw.Shot("shot-01", "A lighthouse at dusk", scene="scene-001", seed=1),
    cw.Shot("shot-02", "<img src=x onerror='window.hacked=1'>", scene="scene-001", seed=2, inputs={"steps": -1}),
    cw.Shot("shot-03", "The storm rolls in", scene="scene-002", seed=3),
]
batch = studio.generate(shots, workflow)
batch
"""


HOLES = """
sweep = await studio.sweep(workflow, prompt=["A long prompt " * 30, "灯台"], seed=[1, -5], cfg=[2.5, 5])
sweep
"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_can_be_read_by_everybody(make, theme):
    page = make(
        HOLES,
        BATCH,
        "studio.generate([], workflow)",
        "studio.history('灯台', limit=1)",
        theme=theme,
        height=3000,
    ).page
    first = page.locator(".cw-board").first
    cells(page, "complete", 4)
    cells(page, "error", 4)
    expect(page.get_by_text("Nothing was asked for")).to_be_visible()
    expect(page.locator(".cw-gallery")).to_contain_text("灯台")
    first.locator(".cw-cell[data-state=error] .cw-face").first.click()
    expect(first.locator(".cw-why")).to_contain_text("-5")
    rows(page, "complete", 2)
    page.get_by_role("button", name="shot-02: Error").click()
    second = page.locator(".cw-board").nth(1)
    expect(second.locator(".cw-why")).to_contain_text("Scene scene-001, shot shot-02")
    shoot(second, f"batch-error-{theme}")
    axe(page, ".cw-board")
    shoot(first, f"sweep-hole-{theme}")
    for box in first.locator(".cw-box:visible").all()[:2]:
        box.check()
    button(page, "Compare (2)").click()
    page.wait_for_function(READY, arg=[".cw-stage .cw-compare video", 2])
    axe(page, ".cw-board")
    shoot(first, f"sweep-{theme}")
    page.set_viewport_size({"width": 420, "height": 3000})
    assert first.evaluate("(el) => el.scrollWidth <= el.clientWidth")
    assert second.evaluate("(el) => el.scrollWidth <= el.clientWidth")
    shoot(first, f"sweep-narrow-{theme}")
    shoot(second, f"batch-narrow-{theme}")
    assert page.errors == []


def test_a_batch_row_by_row(make, server):
    held = server.hold("KSampler")
    page = make(BATCH).page
    held.wait()
    rows(page, "running", 1)
    rows(page, "error", 1)
    broken = page.locator(".cw-item").nth(1)
    expect(broken).to_contain_text("<img src=x")
    expect(broken.locator(".cw-aside")).to_contain_text("-1")
    expect(page.locator(".cw-item").nth(2)).to_contain_text("Queued, next")
    shoot(page.locator(".cw-board"), "batch")
    button(page, "Stop the rest").click()
    rows(page, "cancelled", 1)
    page.get_by_role("button", name="shot-01: Running").click()
    expect(page.locator(".cw-stage .cw-badge")).to_have_attribute("data-state", "running")
    held.release()
    rows(page, "complete", 1)
    page.wait_for_function(READY, arg=[".cw-stage video", 1])
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="shot-01: Complete")).to_be_focused()
    page.keyboard.press("End")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Generate shot-03 again")).to_be_focused()
    page.keyboard.press("Enter")
    rows(page, "complete", 2)
    page.get_by_role("button", name="shot-02: Error").click()
    expect(page.locator(".cw-why")).to_contain_text("Scene scene-001, shot shot-02")
    assert python(page, "print([item.status for item in batch])") == "['complete', 'error', 'complete']"
    assert page.evaluate("() => window.hacked") is None
    assert page.errors == []


def test_one_sweep_shown_twice_and_in_a_page_that_was_reloaded(make, server):
    notebook = make(SWEEP, AWAIT, "sweep")
    page = notebook.page
    cells(page, "complete", 24)
    cell(page, "A lighthouse at dusk", 2).first.click()
    page.wait_for_function(READY, arg=[".cw-stage video", 1])
    notebook.save()
    page.reload()
    cells(page, "complete", 24)
    page.wait_for_function(READY, arg=[".cw-stage video", 1])
    assert page.errors == []


ITEM = {
    "label": "shot",
    "scene": "scene-001",
    "prompt": "A lighthouse at dusk, long lens",
    "status": "queued",
    "message": "next",
    "progress": 0,
    "eta": None,
    "took": None,
    "attempts": 1,
    "error": None,
    "take": None,
}
STATE = {
    "seq": 0,
    "title": "many",
    "complete": 0,
    "cached": 0,
    "failed": 0,
    "active": 200,
    "waiting": 199,
    "progress": 0.5,
    "left": 60,
    "opened": [],
}
AXES = {
    "axes": [
        {"name": "prompt", "values": [[f"view {n}"] * 2 for n in range(10)]},
        {"name": "seed", "values": [[str(n)] * 2 for n in range(20)]},
    ],
    "pairs": False,
    "same": [],
}
# How long each step of a scroll takes, with the layout that it needs.
SCROLL = """
async (selector) => {
  const list = document.querySelector(selector);
  const end = list.scrollHeight - list.clientHeight + list.scrollWidth - list.clientWidth;
  const steps = [];
  for (let at = 0; at <= end; at += 120) {
    const began = performance.now();
    list.scrollTop = list.scrollLeft = at;
    list.lastElementChild.getBoundingClientRect();
    steps.push(performance.now() - began);
    await new Promise(requestAnimationFrame);
  }
  return { steps, end };
}
"""


@pytest.mark.parametrize(("name", "scroller"), [("batch_view", ".cw-rows"), ("sweep_view", ".cw-grid")])
def test_two_hundred_are_there_at_once_and_scroll_smoothly(browser, name, scroller):
    state = STATE | {"items": [ITEM | {"label": f"shot-{n:03}"} for n in range(200)]} | AXES
    static = ROOT / "comfy_widgets" / "static"
    page = browser.new_page(viewport={"width": 1180, "height": 900})
    page.route("http://widgets.test/", lambda route: route.fulfill(body="<!doctype html>", content_type="text/html"))
    page.route("http://widgets.test/view.js", lambda route: route.fulfill(path=static / f"{name}.js"))
    page.goto("http://widgets.test/")
    page.add_style_tag(path=static / f"{name}.css")
    # The fake model has nothing but its state.
    paint = PAINT.replace("get: () => state", "get: (name) => name === 'state' ? state : null")
    times = page.evaluate(paint, ["http://widgets.test/view.js", state])["times"]
    told = page.evaluate(SCROLL, scroller)
    page.close()
    assert told["end"] > 500
    # What else the machine does makes many of them slow; what the view itself costs is in all of them.
    assert min(times) <= 100, times
    assert statistics.quantiles(told["steps"])[0] <= 16, told["steps"]
