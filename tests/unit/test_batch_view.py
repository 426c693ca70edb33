"""The faces of batches and sweeps without a browser: what is told, what is asked, and how much of it."""

import json
from pathlib import Path

import pytest

from comfy_widgets import faces
from comfy_widgets.batch import Batch, Item
from comfy_widgets.errors import Cancelled, NodeFailed
from comfy_widgets.home_loop import HomeLoop
from comfy_widgets.jobs import Job, JobStatus, Request
from comfy_widgets.run_log import RunLog
from comfy_widgets.sweep import Sweep
from comfy_widgets.widgets import BatchView, Compare, JobView, SweepView, VideoPlayer, batch_face
from comfy_widgets.widgets.pieces import handle
from comfy_widgets.workflow import Filled
from tests.unit.test_widgets_kit import Kit, until

WIRE = json.loads((Path(__file__).parents[2] / "js/src/lib/wire.json").read_text(encoding="utf-8"))
NASTY = "<img src=x onerror=alert(1)>"


class Batches:
    """Makes batches whose jobs only the test moves."""

    def __init__(self, kit, folder):
        self.kit, self.folder, self.home = kit, folder, HomeLoop()

    def job(self, label):
        request = Request(Filled({}, (), {"prompt": label}, "wan"), shot=label)
        return Job(f"{len(label):08}-2d3c-4000-8000-000000000001", request, self.home, self.kit.acts)

    def item(self, label, _inputs=None, **fields):
        job = self.job(label)
        return Item(label, lambda: job, prompt=f"view {label}", **fields)

    def batch(self, count=3):
        items = [self.item(f"shot-{n:02}", scene="scene-001", shot=f"shot-{n:02}") for n in range(1, count + 1)]
        return Batch(items, self.home, RunLog(self.folder))

    def sweep(self, pairs=False, common=None, **axes):
        return Sweep(axes, self.item, self.home, RunLog(self.folder), pairs=pairs, common=common)


@pytest.fixture
def kit(tmp_path, monkeypatch):
    return Kit(tmp_path, monkeypatch)


@pytest.fixture
async def made(kit, tmp_path):
    # Their loop is the test's.
    return Batches(kit, tmp_path)


def told(kit):
    return [content["delta"] for content, _, _ in kit.wire if isinstance(content, dict) and "delta" in content]


async def test_both_sides_say_the_same_words(made, kit):
    batch = made.batch()
    batch.items[0].job.move(status=JobStatus.COMPLETE, take=kit.take())
    view = BatchView(batch)
    assert sorted(view._acts) == WIRE["batch"]["acts"]
    assert set(view._reads) <= set(WIRE["reads"])
    assert sorted(view.state) == WIRE["batch"]["state"]
    assert sorted(view.state["items"][0]) == WIRE["batch_item"]
    assert sorted(view.state["items"][0]["take"]) == WIRE["batch_take"]
    sweep = SweepView(made.sweep(seed=[1, 2]))
    assert sorted(set(sweep.state) - set(view.state)) == WIRE["sweep"]
    view.close()
    sweep.close()


async def test_the_wire_form(made, kit):
    batch = made.batch()
    first, second, third = (item.job for item in batch.items)
    first.move(status=JobStatus.COMPLETE, take=kit.take(width=640, height=320, seconds=5.0, cached=True, poster=b"x"))
    second.move(status=JobStatus.RUNNING, progress=0.4711, node_title="KSampler", step=(9, 20))
    failure = NodeFailed("Node KSampler failed.", hint="Try fewer frames.").at(shot="shot-03")
    third.move(status=JobStatus.ERROR, error=failure)
    state = BatchView(batch).get_state()["state"]
    items = state.pop("items")
    assert state == {
        "seq": 0,
        "title": "3 shots",
        "opened": [],
        "complete": 1,
        "cached": 1,
        "failed": 1,
        "active": 1,
        "waiting": 0,
        "progress": 0.82,
        "left": None,
    }
    one = {"scene": "scene-001", "attempts": 1, "eta": None, "error": None, "message": "", "progress": 0}
    assert items[0] | {"took": 0} == one | {
        "label": "shot-01",
        "prompt": "view shot-01",
        "status": "complete",
        "took": 0,
        "take": {
            "id": handle(batch.items[0].take),
            "poster": "",
            "kind": "video",
            "seconds": 5.0,
            "ratio": 2.0,
            "cached": True,
        },
    }
    assert (items[1]["status"], items[1]["message"], items[1]["progress"]) == ("running", "KSampler", 0.471)
    error = items[2]["error"]
    assert (error["where"], error["what"], error["hint"]) == (
        "Shot shot-03",
        "Node KSampler failed.",
        "Try fewer frames.",
    )


async def test_only_what_differs_is_told_and_the_whole_is_there_to_be_asked_for(made, kit):
    batch = made.batch()
    view = BatchView(batch)
    kit.wire.clear()
    batch.items[1].job.move(status=JobStatus.QUEUED, queue_position=1)
    await until(lambda: told(kit))
    assert told(kit) == [{"items": {"1": {"status": "queued", "message": "next"}}}]
    content, _ = kit.ask(view, "read", "snapshot")
    assert content["state"]["items"][1]["message"] == "next"
    assert content["state"]["seq"] == 1
    assert view.get_state()["state"] == content["state"]
    kit.wire.clear()
    batch.items[1].job.move(status=JobStatus.QUEUED, queue_position=21)
    await until(lambda: told(kit))
    batch.items[1].job.move(status=JobStatus.QUEUED, queue_position=99)
    batch.items[2].job.move(status=JobStatus.RUNNING)
    await until(lambda: len(told(kit)) > 1)
    assert told(kit)[0] == {"items": {"1": {"message": "more than 20 before it"}}}
    assert told(kit)[1] == {"items": {"2": {"status": "running"}}, "waiting": 2}
    view.close()
    assert len(batch._listeners) == 0


async def test_a_poster_is_asked_for_once_it_is_there(made, kit):
    batch = made.batch(1)
    view = BatchView(batch)
    take = kit.take(poster=b"\xff")
    refused, _ = kit.ask(view, "read", "poster", take=handle(take))
    assert refused["ok"] is False
    batch.items[0].job.move(status=JobStatus.COMPLETE, take=take)
    await until(lambda: view._latest["complete"] == 1)
    assert kit.ask(view, "read", "poster", take=handle(take))[1] == [b"\xff"]


async def test_what_is_opened_is_a_widget_of_its_own(made, kit):
    batch = made.batch(4)
    for number, item in enumerate(batch.items[:2], 1):
        item.job.move(status=JobStatus.COMPLETE, take=kit.take(take_number=number))
    view = BatchView(batch)
    await kit.ask_soon(view, "act", "open", items=[0])
    player = view.stage
    assert isinstance(player, VideoPlayer)
    assert view.get_state()["stage"] == f"anywidget:{player.model_id}"
    await kit.ask_soon(view, "act", "open", items=[1, 0])
    assert isinstance(view.stage, Compare)
    assert view.stage.takes == (batch.items[1].take, batch.items[0].take)
    assert player.comm is None
    await until(lambda: view._latest["opened"] == [1, 0])
    await kit.ask_soon(view, "act", "open", items=[2])
    assert isinstance(view.stage, JobView)
    assert view.stage.job is batch.items[2].job
    await kit.ask_soon(view, "act", "open", items=[])
    assert view.stage is None
    view.close()


async def test_stop_and_again_reach_the_batch(made, kit):
    batch = made.batch()
    first, second, third = batch.items
    first.job.move(status=JobStatus.RUNNING)
    view = BatchView(batch)
    await kit.ask_soon(view, "act", "stop", rest=True)
    assert kit.acts.calls == [("cancel", second.job), ("cancel", third.job)]
    kit.acts.calls.clear()
    await kit.ask_soon(view, "act", "stop", items=[0])
    assert kit.acts.calls == [("cancel", first.job)]
    jobs = [item.job for item in batch.items]
    for job in jobs:
        job.move(status=JobStatus.CANCELLED, error=Cancelled("Stopped from here.", hint="Submit it again."))
    await until(lambda: view._latest["active"] == 0)
    assert view._latest["items"][0]["error"]["hint"] == ""
    assert view._latest["failed"] == 0
    first.submit = second.submit = third.submit = lambda: made.job("again")
    await kit.ask_soon(view, "act", "again", items=[1])
    await until(lambda: view._latest["active"] == 1)
    assert [item.attempts for item in batch.items] == [1, 2, 1]
    await kit.ask_soon(view, "act", "again")
    await until(lambda: view._latest["active"] == 3)


async def test_one_that_is_open_is_asked_for_again_through_the_batch(made, kit):
    batch = made.batch(1)
    [item] = batch.items
    item.job.move(status=JobStatus.RUNNING)
    view = BatchView(batch)
    await kit.ask_soon(view, "act", "open", items=[0])
    failed = item.job
    failed.move(status=JobStatus.LOST, error=NodeFailed("Node KSampler failed."))
    await until(lambda: batch.over)
    item.submit = lambda: made.job("again")
    await kit.ask_soon(view.stage, "act", "again")
    await until(lambda: view.stage.job is not failed)
    assert view.stage.job is item.job
    await until(lambda: view.stage.state["job"]["status"] == "submitting")
    assert ("resubmit", failed) not in kit.acts.calls


@pytest.mark.parametrize("items", [[9], [-1], ["0"], "0", None, [True], 0])
async def test_only_what_is_shown_can_be_asked_for(made, kit, items):
    batch = made.batch()
    view = BatchView(batch)
    for act in ("open", "stop", "again"):
        answer, _ = await kit.ask_soon(view, "act", act, items=items)
        assert answer["error"] == "This is not shown here any more. Run the cell again."
    assert kit.acts.calls == []


async def test_one_that_was_never_asked_for_is_not_opened(made, kit):
    batch = made.batch(1)
    batch.items[0].job, batch.items[0].skipped = None, True
    answer, _ = await kit.ask_soon(BatchView(batch), "act", "open", items=[0])
    assert answer["error"] == "shot-01 has no take yet."


async def test_where_only_cells_make_widgets_it_says_so(made, kit, monkeypatch):
    monkeypatch.setattr(batch_face, "host", lambda: "marimo")
    batch = made.batch(1)
    batch.items[0].job.move(status=JobStatus.COMPLETE, take=kit.take())
    answer, _ = await kit.ask_soon(BatchView(batch), "act", "open", items=[0])
    assert answer["error"].startswith("In marimo widgets are made by cells only. In a cell: cw.VideoPlayer(take)")


async def test_two_hundred_shots_are_small(made):
    view = BatchView(made.batch(200))
    assert len(json.dumps(view.get_state()["state"])) < 60_000


async def test_the_axes_of_a_sweep(made):
    long = [f"A lighthouse at {time}, long lens, waves breaking on black rock" for time in ("dusk", "dawn")]
    common = {"steps": 20, "keyframe": Path("/home/me/01.png"), "prompt": "x"}
    sweep = made.sweep(prompt=long, cfg=[1.0, 2.5], keyframe=[Path("/home/me/a.png"), Path("b.png")], common=common)
    view = SweepView(sweep)
    state = view.get_state()["state"]
    assert state["axes"] == [
        {"name": "prompt", "values": [["dusk", long[0]], ["dawn", long[1]]]},
        {"name": "cfg", "values": [["1", "1"], ["2.5", "2.5"]]},
        {"name": "keyframe", "values": [["a.png", "a.png"], ["b.png", "b.png"]]},
    ]
    assert state["pairs"] is False
    assert state["same"] == [["", "x"], ["steps", "20"], ["keyframe", "01.png"]]
    assert view.title == state["title"] == "prompt × cfg × keyframe"
    assert len(state["items"]) == 8
    assert SweepView(made.sweep(seed=[1], steps=[2], pairs=True)).title == "seed + steps"


async def test_both_show_themselves_live_and_name_no_state(made, kit):
    for thing in (made.batch(), made.sweep(prompt=[NASTY, "dawn"], seed=[1, 2])):
        before = thing._repr_mimebundle_()
        assert faces.WIDGET_VIEW in before
        assert before["text/html"].endswith(faces.DEAD)
        assert NASTY not in before["text/html"]
        thing.items[0].job.move(status=JobStatus.COMPLETE, take=kit.take())
        after = thing._repr_mimebundle_()
        assert (after["text/html"], after["text/plain"]) == (before["text/html"], before["text/plain"])
        assert isinstance(faces.live_face(thing), SweepView if isinstance(thing, Sweep) else BatchView)
