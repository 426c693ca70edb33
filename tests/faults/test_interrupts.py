"""Interrupts and blocked loops: what a person does to a cell must not be done to the tracker."""

import subprocess
import sys
from pathlib import Path

from tests.faults import blocked

INTERRUPTS = 40  # 200 by hand, see `tests.faults.interrupts`
BLOCKED_SECONDS = 4.0  # 90 by hand, see `tests.faults.blocked`


def test_interrupts_end_waits_and_nothing_else():
    """In a process of its own: nest_asyncio2 changes asyncio.run for all that comes after."""
    command = [sys.executable, "-m", "tests.faults.interrupts", str(INTERRUPTS)]
    root = Path(__file__).parents[2]
    ran = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert f"{INTERRUPTS} of" in ran.stdout


async def test_a_cell_that_blocks_loses_nothing(tmp_path):
    took, bad = await blocked.run(BLOCKED_SECONDS, tmp_path)
    assert not bad
    assert took < blocked.TRUE_WITHIN_SECONDS
