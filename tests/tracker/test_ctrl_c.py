"""Ctrl-C while a terminal waits for its take: asked first, and what is answered is done."""

import json
import signal
import subprocess
import sys
import time

import pytest

from comfy_widgets.demo import DemoServer
from comfy_widgets.unfinished import Unfinished
from tests.lib.graphs import wan
from tests.lib.terminal import CTRL_C, Terminal

pytestmark = pytest.mark.slow
QUESTION = "(c)ancel it on the server, or (l)eave it running?"
AGAIN = "Run the same command again for its take."


@pytest.fixture
def server():
    with DemoServer(step_seconds=0.0) as server:
        yield server
        server.release()


@pytest.fixture
def arguments(server, tmp_path):
    (tmp_path / "wan.json").write_text(json.dumps(wan()))
    return ["run", "wan.json", "--set", "seed=7", "--url", server.url, "--cache", "takes"]


@pytest.fixture
def terminal(server, arguments, tmp_path):
    """A terminal that waits for a take which is being rendered, and was interrupted: it asks what to do."""
    held = server.hold("KSampler")
    with Terminal(*arguments, cwd=tmp_path) as terminal:
        terminal.until("running")
        held.wait()
        terminal.until(QUESTION, pressing=CTRL_C)
        yield terminal


def sees(state):
    """Wait until it is so."""
    deadline = time.monotonic() + 30
    while not state():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def rows(tmp_path):
    return list(Unfinished(tmp_path / "takes").rows())


def made_by_the_same_command(server, arguments, tmp_path):
    """Its take, after the server is let go; nothing may have been rendered for it a second time."""
    server.release()
    with Terminal(*arguments, cwd=tmp_path) as terminal:
        code, path, _ = terminal.end()
    assert code == 0
    assert (tmp_path / path).is_file()
    assert server.journal.posts("/prompt") == 1
    assert rows(tmp_path) == []


def test_cancel_stops_it_on_the_server(terminal, server, tmp_path):
    terminal.type("c\n")
    sees(lambda: server.journal.posts("/interrupt"))
    server.release()
    code, out, screen = terminal.end()
    assert (code, out) == (130, "")
    assert "Cancelled at " in screen
    assert list(server.journal.fates().values()) == ["interrupted"]
    assert rows(tmp_path) == []


@pytest.mark.parametrize("answer", ["l\n", "\n", "\x04"], ids=["leave", "enter", "ctrl-d"])
def test_left_it_goes_on_and_the_same_command_picks_it_up(terminal, server, arguments, tmp_path, answer):
    terminal.type(answer)
    code, out, screen = terminal.end()
    assert (code, out) == (130, "")
    assert AGAIN in screen
    made_by_the_same_command(server, arguments, tmp_path)


def test_a_second_ctrl_c_leaves_it_running(terminal, server, arguments, tmp_path):
    code, out, screen = terminal.end(pressing=CTRL_C)
    assert (code, out) == (130, "")
    assert AGAIN in screen
    assert "Traceback" not in screen
    made_by_the_same_command(server, arguments, tmp_path)


def test_ctrl_c_while_it_is_cancelled_does_not_wait_for_the_server(terminal, server):
    terminal.type("c\n")
    # A node that is held ends for no interrupt.
    sees(lambda: server.journal.posts("/interrupt"))
    code, out, screen = terminal.end(pressing=CTRL_C)
    assert (code, out) == (130, "")
    assert "The server has not confirmed that it is cancelled." in screen
    assert "Traceback" not in screen


def test_what_ends_while_it_is_asked_is_not_cancelled(terminal, server, tmp_path):
    server.release()
    sees(lambda: list(server.journal.fates().values()) == ["success"])
    terminal.type("c\n")
    code, path, _ = terminal.end()
    assert code == 0
    assert (tmp_path / path).is_file()


def test_where_nobody_can_answer_it_is_left_running(server, arguments, tmp_path):
    held = server.hold("KSampler")
    code = "import sys; from comfy_widgets.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", code, *arguments]
    with subprocess.Popen(
        command, cwd=tmp_path, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        held.wait(60)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert err == f"Left as it is. {AGAIN}\n"
    made_by_the_same_command(server, arguments, tmp_path)


def test_ctrl_c_before_the_server_answers_is_asked_too(arguments, tmp_path, server):
    server.inject("http:slow=15@GET /object_info#*")
    with Terminal(*arguments, cwd=tmp_path) as terminal:
        terminal.until("submitting")
        terminal.until(QUESTION, pressing=CTRL_C)
        terminal.type("c\n")
        code, out, _ = terminal.end()
    assert (code, out) == (130, "")
    assert server.journal.posts("/prompt") == 0


def test_the_embedded_server_ends_with_its_command(tmp_path):
    (tmp_path / "wan.json").write_text(json.dumps(wan()))
    with Terminal("run", "wan.json", "--demo", "--cache", "takes", cwd=tmp_path) as terminal:
        terminal.until("running")
        code, out, screen = terminal.end(pressing=CTRL_C)
    assert (code, out) == (130, "")
    assert "Stopped: the embedded server ends with this command." in screen
