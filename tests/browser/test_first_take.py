"""Notebook 01 as a person sees it: the badge moves, the video plays, and plays again tomorrow."""

import json

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import shoot, wait_for_kernel

NAME = "01_first_take.ipynb"

# Everything that the first job's badge shows, so that nothing passes unseen between two looks. The cell that is served
# from disk has a badge as well, which may say "submitting" for a moment.
WATCH = """
() => {
  window.seen = [];
  const look = () => {
    const badge = document.querySelector('.cw-badge');
    const state = badge?.querySelector('.cw-state')?.textContent.trim().toLowerCase();
    const percent = badge?.querySelector('.cw-pct')?.textContent.trim();
    const last = window.seen.at(-1);
    if (state && (last?.state !== state || last?.percent !== percent)) window.seen.push({ state, percent });
  };
  new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true });
}
"""

PLAYS = """
async (video) => {
  video.muted = true;
  await video.play();
  const start = video.currentTime;
  await new Promise((done) => {
    const look = () => (video.currentTime > start ? done() : requestAnimationFrame(look));
    look();
  });
  return { ready: video.readyState, from: start, to: video.currentTime };
}
"""

# The README's picture is the same each time.
FIRST_FRAME = """
(video) => new Promise((done) => {
  video.pause();
  video.addEventListener('seeked', done, { once: true });
  video.currentTime = 0;
})
"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_first_take(open_notebook, lab, theme):
    name = f"{theme}_{NAME}"
    (lab.folder / name).write_bytes((lab.folder / NAME).read_bytes().replace(b"seed=7", b"seed=%d" % len(theme)))
    notebook = open_notebook(name, theme=theme, height=2600)
    page = notebook.page
    wait_for_kernel(notebook)
    page.evaluate(WATCH)
    notebook.run_all()

    badge = page.locator(".cw-badge").first
    page.wait_for_function("() => window.seen.some(({ state }) => state === 'running')")
    shoot(page, f"running-{theme}")
    expect(badge.locator(".cw-state")).to_have_text("complete", ignore_case=True)
    seen = page.evaluate("() => window.seen")
    moving = [told["percent"] for told in seen if told["state"] in {"queued", "running"} and told["percent"]]
    assert len(set(moving)) >= 3, seen
    assert seen[-1]["state"] == "complete"

    player = page.locator(".cw-player video").first
    page.wait_for_function("() => document.querySelector('.cw-player video')?.readyState >= 2")
    played = player.evaluate(PLAYS)
    assert played["ready"] >= 2
    assert played["to"] > played["from"]
    expect(page.locator(".cw-take video")).to_have_count(2)
    shoot(page, f"complete-{theme}")
    player.evaluate(FIRST_FRAME)
    shoot(page.locator(".jp-Cell", has=page.locator(".cw-player")).first, f"first-take-{theme}")
    assert page.errors == []

    notebook.save_and_close()
    assert notebook.file.stat().st_size < 200_000
    assert "widgets" not in json.loads(notebook.file.read_text())["metadata"]

    reopened = open_notebook(name, theme=theme, height=2600)
    face = reopened.page.locator(".cw-take video").first
    face.scroll_into_view_if_needed()
    shoot(reopened.page, f"reopened-{theme}")
    played = face.evaluate(PLAYS)
    assert played["ready"] >= 2
    assert played["to"] > played["from"]
