"""Prompts reach the server in the order in which they were asked for, whatever becomes of some of them."""

import asyncio
from types import SimpleNamespace

from comfy_widgets.attempt import Attempt
from tests.unit.test_widgets_kit import turn


def asked(prompt_id):
    """Of a job only its id is looked at here."""
    return SimpleNamespace(id=prompt_id)


def line(count):
    """So many attempts, each behind the one before it."""
    attempts = []
    for number in range(count):
        attempts.append(Attempt(asked(number), None, None, before=attempts[-1] if attempts else None))
    return attempts


async def test_one_that_is_refused_keeps_nobody_from_waiting_for_those_before_it():
    first, refused, third = line(3)
    waiting = asyncio.ensure_future(third.turn())
    refused.leave_line()
    await turn()
    assert not waiting.done()
    first.answered.set()
    await waiting


async def test_those_that_are_over_keep_nobody_alive():
    first, *others, last = line(5)
    for one in others:
        one.leave_line()
    assert all(one.before is first for one in others)
    first.answered.set()
    await last.turn()
    last.leave_line()
    assert last.before is None
    later = Attempt(asked("later"), None, None, before=last)
    later.leave_line()
    assert later.before is None
