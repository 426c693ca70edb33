"""A real JupyterLab in a real Chromium: one server and one browser for all tests, a notebook for each."""

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from comfy_widgets.demo import DemoServer
from tests.browser.timelines import MAKE
from tests.lib.graphs import wan
from tests.lib.notebooks import copy

ROOT = Path(__file__).parents[2]
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
START_SECONDS = 60
READY = "([selector, n]) => [...document.querySelectorAll(selector)].filter(v => v.readyState >= 2).length >= n"

# A test fails after this long without the state that it waits for; a busy machine is slow, not wrong.
PATIENCE_MS = 60_000

expect.set_options(timeout=PATIENCE_MS)


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab.

    Parameters
    ----------
    url, token
        Where it is, and what it wants to be shown.
    folder
        Where its notebooks lie.
    pid
        Its process.
    """

    url: str
    token: str
    folder: Path
    pid: int

    def ask(self, method: str, path: str) -> bytes:
        request = urllib.request.Request(
            f"{self.url}{path}", method=method, headers={"Authorization": f"token {self.token}"}
        )
        with urllib.request.urlopen(request) as answer:
            return answer.read()

    def write(self, name: str, *sources: str) -> Path:
        """A notebook with these code cells."""
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        path = self.folder / name
        nbformat.write(notebook, path)
        return path


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    with running_lab(tmp_path_factory.mktemp("lab"), tmp_path_factory.mktemp("jupyter")) as lab:
        yield lab


@contextlib.contextmanager
def running_lab(folder, private):
    """A JupyterLab over a copy of the notebooks in `folder`; `private` is for what it keeps for itself."""
    folder = copy(folder, takes=False)
    settings = private / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text(json.dumps({"fetchNews": "false"}))
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    token = secrets.token_hex(16)
    environment = os.environ | {
        "JUPYTER_CONFIG_DIR": str(private / "config"),
        "JUPYTERLAB_SETTINGS_DIR": str(private / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(private / "workspaces"),
        "JUPYTER_RUNTIME_DIR": str(private / "runtime"),
        "IPYTHONDIR": str(private / "ipython"),
    }
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--ServerApp.port={port}"),
        *("--ServerApp.port_retries=0", f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={folder}"),
        *("--LabApp.expose_app_in_browser=True", "--LabApp.news_url=null", "--LabApp.extension_manager=readonly"),
    ]
    log = (private / "log").open("w+")
    process = subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log)
    lab = Lab(f"http://127.0.0.1:{port}", token, folder, process.pid)
    try:
        wait_until_it_answers(lab, process)
        yield lab
    finally:
        process.terminate()
        process.wait(20)
        log.close()


def wait_until_it_answers(lab, process):
    import time

    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            lab.ask("GET", "/api/status")
        except OSError:
            assert process.poll() is None, "JupyterLab ended at its start"
            assert time.monotonic() < deadline, "JupyterLab does not answer"
            time.sleep(0.1)
        else:
            return


@pytest.fixture(scope="session")
def browser():
    with running_browser() as browser:
        yield browser


@contextlib.contextmanager
def running_browser():
    executable = os.environ.get("COMFY_WIDGETS_CHROMIUM") or shutil.which("chromium")
    assert executable, "Chromium is missing: run these by tests/run browser"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@dataclass
class Notebook:
    """A notebook that is open in the browser."""

    page: Page
    lab: Lab
    path: str

    def run_all(self) -> None:
        self.page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells') }")

    def save(self) -> None:
        self.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")

    def save_and_close(self) -> None:
        self.save()
        self.shut_kernel_down()

    def shut_kernel_down(self) -> None:
        self.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")

    @property
    def file(self) -> Path:
        return self.lab.folder / self.path


@pytest.fixture
def open_notebook(lab, browser):
    """Open notebooks by path: ``open_notebook("x.ipynb", theme="dark")``."""
    opened = []

    def open_(path: str, *, theme: str = "light", width: int = 1180, height: int = 900) -> Notebook:
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=theme)
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        opened.append((context, page))
        page.errors = []
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.goto(f"{lab.url}/doc/tree/{path}?token={lab.token}")
        page.wait_for_function("() => window.jupyterapp?.shell?.currentWidget?.sessionContext")
        page.wait_for_selector("body[data-jp-theme-light]", state="attached")
        # The server remembers what an earlier test chose.
        if page.locator("body").get_attribute("data-jp-theme-light") != str(theme == "light").lower():
            name = f"JupyterLab {theme.title()}"
            page.evaluate("(theme) => window.jupyterapp.commands.execute('apputils:change-theme', {theme})", name)
            page.wait_for_selector(f"body[data-jp-theme-light='{str(theme == 'light').lower()}']", state="attached")
        return Notebook(page, lab, path)

    yield open_
    for context, page in opened:
        if not page.is_closed():
            page.evaluate("() => window.jupyterapp?.shell?.currentWidget?.sessionContext?.shutdown()")
        context.close()


@pytest.fixture
def place(lab, request):
    """A folder of its own for a test's notebook and takes."""
    # Tests of two modules may have one name.
    name = f"{request.path.stem}-{request.node.name}"
    folder = lab.folder / name.replace("[", "-").rstrip("]")
    folder.mkdir()
    return folder


@pytest.fixture
def start(lab, place, open_notebook):
    """Open and run a notebook with these cells in the test's folder."""

    def start_(*cells, **how):
        path = f"{place.name}/n.ipynb"
        lab.write(path, *cells)
        notebook = open_notebook(path, **how)
        wait_for_kernel(notebook)
        notebook.run_all()
        return notebook

    return start_


@pytest.fixture
def server():
    """An embedded server that outlives the kernel."""
    with DemoServer(step_seconds=0.02) as server:
        yield server


@pytest.fixture
def make(place, start, server):
    """A notebook with a timeline of three shots."""

    def make_(*cells, source=MAKE, nodes=None, **how):
        (place / "wan.json").write_text(json.dumps(nodes or wan()))
        notebook = start(source.replace("{url}", server.url), *cells, **how)
        expect(notebook.page.locator(".cw-timeline").first).to_be_visible()
        return notebook

    return make_


def wait_for_kernel(notebook: Notebook) -> None:
    notebook.page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget.sessionContext.session?.kernel?.status === 'idle'"
    )


def shoot(what: Page | Locator, name: str) -> None:
    """Keep a screenshot if BROWSER_SHOTS says where; the README's pictures are made so."""
    folder = os.environ.get("BROWSER_SHOTS")
    if folder:
        what.screenshot(path=str(Path(folder) / f"{name}.png"))


__all__ = ["READY", "Browser", "Lab", "Notebook", "shoot", "wait_for_kernel"]
