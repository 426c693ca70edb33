"""What `check` finds, on machines where something is wrong."""

import http.server
import importlib
import json
import socket
import subprocess
import sys
import threading
from base64 import b64encode

import pytest

from comfy_widgets import Studio, check, checks, faces, host
from comfy_widgets.cache import TakeCache
from comfy_widgets.comfyui.address import Address
from comfy_widgets.demo import DemoServer
from comfy_widgets.errors import CacheNotWritable
from comfy_widgets.widgets.check_view import CheckView, Finding

NASTY = "<img src=x onerror=alert(1)>"


@pytest.fixture
def nowhere(monkeypatch):
    """No host at all, whatever runs these tests."""
    for name in ("google.colab", "marimo", "ipykernel"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    for name in ("VSCODE_PID", "VSCODE_CWD", "JPY_SESSION_NAME", "JPY_PARENT_PID"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def jupyter(monkeypatch):
    monkeypatch.setattr(host, "host", lambda: "jupyter")
    monkeypatch.setattr(faces, "host", lambda: "jupyter")
    monkeypatch.setitem(sys.modules, "ipykernel", importlib.import_module("ipykernel"))


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize(
    ("modules", "environment", "name"),
    [
        ([], {}, "python"),
        (["ipykernel"], {}, "jupyter"),
        (["ipykernel"], {"JPY_SESSION_NAME": "/home/a/x.ipynb"}, "jupyter"),
        (["ipykernel"], {"JPY_SESSION_NAME": "/home/a/x.ipynb", "VSCODE_PID": "7"}, "jupyter"),
        (["ipykernel"], {"VSCODE_PID": "7"}, "vscode"),
        (["ipykernel"], {"VSCODE_CWD": "/home/a"}, "vscode"),
        (["ipykernel"], {"JPY_SESSION_NAME": "/home/a/x.ipynb", "VSCODE_CWD": "/home/a"}, "jupyter"),
        (["ipykernel"], {"JPY_SESSION_NAME": "/home/a/x-jvsc-1234.ipynb"}, "vscode"),
        (["ipykernel", "google.colab"], {}, "colab"),
        (["marimo"], {}, "marimo"),
    ],
)
def test_hosts(monkeypatch, modules, environment, name):
    for module in modules:
        monkeypatch.setitem(sys.modules, module, object())
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    assert host.host() == name
    assert host.title(name)
    assert host.serves_files(name) is (name in {"jupyter", "python"})


def environment(folder, *packages):
    for package in packages:
        (folder / "share" / "jupyter" / "labextensions" / package).mkdir(parents=True)
    return str(folder / "bin" / "python")


MANAGER = "@jupyter-widgets/jupyterlab-manager"


def test_a_server_that_has_everything(tmp_path):
    assert checks.extensions(environment(tmp_path, MANAGER, "anywidget"), []).state == "ok"


def test_the_classic_widgets_that_are_not_where_jupyter_runs(tmp_path):
    python = environment(tmp_path, MANAGER)
    found = checks.extensions(python, [])
    assert (found.state, found.what) == ("bad", "the Jupyter server's environment lacks anywidget")
    assert f"{python} -m pip install anywidget" in found.hint


def test_what_is_installed_for_the_person_counts(tmp_path):
    environment(tmp_path / "user", MANAGER, "anywidget")
    folder = tmp_path / "user" / "share" / "jupyter" / "labextensions"
    assert checks.extensions(environment(tmp_path / "server"), [folder]).state == "ok"


def test_a_server_that_cannot_be_looked_at(tmp_path):
    found = checks.extensions(None, [tmp_path])
    assert (found.state, found.hint) == ("unknown", "")


@pytest.fixture
def started(tmp_path, monkeypatch):
    """Let a Python of an environment be the Jupyter server, started as a person types it; where the environment is."""
    bin_ = tmp_path / "venv" / "bin"
    bin_.mkdir(parents=True)
    (bin_ / "python").symlink_to(sys.executable)
    going = []

    def start(typed, path=None):
        command, shell = [typed, "-I", "-c", "input()"], {"PATH": str(path or bin_)}
        process = subprocess.Popen(
            command, executable=bin_ / "python", env=shell, cwd=tmp_path, stdin=subprocess.PIPE, text=True
        )
        going.append(process)
        monkeypatch.setenv("JPY_PARENT_PID", str(process.pid))
        return tmp_path / "venv"

    yield start
    for process in going:
        process.communicate("\n")


@pytest.mark.parametrize("typed", ["python", "venv/bin/python", "./venv/../venv/bin/python"])
def test_the_servers_environment_is_found_however_it_was_started(started, typed):
    venv = started(typed)
    environment(venv, MANAGER, "anywidget")
    assert checks._server_python() == str(venv / "bin" / "python")
    assert checks.extensions(checks._server_python(), []).state == "ok"


@pytest.mark.parametrize(("typed", "path"), [("python", "/nowhere"), ("elsewhere/python", None), ("./python", None)])
def test_a_server_whose_environment_is_not_sure_is_not_judged(started, typed, path):
    started(typed, path)
    assert checks._server_python() is None
    assert checks.extensions(checks._server_python(), []).state == "unknown"


def test_what_is_not_known_keeps_the_table_live():
    data, _ = CheckView([Finding("widgets", "unknown", "not found")])._repr_mimebundle_()
    assert faces.WIDGET_VIEW in data


@pytest.mark.parametrize(
    ("platform", "variables", "folder"),
    [
        ("linux", {}, ".local/share/jupyter"),
        ("linux", {"XDG_DATA_HOME": "data"}, "data/jupyter"),
        ("darwin", {}, "Library/Jupyter"),
        ("win32", {"APPDATA": "Roaming"}, "Roaming/jupyter"),
        ("darwin", {"JUPYTER_DATA_DIR": "mine"}, "mine"),
    ],
)
def test_where_jupyter_looks_for_what_a_person_installed(tmp_path, monkeypatch, platform, variables, folder):
    for name in ("JUPYTER_DATA_DIR", "XDG_DATA_HOME", "APPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, str(tmp_path / value))
    monkeypatch.setattr(checks.Path, "home", lambda: tmp_path)
    monkeypatch.setattr(sys, "platform", platform)
    assert tmp_path / folder / "labextensions" in list(checks._extension_folders())


def test_a_folder_of_takes_beside_the_notebook(jupyter, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert checks.takes(TakeCache("takes")) == Finding("takes", "ok", "0 takes in takes")
    assert not (tmp_path / "takes").exists()
    hidden = checks.takes(TakeCache(".takes"))
    assert (hidden.state, "dot" in hidden.hint) == ("warn", True)
    assert checks.takes(TakeCache(tmp_path.parent / "elsewhere")).state == "warn"


@pytest.mark.usefixtures("nowhere")
def test_a_folder_of_takes_that_cannot_be_written(tmp_path, monkeypatch):
    monkeypatch.setattr(checks.os, "access", lambda path, _mode: path != tmp_path)
    found = checks.takes(TakeCache(tmp_path / "takes"))
    assert (found.state, found.what) == ("bad", f"the folder {tmp_path.name} can't be written")
    (tmp_path / "takes").mkdir()
    assert checks.takes(TakeCache(tmp_path / "takes")).state == "ok"


@pytest.mark.usefixtures("nowhere")
def test_a_folder_of_takes_whose_parents_are_not_made_yet(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert checks.takes(TakeCache("out/deep/takes")) == Finding("takes", "ok", "0 takes in takes")
    assert not (tmp_path / "out").exists()
    TakeCache("out/deep/takes").check_writable()


@pytest.mark.parametrize("folder", ["notes", "notes/deep/takes"])
def test_a_file_is_no_folder_of_takes(tmp_path, folder):
    (tmp_path / "notes").touch()
    found = checks.takes(TakeCache(tmp_path / folder))
    assert (found.state, "notes is a file" in found.what) == ("bad", True)
    with pytest.raises(CacheNotWritable):
        TakeCache(tmp_path / folder).check_writable()


def test_a_folder_that_cannot_be_looked_into_is_no_crash(tmp_path, monkeypatch):
    def closed(path):
        if path == tmp_path / "closed" / "takes":
            raise PermissionError
        return path.is_dir()

    (tmp_path / "closed").mkdir()
    monkeypatch.setattr(checks.Path, "exists", closed)
    monkeypatch.setattr(checks.os, "access", lambda path, _mode: path != tmp_path / "closed")
    found = checks.takes(TakeCache(tmp_path / "closed" / "takes"))
    assert (found.state, found.what) == ("bad", "the folder closed can't be written")


class Server:
    """Answers everything with one answer, and keeps the headers it was shown."""

    def __init__(self, status=200, body=b"{}", **headers):
        self.seen = seen = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                seen.append((self.path, dict(self.headers)))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self._server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self):
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def test_a_server_of_comfyui():
    body = json.dumps({"system": {"comfyui_version": "0.3.64"}}).encode()
    with Server(body=body) as there:
        found = checks.server(Address.parse(f"{there.url}/prefix", api_key="secret"))
    assert found == Finding("server", "ok", "ComfyUI 0.3.64")
    assert there.seen[0][0] == "/prefix/system_stats"
    assert {headers["X-API-Key"] for _, headers in there.seen} == {"secret"}


@pytest.mark.parametrize(("key", "state", "what"), [("demo", "ok", "ComfyUI "), ("wrong", "bad", "wants a key")])
def test_comfy_clouds_form(key, state, what):
    with DemoServer(release="cloud") as there:
        found = checks.server(Address.parse(there.url, api_key=key))
    assert (found.state, what in found.what) == (state, True)


def test_a_user_and_a_password_in_the_address():
    with Server(body=b'{"system": {}}') as there:
        found = checks.server(Address.parse(there.url.replace("://", "://ann:secret@")))
    assert found == Finding("server", "ok", "ComfyUI")
    assert {headers["Authorization"] for _, headers in there.seen} == {f"Basic {b64encode(b'ann:secret').decode()}"}


async def test_in_a_running_loop():
    with Server(body=b'{"system": {}}') as there:
        assert checks.server(Address.parse(there.url)).state == "ok"


def test_a_server_that_is_silent(monkeypatch):
    monkeypatch.setattr(checks, "_PATIENCE", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        found = checks.server(Address.parse(f"http://127.0.0.1:{mute.getsockname()[1]}"))
    assert (found.state, "gave no answer" in found.what) == ("bad", True)


@pytest.mark.parametrize(
    ("status", "body", "what"),
    [
        (401, b"", "wants a key"),
        (403, b"{}", "wants a key"),
        (200, b"<html>", "not as ComfyUI"),
        (200, b"[]", "not as"),
        (500, b"out of order", "HTTP 500: out of order"),
        (503, b"starting", "HTTP 503: starting"),
    ],
)
def test_a_server_that_is_another(status, body, what):
    with Server(status, body) as there:
        found = checks.server(Address.parse(there.url, api_key="secret"))
    assert found.state == "bad"
    assert what in found.what
    assert "secret" not in str(found)


def test_a_redirect_is_not_shown_the_key():
    with Server() as thief, Server(302, Location=thief.url) as there:
        found = checks.server(Address.parse(there.url, api_key="secret"))
    assert found.state == "bad"
    assert thief.seen == []


def test_nobody_answers():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    found = checks.server(Address.parse(f"http://127.0.0.1:{port}"))
    assert "nobody answers" in found.what


@pytest.mark.usefixtures("nowhere")
def test_a_script_gets_the_same_as_text(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    told = check(Studio(offline=True))
    assert told.ok
    assert [line.split()[0] for line in repr(told).splitlines()] == ["versions", "host", "takes", "server"]


@pytest.mark.usefixtures("jupyter")
def test_in_a_notebook_the_server_is_looked_at_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert [finding.name for finding in check().findings] == ["versions", "kernel", "host", "widgets", "takes"]


def test_the_wire_form_and_the_dead_face():
    view = CheckView([Finding("server", "bad", NASTY, "Do this.")])
    assert view.state == {"seq": 0, "findings": [["server", "bad", "does not work", NASTY, "Do this."]]}
    data, _ = view._repr_mimebundle_()
    assert NASTY not in data["text/html"]
    assert "the environment that Jupyter itself runs in" in data["text/html"]
    assert faces.WIDGET_VIEW in data
    assert not view.ok


def test_where_no_widget_can_be_shown_the_table_is_plain():
    data, _ = CheckView([Finding("widgets", "bad", "it lacks anywidget")])._repr_mimebundle_()
    assert faces.WIDGET_VIEW not in data
    assert "it lacks anywidget" in data["text/html"]
