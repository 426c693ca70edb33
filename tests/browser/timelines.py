"""A timeline in a notebook: the cell that makes it, and what tests look at."""

import json
import re
import urllib.request
import uuid

from playwright.sync_api import expect

from tests.tracker.test_scenarios import graph, save, slow

RUN = """
async (code) => {
  const { kernel } = window.jupyterapp.shell.currentWidget.sessionContext.session;
  const asked = kernel.requestExecute({ code });
  let said = '';
  asked.onIOPub = ({ header, content }) => {
    if (header.msg_type === 'stream') said += content.text;
    if (header.msg_type === 'error') said += content.evalue;
  };
  await asked.done;
  return said.trim();
}
"""
MAKE = """
import comfy_widgets as cw
studio = cw.Studio("{url}")
workflow = cw.Workflow.load("wan.json")
shots = [
    cw.Shot("shot-01", "A lighthouse at dusk", scene="scene-001", title="Arrival", seed=1),
    cw.Shot("shot-02", "Gulls circle the lamp room", scene="scene-001", seed=2),
    cw.Shot("shot-03", "The storm rolls in", scene="scene-002", seed=3),
]
timeline = cw.Timeline(shots, workflow=workflow, studio=studio, title="Lighthouse")
timeline
"""


def card(page, name):
    return page.get_by_role("group", name=re.compile(rf"^{name}[ ,]"))


def python(page, code):
    return page.evaluate(RUN, code)


def states(page, state, count):
    expect(page.locator(f".cw-card[data-state={state}]")).to_have_count(count)


def keep_busy(server):
    """Somebody else's prompt, which stands in the server's way until its hold is released."""
    held = server.hold("LabSlow")
    body = {"prompt": graph(a=slow(), b=save("a")), "prompt_id": str(uuid.uuid4())}
    asked = urllib.request.Request(
        f"{server.url}/prompt", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    urllib.request.urlopen(asked).close()
    held.wait()
    return held
