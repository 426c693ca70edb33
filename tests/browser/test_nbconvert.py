"""Every notebook as nbconvert's html: what is seen of it, with scripts and videos, and without either."""

import json
import re
from html import unescape

import nbformat
import pytest
from nbconvert import HTMLExporter
from playwright.sync_api import expect

from tests.browser.conftest import shoot
from tests.lib.notebooks import NOTEBOOKS, WITH_TAKES, copy

NAMES = sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb"))
REPLAYED = [name for name in NAMES if name.startswith(WITH_TAKES)]

# Of each picture: how wide it is once it is decoded.
WIDTHS = """
(sources) => Promise.all(sources.map(async (source) => {
  const picture = new Image();
  picture.src = source;
  await picture.decode();
  return picture.naturalWidth;
}))
"""
PLAY = """
async (video) => {
  video.muted = true;
  await video.play();
  return [video.videoWidth, video.readyState];
}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The notebooks as pages, beside their takes."""
    folder = copy(tmp_path_factory.mktemp("pages"), takes=True)
    for name in NAMES:
        page, _ = HTMLExporter().from_filename(str(folder / f"{name}.ipynb"))
        (folder / f"{name}.html").write_text(page, "utf-8")
    return folder


@pytest.fixture
def opened(browser, folder):
    """Open a page: what it asks of the network is refused, and so are the kinds of requests that are named."""
    contexts = []

    def open_(name, *, scripts=True, refused=()):
        contexts.append(browser.new_context(java_script_enabled=scripts, viewport={"width": 1180, "height": 900}))
        page = contexts[-1].new_page()
        page.errors = []
        page.on("pageerror", lambda error: page.errors.append(str(error)))

        def decide(route):
            local = route.request.url.startswith(("file:", "data:"))
            wanted = local and route.request.resource_type not in refused
            route.continue_() if wanted else route.abort()

        page.route("**/*", decide)
        page.goto((folder / f"{name}.html").as_uri(), wait_until="load")
        return page

    yield open_
    for context in contexts:
        context.close()


def htmls(name):
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    return [html for output in outputs if (html := output.get("data", {}).get("text/html"))]


def told(name):
    """What is said of takes and jobs: titles, prompts, seeds, as they are read."""
    # A title within a picture is shown when somebody points at it.
    shown = re.sub(r"<(video|title)\b.*?</\1>", "", "".join(htmls(name)), flags=re.DOTALL)
    texts = re.findall(r">([^<>]+)<", shown)
    return [" ".join(text.split()) for text in texts if text.strip()]


def words(page):
    return " ".join(page.locator("body").inner_text().split())


@pytest.mark.parametrize("name", NAMES)
def test_what_a_notebook_shows_is_seen_on_its_page(opened, name):
    page = opened(name)
    videos = page.locator("video")
    expect(videos).to_have_count(sum(html.count("<video") for html in htmls(name)))
    for video in videos.all():
        expect(video).to_be_visible()
    widths = page.evaluate(WIDTHS, [video.get_attribute("poster") for video in page.locator("video[poster]").all()])
    assert len(widths) == sum(html.count("poster=") for html in htmls(name))
    assert all(width >= 160 for width in widths)
    for table in page.locator(".jp-RenderedHTMLCommon table").all():
        expect(table).to_be_visible()
    seen = words(page)
    assert [text for text in told(name) if unescape(text) not in seen] == []
    shoot(page.locator("main"), f"nbconvert-{name}")
    assert page.errors == []


@pytest.mark.parametrize("name", REPLAYED)
def test_its_takes_play_from_beside_it(opened, name):
    page = opened(name)
    assert page.locator("video").count()
    for video in page.locator("video").all():
        width, ready = video.evaluate(PLAY)
        assert width > 0
        assert ready >= 2
    assert page.errors == []


@pytest.mark.parametrize("name", NAMES)
def test_its_end_is_worth_looking_at(opened, name):
    last = opened(name).locator(".jp-OutputArea").last
    seen = [picture for picture in last.locator("video[poster], img").all() if picture.is_visible()]
    stills = [picture.get_attribute("poster") or picture.get_attribute("src") for picture in seen]
    widths = last.page.evaluate(WIDTHS, stills)
    assert widths
    assert all(width >= 160 for width in widths)


@pytest.mark.parametrize("name", NAMES)
def test_without_scripts_and_videos_it_still_tells_its_story(opened, name):
    page = opened(name, scripts=False, refused=("media", "script"))
    seen = words(page)
    assert [text for text in told(name) if unescape(text) not in seen] == []
    markdown = json.loads((NOTEBOOKS / f"{name}.ipynb").read_text("utf-8"))["cells"][0]["source"]
    expect(page.get_by_role("heading", name="".join(markdown).splitlines()[0].lstrip("# "))).to_be_visible()
    for video in page.locator("video").all():
        expect(video).to_be_visible()
        assert video.bounding_box()["height"] > 50
    # Something worth looking at: a take, a picture or a table.
    assert page.locator(".cw-take video, .cw-take img, .cw-sheet img, table, .jp-RenderedImage img").count()
    shoot(page.locator("main"), f"nbconvert-bare-{name}")
