"""Workflows of core nodes that need no model."""

from typing import Any

from comfy_widgets import Workflow


def node(class_type: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": class_type, "inputs": inputs}


def _frames(color: int, size: int, count: int) -> dict[str, Any]:
    return {
        "1": node("EmptyImage", width=size, height=size, batch_size=1, color=color),
        "2": node("RepeatImageBatch", image=["1", 0], amount=count),
    }


def _save(create: str, prefix: str) -> dict[str, Any]:
    return node("SaveVideo", video=[create, 0], filename_prefix=prefix, format="auto", codec="auto")


def still(color: int, *, count: int = 8, fps: float = 8.0, size: int = 64) -> Workflow:
    """A clip of one colour."""
    create = node("CreateVideo", images=["2", 0], fps=fps)
    return Workflow(_frames(color, size, count) | {"3": create, "4": _save("3", "tests/still")})


def films(color: int, many: int, *, count: int = 30, size: int = 64) -> Workflow:
    """Many clips from the same pictures: long to make, and to be stopped between any two."""
    graph = _frames(color, size, count)
    for number in range(many):
        graph[f"create {number}"] = node("CreateVideo", images=["2", 0], fps=8.0 + number / 8)
        graph[f"save {number}"] = _save(f"create {number}", "tests/films")
    return Workflow(graph)


def picture() -> Workflow:
    """A picture goes to the server and is saved there."""
    return Workflow(
        {
            "1": node("LoadImage", image="example.png"),
            "2": node("SaveImage", images=["1", 0], filename_prefix="tests/picture"),
        }
    )
