"""Fifty schedules for each change; a thousand are run by hand, see `tests.faults.schedules`."""

from comfy_widgets.demo.faults import ACTIONS, parse
from tests.faults.schedules import LEGAL, complaints, least, report, run_many

COUNT = 70  # each kind of fault comes first in two of them


def test_the_schedules_know_all_that_the_server_can_do():
    faults = [parse(kind.format(n=1, m=1)) for kind in LEGAL]
    known = {(target, action) for target, actions in ACTIONS.items() for action in actions}
    assert {(fault.target, fault.action) for fault in faults} == known


async def test_whatever_goes_wrong_ends_as_it_may_and_nothing_is_lost_or_made_twice():
    outcomes = await run_many(range(COUNT))
    assert complaints(outcomes) == [], report(outcomes)
    assert least(outcomes) > 0, report(outcomes)
