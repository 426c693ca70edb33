"""A timeline on the embedded server: generated, stopped, chained, found again, and joined to a film."""

import asyncio
import json
import subprocess
import sys
import textwrap

import pytest

from comfy_widgets import Shot, Studio, Workflow, media, pipeline
from comfy_widgets.demo import DemoServer
from comfy_widgets.errors import FetchFailed, TimelineError
from comfy_widgets.timeline import Timeline
from tests.lib.graphs import wan
from tests.lib.timelines import SHOTS, statuses
from tests.tracker.test_scenarios import graph, save, slow

pytestmark = pytest.mark.slow


async def test_what_is_missing_is_made_and_found_again(timeline_of, server, tmp_path):
    timeline = timeline_of()
    seen = {shot.id: [timeline.status(shot.id)] for shot in SHOTS}

    def look(change):
        for name in change.shots:
            if seen[name][-1] != timeline.status(name):
                seen[name].append(timeline.status(name))

    timeline.subscribe(look)
    await timeline.generate()
    for states in seen.values():
        assert [state for state in states if state not in {"submitting", "saving"}] == [
            "waiting",
            "queued",
            "running",
            "complete",
        ]
    assert (timeline.progress, timeline.missing()) == (1.0, [])
    assert server.journal.posts("/prompt") == 3
    timeline.save()
    async with Studio(server.url, cache=tmp_path / "takes") as other:
        again = timeline_of(studio=other)
        assert {name: take.path for name, take in again.chosen.items()} == {
            name: take.path for name, take in timeline.chosen.items()
        }
        await again.generate()
        await again.generate(everything=True)
    assert server.journal.posts("/prompt") == 3


async def test_one_that_fails_says_where_and_stops_none(timeline_of):
    bad = Shot("shot-09", "x", scene="scene-002", inputs={"steps": -1})
    worse = Shot("shot-10", "y", inputs={"nothing": 1})
    timeline = timeline_of([SHOTS[0], bad, worse, SHOTS[2]])
    batch = await timeline.generate()
    assert statuses(timeline) == ["complete", "error", "error", "complete"]
    assert str(timeline.runs.latest["shot-09"].error).startswith("Scene scene-002, shot shot-09")
    assert str(batch.errors["shot-10"]).startswith("Shot shot-10: This workflow has no binding 'nothing'")


async def test_a_node_that_fails_is_told_with_scene_shot_and_prompt(timeline_of):
    failing = graph(a=slow(text=""), f={"class_type": "LabFail", "image": ["a", 0], "message": "no"}, b=save("f"))
    timeline = timeline_of(SHOTS[:1], workflow=Workflow(failing, bindings={"prompt": "a.text", "seed": "a.seed"}))
    (item,) = await timeline.generate()
    assert item.error.where == f"Scene scene-001, shot shot-01, prompt {item.job.id}"


async def test_a_workflow_that_does_not_fit_says_so_at_the_shot_and_the_rest_goes_on(timeline_of, workflow, picture):
    unnamed = Workflow(graph(a=slow(), b=save("a")), bindings={"seed": "a.seed"})
    batch = await timeline_of(SHOTS[:2], workflow=unnamed, file=None).generate()
    assert [str(error) for error in batch.errors.values()] == [
        f"Scene scene-001, shot {name}: This workflow has no binding for the prompt. "
        "Say which input it is: workflow.bind(prompt='<node>.<input>')."
        for name in ("shot-01", "shot-02")
    ]
    several = Workflow(graph(a=slow(text="x"), b=save("a")))
    several.bindings.ambiguous["prompt"] = ["a.text", "b.filename_prefix"]
    batch = await timeline_of(SHOTS[:1], workflow=several, file=None).generate()
    assert "Several inputs could be 'prompt': a.text" in str(batch.errors["shot-01"])
    assert batch.errors["shot-01"].hint == "Choose one: workflow.bind(prompt='a.text')."
    timeline = timeline_of(
        [Shot("a", "x", keyframe=picture()), Shot("灯台" * 150, "灯台 " * 60, title="灯台" * 150, seed=1)]
    )
    batch = await timeline.generate()
    assert statuses(timeline) == ["error", "complete"]
    assert "Shot a: This workflow has no binding 'keyframe'" in str(batch.errors["a"])


async def test_a_copy_gets_its_own_take_without_a_render(timeline_of, server):
    timeline = timeline_of(SHOTS[:1])
    await timeline.generate()
    copy = timeline.duplicate("shot-01")
    assert timeline.missing() == [copy.id]
    await timeline.generate()
    assert timeline.chosen[copy.id].path == timeline.chosen["shot-01"].path
    assert ("scene-001", copy.id) in timeline.chosen[copy.id].used_by
    assert server.journal.posts("/prompt") == 1


async def test_another_take_is_another_and_one_is_chosen(timeline_of, server):
    timeline = timeline_of(SHOTS[:1])
    await timeline.generate()
    await timeline.generate("shot-01", another=True)
    first, second = timeline.takes["shot-01"]
    assert first.inputs["seed"] != second.inputs["seed"]
    assert timeline.chosen["shot-01"] is second
    assert not timeline.edited("shot-01")
    timeline.choose("shot-01", first)
    assert timeline.chosen["shot-01"] is first
    timeline.undo()
    assert timeline.chosen["shot-01"] is second
    chosen = timeline.chosen
    chosen["shot-01"] = first
    assert chosen["shot-01"] is timeline.chosen["shot-01"] is first
    timeline.undo()
    assert timeline.chosen["shot-01"] is second
    timeline.edit("shot-01", prompt="another view")
    assert timeline.edited("shot-01")
    timeline.save()
    assert timeline_of().chosen["shot-01"].path == second.path


async def test_stopping_keeps_what_is_done(timeline_of, server):
    timeline = timeline_of(one_at_a_time=True)
    await timeline.generate("shot-01")
    held = server.hold("KSampler")
    batch = timeline.generate()
    await held
    timeline.stop()
    held.release()
    await batch
    assert statuses(timeline) == ["complete", "cancelled", "cancelled"]
    await timeline.generate()
    assert statuses(timeline) == ["complete"] * 3


async def test_the_film_is_as_long_as_its_takes(timeline_of, tmp_path):
    timeline = timeline_of()
    await timeline.generate("shot-01", "shot-03")
    export = timeline.export(tmp_path / "film.mp4")
    assert await export == tmp_path / "film.mp4"
    assert export.progress == 1.0
    assert media.probe(tmp_path / "film.mp4").seconds == pytest.approx(timeline.seconds, abs=0.01)
    timeline.chosen["shot-01"].path.unlink()
    with pytest.raises(Exception, match="can't be read"):
        await timeline.export(tmp_path / "other.mp4")
    assert not (tmp_path / "other.mp4").exists()


async def test_a_film_takes_no_takes_place(timeline_of, tmp_path):
    timeline = timeline_of(SHOTS[:2])
    await timeline.generate()
    first = timeline.chosen["shot-01"]
    timeline.delete("shot-01")
    (tmp_path / "films.mp4").mkdir()
    for name, words in (
        (first.path, "is a take, and would be lost"),
        (timeline.chosen["shot-02"].path, "is a take, and would be lost"),
        (tmp_path / "films.mp4", r"is a folder\. Name a file in it: timeline\.export\('.*/films\.mp4/film\.mp4'\)"),
        (tmp_path / "film.webm", r"timeline\.export\('.*/film\.mp4'\)"),
        (tmp_path / "film", r"timeline\.export\('.*/film\.mp4'\)"),
    ):
        with pytest.raises(TimelineError, match=words):
            timeline.export(name)
    assert first.path.stat().st_size == first.size
    beside = await timeline.export(first.path.with_name("Film.MP4"))
    assert media.probe(await timeline.export(beside)).frames == 9


async def test_run_again_in_the_same_kernel_it_goes_on(timeline_of, server):
    held = server.hold("KSampler")
    first = timeline_of()
    batch = first.generate()
    await held
    again = timeline_of()
    held.release()
    await batch
    assert statuses(again) == ["complete"] * 3
    assert server.journal.posts("/prompt") == 3
    again.save()
    first.edit("shot-01", prompt="nobody looks here any more")
    with pytest.raises(TimelineError):
        first.save()
    assert timeline_of()["shot-01"].prompt == "view 1"


async def test_what_a_person_waits_for_is_estimated(timeline_of, server):
    timeline = timeline_of()
    assert timeline.remaining is None
    await timeline.generate("shot-01")
    held = server.hold("KSampler")
    batch = timeline.generate()
    await held
    assert 0 < timeline.progress < 1
    held.release()
    await batch
    assert timeline.remaining is None


def test_a_program_that_ends_keeps_what_was_said_last(tmp_path, workflow):
    async def main():
        async with Studio(offline=True, cache=tmp_path / "takes") as studio:
            path = tmp_path / "film.json"
            timeline = Timeline(SHOTS, workflow=workflow, studio=studio, file=path)
            while not path.exists():  # noqa: ASYNC110 - a thread writes it, and tells nobody
                await asyncio.sleep(0)
            # From here on the next change waits for a moment.
            timeline.edit("shot-01", prompt="the last word")
            await asyncio.sleep(0)

    asyncio.run(main())
    assert '"the last word"' in (tmp_path / "film.json").read_text("utf-8")


async def test_edits_while_it_is_made_are_kept(timeline_of, server):
    timeline = timeline_of()
    held = server.hold("KSampler")
    batch = timeline.generate()
    await held
    timeline.edit("shot-02", prompt="said later")
    timeline.delete("shot-03")
    held.release()
    await batch
    await asyncio.sleep(0)
    assert timeline["shot-02"].prompt == "said later"
    assert timeline.edited("shot-02")
    assert list(timeline.takes) == ["shot-01", "shot-02"]
    timeline.undo()
    assert statuses(timeline) == ["complete"] * 3


async def test_what_waits_for_its_turn_is_made_as_it_is_then(timeline_of, server):
    timeline = timeline_of([*SHOTS, Shot("shot-04", "view 4", seed=4)], one_at_a_time=True)
    held = server.hold("KSampler")
    batch = timeline.generate()
    await held
    timeline.edit("shot-02", prompt="said later", scene="scene-002")
    timeline.delete("shot-03", "shot-04")
    timeline.undo()
    timeline.delete("shot-03")
    held.release()
    await batch
    assert {name: take.inputs["prompt"] for name, take in batch.takes.items()} == {
        "shot-01": "view 1",
        "shot-02": "said later",
        "shot-04": "view 4",
    }
    assert not timeline.edited("shot-02")
    assert timeline.chosen["shot-02"].scene == "scene-002"
    assert [item.status for item in batch] == ["complete", "complete", "cancelled", "complete"]
    assert server.journal.posts("/prompt") == 3


async def test_what_failed_is_asked_for_again_as_it_is_then(timeline_of):
    failing = graph(a=slow(text=""), f={"class_type": "LabFail", "image": ["a", 0], "message": "no"}, b=save("f"))
    workflow = Workflow(failing, bindings={"prompt": "a.text", "seed": "a.seed"})
    timeline = timeline_of(SHOTS[:1], workflow=workflow, retries=1)
    (item,) = batch = await timeline.generate()
    assert item.attempts == 2
    timeline.edit("shot-01", prompt="said later")
    await batch.resubmit()
    assert item.job.request.filled.inputs["prompt"] == "said later"


async def test_a_function_that_fails_for_one_shot_stops_none(timeline_of):
    timeline = timeline_of(text=lambda shot, _style: {"shot-01": "one", "shot-03": "three"}[shot.id])
    batch = await timeline.generate()
    assert statuses(timeline) == ["complete", "error", "complete"]
    assert "Its prompt could not be made: KeyError: 'shot-02'" in str(batch.errors["shot-02"])
    assert [item.prompt for item in batch] == ["one", "view 2", "three"]


SCRIPT = """
    import sys, comfy_widgets as cw
    studio = cw.Studio(sys.argv[1])
    workflow = cw.Workflow.load("wan.json")
    shots = [cw.Shot(f"shot-0{n}", f"view {n}", scene="scene-001", seed=n) for n in (1, 2, 3)]
    timeline = cw.Timeline(shots, workflow=workflow, studio=studio)
    timeline.generate().result().raise_for_errors()
    timeline.duplicate("shot-01")
    timeline.generate().result()
    print(timeline.export("film.mp4").result(), len(timeline.chosen))
    timeline.export("forgotten.mp4")
    if sys.argv[2] == "close":
        studio.close()
"""


@pytest.mark.parametrize("ending", ["close", "left open"])
def test_a_plain_script_does_it_all(tmp_path, ending):
    (tmp_path / "wan.json").write_text(json.dumps(wan()))
    with DemoServer(step_seconds=0.0) as server:
        for shots in (4, 5):
            done = subprocess.run(
                [sys.executable, "-W", "error", "-c", textwrap.dedent(SCRIPT), server.url, ending],
                cwd=tmp_path,
                capture_output=True,
                text=True,
                check=False,
            )
            assert (done.stderr, done.returncode) == ("", 0)
            told = json.loads((tmp_path / "Film.json").read_text("utf-8"))
            assert [len(shot["takes"]) for shot in told["shots"]] == [1] * shots
        assert server.journal.posts("/prompt") == 3
    assert done.stdout == "film.mp4 5\n"
    assert [media.probe(tmp_path / name).frames for name in ("film.mp4", "forgotten.mp4")] == [5 * 9] * 2


async def test_what_is_asked_for_again_behind_its_back_is_heard_of(timeline_of, server):
    timeline = timeline_of(SHOTS[:2])
    held = server.hold("KSampler")
    batch = timeline.generate()
    await held
    timeline.stop()
    held.release()
    await batch
    assert statuses(timeline) == ["cancelled", "cancelled"]
    again = timeline_of(SHOTS[:2])
    await batch.resubmit()
    assert statuses(again) == ["complete", "complete"]
    assert list(again.chosen) == ["shot-01", "shot-02"]
    assert again.takes_of("shot-01") == (batch.takes["shot-01"],)
    assert timeline.takes_of("shot-01") == ()


async def test_a_file_that_is_fetched_later_is_heard_of(timeline_of, studio, monkeypatch):
    async def full(*_):
        raise FetchFailed("No space is left.")

    timeline = timeline_of(SHOTS[:1])
    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "save", full)
        (item,) = await timeline.generate()
    assert statuses(timeline) == ["error"]
    item.job.fetch()
    await item.job
    assert timeline.takes_of("shot-01") == (item.take,)


async def test_what_is_over_is_told_once_and_not_kept_for_ever(timeline_of):
    timeline = timeline_of(SHOTS[:1])
    batches = [await timeline.generate("shot-01", another=True) for _ in range(3)]
    assert [batch for batch, _ in timeline.runs.followed] == batches[2:]
    first = timeline.takes_of("shot-01")[0]
    timeline.choose("shot-01", first)
    again = timeline_of(SHOTS[:1])
    assert again.chosen_of("shot-01").handle == first.handle
    assert not again.can_undo
    assert timeline.runs.followed == []
    await again.generate("shot-01", another=True)
    assert len(again.runs.followed) == 1
    assert len(again.takes_of("shot-01")) == 4


async def test_stopping_a_shot_stops_all_that_was_asked_for_of_it(timeline_of, server):
    timeline = timeline_of(SHOTS[:2])
    held = server.hold("KSampler")
    batches = [timeline.generate("shot-01", another=True) for _ in range(2)]
    other = timeline.generate("shot-02")
    await held
    timeline.stop("shot-01")
    held.release()
    for batch in (*batches, other):
        await batch
    assert [batch.items[0].status for batch in batches] == ["cancelled", "cancelled"]
    assert statuses(timeline) == ["cancelled", "complete"]
