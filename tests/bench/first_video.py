"""From a clean clone to the first video on screen, as a newcomer comes there: ``python -m tests.bench.first_video``.

It clones this repository as it was committed last, runs the README's first command in a new environment, opens what
JupyterLab says in Chromium, and runs all cells. Printed are the seconds of each part; downloads are among those of the
first, so a mirror or a warm cache makes it shorter.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from tests.browser.conftest import running_browser

ROOT = Path(__file__).parents[2]
COMMAND = re.compile(r"^python3 -m venv .*comfy-widgets demo$", re.MULTILINE)
OPENS = re.compile(r"http://(?:localhost|127\.0\.0\.1):\d+/\S*token=\w+")
SERVER_SECONDS = PAGE_SECONDS = 120
MOVES = (
    "() => { const v = document.querySelector('.cw-player video'); return v && v.readyState >= 2 && v.videoWidth > 0 }"
)
READY = "() => window.jupyterapp.shell.currentWidget.sessionContext.session?.kernel?.status === 'idle'"


class Parts:
    """Seconds of one part after the other."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._began = time.monotonic()

    def ends(self, name: str) -> None:
        now = time.monotonic()
        self.seconds[name], self._began = now - self._began, now
        sys.stdout.write(f"{name:<12} {self.seconds[name]:6.1f} s\n")
        sys.stdout.flush()


def environment(private: Path) -> dict[str, str]:
    """What a shell has that knows nothing of this repository, for a person who never used Jupyter."""
    private.mkdir()
    # The page's global is what the tests look at too; nobody's browser opens.
    (private / "jupyter_lab_config.py").write_text("c.LabApp.expose_app_in_browser = True\nc.LabApp.news_url = None\n")
    own = {
        name: str(private) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    }
    own |= {
        "JUPYTERLAB_SETTINGS_DIR": str(private / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(private / "workspaces"),
    }
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("COMFY_", "JUPYTER", "VIRTUAL_ENV"))
    }
    places = [place for place in kept["PATH"].split(os.pathsep) if not Path(place).is_relative_to(ROOT)]
    return kept | own | {"PATH": os.pathsep.join(places), "BROWSER": "true"}


def address(process: subprocess.Popen) -> str:
    """Where JupyterLab says that it is."""
    watch = threading.Timer(SERVER_SECONDS, process.kill)
    watch.start()
    said = []
    for line in process.stderr:
        said.append(line)
        if found := OPENS.search(line):
            watch.cancel()
            # It goes on talking, and must not wait for somebody to listen.
            threading.Thread(target=process.stderr.read, daemon=True).start()
            return found[0]
    raise SystemExit("JupyterLab did not start:\n" + "".join(said[-20:]))


def see(url: str, parts: Parts) -> None:
    with running_browser() as browser:
        page = browser.new_page(viewport={"width": 1180, "height": 2600})
        page.set_default_timeout(PAGE_SECONDS * 1000)
        page.goto(url)
        page.wait_for_function("() => window.jupyterapp?.shell?.currentWidget?.sessionContext")
        page.wait_for_function(READY)
        parts.ends("kernel")
        page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells') }")
        page.wait_for_function(MOVES)
        parts.ends("first frame")
        if shots := os.environ.get("BROWSER_SHOTS"):
            page.screenshot(path=str(Path(shots) / "first-video.png"))


def main() -> None:
    command = COMMAND.search((ROOT / "README.md").read_text("utf-8"))
    if command is None:
        raise SystemExit("README.md has no first command any more.")
    install, demo = command[0].rsplit(" && ", 1)
    with tempfile.TemporaryDirectory() as place:
        clone = Path(place) / "clone"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        parts, env = Parts(), environment(Path(place) / "jupyter")
        subprocess.run(install, shell=True, cwd=clone, env=env, check=True, stdout=subprocess.DEVNULL)
        parts.ends("install")
        # Without a shell between, so that it can be stopped.
        lab = {"cwd": clone, "env": env, "stderr": subprocess.PIPE, "text": True, "start_new_session": True}
        with subprocess.Popen(demo.split(), **lab) as running:
            try:
                url = address(running)
                parts.ends("server")
                see(url, parts)
            finally:
                os.killpg(running.pid, signal.SIGTERM)
    sys.stdout.write(f"{'in all':<12} {sum(parts.seconds.values()):6.1f} s\n")


if __name__ == "__main__":
    main()
