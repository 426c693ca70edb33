"""A batch goes on past what fails, retries what may be mended, and says what became of each."""

import asyncio

import pytest

from comfy_widgets import Shot, Studio, Workflow
from comfy_widgets.demo import DemoServer
from comfy_widgets.errors import BatchFailed, BindingError, TimelineError
from comfy_widgets.jobs import JobStatus
from tests.lib.graphs import wan
from tests.tracker.test_scenarios import graph, save, slow

pytestmark = pytest.mark.slow

SHOTS = [Shot(f"shot-0{n}", f"view {n}", scene="scene-001", seed=n) for n in (1, 2, 3)]


@pytest.fixture
def workflow():
    nodes = graph(a=slow(text=""), b=save("a"))
    return Workflow(nodes, bindings={"prompt": "a.text", "seed": "a.seed", "steps": "a.steps"})


async def test_all_are_made_and_summed_up(studio, workflow):
    batch = studio.generate(SHOTS, workflow)
    assert await batch is batch
    assert batch.over
    assert batch.progress == 1.0
    assert list(batch.takes) == ["shot-01", "shot-02", "shot-03"]
    rows = batch.summary().rows()
    assert [(row["scene"], row["shot"], row["status"], row["attempts"]) for row in rows] == [
        ("scene-001", f"shot-0{n}", "complete", 1) for n in (1, 2, 3)
    ]
    assert rows[0]["outcome"] == batch.takes["shot-01"].path.name
    assert batch.raise_for_errors() is batch
    (run_log,) = (studio.cache.folder / "runs").glob("*.log")
    text = run_log.read_text("utf-8")
    for words in ("3 to make", "shot-02: running", "shot-02: complete", "3 of 3 made in"):
        assert words in text


async def test_one_that_fails_stops_none(studio, workflow):
    shots = [SHOTS[0], Shot("shot-09", "x", scene="scene-002", keyframe="nowhere.png"), SHOTS[2]]
    bad = Shot("shot-10", "y", inputs={"steps": -1})
    batch = await studio.generate([*shots, bad], workflow)
    assert [item.status for item in batch] == ["complete", "error", "complete", "error"]
    assert "shot shot-09" in str(batch.errors["shot-09"])
    with pytest.raises(BatchFailed, match=r"2 of 4 failed.*summary") as caught:
        batch.raise_for_errors()
    assert any("Scene scene-002, shot shot-09" in line for line in caught.value._render_traceback_())
    assert "shot-10" in repr(batch.summary())
    assert "<td" in batch.summary()._repr_html_()


@pytest.mark.parametrize("one_at_a_time", [False, True])
async def test_whatever_is_wrong_with_a_shot_the_others_are_made(studio, one_at_a_time):
    def text(shot, style):
        return {"told": "a hill"}[shot.id] if shot.id in {"told", "untold"} else shot.text(style)

    shots = [
        Shot("endless", "x", seconds=float("inf")),
        Shot("words", "x", seconds="2"),
        Shot("unnamed", "x", inputs={5: 5}),
        Shot("silent", None),
        Shot("misspelt", "x", enhancers={"mood": ["calm"]}),
        Shot("untold", "x"),
        Shot("told", "x"),
        SHOTS[0],
        SHOTS[0],
    ]
    batch = await studio.generate(shots, Workflow(wan()), text=text, one_at_a_time=one_at_a_time)
    assert [item.status for item in batch] == ["error"] * 6 + ["complete"] * 2 + ["error"]
    assert batch.takes["told"].inputs["prompt"] == "a hill"
    words = {item.label: str(item.error) for item in batch if item.error}
    assert all(told.startswith(("Shot ", "Scene ")) for told in words.values())
    assert "Shot unnamed: It could not be asked for: TypeError" in words["unnamed"]
    assert "Its prompt could not be made" in words["silent"]
    assert "There is no enhancer 'mood'. Did you mean 'Mood'?" in words["misspelt"]
    assert "Its prompt could not be made: KeyError: 'untold'" in words["untold"]
    assert "Two shots have the id shot-01. Give each an id of its own." in words["shot-01"]


async def test_a_text_that_is_no_function_is_refused_in_words(studio, workflow):
    with pytest.raises(BindingError, match=r"text is a function .*inputs=\{'text': …\}"):
        studio.generate(SHOTS, workflow, text="x")


async def test_one_at_a_time_keeps_the_queue_shallow(studio, server, workflow):
    batch = studio.generate(SHOTS, workflow, one_at_a_time=True)
    deepest = 0

    def look():
        nonlocal deepest
        deepest = max(deepest, sum(not job.over for job in batch.jobs))

    batch.subscribe(look)
    await batch
    assert deepest == 1
    assert server.journal.posts("/prompt") == 3


async def test_what_may_be_mended_is_tried_again(tmp_path, workflow):
    async with DemoServer(step_seconds=0.0) as server, Studio(server.url, cache=tmp_path) as studio:
        failing = graph(f={"class_type": "LabFail", "image": ["a", 0], "message": "no"}, a=slow(), b=save("f"))
        broken = await studio.generate(
            [Shot("shot-01", "x")], Workflow(failing, bindings={"prompt": "b.filename_prefix"}), retries=2
        )
        assert [item.attempts for item in broken] == [3]
        assert server.journal.posts("/prompt") == 3
        refused = await studio.generate([Shot("shot-02", "x", inputs={"steps": -1})], workflow, retries=2)
        assert [item.attempts for item in refused] == [1]


@pytest.mark.parametrize("one_at_a_time", [False, True])
async def test_stopping_keeps_what_is_done_and_going_on_makes_the_rest(studio, server, workflow, one_at_a_time):
    # Long enough that no shot ends while its stop is on the way.
    workflow = Workflow(workflow.fill(inputs={"a.steps": 40, "a.delay": 0.02}).graph, bindings=workflow.bindings)
    first = await studio.generate(SHOTS[:1], workflow)
    held = server.hold("LabSlow", step=1)
    batch = studio.generate(SHOTS, workflow, one_at_a_time=one_at_a_time)
    await held
    stopping = batch.cancel()
    held.release()
    await stopping
    await batch
    assert [item.status for item in batch] == ["complete", "cancelled", "cancelled"]
    assert batch.takes["shot-01"].path == first.takes["shot-01"].path
    posts = server.journal.posts("/prompt")
    again = await studio.generate(SHOTS, workflow)
    assert [item.status for item in again] == ["complete"] * 3
    assert server.journal.posts("/prompt") == posts + 2


async def test_the_rest_is_stopped_while_the_one_that_runs_comes_to_its_end(studio, server, workflow):
    held = server.hold("LabSlow")
    batch = studio.generate(SHOTS, workflow)
    await held
    while batch.items[0].status != "running":
        await next_change(batch)
    stopping = batch.cancel(rest=True)
    await stopping
    assert [item.status for item in batch] == ["running", "cancelled", "cancelled"]
    held.release()
    await batch
    assert [item.status for item in batch] == ["complete", "cancelled", "cancelled"]
    posts = server.journal.posts("/prompt")

    assert batch.resubmit(batch.items[2]) is batch
    assert not batch.over
    await batch
    assert [item.status for item in batch] == ["complete", "cancelled", "complete"]
    await batch.resubmit()
    assert [item.status for item in batch] == ["complete"] * 3
    assert server.journal.posts("/prompt") == posts + 2
    assert batch.resubmit().over


async def test_one_of_a_batch_is_stopped(studio, server, workflow):
    held = server.hold("LabSlow")
    batch = studio.generate(SHOTS, workflow, one_at_a_time=True)
    await held
    await batch.cancel(batch.items[1])
    held.release()
    await batch
    assert [item.status for item in batch] == ["complete", "cancelled", "complete"]
    assert batch.items[1].attempts == 0


async def test_asked_again_while_others_are_made(studio, server, workflow):
    held = server.hold("LabSlow")
    batch = studio.generate(SHOTS, workflow, one_at_a_time=True)
    await held
    await batch.cancel(batch.items[1])
    batch.resubmit()
    assert [item.status for item in batch][1:] == ["waiting", "waiting"]
    held.release()
    await batch
    assert [item.status for item in batch] == ["complete"] * 3
    assert server.journal.posts("/prompt") == 3


async def test_what_is_on_disk_does_not_wait_for_its_turn(studio, server, workflow):
    await studio.generate(SHOTS[1:], workflow)
    held = server.hold("LabSlow")
    batch = studio.generate(SHOTS, workflow, one_at_a_time=True)
    await held
    while [item.status for item in batch][1:] != ["complete", "complete"]:
        await next_change(batch)
    assert not batch.items[0].over
    held.release()
    await batch
    assert server.journal.posts("/prompt") == 3


async def test_it_says_how_long_it_will_take(studio, server, workflow):
    first = await studio.generate(SHOTS[:1], workflow)
    seconds = first.items[0].take.render_seconds
    held = server.hold("LabSlow", step=1)
    batch = studio.generate(SHOTS, workflow, one_at_a_time=True)
    await held
    while batch.items[1].status != "running":
        await next_change(batch)
    assert seconds <= batch.remaining <= 2 * seconds
    held.release()
    await batch
    assert batch.remaining is None


async def next_change(batch):
    changed = asyncio.Event()
    unsubscribe = batch.subscribe(changed.set)
    try:
        await changed.wait()
    finally:
        unsubscribe()


async def test_its_face_names_the_request_and_never_a_state(studio, workflow):
    batch = studio.generate([Shot("shot-01", "<b>x</b>", scene="s")], workflow)
    before = (repr(batch), batch._repr_mimebundle_()["text/html"])
    await batch
    assert (repr(batch), batch._repr_mimebundle_()["text/html"]) == before
    assert "&lt;b&gt;x" in before[1]


def test_in_a_script(tmp_path, workflow):
    with DemoServer(step_seconds=0.0) as server, Studio(server.url, cache=tmp_path) as studio:
        batch = studio.generate(SHOTS, workflow)
        assert server.journal.posts("/prompt") == 3
        assert {item.status for item in batch.result()} == {JobStatus.COMPLETE}


async def test_cancelling_the_wait_leaves_the_batch(studio, server, workflow):
    held = server.hold("LabSlow")
    batch = studio.generate(SHOTS[:1], workflow)
    await held
    waiter = asyncio.ensure_future(_await(batch))
    await asyncio.sleep(0)
    waiter.cancel()
    held.release()
    assert (await batch).takes


async def _await(batch):
    await batch


@pytest.mark.parametrize("wrong", ["dusk", {"prompt": "dusk"}])
def test_what_is_no_shot_is_told_so(tmp_path, wrong):
    with pytest.raises(TimelineError, match=r"This is no shot: .*Such as cw\.Shot"):
        Studio(offline=True, cache=tmp_path).generate([wrong], Workflow(wan()))


async def test_one_shot_is_a_batch_of_one(tmp_path):
    batch = await Studio(offline=True, cache=tmp_path).generate(SHOTS[0], Workflow(wan()))
    assert [item.shot for item in batch] == [SHOTS[0].id]
