"""Threads for what blocks: the disk, hashing, PyAV."""

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

# Not the loop's own, which a program may have filled with callers that wait for our jobs. It ends with the process.
_pool = ThreadPoolExecutor(thread_name_prefix="comfy_widgets")


async def in_thread(work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Do blocking work as `asyncio.to_thread` does, in a thread that nobody else can take.

    Examples
    --------
    >>> asyncio.run(in_thread(sum, [1, 2]))
    3
    """
    call = partial(contextvars.copy_context().run, work, *args, **kwargs)
    return await asyncio.get_running_loop().run_in_executor(_pool, call)
