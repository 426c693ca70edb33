"""What the tests of the widgets share: jobs that only the test moves, takes on disk, the kernel's end of the wire."""

import asyncio
import threading

import comm

from comfy_widgets.jobs import Job, Request
from comfy_widgets.takes import Take
from comfy_widgets.workflow import Filled

INPUTS = {"prompt": "A lighthouse at dusk", "seed": 7}


class Acts:
    """Notes what is done with jobs; `next` is the job that comes of it."""

    def __init__(self):
        self.calls = []
        self.next = None

    def cancel(self, job):
        self.calls.append(("cancel", job))

    def resubmit(self, job):
        self.calls.append(("resubmit", job))
        return self.next

    def fetch(self, job):
        self.calls.append(("fetch", job))
        return self.next


class Home:
    def __init__(self):
        try:
            self.loop = asyncio.get_running_loop()
        except RuntimeError:
            self.loop = None


class Kit:
    """Everything a test of a widget needs.

    `wire` lists what was sent to the browser: message, buffers, and the thread it was sent on.
    """

    def __init__(self, folder, monkeypatch):
        self.acts = Acts()
        self.wire = []
        self._folder = folder

        def publish(_comm, _kind, data=None, metadata=None, buffers=None, **_more):
            content = data.get("content") if data.get("method") == "custom" else data
            self.wire.append((content, buffers, threading.get_ident()))

        monkeypatch.setattr(comm.DummyComm, "publish_msg", publish)

    def job(self, **state):
        request = Request(Filled({}, (), INPUTS, "wan22"), scene="scene-001", shot="shot-01")
        job = Job("6f1c0f1e-2d3c-4000-8000-000000000001", request, Home(), self.acts)
        job.move(**state)
        return job

    def take(self, data=b"mp4", poster=None, folder="", **fields):
        (self._folder / folder).mkdir(exist_ok=True)
        path = self._folder / folder / f"shot-01_{fields.get('take_number', 1)}.mp4"
        path.write_bytes(data)
        picture = path.with_suffix(".jpg")
        if poster is not None:
            picture.write_bytes(poster)
        known = {
            "key": "9f3ac21b04de" * 5 + "9f3a",
            "kind": "video",
            "media_type": "video/mp4",
            "made": "2026-11-03T10:00:00Z",
            "server": "gpu-1",
            "renderer": "comfyui",
            "inputs": INPUTS,
            "shot": "shot-01",
        }
        return Take(path=path, size=len(data), poster=None if poster is None else picture, **known | fields)

    def receive(self, widget, content):
        """Let a message from the browser arrive on this thread."""
        widget.comm.handle_msg({"content": {"data": {"method": "custom", "content": content}}, "buffers": []})

    def ask(self, widget, kind, name, **fields):
        """Ask, and give the answer that came at once."""
        self.wire.clear()
        self.receive(widget, {"id": "q", "kind": kind, "name": name} | fields)
        return self._answer()

    async def ask_soon(self, widget, kind, name, **fields):
        """Ask, and wait for the answer."""
        self.wire.clear()
        self.receive(widget, {"id": "q", "kind": kind, "name": name} | fields)
        await until(lambda: any("re" in content for content, _, _ in self.wire))
        return self._answer()

    def _answer(self):
        [answer] = [(content, buffers or []) for content, buffers, _ in self.wire if "re" in content]
        return answer


async def turn():
    """Let everything run that the loop has in hand now."""
    for _ in range(5):
        await asyncio.sleep(0)


async def until(condition):
    """Wait for something that will come."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - nobody could set an event for what is looked at from outside
            await asyncio.sleep(0.005)
