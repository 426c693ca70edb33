"""The face of a timeline without a browser: what is told, what is asked, and how much of it."""

import asyncio
import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

from comfy_widgets import Shot, Studio, Workflow, faces
from comfy_widgets.batch import Item
from comfy_widgets.jobs import JobStatus
from comfy_widgets.timeline import Timeline
from comfy_widgets.widgets import TimelineView
from comfy_widgets.widgets.timeline_pictures import Drops
from tests.lib.graphs import wan
from tests.unit.test_widgets_kit import Kit, turn, until

WIRE = json.loads((Path(__file__).parents[2] / "js/src/lib/wire.json").read_text(encoding="utf-8"))
PICTURE = Path(__file__).parents[2] / "notebooks/keyframes/lighthouse.jpg"


@pytest.fixture
def kit(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Kit(tmp_path, monkeypatch)


@pytest.fixture
async def timeline(kit, tmp_path):
    shots = [Shot(f"shot-0{n}", f"view {n}", scene="scene-001") for n in (1, 2, 3)]
    async with Studio(offline=True, cache=tmp_path / "takes") as studio:
        yield Timeline(shots, workflow=Workflow(wan(), name="wan"), studio=studio)


def told(kit):
    return [content["delta"] for content, _, _ in kit.wire if isinstance(content, dict) and "delta" in content]


def running(timeline, job, name="shot-02"):
    """Let a job stand for a shot."""
    item = Item(name, lambda: job, job=job)
    timeline.runs.latest[name] = item
    job.subscribe(lambda: timeline._moved({name}, []))
    return item


async def test_both_sides_say_the_same_words(timeline):
    view = TimelineView(timeline)
    assert sorted(view._acts) == WIRE["timeline"]["acts"]
    assert set(view._reads) - set(WIRE["reads"]) == set(WIRE["timeline"]["reads"])
    assert sorted(view.state["cards"]["shot-01"]) == WIRE["card"]
    assert sorted(view.state) == WIRE["timeline"]["state"]


async def test_only_what_differs_is_told_and_the_whole_is_there_to_be_asked_for(kit, timeline):
    view = TimelineView(timeline)
    kit.wire.clear()
    timeline.edit("shot-02", prompt="another")
    await until(lambda: told(kit))
    assert told(kit) == [{"cards": {"shot-02": {"shot": {"prompt": "another", "scene": "scene-001"}}}, "undo": True}]
    content, _ = kit.ask(view, "read", "snapshot")
    assert content["state"]["cards"]["shot-02"]["shot"]["prompt"] == "another"
    assert content["state"]["seq"] == 1
    assert view.get_state()["state"] == content["state"]
    assert view.state["seq"] == 0
    kit.wire.clear()
    timeline.delete("shot-01")
    timeline.duplicate("shot-02")
    await until(lambda: told(kit))
    (delta,) = told(kit)
    assert delta["order"] == ["shot-02", "shot-04", "shot-03"]
    assert list(delta["cards"]) == ["shot-04"]
    kit.wire.clear()
    timeline.shots = [Shot("shot-03", "all new"), Shot("shot-02", "another", scene="scene-001")]
    await until(lambda: told(kit))
    (delta,) = told(kit)
    assert delta["order"] == ["shot-03", "shot-02"]
    assert delta["cards"] == {"shot-03": {"shot": {"prompt": "all new"}}}
    view.close()
    assert timeline._listeners == {}


async def test_what_people_do_is_done(kit, timeline, tmp_path):
    view = TimelineView(timeline)
    for name, body in [
        ("edit", {"shot": "shot-01", "changes": {"prompt": "x", "seed": 7}}),
        ("move", {"shot": "shot-03", "to": 0}),
        ("duplicate", {"shot": "shot-01"}),
        ("add", {"at": 1}),
        ("delete", {"shots": ["shot-02"]}),
        ("save", {"anyway": True}),
        ("reload", {}),
    ]:
        content, _ = await kit.ask_soon(view, "act", name, **body)
        assert content == {"re": "q", "ok": True}, name
    assert [shot.id for shot in timeline.shots] == ["shot-03", "shot-05", "shot-01", "shot-04"]
    assert (timeline["shot-01"].prompt, timeline["shot-01"].seed) == ("x", 7)
    await kit.ask_soon(view, "act", "undo")
    assert "shot-02" in timeline._script.ids


@pytest.mark.parametrize(
    ("name", "body", "words"),
    [
        ("edit", {"shot": "nobody", "changes": {"prompt": "x"}}, "no shot 'nobody'"),
        ("edit", {"shot": "shot-01", "changes": {"id": "x"}}, "no 'id'"),
        ("edit", {"shot": "shot-01", "changes": ["x"]}, "can't be changed by"),
        ("edit", {"shot": "shot-01", "changes": {"typing": True}}, "can't be changed by"),
        ("edit", {"shot": "shot-01", "changes": {"seed": "x"}}, "whole number"),
        ("move", {"shot": "shot-01", "to": "x"}, "no place 'x'"),
        ("delete", {"shots": ["nobody"]}, "no shot 'nobody'"),
        ("choose", {"shot": "shot-01", "take": "ab.1"}, "no take of shot-01"),
        ("generate", {"shots": ["nobody"]}, "no shot 'nobody'"),
        ("draw", {"shot": "shot-01"}, "no workflow for keyframes"),
        ("export", {}, "No shot has a take yet"),
        ("drop", {"shot": "shot-01", "upload": "u", "offset": 0, "size": 10**9}, "1000 MB"),
        ("drop", {"shot": "shot-01"}, "did not come whole"),
    ],
)
async def test_what_makes_no_sense_is_refused_in_words(kit, timeline, name, body, words):
    before = timeline.shots
    content, _ = await kit.ask_soon(TimelineView(timeline), "act", name, **body)
    assert content["ok"] is False
    assert words in content["error"]
    assert timeline.shots == before


async def test_an_image_comes_in_pieces(kit, timeline, tmp_path):
    view, image = TimelineView(timeline), PICTURE.read_bytes()
    half = len(image) // 2

    async def drop(offset, data):
        kit.wire.clear()
        body = {"shot": "shot-01", "upload": "u", "offset": offset, "size": len(image), "file": "../../My picture.png"}
        message = {"method": "custom", "content": {"id": "q", "kind": "act", "name": "drop"} | body}
        view.comm.handle_msg({"content": {"data": message}, "buffers": [memoryview(data)]})
        await until(lambda: any("re" in content for content, _, _ in kit.wire))
        return kit._answer()[0]

    assert (await drop(0, image[:half]))["ok"]
    assert timeline["shot-01"].keyframe is None
    assert (await drop(half, image[half:]))["ok"]
    path = tmp_path / timeline["shot-01"].keyframe
    assert path.parent == tmp_path / "keyframes"
    assert path.name.startswith("My-picture_")
    assert path.suffix == ".jpg"
    assert path.read_bytes() == image
    _, [small] = kit.ask(view, "read", "keyframe", shot="shot-01")
    assert small.startswith(b"\xff\xd8")
    assert len(small) <= 8000
    assert "did not come whole" in (await drop(half, image[half:]))["error"]
    assert kit.ask(view, "read", "keyframe", shot="shot-02")[0]["error"] == "shot-02 has no keyframe."


def test_what_is_no_image_leaves_nothing(tmp_path):
    drops = Drops(tmp_path / "keyframes")
    with pytest.raises(Exception, match=r"a\.png is not an image"):
        drops.keep(b"no picture", "a.png")
    assert list((tmp_path / "keyframes").iterdir()) == []


async def test_a_take_is_told_and_can_be_played(kit, timeline):
    take = kit.take(poster=b"\xff", seconds=5.0)
    timeline._keep_take("shot-02", take)
    view = TimelineView(timeline)
    card = view.state["cards"]["shot-02"]
    assert (card["chosen"], card["seconds"], card["status"], card["edited"]) == (take.handle, 5.0, "complete", True)
    assert [one["id"] for one in card["takes"]] == [take.handle]
    (film,) = kit.ask(view, "read", "film")[0]["film"]
    assert (film["shot"], film["id"]) == ("shot-02", take.handle)
    assert kit.ask(view, "read", "piece", take=take.handle, offset=0)[1] == [b"mp4"]


async def test_a_job_far_back_is_not_told_at_each_step(kit, timeline):
    job = kit.job(status=JobStatus.QUEUED, queue_position=2)
    running(timeline, job)
    view = TimelineView(timeline)
    assert view.state["cards"]["shot-02"]["message"] == "2nd in line"
    for position in (300, 200, 100):
        job.move(queue_position=position)
        await turn()
    await asyncio.sleep(0.15)
    assert view._latest["cards"]["shot-02"]["message"] == "more than 20 before it"
    assert view._latest["seq"] == 1


async def test_it_is_small_where_nothing_happens(timeline):
    view = TimelineView(timeline)
    data = timeline._repr_mimebundle_()
    assert isinstance(faces.live_face(timeline), TimelineView)
    assert repr(view) == "TimelineView('Film')"
    assert set(data) == {faces.WIDGET_VIEW, "text/html", "text/plain"}
    for passing in ("waiting", "No take"):
        assert passing not in data["text/html"] + data["text/plain"]


async def test_fifty_changes_a_second_of_five_hundred_shots_are_few_small_messages(kit, tmp_path):
    shots = [Shot(f"shot-{n:03}", "A lighthouse at dusk " * 5) for n in range(500)]
    async with Studio(offline=True, cache=tmp_path / "takes") as studio:
        timeline = Timeline(shots, workflow=Workflow(wan(), name="wan"), studio=studio, file=None)
        job = kit.job(status=JobStatus.RUNNING, expected=80.0, running_since=time.monotonic())
        for shot in shots[1:]:
            running(timeline, kit.job(status=JobStatus.QUEUED, queue_position=400), shot.id)
        running(timeline, job, "shot-000")
        view = TimelineView(timeline)
        kit.wire.clear()
        seconds, worked, began = 2.0, time.process_time(), time.monotonic()
        for step in range(100):
            job.move(progress=step / 100, node_title="KSampler", step=(step, 100))
            await asyncio.sleep(max(0.0, began + (step + 1) * seconds / 100 - time.monotonic()))
        worked, seconds = time.process_time() - worked, time.monotonic() - began
        deltas = told(kit)
        view.close()
    sizes = [len(json.dumps(delta)) for delta in deltas]
    assert 2 <= len(deltas) <= 12 * seconds
    assert sum(sizes) / len(sizes) <= 300
    # `tests.bench.timeline` asks for a fifth of it, on a machine that does nothing else.
    assert worked / seconds <= 0.25


async def test_a_state_is_told_in_the_message_of_its_moment(kit, timeline):
    job = kit.job()
    item = running(timeline, job)
    view = TimelineView(timeline)
    assert view.state["active"] == 1
    job.move(status=JobStatus.COMPLETE, take=replace(kit.take(), shot="shot-02"))
    timeline._moved({"shot-02"}, [("shot-02", item.take)])
    await until(lambda: view._latest["complete"] == 1)
    assert view._latest["active"] == 0
    assert view._latest["cards"]["shot-02"]["status"] == "complete"


async def test_why_nothing_is_saved_comes_with_what_can_be_done(kit, timeline, tmp_path):
    view = TimelineView(timeline)
    await until(timeline.file.exists)
    assert view.snapshot()["complaint"] is None
    kept = timeline.file.read_text("utf-8")
    timeline.file.write_text(kept.replace("view 1", "theirs"), "utf-8")
    timeline.edit("shot-02", prompt="mine")
    await until(lambda: view._latest["complaint"])
    told = view.snapshot()["complaint"]
    assert told["what"] == "Film.json was changed by somebody else; nothing was saved since."
    assert told["does"] == [("reload", "Take theirs"), ("save", "Keep mine")]
    for text, read in (
        ('{"version": 9, "shots": []}', False),
        (kept[: len(kept) // 2], False),
        # One shot that is wrong is told, and the others are taken.
        ('{"version": 1, "shots": [{"id": "a"}, {"id": "shot-01", "prompt": "theirs"}]}', True),
    ):
        timeline.file.write_text(text, "utf-8")
        content, _ = await kit.ask_soon(view, "act", "reload")
        assert content["ok"] is read
        assert view.snapshot()["complaint"]["does"] == [("reload", "Read it again"), ("save", "Write it anew")]
        assert timeline.file.read_text("utf-8") == text
    content, _ = await kit.ask_soon(view, "act", "save", anyway=True)
    assert content["ok"]
    assert view.snapshot()["complaint"] is None
    again = Timeline((), workflow=timeline.recipe.workflow, studio=timeline.studio)
    assert view.snapshot()["complaint"]["does"] == []
    assert again.complaint is None


async def test_each_keyframe_is_shown_or_said_to_be_missing(kit, timeline, tmp_path):
    view = TimelineView(timeline)
    picture = tmp_path / "start.jpg"
    picture.write_bytes(PICTURE.read_bytes())
    timeline.edit("shot-01", keyframe="nowhere.jpg", end_keyframe=str(picture))
    content, _ = kit.ask(view, "read", "keyframe", shot="shot-01", field="keyframe")
    assert content["error"] == "nowhere.jpg does not exist. Drop an image on the card."
    _, [small] = kit.ask(view, "read", "keyframe", shot="shot-01", field="end_keyframe")
    assert small.startswith(b"\xff\xd8")
    content, _ = kit.ask(view, "read", "keyframe", shot="shot-02", field="end_keyframe")
    assert content["error"] == "shot-02 has no end keyframe."
    assert view.snapshot()["pictures"] == []


async def test_what_comes_later_is_a_module_of_its_own(kit, timeline):
    content, [code] = kit.ask(TimelineView(timeline), "read", "later")
    assert content["ok"]
    assert b"export{" in code
