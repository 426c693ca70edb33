"""The steps of making a take, and how the process that makes it is killed (-9) at one of them."""

import functools
import os
import signal
from collections.abc import Callable
from typing import Any

from comfy_widgets import pipeline, saving
from comfy_widgets.attempt import Attempt
from comfy_widgets.cache import TakeCache
from comfy_widgets.comfyui.client import Client
from comfy_widgets.comfyui.status import Remote


def die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def before(place: Any, name: str) -> None:
    setattr(place, name, die)


def after(place: Any, name: str) -> None:
    inner = getattr(place, name)

    @functools.wraps(inner)
    async def asynchronous(*args: Any, **options: Any) -> None:
        await inner(*args, **options)
        die()

    @functools.wraps(inner)
    def synchronous(*args: Any, **options: Any) -> None:
        inner(*args, **options)
        die()

    setattr(place, name, asynchronous if inner.__code__.co_flags & 0x80 else synchronous)


def on_running() -> None:
    tell = Attempt.tell

    def told(attempt: Attempt, news: Any) -> None:
        tell(attempt, news)
        if news.remote is Remote.RUNNING and news.progress.step:
            die()

    Attempt.tell = told  # type: ignore[method-assign]


STEPS: dict[str, Callable[[], None]] = {
    "before the row is written": lambda: before(Attempt, "add_row"),
    "before the POST": lambda: before(Client, "submit"),
    "after the POST": lambda: after(Client, "submit"),
    "while it runs": on_running,
    "when it has ended": lambda: before(pipeline, "_save"),
    "before fetching": lambda: before(Client, "fetch"),
    "after fetching": lambda: before(saving, "_keep"),
    "before the files have their names": lambda: before(TakeCache, "keep"),
    "before the sidecar": lambda: before(TakeCache, "_write_sidecar"),
    "after the sidecar": lambda: after(TakeCache, "_write_sidecar"),
    "before the row is removed": lambda: before(Attempt, "drop_row"),
}


def die_at(step: str) -> None:
    """Let this process not get past a step."""
    STEPS[step]()
