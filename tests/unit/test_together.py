"""One run for all who ask at the same time."""

import asyncio

from comfy_widgets.comfyui.together import Together
from comfy_widgets.errors import ServerUnreachable


async def test_who_asks_during_a_run_gets_the_next_one_with_all_who_do():
    runs, begun, may = [], asyncio.Event(), asyncio.Event()

    async def work(asked):
        runs.append(asked)
        begun.set()
        await may.wait()

    together, never = Together(work), asyncio.get_running_loop().create_future()
    first = asyncio.create_task(together.done(1, unless=never))
    await begun.wait()
    others = [asyncio.create_task(together.done(number, unless=never)) for number in range(2, 9)]
    await asyncio.sleep(0)
    may.set()
    await asyncio.gather(first, *others)
    assert runs == [[1], [2, 3, 4, 5, 6, 7, 8]]


async def test_who_has_what_they_wait_for_does_not_wait_for_the_run():
    async def work(_asked):
        await asyncio.Event().wait()

    had = asyncio.get_running_loop().create_future()
    had.set_result(None)
    await Together(work).done(1, unless=had)


async def test_a_run_that_fails_is_followed_by_another():
    runs = []

    async def work(asked):
        runs.append(asked)
        raise ServerUnreachable("Nobody answers.")

    together, never = Together(work), asyncio.get_running_loop().create_future()
    await together.done(1, unless=never)
    await together.done(2, unless=never)
    assert runs == [[1], [2]]
