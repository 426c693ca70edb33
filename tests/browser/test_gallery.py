"""A gallery of two hundred takes in a real JupyterLab."""

import json
import time
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser import clips
from tests.browser.conftest import READY, shoot

MAKE = 'import comfy_widgets as cw\ngallery = cw.Gallery(cw.TakeCache("takes").takes())\ngallery'
AXE = Path(__file__).parents[2] / "js" / "node_modules" / "axe-core" / "axe.min.js"
NASTY = '<img src=x onerror="window.hacked=1">'

# The scroller is found from the tiles, whatever the page is made of.
SCROLL = """
async () => {
  const long = [];
  const watch = new PerformanceObserver((list) => long.push(...list.getEntries().map((e) => e.duration)));
  watch.observe({ type: 'longtask' });
  const list = document.querySelector('.cw-tiles');
  let end = 60;
  for (let at = 0; at <= end; at += 60) {
    list.scrollTop = at;
    await new Promise(requestAnimationFrame);
    // Further tiles are made on the way.
    end = list.scrollHeight - list.clientHeight;
  }
  await new Promise((done) => setTimeout(done, 100));
  long.push(...watch.takeRecords().map((e) => e.duration));
  return { long, end };
}
"""


def two_hundred(folder):
    first = clips.take(folder, 1, scene="scene-001", shot="shot-01")
    for number in range(2, 201):
        clips.take(
            folder,
            number,
            like=first.path,
            scene=f"scene-{number % 4 + 1:03}",
            shot=f"shot-{number % 20 + 1:02}",
            inputs={"prompt": NASTY if number == 2 else f"A lighthouse, number {number}", "seed": number},
        )


def scrolled(notebook):
    """Scroll all takes by, up to three times.

    On a busy machine a task is long that did little: where one was, those count that used so much of the processor.
    """
    page = notebook.page
    browser = page.context.browser
    for again in range(3):
        if again:
            notebook.save()
            page.reload()
        expect(page.get_by_text("200 takes", exact=True)).to_be_visible()
        page.wait_for_function("() => document.querySelectorAll('.cw-tiles img[src]').length >= 10")
        page.evaluate("() => new Promise((done) => requestIdleCallback(done))")
        browser.start_tracing(page=page, categories=["toplevel", "__metadata"])
        told = page.evaluate(SCROLL)
        used = processor_times(json.loads(browser.stop_tracing())["traceEvents"])
        assert used, "the trace says nothing"
        if told["long"]:
            told["long"] = [ms for ms in used if ms > 50]
        if not told["long"]:
            break
    return told


def processor_times(events):
    """How long the tasks of the page's main thread ran, in milliseconds of the processor."""
    threads = {
        (event["pid"], event["tid"]): event["args"]["name"] for event in events if event["name"] == "thread_name"
    }
    return [
        event["tdur"] / 1000
        for event in events
        if event["name"].endswith("RunTask")
        and "tdur" in event
        and threads.get((event["pid"], event["tid"])) == "CrRendererMain"
    ]


def written(page, path):
    """What the kernel writes once it has heard of a click: the page shows it before."""
    deadline = time.monotonic() + 20
    while not path.exists():
        assert time.monotonic() < deadline, f"{path.name} was never written"
        page.wait_for_timeout(50)
    return path.read_text()


def test_two_hundred_takes(place, start, open_notebook):
    two_hundred(place / "takes")
    notebook = start(MAKE)
    page = notebook.page
    told = scrolled(notebook)
    assert told["end"] > 2000
    # Of the processor: what a busy machine does meanwhile is no work of the page.
    assert told["long"] == []
    page.wait_for_function("() => document.querySelectorAll('.cw-tiles img[src]').length > 150")

    page.get_by_placeholder("Find words").fill("number 77")
    expect(page.get_by_text("2 of 200 takes", exact=True)).to_be_visible()
    page.get_by_placeholder("Find words").fill("")
    page.get_by_label("Scene", exact=True).select_option("scene-003")
    expect(page.get_by_text("50 of 200 takes", exact=True)).to_be_visible()
    tile = page.locator(".cw-tile").first
    expect(page.locator(".cw-words").first).to_have_text(NASTY)

    tile.focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".cw-star").first).to_have_attribute("aria-pressed", "true")
    tile.focus()
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.querySelector('.cw-open video')?.readyState >= 2")
    shoot(page, "gallery-open")
    page.keyboard.press("Escape")
    expect(page.locator(".cw-open")).to_be_hidden()
    marks = json.loads(written(page, place / "takes" / "marks.json"))["marks"]
    assert list(marks.values()) == [{"favourite": True}]
    assert page.errors == []
    assert page.evaluate("window.hacked") is None

    notebook.save()
    page.reload()
    page.get_by_role("button", name="Favourites").click()
    expect(page.get_by_text("1 of 200 takes", exact=True)).to_be_visible()


def test_takes_that_no_server_has(place, start):
    """Pictures come through the kernel then."""
    clips.take(place / ".takes", 1)
    page = start(MAKE.replace('"takes"', '".takes"')).page
    page.wait_for_function("() => document.querySelector('.cw-tiles img')?.src.startsWith('blob:')")
    page.locator(".cw-tile").click()
    page.wait_for_function("() => document.querySelector('.cw-open video')?.readyState >= 2")
    assert page.errors == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(place, start, theme):
    """Every widget on one page, as open as it can be."""
    for number in (1, 2):
        clips.take(place / "takes", number, scene=f"scene-{number:03}")
    failed = 'cw.Studio(offline=True).submit(cw.Workflow.load("../workflows/wan22_ti2v.json"), prompt="A lamp", seed=1)'
    cells = [
        failed,
        "cw.VideoPlayer(takes[0])",
        "cw.Compare(*takes)",
        "cw.Gallery(takes)",
        "cw.Gallery([])",
        "cw.check()",
    ]
    page = start(
        'import comfy_widgets as cw\ntakes = cw.TakeCache("takes").takes()', *cells, theme=theme, height=3000
    ).page
    expect(page.locator(".cw-check tr").last).to_contain_text("answer each other in")
    page.wait_for_function(READY, arg=[".cw video", 3])
    page.get_by_role("button", name="Graph").first.click()
    expect(page.locator(".cw-graph").first).to_contain_text("KSampler")
    page.get_by_role("button", name="Wipe").click()
    page.locator(".cw-tile").first.click()
    page.wait_for_function(READY, arg=[".cw video", 4])
    star = page.locator(".cw-star").first
    star.click()
    # axe does not judge what lies on a picture.
    expect(star).to_have_css("color", "rgb(255, 255, 255)")
    page.evaluate(AXE.read_text("utf-8"))
    told = page.evaluate("() => axe.run({ include: ['.cw'] }, { resultTypes: ['violations'] })")
    assert len(told["passes"]) > 10
    shoot(page, f"all-{theme}")
    assert [(found["id"], found["nodes"][0]["html"]) for found in told["violations"]] == []
