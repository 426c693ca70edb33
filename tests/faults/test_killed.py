"""The kernel is killed at each step of making a take; Run All afterwards has the take, and the server rendered once."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from comfy_widgets import media
from comfy_widgets.demo import DemoServer
from tests.lib.dying import STEPS

ROOT = Path(__file__).parents[2]


def run(server, folder, step):
    command = [sys.executable, "-m", "tests.lib.dying", server.url, str(folder), step]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("step", [step for step in STEPS if step])
def test_a_killed_kernel_costs_no_second_render(tmp_path, step):
    with DemoServer(step_seconds=0.01) as server:
        killed = run(server, tmp_path, step)
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        again = run(server, tmp_path, "")
        assert again.returncode == 0, again.stderr
        assert server.journal.posts("/prompt") == 1
    assert media.probe(Path(again.stdout)).frames == 9
    assert list((tmp_path / "unfinished").iterdir()) == []
