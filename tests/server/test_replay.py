"""The embedded server does what the real one did in each recording."""

import asyncio
import json
import sys

import pytest

from tests.server import reduced, replay

pytestmark = pytest.mark.slow

AT_ONCE = 6
#: How far each may be apart, and no other: where the moment of a request decides what comes between two events.
MAY_BE_APART = {
    # When it asks for the history again, when the next prompts are posted, and when the server dies.
    "history_delete_and_evict": {replay.STATUS_APART},
    "three_queued": {replay.STATUS_APART},
    "server_restart_KILL": {replay.STATUS_APART},
    "server_restart_TERM": {replay.STATUS_APART},
    # At which step the interrupt comes, and at which the second socket opens.
    "delete_pending": {replay.STATUS_APART, replay.PROGRESS_APART},
    "interrupt_running": {replay.STATUS_APART, replay.PROGRESS_APART},
    "queue_order": {replay.STATUS_APART, replay.PROGRESS_APART},
    "reconnect_midrun": {replay.STATUS_APART, replay.PROGRESS_APART},
}


@pytest.fixture(scope="module")
def verdicts():
    """All scenarios, several at once: most of the time they wait."""

    async def perform_all():
        room = asyncio.Semaphore(AT_ONCE)

        async def one(name):
            async with room:
                return name, replay.verdict(await replay.perform(name))

        return dict(await asyncio.gather(*map(one, replay.names())))

    return asyncio.run(perform_all())


@pytest.mark.parametrize("name", replay.names())
def test_it_agrees_with_the_recording(verdicts, name):
    sys.stdout.write(f"{name}: {verdicts[name]}\n")
    agreed, _, apart = verdicts[name].partition(", ")
    assert agreed == "agrees"
    assert apart in {"", *MAY_BE_APART.get(name, ())}


def test_every_recording_has_a_fixture():
    assert len(replay.names()) == 62


def test_a_server_that_differs_is_noticed():
    steps = reduced.load("success_video")
    success = next(step for step in steps if step.get("see", [""])[0] == "execution_success")
    success["see"][0] = "execution_error"
    posted = next(step for step in steps if step.get("method") == "POST")
    posted["status"] = 201

    async def perform():
        async with replay.DemoServer() as server:
            return await replay.Replay(server, steps).run()

    differences = asyncio.run(perform())
    assert any("200, recorded 201" in difference for difference in differences)
    assert any("execution_success" in difference for difference in differences)


@pytest.mark.parametrize("kind", ["status", "progress", "progress_state", "binary"])
def test_what_may_be_apart_has_the_recorded_fields_all_the_same(kind):
    steps = reduced.load("reconnect_midrun")
    if kind == "binary":
        # None was recorded, and none may come.
        place = next(place for place, step in enumerate(steps) if step.get("see", [""])[0] == "progress")
        steps.insert(place, {"sock": "first", "see": ["binary", 4, {"node_id": "1"}]})
    for step in steps:
        if step.get("see", [""])[0] == kind != "binary":
            step["see"][1]["fields" if kind == "progress_state" else "more"] = ["more"]

    async def perform():
        async with replay.DemoServer() as server:
            return replay.verdict(await replay.Replay(server, steps).run())

    assert f"other fields in {kind}" in asyncio.run(perform())


@pytest.mark.skipif(not reduced.SHARED.is_dir(), reason="the recordings are not here")
@pytest.mark.parametrize("name", replay.names())
def test_fixtures_are_the_recordings_reduced(name):
    recorded = json.loads((reduced.SHARED / f"{name}.json").read_text())
    assert reduced.dump(reduced.reduce(recorded)) == (reduced.DATA / f"{name}.json").read_text()
