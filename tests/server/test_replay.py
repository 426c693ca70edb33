"""The embedded server does what the real one did in each recording."""

import asyncio
import json
import sys

import pytest

from tests.server import reduced, replay

pytestmark = pytest.mark.slow

AT_ONCE = 6


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
    assert verdicts[name].startswith("agrees")


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


@pytest.mark.skipif(not reduced.SHARED.is_dir(), reason="the recordings are not here")
@pytest.mark.parametrize("name", replay.names())
def test_fixtures_are_the_recordings_reduced(name):
    recorded = json.loads((reduced.SHARED / f"{name}.json").read_text())
    assert reduced.dump(reduced.reduce(recorded)) == (reduced.DATA / f"{name}.json").read_text()
