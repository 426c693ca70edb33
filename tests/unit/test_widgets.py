"""Widgets without a browser: the wire form, the answers, and the threads they come on."""

import asyncio
import gc
import json
import sys
import threading
from contextlib import suppress

import pytest

from comfy_widgets import faces
from comfy_widgets.errors import FetchFailed, InputFileError, NodeFailed
from comfy_widgets.jobs import JobStatus
from comfy_widgets.widgets import (
    BatchView,
    Compare,
    Gallery,
    JobView,
    QueueBadge,
    SweepView,
    TimelineView,
    VideoPlayer,
    base,
)
from comfy_widgets.widgets.base import Face, bundled, keep_on_subshell
from comfy_widgets.widgets.pieces import handle
from tests.unit.test_widgets_kit import Kit, turn, until

JOB_WIDGETS = [QueueBadge, JobView]


@pytest.fixture
def kit(tmp_path, monkeypatch):
    return Kit(tmp_path, monkeypatch)


@pytest.fixture
def take(kit):
    return kit.take()


def walk(value):
    yield value
    if isinstance(value, dict):
        for inner in value.values():
            yield from walk(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from walk(inner)


@pytest.mark.parametrize("cls", [QueueBadge, JobView, VideoPlayer])
async def test_traits_hold_json_and_no_bytes(kit, cls, take):
    job = kit.job(status=JobStatus.COMPLETE, take=take, preview=("image/jpeg", b"\xff" * 50_000))
    state = cls(job).get_state()
    assert not [part for part in walk(state) if isinstance(part, (bytes, bytearray, memoryview))]
    assert len(json.dumps(state["state"])) < 12_000


async def test_the_state_names_no_folder_and_no_id(kit, take, tmp_path):
    error = NodeFailed("It broke.").at(shot="shot-01")
    for job in (kit.job(status=JobStatus.COMPLETE, take=take), kit.job(status=JobStatus.ERROR, error=error)):
        told = json.dumps(JobView(job).state)
        assert str(tmp_path) not in told
        assert job.id not in told


async def test_each_push_is_a_new_dict_with_the_next_number(kit):
    job = kit.job(status=JobStatus.QUEUED, queue_position=2, ahead=2)
    badge = QueueBadge(job)
    before = badge.state
    assert before["seq"] == 0
    job.move(status=JobStatus.RUNNING, progress=0.5)
    await turn()
    assert badge.state is not before
    assert badge.state["seq"] == 1
    assert badge.state["job"]["progress"] == 0.5
    assert before["job"]["status"] == "queued"


async def test_every_widget_of_a_job_lives_until_it_is_closed(kit):
    job = kit.job()
    first, second = QueueBadge(job), JobView(job)
    first.close()
    job.move(status=JobStatus.QUEUED)
    await turn()
    assert second.state["job"]["status"] == "queued"
    assert first.state["job"]["status"] == "submitting"
    second.close()
    assert not job._listeners


@pytest.mark.parametrize(
    "cls", [BatchView, Compare, Gallery, JobView, QueueBadge, SweepView, TimelineView, VideoPlayer]
)
def test_a_widget_that_refused_what_it_was_given_goes_quietly(monkeypatch, cls):
    late = []
    monkeypatch.setattr(sys, "unraisablehook", late.append)
    with suppress(InputFileError, AttributeError):
        cls([3])
    gc.collect()
    assert late == []


async def test_a_widget_closed_while_its_change_waits_stays_silent(kit):
    job = kit.job()
    badge = QueueBadge(job)
    job.move(status=JobStatus.QUEUED)
    badge.close()
    kit.wire.clear()
    await turn()
    assert kit.wire == []


async def test_a_player_of_a_job_shows_its_take_and_ignores_its_steps(kit, take):
    job = kit.job(status=JobStatus.RUNNING)
    player = VideoPlayer(job)
    job.move(progress=0.5)
    await turn()
    assert player.state["seq"] == 0
    job.move(status=JobStatus.COMPLETE, take=take)
    await turn()
    assert player.state["take"]["file"] == take.path.name
    player.close()
    assert not job._listeners


def test_a_player_of_a_take_needs_no_loop(take):
    player = VideoPlayer(take)
    assert player.state["take"]["id"] == handle(take)
    assert player.state["job"] is None


def test_names_and_faces_are_stable(kit, take):
    assert repr(VideoPlayer(take)) == "VideoPlayer('shot-01')"
    data, _ = VideoPlayer(take)._repr_mimebundle_()
    assert data["text/plain"] == "VideoPlayer('shot-01')"
    assert data["text/html"] == faces.take_html(take, faces.notebook_path(take.path)) + faces.DEAD
    assert faces.WIDGET_VIEW in data


async def test_a_job_as_a_cell_shows_it_is_a_job_view(kit):
    job = kit.job()
    bundle = job._repr_mimebundle_()
    assert set(bundle) == {faces.WIDGET_VIEW, "text/html", "text/plain"}
    assert "cw.check()" in bundle["text/html"]
    assert isinstance(faces.live_face(job), JobView)


async def test_a_poster_is_told_when_it_is_small(kit):
    assert VideoPlayer(kit.take(poster=b"\xff" * 8000)).state["take"]["poster"].startswith("data:image/jpeg;base64,")
    assert VideoPlayer(kit.take(poster=b"\xff" * 8001)).state["take"]["poster"] is None
    gone = kit.take(poster=b"\xff")
    gone.poster.unlink()
    assert VideoPlayer(gone).state["take"]["poster"] is None


def test_a_piece_comes_as_a_buffer(kit, take):
    content, buffers = kit.ask(VideoPlayer(take), "read", "piece", take=handle(take), offset=0)
    assert content == {"re": "q", "ok": True}
    assert buffers == [take.path.read_bytes()]


def test_a_take_beside_the_notebook_says_where(kit, tmp_path, monkeypatch):
    take = kit.take(poster=b"\xff")
    assert VideoPlayer(take).state["take"]["place"] is None
    monkeypatch.chdir(tmp_path)
    told = VideoPlayer(take).state["take"]
    assert (told["place"], told["poster"]) == (take.path.name, take.poster.name)
    _, [picture] = kit.ask(VideoPlayer(take), "read", "poster", take=handle(take))
    assert picture == b"\xff"


def test_the_graph_comes_when_it_is_asked_for(kit):
    take = kit.take(graph={"3": {"class_type": "KSampler", "inputs": {"seed": 7}}})
    player = VideoPlayer(take)
    assert "KSampler" not in json.dumps(player.state)
    content, _ = kit.ask(player, "read", "graph", take=handle(take))
    assert content == {"re": "q", "ok": True, "graph": [["3", "KSampler", "KSampler", [["seed", "7"]]]]}


def test_seeds_that_a_browser_would_round_are_told_as_text(kit):
    seed = 2**64 - 1
    player = VideoPlayer(
        kit.take(inputs={"seed": seed, "steps": 20}, graph={"3": {"class_type": "N", "inputs": {"s": seed}}})
    )
    assert player.state["take"]["inputs"] == {"seed": str(seed), "steps": 20}
    [node] = kit.ask(player, "read", "graph", take=player.state["take"]["id"])[0]["graph"]
    assert node == ["3", "N", "N", [["s", str(seed)]]]


async def test_only_the_take_that_is_shown_has_pieces(kit, take):
    job = kit.job()
    view = JobView(job)
    refused, _ = kit.ask(view, "read", "piece", take=handle(take), offset=0)
    assert refused["ok"] is False
    job.move(status=JobStatus.COMPLETE, take=take)
    await turn()
    assert kit.ask(view, "read", "piece", take=handle(take), offset=0)[0]["ok"] is True


async def test_the_newest_preview_is_asked_for_by_message(kit):
    job = kit.job(status=JobStatus.RUNNING)
    view = JobView(job)
    assert kit.ask(view, "read", "preview") == ({"re": "q", "ok": True, "media_type": None}, [])
    job.move(preview=("image/png", b"png"))
    await turn()
    assert view.state["job"]["preview"] == 1
    assert kit.ask(view, "read", "preview") == ({"re": "q", "ok": True, "media_type": "image/png"}, [b"png"])


async def test_a_snapshot_is_the_latest_state_with_its_age(kit):
    badge = QueueBadge(kit.job())
    content, _ = kit.ask(badge, "read", "snapshot")
    assert content["state"] == badge.state
    assert 0 <= content["late"] < 5


@pytest.mark.parametrize(
    ("kind", "name"), [("read", "file"), ("act", "snapshot"), ("read", "stop"), ("call", "stop"), ("act", "__class__")]
)
async def test_an_unknown_question_is_answered_too(kit, kind, name):
    content, _ = kit.ask(QueueBadge(kit.job()), kind, name)
    assert content["ok"] is False
    assert "Reload the page" in content["error"]


@pytest.mark.parametrize("content", [None, [], "stop", {}, {"id": 3}, {"id": ""}, {"id": "x" * 65, "kind": "act"}])
async def test_what_nobody_waits_for_is_ignored(kit, content):
    job = kit.job()
    badge = QueueBadge(job)
    kit.wire.clear()
    kit.receive(badge, content)
    await turn()
    assert kit.wire == []
    assert job.status is JobStatus.SUBMITTING


async def test_stop_stops(kit):
    job = kit.job(status=JobStatus.RUNNING)
    content, _ = await kit.ask_soon(QueueBadge(job), "act", "stop")
    assert content == {"re": "q", "ok": True}
    assert kit.acts.calls == [("cancel", job)]


@pytest.mark.parametrize("cls", JOB_WIDGETS)
async def test_again_follows_the_new_job(kit, cls):
    old, new = kit.job(status=JobStatus.CANCELLED), kit.job()
    kit.acts.next = new
    view = cls(old)
    await kit.ask_soon(view, "act", "again")
    new.move(status=JobStatus.RUNNING, progress=0.2)
    await until(lambda: view.state["job"]["progress"] == 0.2)
    assert not old._listeners
    view.close()
    assert not new._listeners


async def test_a_failed_fetch_is_offered_again_without_a_render(kit):
    job = kit.acts.next = kit.job(status=JobStatus.ERROR, error=FetchFailed("The file came torn."))
    view = QueueBadge(job)
    assert view.state["job"]["acts"] == ["fetch", "again"]
    await kit.ask_soon(view, "act", "fetch")
    assert kit.acts.calls == [("fetch", job)]


@pytest.mark.parametrize(("act", "status"), [("stop", JobStatus.COMPLETE), ("again", JobStatus.RUNNING)])
async def test_a_click_that_comes_too_late_is_refused_in_words(kit, act, status):
    content, _ = await kit.ask_soon(QueueBadge(kit.job(status=status)), "act", act)
    assert content == {"re": "q", "ok": False, "error": f"The job is {status} already."}
    assert kit.acts.calls == []


async def test_an_act_that_breaks_is_answered(kit, caplog):
    kit.acts.next = None
    content, _ = await kit.ask_soon(QueueBadge(kit.job(status=JobStatus.LOST)), "act", "again")
    assert content["ok"] is False
    assert content["error"].startswith("AttributeError")
    assert "again" in caplog.text


async def test_acts_run_in_the_loop_and_reads_where_they_come(kit):
    job = kit.job(status=JobStatus.RUNNING)
    badge = QueueBadge(job)
    kit.wire.clear()

    def browser():
        kit.receive(badge, {"id": "r", "kind": "read", "name": "snapshot"})
        kit.receive(badge, {"id": "a", "kind": "act", "name": "stop"})

    thread = threading.Thread(target=browser)
    thread.start()
    thread.join()  # the loop is blocked meanwhile, as by a cell that computes
    assert [(message["re"], where) for message, _, where in kit.wire] == [("r", thread.ident)]
    assert kit.acts.calls == []
    await turn()
    assert kit.acts.calls == [("cancel", job)]
    assert [where for message, _, where in kit.wire if message.get("re") == "a"] == [threading.get_ident()]


def test_an_act_after_the_loop_has_ended_is_answered(kit):
    async def make():
        return QueueBadge(kit.job(status=JobStatus.RUNNING))

    badge = asyncio.run(make())
    content, _ = kit.ask(badge, "act", "stop")
    assert content["error"] == "Its event loop has ended. Run the cell again."


def test_a_widget_that_was_not_built_says_how_to(monkeypatch, tmp_path):
    monkeypatch.setattr(base, "_STATIC", tmp_path)
    with pytest.raises(ImportError, match="npm run build"):
        bundled("queue_badge.js")


def test_a_comm_is_kept_where_its_messages_come_from():
    class Comm:
        def _reply_subshell_for(self, _data, _default):
            return "main"

    comm = Comm()
    keep_on_subshell(comm)
    assert comm._reply_subshell_for({}, "subshell-1") == "subshell-1"


def test_a_comm_of_another_kernel_is_left_alone():
    class Comm:
        pass

    comm = Comm()
    keep_on_subshell(comm)
    assert vars(comm) == {}


def test_a_face_says_what_it_shows():
    with pytest.raises(NotImplementedError):
        Face()
