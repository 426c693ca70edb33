"""A film of five hundred shots without a kernel: painted, and scrolled by script."""

import contextlib
import json

from tests.browser.conftest import ROOT

SHOTS = 500
CARD = {
    "shot": {"prompt": "A lighthouse at dusk, long lens", "scene": "scene-001", "title": "Arrival"},
    "status": "complete",
    "active": False,
    "message": "",
    "progress": 0,
    "eta": None,
    "error": None,
    "takes": [],
    "chosen": None,
    "seconds": 5,
    "edited": False,
    "drawing": False,
    "picture": None,
}
IDS = [f"shot-{n:03}" for n in range(SHOTS)]
STATE = {
    "seq": 0,
    "title": "Long",
    "order": IDS,
    "cards": dict.fromkeys(IDS, CARD),
    "seconds": 0,
    "complete": 0,
    "missing": 0,
    "active": 0,
    "progress": 1,
    "left": None,
    "undo": False,
    "drawer": False,
    "pictures": ["keyframe"],
    "inputs": {},
    "complaint": None,
    "exported": None,
}
# Milliseconds of scripting and layout for five first paints, and how many cards were filled by the last.
PAINT = """
async ([source, state]) => {
  const { default: widget } = await import(source);
  const model = {
    get: () => state, set() {}, on() {}, off() {}, send() {}, widget_manager: {},
  };
  const times = [];
  for (let run = 0; run < 5; run++) {
    const el = document.createElement('div');
    document.body.replaceChildren(el);
    const began = performance.now();
    window.cleanup?.();
    window.cleanup = widget.render({ model, el });
    el.getBoundingClientRect();
    times.push(performance.now() - began);
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  }
  return { times, filled: document.getElementsByClassName('cw-words').length };
}
"""
# How many cards were filled while all went by, and in one frame at most.
SCROLL = """
async () => {
  const strip = document.querySelector('.cw-strip');
  const filled = document.getElementsByClassName('cw-words');
  const all = document.querySelectorAll('.cw-card').length;
  let most = 0;
  const frame = async () => {
    const before = filled.length;
    await new Promise((done) => requestAnimationFrame(done));
    most = Math.max(most, filled.length - before);
  };
  for (let x = 0; x < strip.scrollWidth; x += 900) {
    strip.scrollLeft = x;
    await frame();
  }
  for (let n = 0; n < 300 && filled.length < all; n++) await frame();
  return { filled: filled.length, most };
}
"""


@contextlib.contextmanager
def page_for(browser):
    """A bare page with the timeline's code at `http://widgets.test/view.js`."""
    static = ROOT / "comfy_widgets" / "static"
    page = browser.new_page(viewport={"width": 1180, "height": 900})
    page.route(
        "http://widgets.test/", lambda route: route.fulfill(body="<!doctype html><body>", content_type="text/html")
    )
    page.route("http://widgets.test/view.js", lambda route: route.fulfill(path=static / "timeline_view.js"))
    page.goto("http://widgets.test/")
    page.add_style_tag(path=static / "timeline_view.css")
    yield page
    page.close()


def painted(page):
    """What five first paints took, in milliseconds, and how many cards were filled."""
    return page.evaluate(PAINT, ["http://widgets.test/view.js", STATE])


def scrolled(browser, page):
    """What a scroll through all cards took: `task` is the longest task, in milliseconds of its thread's own time.

    By the clock it would be longer on a busy machine, whatever the page does.
    """
    browser.start_tracing(page=page, categories=["toplevel", "devtools.timeline"])
    told = page.evaluate(SCROLL)
    events = json.loads(browser.stop_tracing())["traceEvents"]
    names = [one for one in events if one["name"] == "thread_name"]
    main = {(one["pid"], one["tid"]) for one in names if one["args"]["name"] == "CrRendererMain"}
    tasks = [one["tdur"] / 1000 for one in events if "tdur" in one and (one["pid"], one["tid"]) in main]
    return told | {"task": max(tasks), "tasks": len(tasks)}
