"""Players in a real JupyterLab: where their bytes come from, and what is left when something is missing."""

import json
import re
from dataclasses import replace

from playwright.sync_api import expect

from comfy_widgets.cache import TakeCache
from tests.browser import clips
from tests.browser.conftest import READY, shoot

START = 'import comfy_widgets as cw\ntakes = cw.TakeCache("takes").takes()'
SAVE_STATE = """
async () => {
  const { commands, shell } = window.jupyterapp;
  shell.currentWidget.content.activeCellIndex = 10;
  await commands.execute('@jupyter-widgets/jupyterlab-manager:saveWidgetState');
}
"""
# A player that counts the pieces that it gave.
COUNTED = """
import comfy_widgets as cw
given = []
player = cw.VideoPlayer(cw.TakeCache(".takes").takes()[0])
piece = player._reads["piece"]
player._reads["piece"] = lambda request: given.append(request) or piece(request)
"""
# Cuts the connection to the kernel; whether the video was still on its way then.
RECONNECT = """
async () => {
  const { kernel } = window.jupyterapp.shell.currentWidget.sessionContext.session;
  const loading = !document.querySelector('.cw-load').hidden;
  await kernel.reconnect();
  return loading;
}
"""
NASTY = '<img src=x onerror="window.hacked=1">'


def ready(page, count=1, selector=".cw-player video"):
    page.wait_for_function(READY, arg=[selector, count])


def source(page, at=0):
    return page.locator(".cw-player video").nth(at).get_attribute("src")


def plays(page):
    """Whether the first player's video moves when it is told to."""
    return page.locator(".cw-player video").first.evaluate(
        """async (video) => {
          video.muted = true;
          await video.play();
          const from = video.currentTime;
          await new Promise((done) => video.requestVideoFrameCallback(() => video.requestVideoFrameCallback(done)));
          return video.currentTime > from;
        }"""
    )


def no_errors(page):
    assert page.errors == []
    assert page.evaluate("window.hacked") is None


def test_play_seek_and_step_from_the_server(place, start):
    clips.take(place / "takes", inputs={"prompt": NASTY, "seed": 1})
    page = start(START, "cw.VideoPlayer(takes[0])").page
    ready(page)
    assert "/files/" in source(page)
    video = page.locator(".cw-player video")
    assert plays(page)
    page.get_by_role("button", name="Graph").focus()
    page.keyboard.press(".")
    expect(page.locator(".cw-player")).to_contain_text("of 48")
    video.evaluate("(video) => { video.currentTime = 1 }")
    expect(page.locator(".cw-player")).to_contain_text("frame 25 of 48")
    page.keyboard.press(".")
    expect(page.locator(".cw-player")).to_contain_text("frame 26 of 48")
    page.keyboard.press(",")
    expect(page.locator(".cw-player")).to_contain_text("frame 25 of 48")
    page.keyboard.press("Enter")
    expect(page.locator(".cw-graph")).to_contain_text("KSampler")
    expect(page.locator(".cw-clamp")).to_have_text(NASTY)
    shoot(page.locator(".cw-player"), "player-graph")
    no_errors(page)


def test_pieces_where_the_server_has_no_such_file(place, start):
    """A hidden folder is never served."""
    clips.take(place / ".takes", bytes_=12_000_000)
    notebook = start('import comfy_widgets as cw\ncw.VideoPlayer(cw.TakeCache(".takes").takes()[0])')
    page = notebook.page
    ready(page)
    assert source(page).startswith("blob:")
    assert plays(page)
    notebook.save()
    page.reload()
    ready(page)
    assert source(page).startswith("blob:")
    no_errors(page)


def test_a_pull_while_a_cell_blocks(place, start):
    clips.take(place / ".takes", bytes_=50_000_000)
    # Shown by the cell that blocks: nothing can have been asked for before.
    page = start(COUNTED, "import time\ndisplay(player)\ntime.sleep(6)\nprint(len(given), 'pieces')").page
    told = page.get_by_text(re.compile("^[0-9]+ pieces"))
    expect(told).to_be_visible()
    # All 50 on a quiet machine; none if they wait for the cell.
    assert int(told.inner_text().split()[0]) >= 10
    ready(page)
    assert plays(page)
    no_errors(page)


def test_a_pull_goes_on_after_a_reconnect(place, start):
    clips.take(place / ".takes", bytes_=100_000_000)
    page = start('import comfy_widgets as cw\ncw.VideoPlayer(cw.TakeCache(".takes").takes()[0])').page
    expect(page.locator(".cw-load")).to_have_attribute("aria-valuenow", re.compile("[1-9]"))
    assert page.evaluate(RECONNECT), "it was there before the connection was cut"
    ready(page)
    assert plays(page)
    no_errors(page)


def test_a_kernel_that_died_leaves_what_the_server_has(place, start):
    clips.take(place / "takes")
    clips.take(place / "takes", 2)
    notebook = start(START, "cw.VideoPlayer(takes[0])")
    page = notebook.page
    ready(page)
    notebook.shut_kernel_down()
    assert plays(page)
    page.get_by_role("button", name="Graph").click()
    expect(page.locator(".cw-graph")).to_contain_text(re.compile("[Rr]un the cell again"))
    no_errors(page)


def test_a_take_whose_file_was_deleted_says_so(place, start):
    made = clips.take(place / "takes")
    page = start(
        START, f"from pathlib import Path\nPath('takes/{made.path.name}').unlink()\ncw.VideoPlayer(takes[0])"
    ).page
    expect(page.locator(".cw-note")).to_contain_text(f"The file {made.path.name} is gone. Run the cell again.")
    shoot(page.locator(".cw-player"), "player-gone")
    no_errors(page)


def test_every_file_of_a_job_can_be_looked_at(place, start):
    made = clips.take(place / "takes")
    still = clips.still(place / "takes" / "shot.o1.png", size="400x300")
    picture = replace(made, path=still, poster=None, kind="image", media_type="image/png", size=still.stat().st_size)
    TakeCache(place / "takes").keep(made.with_also([picture]), {})
    page = start(START, "cw.VideoPlayer(takes[0])", "takes[0]").page
    ready(page)
    page.get_by_label("Files of this job").select_option("2: image")
    page.wait_for_function("() => document.querySelector('.cw-screen img')?.naturalWidth === 400")
    expect(page.locator(".cw-player video")).to_be_hidden()
    shoot(page.locator(".cw-player"), "player-other-file")
    page.get_by_label("Files of this job").select_option("1: video")
    ready(page)
    assert plays(page)
    page.wait_for_function("() => document.querySelector('.cw-take img')?.naturalWidth === 400")
    no_errors(page)


def test_a_saved_notebook_stays_small_and_plays_again(place, start, open_notebook):
    like = clips.clip(place / "like.mp4")
    for number in range(10):
        clips.take(place / "takes", number, like=like, bytes_=50_000_000)
    notebook = start(START, *[f"cw.VideoPlayer(takes[{number}])" for number in range(10)])
    page = notebook.page
    ready(page)
    # A setting of this JupyterLab, so that the tests after this one must find it as it was.
    page.evaluate(SAVE_STATE)
    try:
        page.wait_for_function("() => document.querySelectorAll('.cw-player').length === 10")
        notebook.save()
    finally:
        page.evaluate(SAVE_STATE)
    notebook.shut_kernel_down()
    told = json.loads(notebook.file.read_text())
    assert len(told["metadata"]["widgets"]["application/vnd.jupyter.widget-state+json"]["state"]) >= 10
    assert notebook.file.stat().st_size <= 400_000
    again = open_notebook(notebook.path).page
    ready(again)
    assert plays(again)
    no_errors(again)


def test_only_players_that_can_be_seen_hold_video(place, start):
    like = clips.clip(place / "like.mp4")
    for number in range(24):
        clips.take(place / "takes", number, like=like)
    page = start(START, "import ipywidgets\nipywidgets.VBox([cw.VideoPlayer(take) for take in takes])").page
    expect(page.locator(".cw-player")).to_have_count(24)
    ready(page)
    page.wait_for_function(HOLDS_FEW)
    for number in (6, 12, 18, 23):
        page.locator(".cw-player").nth(number).scroll_into_view_if_needed()
        page.wait_for_function(f"() => document.querySelectorAll('.cw-player video')[{number}].readyState >= 2")
        page.wait_for_function(HOLDS_FEW)


# Whether no more videos have a source than can be seen, or a few of those that were seen last.
HOLDS_FEW = """
() => {
  const held = [...document.querySelectorAll('.cw-player video')].filter((video) => video.getAttribute('src'));
  const inView = (video) => {
    const { top, bottom } = video.getBoundingClientRect();
    return bottom > -100 && top < innerHeight + 100;
  };
  return held.length <= Math.max(4, held.filter(inView).length);
}
"""


def test_an_untrusted_notebook_shows_the_plain_take(place, start, open_notebook):
    clips.take(place / "takes", inputs={"prompt": NASTY})
    notebook = start(START, "takes[0]", "cw.VideoPlayer(takes[0])")
    ready(notebook.page)
    notebook.save_and_close()
    # Trust goes by a signature of the content.
    told = json.loads(notebook.file.read_text())
    told["metadata"]["from"] = "somebody else"
    notebook.file.with_name("untrusted.ipynb").write_text(json.dumps(told))
    page = open_notebook(f"{place.name}/untrusted.ipynb").page
    expect(page.locator(".jp-OutputArea video")).to_have_count(2)
    expect(page.get_by_text(NASTY)).to_have_count(2)
    expect(page.locator(".cw")).to_have_count(0)
    shoot(page, "untrusted")
    no_errors(page)
