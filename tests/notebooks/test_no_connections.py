"""What keeps notebooks from asking a server: were it to refuse nothing, that they ask none would be said of any."""

import os
import socket
import subprocess
import sys

import pytest

from tests.lib import no_connections

HOOK = next(iter(no_connections.__path__))
TRY = """
import socket, sys
try:
    socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=10)
except ConnectionRefusedError as error:
    print("refused:", error)
else:
    print("connected")
"""
CHILD = "import subprocess, sys; subprocess.run([sys.executable, *sys.argv[1:]], check=True)"


@pytest.fixture
def port():
    """Somebody listens there."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def told(port, *before, **more):
    """What a Python process says that tries to connect."""
    command = [sys.executable, *before, "-c", TRY, str(port)]
    return subprocess.run(
        command, env=os.environ | more, capture_output=True, text=True, check=True, timeout=60
    ).stdout.strip()


@pytest.mark.parametrize("before", [(), ("-c", CHILD)], ids=["itself", "its child"])
def test_a_python_process_is_refused_what_others_get(tmp_path, port, before):
    log = tmp_path / "refused.log"
    assert told(port, *before) == "connected"
    refusing = {"PYTHONPATH": HOOK, "REFUSED_CONNECTIONS": str(log)}
    # Ours, not the system's, which would refuse only a port where nobody listens.
    assert told(port, *before, **refusing).startswith("refused: No connections here: socket.")
    assert "socket." in log.read_text("utf-8")
    assert str(port) in log.read_text("utf-8")


def test_who_swallows_the_refusal_is_written_down_too(tmp_path, port):
    log = tmp_path / "refused.log"
    told(port, PYTHONPATH=HOOK, REFUSED_CONNECTIONS=str(log))
    told(port, PYTHONPATH=HOOK, REFUSED_CONNECTIONS=str(log))
    assert len(log.read_text("utf-8").splitlines()) == 2
