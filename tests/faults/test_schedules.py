"""Fifty schedules for each change; a thousand are run by hand, see `tests.faults.schedules`."""

from tests.faults.schedules import complaints, least, report, run_many

COUNT = 54  # each kind of fault comes first in two of them


async def test_whatever_goes_wrong_ends_as_it_may_and_nothing_is_lost_or_made_twice():
    outcomes = await run_many(range(COUNT))
    assert complaints(outcomes) == [], report(outcomes)
    assert least(outcomes) > 0, report(outcomes)
