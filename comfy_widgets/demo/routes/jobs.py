"""Routes that newer releases have: /api/jobs."""

from typing import Any

from aiohttp import web

from comfy_widgets.demo.core import Core
from comfy_widgets.demo.jobs import STATUSES, found, listed

_ORDERS = {
    "created_at": lambda job: job.get("create_time", 0),
    "execution_duration": lambda job: job.get("execution_end_time", 0) - job.get("execution_start_time", 0),
}


def routes(core: Core) -> list[web.RouteDef]:
    """The routes; their paths begin with /api in every form of the server."""
    here = Jobs(core)
    return [
        web.get("/api/jobs", here.list),
        web.post("/api/jobs/cancel", here.cancel_many),
        web.get("/api/jobs/{job_id}", here.one),
        web.post("/api/jobs/{job_id}/cancel", here.cancel),
    ]


class Jobs:
    """Handlers about jobs.

    Parameters
    ----------
    core
        The server's present life.
    """

    def __init__(self, core: Core) -> None:
        self._core = core

    async def list(self, request: web.Request) -> web.Response:
        """Jobs, filtered, sorted, page by page."""
        query = request.rel_url.query
        wanted = query["status"].split(",") if "status" in query else list(STATUSES)
        order, direction = query.get("sort_by", "created_at"), query.get("sort_order", "desc")
        if not set(wanted) <= set(STATUSES) or order not in _ORDERS or direction not in {"asc", "desc"}:
            return web.json_response({"error": "A filter or an order is unknown"}, status=400)
        try:
            limit, offset = (int(query[key]) if key in query else None for key in ("limit", "offset"))
        except ValueError:
            return web.json_response({"error": "limit and offset are whole numbers"}, status=400)
        jobs = [job for job in listed(self._core.queue) if job["status"] in wanted]
        if "workflow_id" in query:
            jobs = [job for job in jobs if job.get("workflow_id") == query["workflow_id"]]
        jobs.sort(key=_ORDERS[order], reverse=direction == "desc")
        return web.json_response(page(jobs, offset or 0, limit))

    async def one(self, request: web.Request) -> web.Response:
        """One job with its outputs."""
        job = found(self._core.queue, request.match_info["job_id"])
        return web.json_response({"error": "Job not found"}, status=404) if job is None else web.json_response(job)

    async def cancel(self, request: web.Request) -> web.Response:
        """Cancel one job in one step, wherever it is."""
        return web.json_response({"cancelled": self._core.cancel(request.match_info["job_id"])})

    async def cancel_many(self, request: web.Request) -> web.Response:
        """Cancel several jobs; true if any was."""
        body = await request.json()
        done = [self._core.cancel(job_id) for job_id in body["job_ids"]]
        return web.json_response({"cancelled": any(done)})


def page(jobs: list[dict[str, Any]], offset: int, limit: int | None) -> dict[str, Any]:
    """A part of the jobs, and what more there is."""
    end = len(jobs) if limit is None else offset + limit
    more = {"offset": offset, "limit": limit, "total": len(jobs), "has_more": end < len(jobs)}
    return {"jobs": jobs[offset:end], "pagination": more}
