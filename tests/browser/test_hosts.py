"""Other hosts than JupyterLab: Notebook 7, marimo, a page by nbconvert, and one that we export."""

import contextlib
import os
import re
import secrets
import socket
import subprocess
import sys
import textwrap
import time
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import expect

import comfy_widgets as cw
from tests.browser import bare_host, clips
from tests.browser.conftest import shoot

AXE = Path(__file__).parents[2] / "js" / "node_modules" / "axe-core" / "axe.min.js"
START = 'import comfy_widgets as cw\ntakes = cw.TakeCache("takes").takes()'
NASTY = '<img src=x onerror="window.hacked=1">'
START_SECONDS = 60
PLAYS = """
async (video) => {
  video.muted = true;
  await video.play();
  await new Promise((done) => video.requestVideoFrameCallback(() => video.requestVideoFrameCallback(done)));
  return video.currentTime > 0;
}
"""


@pytest.fixture
def page(browser):
    context = browser.new_context(viewport={"width": 1100, "height": 900})
    page = context.new_page()
    page.errors = []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    yield page
    context.close()


@contextlib.contextmanager
def running(folder, path, *command):
    """A server of a host, until the test is over; `{port}` in the command is a free one."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    private = {name: str(folder / "private" / name) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR")}
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *(word.format(port=port) for word in command)],
            cwd=folder,
            env=os.environ | private | {"IPYTHONDIR": str(folder / "private" / "ipython")},
            stdout=log,
            stderr=log,
        )
        try:
            deadline = time.monotonic() + START_SECONDS
            while not answers(f"http://127.0.0.1:{port}{path}"):
                assert process.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < deadline, "no answer"
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(20)


def answers(url):
    try:
        with urllib.request.urlopen(url):
            return True
    except OSError:
        return False


def test_notebook_7(place, lab, page):
    clips.take(place / "takes")
    lab.write(f"{place.name}/n.ipynb", START, "cw.VideoPlayer(takes[0])", "takes[0]", "cw.check()")
    token = secrets.token_hex(16)
    command = [
        *("notebook", "--no-browser", "--allow-root", "--ServerApp.port={port}", f"--IdentityProvider.token={token}"),
        *("--JupyterNotebookApp.expose_app_in_browser=True", f"--ServerApp.root_dir={place}"),
    ]
    with running(place, f"/api/status?token={token}", *command) as url:
        page.goto(f"{url}/notebooks/n.ipynb?token={token}")
        page.wait_for_function(
            "() => window.jupyterapp?.shell?.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
        )
        page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells') }")
        video = page.locator(".cw-player video")
        expect(video).to_have_attribute("src", re.compile("/files/takes/"))
        assert video.evaluate(PLAYS)
        assert page.locator(".cw-take video").evaluate(PLAYS)
        expect(page.locator(".cw-check tr").last).to_contain_text("answer each other in")
        expect(page.locator(".cw-check")).to_have_attribute("data-ok", "")
        shoot(page, "notebook-7")
        page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
        page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
        # Opened again, nothing is run.
        page.goto(f"{url}/notebooks/n.ipynb?token={token}")
        assert page.locator(".cw-take video").first.evaluate(PLAYS)
        shoot(page, "notebook-7-reopened")
    # The one about a schema is Notebook's own: it reads its settings before they are there.
    assert [error for error in page.errors if "'schema'" not in error] == []


def test_marimo(place, page):
    clips.take(place / "takes", 1, bytes_=3_500_000)
    clips.take(place / "takes", 2, shot="shot-02")
    (place / "app.py").write_text(
        textwrap.dedent("""
            import marimo
            app = marimo.App()

            @app.cell
            def _():
                import comfy_widgets as cw
                import marimo as mo
                takes = cw.TakeCache("takes").takes()
                return cw, mo, takes

            @app.cell
            def _(cw, mo, takes):
                mo.vstack([mo.ui.anywidget(widget) for widget in (cw.VideoPlayer(takes[0]), cw.Gallery(takes))])
                return
            """)
    )
    command = ["marimo", "run", "app.py", "--headless", "--no-token", "--port", "{port}", "--host", "127.0.0.1"]
    with running(place, "/health", *command) as url:
        page.goto(url)
        video = page.locator(".cw-player video").first
        expect(video).to_have_attribute("src", re.compile("^blob:"))
        assert video.evaluate(PLAYS)
        expect(page.locator(".cw-tiles img").first).to_have_attribute("src", re.compile("^blob:"))
        page.locator(".cw-star").first.click()
        expect(page.get_by_role("button", name="Favourite shot-01")).to_have_attribute("aria-pressed", "true")
        shoot(page, "marimo")
        deadline = time.monotonic() + START_SECONDS
        while not (place / "takes" / "marks.json").exists():
            assert time.monotonic() < deadline, "the mark did not reach the kernel"
            time.sleep(0.05)


BODIES = {
    ("vscode", "light"): "<body data-vscode-theme-kind='vscode-light' style='background:#fff'><main></main>",
    ("vscode", "dark"): "<body data-vscode-theme-kind='vscode-dark' style='background:#1e1e1e'><main></main>",
    ("colab", "light"): "<body style='background:#fff'><main></main>",
    ("colab", "dark"): "<body style='background:#1e1e1e'><div theme='dark'><main></main></div>",
}


@pytest.mark.parametrize(("host", "theme"), BODIES)
def test_a_host_with_neither_files_nor_a_theme(tmp_path, page, monkeypatch, host, theme):
    """What can be known of VS Code and Colab without them."""
    if host == "vscode":
        monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
        monkeypatch.setenv("VSCODE_CWD", str(tmp_path))
    else:
        monkeypatch.setitem(sys.modules, "google.colab", object())
    monkeypatch.chdir(tmp_path)
    player = cw.VideoPlayer(clips.take(tmp_path / "takes", bytes_=3_500_000))
    asked = bare_host.show(page, player, BODIES[host, theme], monkeypatch)
    # A cell awaits: the picture is there, and what is waited for is said.
    assert page.locator(".cw-player video").get_attribute("poster").startswith("data:")
    expect(page.locator(".cw-tag", has_text="Waiting for the kernel")).to_be_visible()
    page.evaluate("() => window.idle()")
    video = page.locator(".cw-player video")
    expect(video).to_have_attribute("src", re.compile("^blob:"))
    assert video.evaluate(PLAYS)
    assert asked == [bare_host.ADDRESS]
    page.get_by_role("button", name="Graph").click()
    expect(page.locator(".cw-graph")).to_contain_text("KSampler")
    page.evaluate(AXE.read_text("utf-8"))
    told = page.evaluate("() => axe.run({ include: ['.cw'] }, { resultTypes: ['violations'] })")
    assert [(found["id"], found["nodes"][0]["html"]) for found in told["violations"]] == []
    shoot(page, f"bare-{host}-{theme}")
    assert page.errors == []


def test_a_page_by_nbconvert(place, lab, start, page):
    clips.take(place / "takes", inputs={"prompt": NASTY})
    notebook = start(START, "takes[0]", "cw.VideoPlayer(takes[0])", "cw.Gallery(takes)")
    expect(notebook.page.locator(".cw-gallery")).to_be_visible()
    notebook.save_and_close()
    subprocess.run(
        [sys.executable, "-m", "nbconvert", "--to", "html", "--output", "page.html", str(notebook.file)],
        check=True,
        cwd=place,
        capture_output=True,
    )
    page.goto((place / "page.html").as_uri())
    # The take, the player's plain face, and the contact sheet; the widgets themselves need a kernel.
    videos = page.locator(".jp-OutputArea video")
    expect(videos).to_have_count(2)
    assert [video.evaluate(PLAYS) for video in videos.all()] == [True, True]
    expect(page.get_by_text("1 take", exact=True)).to_be_visible()
    expect(page.get_by_text(NASTY)).to_have_count(2)
    assert page.evaluate("window.hacked") is None
    shoot(page, "nbconvert")


def test_an_exported_page_stands_alone(tmp_path, page):
    takes = [clips.take(tmp_path / "takes", number, inputs={"prompt": NASTY}) for number in (1, 2)]
    path = cw.export_html(takes, tmp_path / "page.html")
    for take in takes:
        take.path.unlink()
    page.goto(path.as_uri())
    assert [video.evaluate(PLAYS) for video in page.locator("video").all()] == [True, True]
    page.locator("video").first.evaluate("(video) => { video.currentTime = 1.5 }")
    page.wait_for_function("() => document.querySelector('video').currentTime >= 1.5")
    expect(page.get_by_text(NASTY)).to_have_count(2)
    assert page.evaluate("window.hacked") is None
    assert page.errors == []
    shoot(page, "exported")
