"""A timeline in a real JupyterLab, on an embedded server that outlives the kernel."""

import os
import re

import pytest
from playwright.sync_api import expect

from comfy_widgets import media
from tests.browser.conftest import ROOT, shoot, wait_for_kernel
from tests.browser.timelines import MAKE, card, keep_busy, python, states
from tests.lib.graphs import wan
from tests.tracker.test_scenarios import graph, save, slow

PICTURE = ROOT / "notebooks" / "keyframes" / "lighthouse.jpg"

# Every state that a card shows, in order.
WATCH = """
() => {
  window.seen = {};
  const look = () => {
    for (const card of document.querySelectorAll('.cw-card[data-state]')) {
      const id = card.getAttribute('aria-label').split(/[ ,]/)[0];
      const all = (window.seen[id] ??= []);
      if (all.at(-1) !== card.dataset.state) all.push(card.dataset.state);
    }
  };
  look();
  const what = { subtree: true, attributes: true, attributeFilter: ['data-state'] };
  new MutationObserver(look).observe(document.body, what);
}
"""
# Every shot that the film shows, in order.
WATCH_FILM = """
() => {
  window.played = [];
  const look = () => {
    const shot = document.querySelector('.cw-shots [data-on]')?.title;
    if (shot && window.played.at(-1) !== shot) window.played.push(shot);
  };
  new MutationObserver(look).observe(document.body, { subtree: true, attributes: true, attributeFilter: ['data-on'] });
}
"""


def test_three_shots_from_the_button_to_the_film_and_back_after_a_restart(make, server, place):
    notebook = make()
    page = notebook.page
    states(page, "waiting", 3)
    page.evaluate(WATCH)
    held = keep_busy(server)
    page.get_by_role("button", name="Generate missing (3)").click()
    states(page, "queued", 3)
    expect(card(page, "shot-02")).to_contain_text("Queued, 2nd in line")
    held.release()
    states(page, "complete", 3)
    for seen in page.evaluate("() => window.seen").values():
        told = [state for state in seen if state not in {"submitting", "saving"}]
        assert told == ["waiting", "queued", "running", "complete"]
    posts = server.journal.posts("/prompt")

    card(page, "shot-01").get_by_role("button", name="More").click()
    page.get_by_role("button", name="Duplicate", exact=True).click()
    expect(card(page, "shot-04")).to_be_focused()
    page.get_by_role("button", name="Generate missing (1)").click()
    states(page, "complete", 4)
    assert server.journal.posts("/prompt") == posts
    same = "print(timeline.chosen['shot-04'].path == timeline.chosen['shot-01'].path, list(timeline.takes))"
    assert python(page, same) == "True ['shot-01', 'shot-04', 'shot-02', 'shot-03']"

    page.evaluate(WATCH_FILM)
    page.get_by_role("button", name="Play film").click()
    page.wait_for_function("() => window.played.join() === 'shot-01,shot-04,shot-02,shot-03'")
    place_in_film = page.get_by_role("slider", name="Place in the film")
    place_in_film.press("Home")
    expect(page.locator(".cw-film")).to_contain_text("0.0 / 1.5 s")
    place_in_film.press("End")
    expect(page.locator(".cw-film")).to_contain_text("1.5 / 1.5 s")
    shoot(page.locator(".cw-timeline"), "timeline-film")
    page.get_by_role("button", name="Export film").click()
    expect(page.locator(".cw-exported")).to_have_text("Lighthouse.mp4 is there")
    film = media.probe(place / "Lighthouse.mp4")
    assert (film.frames, film.codec) == (4 * 9, "h264")
    assert film.seconds == pytest.approx(float(python(page, "print(timeline.seconds)")), abs=0.01)

    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.restartKernel()")
    wait_for_kernel(notebook)
    notebook.run_all()
    page.wait_for_function("() => document.querySelectorAll('.cw-card img[src]').length >= 4")
    states(page, "complete", 4)
    expect(page.get_by_role("button", name="Generate missing (0)")).to_be_disabled()
    assert server.journal.posts("/prompt") == posts
    assert page.errors == []


def test_one_that_fails_says_where_while_others_finish_and_edits_go_both_ways(make, server, place):
    source = MAKE.replace("seed=2)", "seed=2, inputs={'steps': -1})")
    page = make(source=source).page
    held = server.hold("KSampler")
    page.get_by_role("button", name="Generate missing").click()
    states(page, "running", 1)
    # Typed while others are made: slowly enough that their news comes between the letters.
    prompt = page.get_by_role("textbox", name="Prompt of shot-03")
    prompt.fill("")
    text = "Typed while shot-01 is made, <b>not</b> a letter lost, 灯台"
    prompt.press_sequentially(text[:20], delay=30)
    held.release()
    prompt.press_sequentially(text[20:], delay=30)
    states(page, "complete", 2)
    expect(prompt).to_have_value(text)
    prompt.press("Escape")
    expect(card(page, "shot-03")).to_be_focused()
    assert python(page, "print(timeline['shot-03'].prompt)") == text
    expect(card(page, "shot-03")).to_contain_text("Complete, edited since")
    trouble = page.locator(".cw-err")
    expect(trouble).to_contain_text("Scene scene-001, shot shot-02")
    expect(trouble).to_contain_text("The other shots go on.")
    shoot(page.locator(".cw-timeline"), "timeline-error")

    python(page, "timeline.edit('shot-02', prompt='Said in Python', inputs={}); timeline.move('shot-02', 0)")
    expect(page.get_by_role("textbox", name="Prompt of shot-02")).to_have_value("Said in Python")
    expect(page.locator(".cw-card").first).to_contain_text("shot-02")
    card(page, "shot-02").get_by_role("button", name="Again").click()
    states(page, "complete", 3)
    expect(trouble).to_have_count(0)

    # Another kernel writes the file.
    file = place / "Lighthouse.json"
    theirs = file.read_text("utf-8").replace("Said in Python", "Said elsewhere")
    file.write_text(theirs, "utf-8")
    prompt.fill("Mine")
    expect(trouble).to_contain_text("changed by somebody else")
    assert file.read_text("utf-8") == theirs
    page.get_by_role("button", name="Take theirs").click()
    expect(page.get_by_role("textbox", name="Prompt of shot-02")).to_have_value("Said elsewhere")
    expect(trouble).to_have_count(0)
    assert page.errors == []


def test_a_node_that_fails_names_its_prompt(make, server):
    nodes = graph(a=slow(text=""), f={"class_type": "LabFail", "image": ["a", 0], "message": "no"}, b=save("f"))
    source = MAKE.replace('load("wan.json")', "load('wan.json').bind(prompt='a.text', seed='a.seed')").replace(
        "A lighthouse at dusk", "<img src=x onerror='window.hacked=1'>"
    )
    page = make(source=source, nodes=nodes).page
    card(page, "shot-01").get_by_role("button", name="Generate").click()
    prompt_id = "[0-9a-f]{8}-[0-9a-f-]{27}"
    expect(page.locator(".cw-err")).to_contain_text(re.compile(f"Scene scene-001, shot shot-01, prompt {prompt_id}:"))
    assert page.evaluate("() => window.hacked") is None
    assert page.errors == []


def test_everything_by_keyboard(make, place):
    page = make().page
    card(page, "shot-01").focus()
    order = "print([shot.id for shot in timeline.shots])"
    press = page.keyboard.press
    press("ArrowRight")
    expect(card(page, "shot-02")).to_be_focused()
    press("Alt+ArrowRight")
    expect(card(page, "shot-02, 3 of 3")).to_be_focused()
    assert python(page, order) == "['shot-01', 'shot-03', 'shot-02']"
    press("Control+z")
    expect(card(page, "shot-02, 2 of 3")).to_be_visible()
    press("Enter")
    page.keyboard.insert_text("!")
    press("Escape")
    press("x")
    expect(page.get_by_role("checkbox", name="Select shot-02")).to_be_checked()
    expect(page.get_by_role("button", name="Generate selected (1)")).to_be_visible()
    press("g")
    states(page, "complete", 1)
    press("d")
    expect(card(page, "shot-04")).to_be_focused()
    press("g")
    states(page, "complete", 2)
    press("Delete")
    expect(page.get_by_role("button", name="Delete shot-04")).to_be_focused()
    press("Escape")
    expect(card(page, "shot-04")).to_be_focused()
    press("Delete")
    press("Enter")
    expect(page.locator(".cw-card")).to_have_count(3)
    press("m")
    expect(page.get_by_role("textbox", name="Scene")).to_be_focused()
    press("Escape")
    expect(page.locator(".cw-card:focus")).to_have_count(1)
    card(page, "shot-02").focus()
    press("g")
    expect(card(page, "shot-02").locator(".cw-one")).to_have_count(2)
    first = page.get_by_role("button", name=re.compile("^take 1"))
    first.focus()
    press("Enter")
    expect(first).to_have_attribute("aria-pressed", "true")
    chosen = "print([t is timeline.chosen['shot-02'] for t in timeline.takes['shot-02']])"
    assert python(page, chosen) == "[True, False]"
    card(page, "shot-02").focus()
    press("Space")
    expect(page.get_by_role("slider", name="Place in the film")).to_be_visible()
    press("Escape")
    expect(page.locator(".cw-film")).to_be_hidden()
    assert python(page, "print(timeline['shot-02'].prompt)").count("!") == 1
    assert page.errors == []


def near(page):
    """Come near, and wait for what is needed then: people take longer to drag something than it takes to come."""
    card(page, "shot-01").hover()
    page.locator(".cw-drawer").wait_for(state="attached")


# Lets go of a file over a card, at a part of its width.
DROP = """
([name, at, bytes]) => {
  const data = new DataTransfer();
  data.items.add(new File([new Uint8Array(bytes)], 'my picture.png', { type: 'image/png' }));
  const on = [...document.querySelectorAll('.cw-card')].find((one) => one.ariaLabel.startsWith(name));
  const { left, width } = on.getBoundingClientRect();
  const how = { dataTransfer: data, clientX: left + at * width, bubbles: true, cancelable: true };
  on.dispatchEvent(new DragEvent('dragover', how));
  const said = on.querySelector('.cw-drop [data-on]')?.textContent;
  on.dispatchEvent(new DragEvent('drop', how));
  return said;
}
"""


def drop(page, name, picture, at=0.25):
    """What the card says before the picture is let go."""
    return page.evaluate(DROP, [name, at, list(picture)])


def test_dragged_and_dropped(make, place):
    page = make(nodes=wan(keyframe=True)).page
    near(page)
    card(page, "shot-03").locator(".cw-pic").drag_to(card(page, "shot-01").locator(".cw-pic"))
    expect(page.locator(".cw-card").first).to_contain_text("shot-03")
    expect(card(page, "shot-03, 1 of 3")).to_be_focused()
    # A picture of more than a message may hold.
    large = place / "large.jpg"
    large.write_bytes(PICTURE.read_bytes() + bytes(9_000_000))
    card(page, "shot-03").get_by_role("button", name="More").click()
    page.locator(".cw-drawer input[type=file]").set_input_files(large)
    expect(card(page, "shot-03").locator(".cw-pic img")).to_be_visible()
    keyframe = place / python(page, "print(timeline['shot-03'].keyframe)")
    assert keyframe.stat().st_size == large.stat().st_size
    assert drop(page, "shot-01", b"not a picture") == "Keyframe"
    expect(page.locator(".cw-err")).to_contain_text("my picture.png is not an image that can be read")
    page.get_by_role("button", name="Generate missing").click()
    states(page, "complete", 1)
    states(page, "error", 2)
    expect(card(page, "shot-01")).to_contain_text("It has no keyframe")
    expect(page.locator(".cw-err", has_text="has no keyframe")).to_have_count(1)
    expect(page.locator(".cw-err", has_text="has no keyframe")).to_contain_text("shot-01 and 1 more")
    assert page.errors == []


def test_both_keyframes_by_path_and_by_dropping(make, place):
    ends = wan(keyframe=True) | {
        "60": {"class_type": "LoadImage", "inputs": {"image": "end.png"}},
        "61": {"class_type": "SaveImage", "inputs": {"images": ["60", 0], "filename_prefix": "end"}},
    }
    source = MAKE.replace('load("wan.json")', 'load("wan.json").bind(keyframe="56.image", end_keyframe="60.image")')
    notebook = make(source=source, nodes=ends)
    page, first = notebook.page, card(notebook.page, "shot-01")
    near(page)
    (place / "start.jpg").write_bytes(PICTURE.read_bytes())
    first.get_by_role("button", name="More").click()
    path = page.get_by_role("textbox", name="Keyframe", exact=True)
    path.fill("nowhere.jpg")
    expect(first.locator(".cw-stills")).to_contain_text("nowhere.jpg does not exist. Drop an image on the card.")
    path.fill("start.jpg")
    expect(first.locator(".cw-stills img")).to_have_count(1)
    assert drop(page, "shot-01", PICTURE.read_bytes(), at=0.75) == "End keyframe"
    expect(first.locator(".cw-stills img")).to_have_count(2)
    expect(page.get_by_role("textbox", name="End keyframe")).to_have_value(re.compile("^keyframes/my-picture_"))
    shoot(page.locator(".cw-timeline"), "timeline-keyframes")
    first.get_by_role("button", name="Generate").click()
    states(page, "complete", 1)
    used = "print(timeline['shot-01'].keyframe, timeline.chosen['shot-01'].inputs['end_keyframe'])"
    assert re.fullmatch(r"start\.jpg my-picture_.{8}\.jpg", python(page, used))

    notebook.shut_kernel_down()
    card(page, "shot-02").get_by_role("button", name="Generate").click()
    expect(page.locator(".cw-err")).to_contain_text("The kernel is gone. Run the cell again.")
    assert page.errors == []


README = """
import comfy_widgets as cw
studio = cw.Studio("{url}")
workflow = cw.Workflow.load("wan.json").bind(width="55.width", height="55.height")
how = {"inputs": {"width": 640, "height": 272, "length": 25}}
shots = [
    cw.Shot("shot-01", "A lighthouse at dusk, waves breaking on black rock", scene="scene-001", title="Arrival", **how),
    cw.Shot("shot-02", "A sailing boat at noon, calm sea, gulls", scene="scene-001", title="Out at sea", **how),
    cw.Shot("shot-03", "The storm front rolls in, rain, cold light", scene="scene-001", title="Storm", **how),
    cw.Shot("shot-04", "Mountains at dawn, mist in the valleys", scene="scene-002", title="Inland", **how),
    cw.Shot("shot-05", "Night, stars turning above the tower", scene="scene-002", title="Night", **how),
]
timeline = cw.Timeline(shots, workflow=workflow, studio=studio, title="Lighthouse")
timeline
"""


@pytest.mark.skipif("BROWSER_SHOTS" not in os.environ, reason="makes the README's picture, asked for by BROWSER_SHOTS")
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_picture_of_the_readme(make, server, theme):
    page = make(source=README, theme=theme, height=1400).page
    for name, takes in (("shot-01", 3), ("shot-02", 1)):
        for n in range(takes):
            card(page, name).locator(".cw-do button").first.click()
            expect(card(page, name).locator(".cw-one")).to_have_count(n + 1)
    python(page, "timeline.choose('shot-01', timeline.takes['shot-01'][0])")
    held = server.hold("KSampler")
    card(page, "shot-03").get_by_role("button", name="Generate").click()
    states(page, "running", 1)
    card(page, "shot-04").get_by_role("button", name="Generate").click()
    expect(card(page, "shot-04")).to_contain_text("Queued, next")
    page.get_by_role("button", name="Play film").click()
    page.wait_for_function("() => document.querySelector('.cw-film video')?.readyState >= 2")
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("slider", name="Place in the film").fill("0.6")
    page.wait_for_function("() => !document.querySelector('.cw-film video').seeking")
    page.get_by_role("slider", name="Place in the film").blur()
    page.mouse.move(0, 0)
    shoot(page.locator(".cw-timeline"), f"film-in-shots-{theme}")
    held.release()
    states(page, "complete", 4)
    assert page.errors == []


LONG = MAKE.replace('title="Arrival"', 'title="灯台" * 150').replace("Gulls circle", "A very long prompt " * 60)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_can_be_read_by_everybody(make, theme):
    source = LONG.replace("seed=3)", "seed=3, inputs={'steps': -1})")
    page = make("cw.Timeline(workflow=workflow, studio=studio)", source=source, theme=theme).page
    expect(page.get_by_text("No shots yet").last).to_be_visible()
    first = page.locator(".cw-timeline").first
    first.get_by_role("button", name="Generate missing").click()
    states(page, "complete", 2)
    states(page, "error", 1)
    first.get_by_role("button", name="More of shot-02").click()
    first.get_by_role("button", name="Play film").click()
    expect(first.locator(".cw-film")).to_be_visible()
    page.add_script_tag(path=ROOT / "js" / "node_modules" / "axe-core" / "axe.min.js")
    found = page.evaluate("async () => (await axe.run('.cw-timeline')).violations.map((v) => [v.id, v.nodes[0].html])")
    assert found == []
    shoot(first, f"timeline-{theme}")
    page.set_viewport_size({"width": 420, "height": 1400})
    assert first.evaluate("(el) => el.scrollWidth <= el.clientWidth")
    shoot(first, f"timeline-narrow-{theme}")
    assert page.errors == []
