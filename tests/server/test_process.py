"""The server in a process of its own: it starts, is shared, and ends with whoever started it."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from comfy_widgets.demo import DemoServer, Settings, start
from comfy_widgets.errors import DemoError
from tests.server.client import Client, names, nop, slow

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
STARTER = """
import sys, time
from comfy_widgets.demo import Settings, start
process = start(Settings(seed=int(sys.argv[1])))
print(process.url, process.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def started():
    process = start(Settings(step_seconds=0.0))
    yield process
    process.stop()


def gone(url, seconds=10.0):
    """Whether nobody answers there any more, within some seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            httpx.get(url + "/prompt")
        except httpx.TransportError:
            return True
        time.sleep(0.02)
    return False


def test_equal_settings_share_a_process(started):
    assert start(Settings(step_seconds=0.0)) is started
    other = start(Settings(step_seconds=0.0, seed=1))
    try:
        assert other.pid != started.pid
    finally:
        other.stop()
    assert httpx.get(started.url + "/system_stats").json()["system"]["renderer"] == "demo"


def test_after_stop_a_new_one_is_started(started):
    started.stop()
    started.stop()
    assert gone(started.url)
    again = start(Settings(step_seconds=0.0))
    try:
        assert httpx.get(again.url + "/prompt").status_code == 200
    finally:
        again.stop()


def test_after_its_death_a_new_one_is_started(started):
    os.kill(started.pid, signal.SIGKILL)
    assert gone(started.url)
    again = start(Settings(step_seconds=0.0))
    try:
        assert again.pid != started.pid
    finally:
        again.stop()


def test_it_runs_a_prompt(started):
    with Client(started) as client:
        prompt_id, _ = client.connect().run(slow())
        assert client.history(prompt_id)["status"]["completed"]


@contextlib.contextmanager
def starter(seed):
    """Another Python that started a server; its process, the server's address and pid."""
    process = subprocess.Popen(
        [sys.executable, "-c", STARTER, str(seed)], stdout=subprocess.PIPE, cwd=ROOT, start_new_session=True
    )
    try:
        url, pid = process.stdout.readline().decode().split()
        yield process, url, int(pid)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_it_ends_with_whoever_started_it(how):
    with starter(100 + how) as (process, url, _):
        assert httpx.get(url + "/prompt").status_code == 200
        process.send_signal(how)
        assert gone(url)


def test_ctrl_c_in_the_terminal_does_not_end_it():
    with starter(200) as (process, url, pid):
        assert os.getpgid(pid) != os.getpgid(process.pid)
        os.kill(pid, signal.SIGINT)
        assert httpx.get(url + "/prompt").status_code == 200


def test_its_folder_goes_when_it_is_terminated(tmp_path):
    command = [sys.executable, "-m", "comfy_widgets.demo", "--port", "0", "--until-stdin-closes"]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, env=environment) as process:
        url = json.loads(process.stdout.readline())["url"]
        assert list(tmp_path.iterdir())
        process.terminate()
        assert gone(url)
        assert process.wait(10) == 0
    assert not list(tmp_path.iterdir())


def test_a_server_that_cannot_start_says_why():
    with pytest.raises(DemoError, match="Cannot listen on"):
        start(Settings(host="203.0.113.1"))
    with pytest.raises(DemoError, match="cannot be read"):
        start(Settings(faults=("ws:explode",)))


def test_a_port_that_is_taken_is_said(comfy_server):
    with pytest.raises(DemoError, match="Choose another port"), DemoServer(port=comfy_server.port):
        pass


def test_a_value_that_json_cannot_hold_ends_the_process():
    command = [sys.executable, "-m", "comfy_widgets.demo", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT) as process:
        url = process.stdout.readline().decode().strip()
        with Client(type("Place", (), {"url": url})) as client:
            client.connect().post({"1": {"class_type": "LabUnserializable", "inputs": {"n": 1}}})
            assert client.events()[-1] == ["closed", None]
        assert process.wait(10) == 1
        assert b"died" in process.stderr.read()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve_ends_with_ctrl_c(number):
    command = [
        sys.executable,
        "-m",
        "comfy_widgets.demo",
        "--port",
        "0",
        "--release",
        "newest",
        "--fault",
        "http:500@2",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as process:
        url = process.stdout.readline().decode().strip()
        assert [httpx.get(url + "/api/jobs").status_code for _ in range(3)] == [200, 500, 200]
        process.send_signal(number)
        assert process.wait(10) == 0


def test_serve_as_it_stands_on_the_page_of_faults():
    command = shutil.which("comfy-widgets", path=Path(sys.executable).parent)
    options = ["--release", "newest", "--fault", "ws:cut@7", "--seed", "3", "--port", "0"]
    with subprocess.Popen([command, "serve", *options], stdout=subprocess.PIPE, cwd=ROOT) as process:
        url = process.stdout.readline().decode().split()[-1]
        with Client(type("Place", (), {"url": url})) as client:
            client.connect().post(nop())
            assert names(client.events())[-1] == "closed"
            assert client.http.get("/api/jobs").status_code == 200
            assert client.http.get("/demo/journal").json()["faults"] == ["ws:cut@7"]
        process.terminate()
        assert process.wait(10) == 0


def test_without_aiohttp_everything_imports_and_starting_says_what_to_install():
    code = """
import sys
sys.modules["aiohttp"] = None
from comfy_widgets.demo import DemoServer
from comfy_widgets.errors import DemoError
try:
    with DemoServer():
        pass
except DemoError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "pip install 'comfy-widgets[demo]'" in done.stdout


def test_it_is_started_and_stopped_without_a_block_and_may_be_stopped_twice():
    server = DemoServer(step_seconds=0.0).start()
    assert httpx.get(f"{server.url}/prompt").status_code == 200
    root = server.folders.root
    server.stop()
    server.stop()
    assert not root.exists()


def test_a_program_that_ends_leaves_no_folder_of_its_server_behind(tmp_path):
    code = "from comfy_widgets.demo import DemoServer; print(DemoServer().start().folders.root)"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env={**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    assert not Path(done.stdout.strip()).exists()


async def test_it_runs_in_the_callers_loop():
    async with DemoServer(step_seconds=0.0) as server, httpx.AsyncClient(base_url=server.url) as client:
        held = server.hold("LabNop")
        posted = await client.post("/prompt", json={"prompt": nop()})
        await held
        assert (await client.get("/prompt")).json()["exec_info"]["queue_remaining"] == 1
        held.release()
        prompt_id = posted.json()["prompt_id"]
        while server.journal.fates()[prompt_id] != "success":  # noqa: ASYNC110 - the journal has no events
            await asyncio.sleep(0)
        await server.restarted()
        assert (await client.get("/history")).json() == {}
    assert not server.folders.root.exists()


async def test_a_server_in_a_thread_can_be_held_from_a_coroutine(comfy_server):
    held = comfy_server.hold("LabSlow", step=2)
    async with httpx.AsyncClient(base_url=comfy_server.url) as client:
        await client.post("/prompt", json={"prompt": slow(3)})
        await asyncio.wait_for(held, 10)
        held.release()


def test_files_in_a_folder_of_ones_own_stay(tmp_path):
    with DemoServer(folder=str(tmp_path)) as server, Client(server) as client:
        client.connect().run({"1": {"class_type": "LabSmall", "inputs": {"seed": 1, "filename_prefix": "x"}}})
    assert [path.name for path in (tmp_path / "output").iterdir()] == ["x_00001_.mp4"]
    with DemoServer(folder=str(tmp_path)) as server, Client(server) as client:
        prompt_id, _ = client.connect().run(
            {"1": {"class_type": "LabSmall", "inputs": {"seed": 1, "filename_prefix": "x"}}}
        )
        assert client.history(prompt_id)["outputs"]["1"]["images"][0]["filename"] == "x_00002_.mp4"


def test_a_server_that_is_not_running_has_no_address():
    with pytest.raises(DemoError, match="not running"):
        _ = DemoServer().url
