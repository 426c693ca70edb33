"""Routes about prompts: submit, queue, history, interrupt, free."""

import contextlib
import json
import time
import uuid
from typing import Any

from aiohttp import web

from comfy_widgets.demo.core import Core
from comfy_widgets.demo.prompts import SENSITIVE
from comfy_widgets.demo.validation import complaint, validate


def routes(core: Core) -> list[web.RouteDef]:
    """The routes."""
    here = Prompts(core)
    return [
        web.get("/prompt", here.count),
        web.post("/prompt", here.submit),
        web.get("/queue", here.queue),
        web.post("/queue", here.change_queue),
        web.get("/history", here.history),
        web.get("/history/{prompt_id}", here.one),
        web.post("/history", here.change_history),
        web.post("/interrupt", here.interrupt),
        web.post("/free", here.free),
    ]


def told(body: Any, key: str) -> Any:
    """What a body says under a key; a list may be sent too, and says nothing."""
    return body.get(key) if isinstance(body, dict) else None


class Prompts:
    """Handlers about prompts.

    Parameters
    ----------
    core
        The server's present life.
    """

    def __init__(self, core: Core) -> None:
        self._core = core

    async def count(self, _: web.Request) -> web.Response:
        """How many prompts have not ended."""
        return web.json_response({"exec_info": {"queue_remaining": self._core.queue.remaining}})

    async def submit(self, request: web.Request) -> web.Response:
        """Validate and queue a prompt."""
        body = await request.json()
        number = self._number(body)
        if "prompt" not in body:
            refusal = complaint("no_prompt", "No prompt provided", "No prompt provided")
            return web.json_response({"error": refusal, "node_errors": {}}, status=400)
        prompt_id = self._prompt_id(body)
        if prompt_id is None:
            refusal = complaint("invalid_prompt_id", "The prompt id is no canonical UUID", str(body["prompt_id"]))
            return web.json_response({"error": refusal, "node_errors": {}}, status=400)
        graph: dict[str, Any] = body["prompt"]
        verdict = validate(graph, body.get("partial_execution_targets"), self._core.world, self._core.rules)
        if verdict.error is not None:
            return web.json_response({"error": verdict.error, "node_errors": verdict.node_errors}, status=400)
        extra = dict(body.get("extra_data", {}))
        if "client_id" in body:
            extra["client_id"] = body["client_id"]
        if self._core.rules.jobs:
            extra["create_time"] = int(time.time() * 1000)
            if source := request.headers.get("Comfy-Usage-Source"):
                extra["comfy_usage_source"] = source
        sensitive = {key: extra[key] for key in SENSITIVE if key in extra}
        self._core.submit((number, prompt_id, graph, extra, verdict.outputs, sensitive))
        return web.json_response({"prompt_id": prompt_id, "number": number, "node_errors": verdict.node_errors})

    def _number(self, body: Any) -> float:
        """The place in the queue: the client's own, the next, or that before all others."""
        if "number" in body:
            return float(body["number"])
        number = -self._core.counter if told(body, "front") else self._core.counter
        self._core.counter += 1
        return number

    def _prompt_id(self, body: dict[str, Any]) -> str | None:
        """The id that the client chose, or one of ours; None if its own is not allowed."""
        rules = self._core.rules
        if "prompt_id" not in body or (rules.canonical_ids and body["prompt_id"] is None):
            return str(uuid.uuid4())
        return str(body["prompt_id"]) if rules.good_id(body["prompt_id"]) else None

    async def queue(self, _: web.Request) -> web.Response:
        """The running prompt, and the pending ones in the order of the heap."""
        queue = self._core.queue
        running = [self._shown(queue.running)] if queue.running else []
        return web.json_response(
            {"queue_running": running, "queue_pending": [self._shown(item) for item in queue.pending]}
        )

    def _shown(self, item: tuple[Any, ...]) -> list[Any]:
        number, prompt_id, graph, extra, outputs, _ = item
        if self._core.rules.hides_keys:
            extra = {key: value for key, value in extra.items() if key not in SENSITIVE}
        return [number, prompt_id, graph, extra, outputs]

    async def change_queue(self, request: web.Request) -> web.Response:
        """Delete pending prompts, or all of them."""
        body = await request.json()
        if told(body, "clear"):
            self._core.clear()
        if "delete" in body:
            for prompt_id in body["delete"]:
                self._core.delete(prompt_id)
        return web.Response()

    async def history(self, request: web.Request) -> web.Response:
        """Ended prompts, oldest first."""
        query = request.rel_url.query
        max_items = int(query["max_items"]) if "max_items" in query else None
        offset = int(query["offset"]) if "offset" in query else -1
        return web.json_response(self._core.queue.past(max_items, offset))

    async def one(self, request: web.Request) -> web.Response:
        """One ended prompt, or an empty object."""
        prompt_id = request.match_info["prompt_id"]
        entry = self._core.queue.history.get(prompt_id)
        return web.json_response({} if entry is None else {prompt_id: entry})

    async def change_history(self, request: web.Request) -> web.Response:
        """Forget ended prompts."""
        body = await request.json()
        history = self._core.queue.history
        if told(body, "clear"):
            history.clear()
        if "delete" in body:
            for prompt_id in body["delete"]:
                history.pop(prompt_id, None)
        return web.Response()

    async def interrupt(self, request: web.Request) -> web.Response:
        """Ask the running prompt to stop; a prompt that is named must be the running one."""
        body: Any = {}
        with contextlib.suppress(json.JSONDecodeError):
            body = await request.json()
        prompt_id = body.get("prompt_id")
        running = self._core.queue.running
        if not prompt_id or (running is not None and running[1] == prompt_id):
            self._core.executor.interrupt()
        return web.Response()

    async def free(self, request: web.Request) -> web.Response:
        """Drop kept results, after the running prompt."""
        body = await request.json()
        if body.get("free_memory"):
            if self._core.queue.running is None:
                self._core.executor.forget()
            else:
                self._core.free_memory = True
        return web.Response()
