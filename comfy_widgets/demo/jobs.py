"""Prompts as newer releases list them: one row a job, wherever it is."""

from typing import Any

from comfy_widgets.demo.prompts import PromptQueue

STATUSES = ("pending", "in_progress", "completed", "failed", "cancelled")
_ENDS = ("execution_success", "execution_error", "execution_interrupted")
_SHOWABLE = ("images", "video", "audio")


def listed(queue: PromptQueue) -> list[dict[str, Any]]:
    """All jobs: the running one, the pending ones, the ended ones."""
    running = [waiting(queue.running, "in_progress")] if queue.running else []
    pending = [waiting(item, "pending") for item in queue.pending]
    return [*running, *pending, *(ended(entry) for entry in queue.history.values())]


def found(queue: PromptQueue, job_id: str) -> dict[str, Any] | None:
    """One job with its outputs, or None."""
    if (entry := queue.history.get(job_id)) is not None:
        _, _, graph, extra, _ = entry["prompt"]
        more = {"outputs": entry["outputs"], "execution_status": entry["status"]}
        return {**ended(entry), **more, "workflow": {"prompt": graph, "extra_data": extra}}
    return next((job for job in listed(queue) if job["id"] == job_id), None)


def waiting(item: Any, status: str) -> dict[str, Any]:
    """A job that has not ended."""
    number, prompt_id, _, extra, _, _ = item
    return known({"id": prompt_id, "status": status, "priority": number, **origin(extra), "outputs_count": 0})


def ended(entry: dict[str, Any]) -> dict[str, Any]:
    """A job that has ended."""
    number, prompt_id, _, extra, _ = entry["prompt"]
    times = {event: facts["timestamp"] for event, facts in entry["status"]["messages"]}
    last, facts = entry["status"]["messages"][-1]
    status = "completed" if entry["status"]["status_str"] == "success" else "failed"
    if last == "execution_interrupted":
        status = "cancelled"
    count, shown = summary(entry["outputs"])
    return known(
        {
            "id": prompt_id,
            "status": status,
            "priority": number,
            **origin(extra),
            "execution_start_time": times.get("execution_start"),
            "execution_end_time": next((times[event] for event in _ENDS if event in times), None),
            "execution_error": facts if last == "execution_error" else None,
            "outputs_count": count,
            "preview_output": shown,
        }
    )


def origin(extra: dict[str, Any]) -> dict[str, Any]:
    """When a job came, and from which workflow."""
    workflow = (extra.get("extra_pnginfo") or {}).get("workflow") or {}
    return {"create_time": extra.get("create_time"), "workflow_id": workflow.get("id")}


def known(facts: dict[str, Any]) -> dict[str, Any]:
    """The facts without those that nobody knows."""
    return {key: value for key, value in facts.items() if value is not None}


def summary(outputs: dict[str, Any]) -> tuple[int, dict[str, Any] | None]:
    """How many files a job gave, and the one to show: a kept one before a temporary one."""
    items = [
        {**item, "nodeId": node_id, "mediaType": kind}
        for node_id, shown in outputs.items()
        for kind, listed_items in shown.items()
        for item in listed_items
        if isinstance(item, dict)
    ]
    showable = [
        item
        for item in items
        if item["mediaType"] in _SHOWABLE or str(item.get("format", "")).startswith(("video/", "audio/"))
    ]
    kept = [item for item in showable if item.get("type") == "output"]
    return len(items), next(iter([*kept, *showable]), None)
