"""One prompt under any order of news: the socket's events, lost, repeated or late, and looks between them."""

import asyncio
import itertools

from hypothesis import given
from hypothesis import strategies as st

from comfy_widgets.comfyui import events
from comfy_widgets.comfyui.look import Place, Record
from comfy_widgets.comfyui.replies import OutputFile
from comfy_widgets.comfyui.status import Remote, advance
from comfy_widgets.comfyui.tracked import begin
from tests.lib.graphs import wan

FILE = OutputFile("58", "a.mp4", "", "output")
TOLD = [
    events.Started("p"),
    events.Cached("p", ("6", "7")),
    events.Executing("p", "3"),
    events.Step("p", "3", 1.0, 4.0),
    events.Step("p", "3", 4.0, 4.0),
    events.Executed("p", "58", {"images": [{"filename": "a.mp4", "type": "output"}]}),
    events.Ending("p", "execution_success"),
    events.Ending("p", "execution_error"),
    events.Ending("p", "execution_interrupted"),
]
# Looks see it queued, running or nowhere; what a look saw may be old when it is taken in.
SEEN = [Place(Remote.QUEUED, 2, 2, 1), Place(Remote.QUEUED, 1, 1, 0), Place(Remote.RUNNING), None]
NEWS = st.lists(st.sampled_from([*TOLD, *SEEN]), max_size=30)
ENDS = st.sampled_from([Remote.SUCCEEDED, Remote.FAILED, Remote.INTERRUPTED])


def take_in(tracked, news, now):
    if isinstance(news, Place):
        tracked.see(news, now)
    elif news is None:
        tracked.miss(now)
    else:
        tracked.hear(news, now)


async def followed(before, end, after, seconds):
    """What was told of a prompt whose record was read between two lists of news, `seconds` after each other."""
    told = []
    tracked = begin("p", wan(), told.append, 0.0)
    tracked.posted_at = 0.0
    now = 0.0
    for news in [*before, Record(end, (FILE,)), *after]:
        now += seconds
        if isinstance(news, Record):
            tracked.read(news, now)
            assert (await tracked.ended).over
        else:
            take_in(tracked, news, now)
    return told


@given(before=NEWS, end=ENDS, after=NEWS)
def test_any_order_of_events_and_looks_has_the_same_end(before, end, after):
    # So close together that no absence lasts: how long one is believed, tests of `miss` say.
    told = asyncio.run(followed(before, end, after, 0.1))
    assert told[-1].remote is end
    assert told[-1].record == Record(end, (FILE,))
    assert told[-1].place is None


@given(before=NEWS, end=ENDS, after=NEWS, seconds=st.sampled_from([0.1, 5.0, 20.0]))
def test_states_and_progress_only_go_forward_whoever_tells_them(before, end, after, seconds):
    told = asyncio.run(followed(before, end, after, seconds))
    for earlier, later in itertools.pairwise(told):
        assert advance(earlier.remote, later.remote) is later.remote
        assert later.progress.fraction >= earlier.progress.fraction
        assert set(earlier.told_files) <= set(later.told_files)
        assert later.place is None or later.remote is Remote.QUEUED
