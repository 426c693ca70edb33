"""A canary in a real kernel: a widget answers while a cell blocks, whatever ipykernel does next with its comms."""

import os
import queue
import time
from pathlib import Path

import pytest
from jupyter_client import KernelManager

MAKE = """
import asyncio
from tests.unit.test_widgets_kit import Acts, Home, INPUTS
from comfy_widgets.jobs import Job, JobStatus, Request
from comfy_widgets.widgets import QueueBadge
from comfy_widgets.workflow import Filled

acts = Acts()
job = Job("6f1c", Request(Filled({}, (), INPUTS, "wan22"), shot="shot-01"), Home(), acts)
badge = QueueBadge(job)
job.move(status=JobStatus.RUNNING)
await asyncio.sleep(0.05)  # the main thread publishes on the comm
print("model", badge.model_id)
"""
BLOCK = "import time\nprint('blocking', flush=True)\ntime.sleep(60)"


@pytest.fixture
def kernel(tmp_path, monkeypatch):
    root = str(Path(__file__).parents[2])
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(env=os.environ | {"PYTHONPATH": root}, cwd=str(tmp_path))
    client = manager.blocking_client()
    client.start_channels()
    client.wait_for_ready(timeout=30)
    yield manager, client
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    manager.context.destroy(linger=0)


def test_a_read_is_answered_and_an_act_taken_while_a_cell_blocks(kernel):
    manager, client = kernel
    subshell = subshell_of(client)
    made = client.execute(MAKE)
    model = text(until(client, lambda message: text(message).startswith("model"))).split()[1]
    until(client, lambda message: idle(message, made))

    blocked = client.execute(BLOCK)
    until(client, lambda message: text(message).startswith("blocking"))
    send(client, subshell, model, {"id": "r", "kind": "read", "name": "snapshot"})
    answer = until(client, lambda message: reply(message, "r") or idle(message, blocked))
    assert reply(answer, "r"), "the cell ended before the widget answered"
    assert answer["content"]["data"]["content"]["state"]["job"]["status"] == "running"

    send(client, subshell, model, {"id": "a", "kind": "act", "name": "stop"})
    send(client, subshell, model, {"id": "r2", "kind": "read", "name": "snapshot"})
    until(client, lambda message: reply(message, "r2"))
    manager.interrupt_kernel()
    assert reply(until(client, lambda message: reply(message, "a")), "a")


def subshell_of(client):
    """What JupyterLab makes for its widgets."""
    request = client.session.msg("create_subshell_request")
    client.control_channel.send(request)
    return client.get_control_msg(timeout=10)["content"]["subshell_id"]


def send(client, subshell, model, content):
    message = client.session.msg("comm_msg", {"comm_id": model, "data": {"method": "custom", "content": content}})
    message["header"]["subshell_id"] = subshell
    client.shell_channel.send(message)


def until(client, wanted):
    """The first message on iopub that is wanted."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            message = client.get_iopub_msg(timeout=1)
        except queue.Empty:
            continue
        if wanted(message):
            return message
    pytest.fail("the kernel did not say it within 20 s")


def text(message):
    return message["content"].get("text", "")


def idle(message, parent):
    return message["content"].get("execution_state") == "idle" and message["parent_header"].get("msg_id") == parent


def reply(message, name):
    return message["msg_type"] == "comm_msg" and message["content"]["data"].get("content", {}).get("re") == name
