"""Routes that only Comfy Cloud has: the status of a job, and history as a list."""

from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from comfy_widgets.demo.core import Core
from comfy_widgets.demo.jobs import found, known, origin


def routes(core: Core) -> list[web.RouteDef]:
    """The routes, as docs.comfy.org describes them; their paths begin with /api."""
    here = Cloud(core)
    return [
        web.get("/api/job/{job_id}/status", here.status),
        web.get("/api/history_v2", here.history),
        web.get("/api/history_v2/{prompt_id}", here.one),
    ]


class Cloud:
    """Handlers about jobs in Comfy Cloud's words.

    Parameters
    ----------
    core
        The server's present life.
    """

    def __init__(self, core: Core) -> None:
        self._core = core

    async def status(self, request: web.Request) -> web.Response:
        """Where a job is: what clients without a socket ask again and again."""
        job = found(self._core.queue, request.match_info["job_id"])
        return unknown("Job not found") if job is None else web.json_response(status_of(job))

    async def history(self, request: web.Request) -> web.Response:
        """Ended prompts, newest first, without their workflows."""
        query = request.rel_url.query
        try:
            first, most = int(query.get("offset", 0)), int(query.get("max_items", len(self._core.queue.history)))
        except ValueError:
            return web.json_response({"code": "BAD_REQUEST", "message": "offset and max_items are numbers"}, status=400)
        entries = list(reversed(self._core.queue.history.values()))[max(first, 0) :][: max(most, 0)]
        return web.json_response({"history": [listed(entry) for entry in entries]})

    async def one(self, request: web.Request) -> web.Response:
        """One ended prompt with its graph."""
        prompt_id = request.match_info["prompt_id"]
        entry = self._core.queue.history.get(prompt_id)
        if entry is None:
            return unknown("Prompt not found")
        _, _, graph, _, outputs = entry["prompt"]
        prompt = {**named(entry), "prompt": graph, "outputs_to_execute": outputs}
        return web.json_response({prompt_id: {**entry, "prompt": prompt}})


def unknown(message: str) -> web.Response:
    """The answer about what does not exist."""
    return web.json_response({"code": "NOT_FOUND", "message": message}, status=404)


def status_of(job: dict[str, Any]) -> dict[str, Any]:
    """A row of /api/jobs in the words of this route, which calls a failure ``error``."""
    begun, ended = job.get("execution_start_time"), job.get("execution_end_time")
    changed = moment(ended or begun or job.get("create_time", 0))
    return {
        "id": job["id"],
        "status": "error" if job["status"] == "failed" else job["status"],
        "created_at": moment(job.get("create_time", 0)),
        "updated_at": changed,
        "last_state_update": changed,
        "assigned_inference": None,
        "error_message": job.get("execution_error", {}).get("exception_message"),
    }


def moment(milliseconds: float) -> str:
    """A time as the Cloud writes it."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def named(entry: dict[str, Any]) -> dict[str, Any]:
    """A prompt's parts by their names, where ComfyUI has a list."""
    number, prompt_id, _, extra, _ = entry["prompt"]
    return {"priority": number, "prompt_id": prompt_id, "extra_data": extra}


def listed(entry: dict[str, Any]) -> dict[str, Any]:
    """A prompt as the list has it: without its graph, and without the editor's workflow."""
    prompt = named(entry)
    extra = dict(prompt["extra_data"])
    if isinstance(extra.get("extra_pnginfo"), dict):
        extra["extra_pnginfo"] = {key: value for key, value in extra["extra_pnginfo"].items() if key != "workflow"}
    rest = {key: value for key, value in entry.items() if key != "prompt"}
    came = known(origin(prompt["extra_data"]))
    return {"prompt_id": prompt["prompt_id"], **came, "prompt": {**prompt, "extra_data": extra}, **rest}
