"""A client for these tests that does nothing by itself: what a test sees is what the server said."""

import contextlib
import json
import struct
import time

import httpx
import pytest
import websockets.sync.client
from websockets.exceptions import ConnectionClosed

PATIENCE = 10.0


def nop(number=1):
    return {"1": {"class_type": "LabNop", "inputs": {"n": number}}}


def slow(steps=3, delay=0.0, seed=1):
    inputs = {"steps": steps, "delay": delay, "preview": "none", "seed": seed, "text": ""}
    return {
        "1": {"class_type": "LabSlow", "inputs": inputs},
        "9": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}},
    }


def small(seed=1, prefix="lab/small"):
    return {"1": {"class_type": "LabSmall", "inputs": {"seed": seed, "filename_prefix": prefix}}}


class Client:
    """One socket and HTTP."""

    def __init__(self, server, client_id="me", headers=None):
        self.id = client_id
        self.http = httpx.Client(base_url=server.url, timeout=PATIENCE, headers=headers)
        self.url = server.url.replace("http", "ws", 1) + f"/ws?clientId={client_id}"
        self.socket = None
        self.open = contextlib.ExitStack()

    def __enter__(self):
        self.open.enter_context(self.http)
        return self

    def __exit__(self, *_):
        self.open.close()

    def connect(self, query=""):
        connection = websockets.sync.client.connect(self.url + query, max_size=None)
        self.socket = self.open.enter_context(connection)
        return self

    def post(self, graph, **more):
        return self.http.post("/prompt", json={"prompt": graph, "client_id": self.id, **more})

    def run(self, graph, **more):
        """Post, and read events until the prompt's end; its id and the events."""
        prompt_id = self.post(graph, **more).json()["prompt_id"]
        return prompt_id, self.events(lambda event: event == ["executing null", prompt_id])

    def events(self, last=lambda _: False):
        """Events as [name, prompt_id] until one of them is the last, or the connection ends."""
        seen = []
        try:
            while not seen or not last(seen[-1]):
                seen.append(self.event())
        except ConnectionClosed:
            seen.append(["closed", None])
        return seen

    def event(self):
        message = self.socket.recv(PATIENCE)
        if isinstance(message, bytes):
            return ["binary", struct.unpack(">I", message[:4])[0]]
        data = json.loads(message)
        name = data["type"]
        if name == "executing" and data["data"]["node"] is None:
            name = "executing null"
        return [name, data["data"].get("prompt_id")]

    def history(self, prompt_id):
        return self.http.get(f"/history/{prompt_id}").json().get(prompt_id)


def names(events):
    return [event[0] for event in events]


def with_faults(*faults, **settings):
    return pytest.mark.comfy_server(faults=faults, **settings)


def wait_for_fate(server, prompt_id, fate):
    deadline = time.monotonic() + 10
    while server.journal.fates().get(prompt_id) != fate:
        assert time.monotonic() < deadline, server.journal.fates()
        time.sleep(0.005)
