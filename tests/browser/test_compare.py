"""Takes in step, in a real JupyterLab: what is on the screen at the same moment, frame by frame."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser import clips
from tests.browser.conftest import READY, shoot

MAKE = 'import comfy_widgets as cw\ntakes = cw.TakeCache("takes").takes()\ncw.Compare(*takes)'

# Each video's frames as they are shown, with the moment; between two frames the older one stays.
WATCH = """
async (ms) => {
  const videos = [...document.querySelectorAll('.cw-compare video')];
  const shown = videos.map(() => []);
  const end = performance.now() + ms;
  await Promise.all(videos.map((video, at) => new Promise((done) => {
    const look = (now, { mediaTime, expectedDisplayTime }) => {
      shown[at].push([expectedDisplayTime, mediaTime]);
      if (now < end) video.requestVideoFrameCallback(look);
      else done();
    };
    video.requestVideoFrameCallback(look);
  })));
  return shown;
}
"""


def apart(shown, fps=24):
    """How many frames apart the videos were, at each moment when all of them showed a new one.

    A busy machine leaves frames out, now of one and now of another; what was shown is in step or not all the same.
    """
    rows = [{round(moment): media for moment, media in video} for video in shown]
    together = set.intersection(*(set(row) for row in rows))
    return [round((max(times) - min(times)) * fps) for at in together if (times := [row[at] for row in rows])]


@pytest.mark.parametrize(("count", "allowed"), [(2, 1), (4, 3)])
def test_takes_play_in_step(place, start, count, allowed):
    for number in range(1, count + 1):
        clips.take(place / "takes", number, seconds=8, size="640x360" if count == 2 else "480x270")
    page = start(MAKE).page
    page.wait_for_function(READY, arg=[".cw-compare video", count])
    # On a busy machine one of them may be held up: what is in step is so at one of three times at least.
    seen = []
    while len(seen) < 3 and not any(well(found, allowed) for found in seen):
        page.get_by_role("button", name="Play all in step").click()
        page.wait_for_function("() => document.querySelector('.cw-compare video').currentTime > 0.3")
        seen.append(apart(page.evaluate(WATCH, 5000)))
        page.get_by_role("button", name="Pause").click()
        page.get_by_role("slider", name="Place in the takes").fill("0")
    assert any(well(found, allowed) for found in seen), [(len(found), max(found, default=None)) for found in seen]
    assert page.errors == []


def well(found, allowed):
    """Whether enough was shown to say so, and all of it in step."""
    return len(found) > 30 and max(found) <= allowed


# Whether the videos stand still, at these moments, or all at one where none are given.
STAND = """
(wanted) => {
  const videos = [...document.querySelectorAll('.cw-compare video')];
  const [first] = videos;
  const there = (video, at) => Math.abs(video.currentTime - (wanted?.[at] ?? first.currentTime)) <= 0.01;
  return videos.every((video, at) => video.paused && !video.seeking && there(video, at));
}
"""
# Pauses as soon as all have begun again: half a second later the shorter one may rest at its end.
PAUSE_EARLY = """
() => {
  const early = [...document.querySelectorAll('.cw-compare video')].every((video) => video.currentTime < 0.9);
  if (early) document.querySelector('.cw-compare .cw-go').click();
  return early;
}
"""


def test_a_shorter_take_rests_at_its_end_and_both_begin_again(place, start):
    clips.take(place / "takes", 1, seconds=1)
    clips.take(place / "takes", 2, seconds=2, fps=12, inputs={"prompt": "A lighthouse at dawn", "seed": 1})
    page = start(MAKE).page
    page.wait_for_function(READY, arg=[".cw-compare video", 2])
    place_ = page.get_by_role("slider", name="Place in the takes")
    expect(place_).to_have_attribute("aria-valuetext", "0.0 / 2.0 s, frame 1")
    place_.fill("40")
    page.wait_for_function(STAND, arg=[1 - 0.5 / 24, 40.5 / 24])
    expect(page.locator(".cw-over").first).to_be_visible()
    expect(page.locator(".cw-over").last).to_be_hidden()
    shoot(page.locator(".cw-compare"), "compare-over")
    page.keyboard.press(",")
    expect(place_).to_have_attribute("aria-valuetext", re.compile(r"frame 40$"))
    page.get_by_role("button", name="Play all in step").click()
    page.wait_for_function(PAUSE_EARLY)
    expect(page.get_by_role("button", name="Play all in step")).to_be_visible()
    page.wait_for_function(STAND)
    assert page.errors == []


def test_wipe_by_keyboard(place, start):
    clips.take(place / "takes", 1)
    clips.take(place / "takes", 2, source="smptebars")
    page = start(MAKE).page
    page.wait_for_function(READY, arg=[".cw-compare video", 2])
    page.get_by_role("button", name="Wipe").focus()
    page.keyboard.press("Enter")
    line = page.get_by_role("slider", name="How much is shown of either take")
    line.focus()
    for _ in range(20):
        page.keyboard.press("ArrowRight")
    boxes = [screen.bounding_box() for screen in page.locator(".cw-screen").all()]
    assert boxes[0] == boxes[1]
    assert page.locator(".cw-screen").last.evaluate("(e) => getComputedStyle(e).clipPath") == "inset(0px 0px 0px 70%)"
    shoot(page.locator(".cw-compare"), "compare-wipe")
    assert page.errors == []


def test_one_whose_file_is_gone_does_not_stop_the_other(place, start):
    clips.take(place / "takes", 1)
    clips.take(place / "takes", 2)
    page = start(MAKE.replace("cw.Compare", "takes[1].path.unlink()\ncw.Compare")).page
    expect(page.locator(".cw-note").last).to_contain_text("is gone")
    page.get_by_role("button", name="Play all in step").click()
    page.wait_for_function("() => document.querySelector('.cw-compare video').currentTime > 0.2")
    shoot(page.locator(".cw-compare"), "compare-gone")
    assert page.errors == []
