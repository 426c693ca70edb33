"""A film in shots: edited, generated, chosen from and exported; in a notebook, or in a script without one."""

import weakref
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from html import escape
from pathlib import Path
from typing import Any, Protocol

from comfy_widgets import faces
from comfy_widgets.batch import Batch, Item, Plan
from comfy_widgets.cache import TakeCache, slug_of
from comfy_widgets.comfyui.threads import in_thread
from comfy_widgets.errors import ComfyWidgetsError, TimelineError
from comfy_widgets.home_loop import HomeLoop
from comfy_widgets.jobs import Job
from comfy_widgets.run_log import RunLog
from comfy_widgets.shots import Shot, Text
from comfy_widgets.takes import Take
from comfy_widgets.timeline_edits import Change, Edits
from comfy_widgets.timeline_export import Export, film_path
from comfy_widgets.timeline_file import Told, completed, fingerprint, merged
from comfy_widgets.timeline_runs import Recipe, Runs, Start, broken_chain, items, last_frame
from comfy_widgets.timeline_saving import Keeper
from comfy_widgets.timeline_script import Script
from comfy_widgets.workflow import Workflow


class Desk(Protocol):
    """What a timeline needs of a studio."""

    cache: TakeCache

    @property
    def home(self) -> HomeLoop:
        """The loop that work runs in."""

    def submit(self, workflow: Workflow, shot: Shot | str | None = None, /, **options: Any) -> Job:
        """Start making a take."""


_open: "weakref.WeakValueDictionary[Path, Timeline]" = weakref.WeakValueDictionary()


class Timeline(Edits):
    """Shots in their order, the takes of each, and the film that the chosen ones make.

    It is kept in a file beside the notebook and found there again, with its takes. What is done here shows in the
    notebook's widget, and what people do there shows here.

    Parameters
    ----------
    shots
        The shots; where the file knows them already, what people did with them stays.
    workflow
        Makes a shot's take.
    studio
        Where they are made and kept.
    keyframes
        A text-to-image workflow that makes a shot's keyframe.
    title
        What people call the film.
    style, negative
        Said of all shots: at the end of each prompt, and where a shot has no negative prompt of its own.
    chain
        Let a shot without a keyframe begin with the last frame of the one before it.
    one_at_a_time, retries
        As for `Studio.generate`.
    text
        Makes the prompt of a shot and the style.
    file
        Where the timeline is kept: a file beside the notebook that is named after the title, if nothing else is said;
        None keeps it nowhere.

    Raises
    ------
    TimelineError
        If two shots have one id.

    Examples
    --------
    >>> timeline = cw.Timeline(shots, workflow=workflow, studio=studio)  # doctest: +SKIP
    >>> await timeline.generate()  # doctest: +SKIP
    >>> await timeline.export("film.mp4")  # doctest: +SKIP
    """

    def __init__(
        self,
        shots: Iterable[Shot] = (),
        *,
        workflow: Workflow,
        studio: Desk,
        keyframes: Workflow | None = None,
        title: str = "Film",
        style: str | None = None,
        negative: str | None = None,
        chain: bool = False,
        one_at_a_time: bool = False,
        retries: int = 0,
        text: Text = Shot.text,
        file: str | Path | None = "",
    ) -> None:
        self.title = title
        self.studio = studio
        self.recipe = Recipe(workflow, style, negative, text, chain)
        self.keyframes = None if keyframes is None else Recipe(keyframes, style, negative, text)
        self.plan = Plan(one_at_a_time=one_at_a_time, retries=retries)
        self.runs = Runs(self._moved)
        self.pictures = Runs(self._pictured)
        self.exported: Export | None = None
        given = Script.of(shots)
        super().__init__(given)
        self._given = {shot.id: fingerprint(shot) for shot in given.shots}
        # Resolved now: a notebook that changes its folder later must not begin a second file there.
        path = None if file is None else Path(file or f"{slug_of(title) or 'film'}.json").resolve()
        self.keeper = Keeper(path, self._told, studio.home, partial(self._changed, Change()))
        if path is not None:
            self._restore(given, self._take_over(path))

    @property
    def seconds(self) -> float:
        """How long the film is."""
        return sum(take.seconds or 0.0 for take in self.chosen.values())

    @property
    def file(self) -> Path | None:
        """Where it is kept."""
        return self.keeper.path

    @property
    def complaint(self) -> ComfyWidgetsError | None:
        """Why it is not kept in its file now, None while it is."""
        return self.keeper.complaint

    def missing(self) -> list[str]:
        """The shots without a take, that none is being made of either."""
        return [name for name in self._script.ids if not self._takes.get(name) and self.runs.active(name) is None]

    def edited(self, name: str) -> bool:
        """Whether a shot says something else than its chosen take was made for."""
        take = self.chosen_of(name)
        return take is not None and not self.recipe.asked_before(self[name], take)

    def generate(self, *names: str, everything: bool = False, another: bool = False) -> Batch:
        """Start making takes and return at once; one that fails stops none of the others.

        Parameters
        ----------
        *names
            Ids of shots; without any, those that have no take.
        everything
            All shots; what was made before comes from the cache.
        another
            Make another take, with a seed that is drawn.

        Returns
        -------
        Batch
            Await it, show it, or ask its ``summary()``.
        """
        wanted = set(self._script.ids if everything else names or self.missing())
        for name in wanted:
            self._script.place(name)
        asked = [name for name in self._script.ids if name in wanted]
        made = items(asked, self._now, self.recipe, self.studio.submit, another=another, starts=self._starts)
        return self._batch(made, self.runs)

    def make_keyframes(self, *names: str, another: bool = False) -> Batch:
        """Start making keyframes by the text-to-image workflow, and return at once.

        Parameters
        ----------
        *names
            Ids of shots; without any, those that have no keyframe.
        another
            Make another picture, with a seed that is drawn.

        Raises
        ------
        TimelineError
            If the timeline has no such workflow.
        """
        if self.keyframes is None:
            raise TimelineError(
                "This timeline has no workflow for keyframes.", hint="Give it one: Timeline(…, keyframes=workflow)."
            )
        wanted = names or [shot.id for shot in self.shots if shot.keyframe is None]
        for name in wanted:
            self._script.place(name)
        now = partial(self._still, self.keyframes)
        return self._batch(items(wanted, now, self.keyframes, self.studio.submit, another=another), self.pictures)

    def stop(self, *names: str) -> None:
        """Stop what is being made of these shots, or of all; takes that are there stay."""
        wanted = names or tuple(self.runs.latest) + tuple(self.pictures.latest)
        self.runs.stop(wanted)
        self.pictures.stop(wanted)

    def export(self, path: str | Path) -> Export:
        """Start joining the chosen takes to an mp4, and return at once; shots without a take are left out.

        Raises
        ------
        TimelineError
            If no shot has a take, or the film can't have this name.
        """
        into = film_path(path, self.studio.cache)
        paths = [take.path for take in self.chosen.values() if take.kind == "video"]
        if not paths:
            raise TimelineError("No shot has a take yet.", hint="Make some first: timeline.generate().")
        self.exported = Export(paths, into, self.studio.home, partial(self._changed, Change()))
        return self.exported

    def save(self, *, anyway: bool = False) -> None:
        """Write the file now; it is written after each change by itself.

        Parameters
        ----------
        anyway
            Also over what somebody else wrote there meanwhile.

        Raises
        ------
        TimelineChanged
            If somebody else did.
        """
        self.keeper.save(anyway=anyway)
        self._changed(Change())

    def reload(self) -> None:
        """Take what the file says now, and keep the takes that came here; `undo` goes back.

        Raises
        ------
        TimelineError
            If it can't be read.
        """
        told = self.keeper.read()
        if told is not None:
            more = self._find(told.takes, self.studio.cache.takes)
            script = self._choose_newest(completed(told, self.shots))
            self._become(script, set(self._script.ids), order=True, save=False)
            # Takes are news also where the script is the same.
            self._changed(Change(frozenset(self._script.ids)), save=more)

    @property
    def progress(self) -> float:
        """Fraction from 0 to 1 of the shots that have what was asked for last."""
        if not self.shots:
            return 0.0
        parts = []
        for name in self._script.ids:
            item = self.runs.active(name)
            done = item.job.progress if item is not None and item.job is not None else 0.0
            parts.append(done if item is not None else float(bool(self._takes.get(name))))
        return sum(parts) / len(parts)

    @property
    def remaining(self) -> float | None:
        """Seconds until all that was asked for is probably there; None where that can't be said."""
        known = [take.render_seconds for takes in self._takes.values() for take in takes if take.render_seconds]
        return self.runs.remaining(sum(known) / len(known) if known else None)

    def status(self, name: str) -> str:
        """A shot's state: that of its latest request, else ``complete`` with a take and ``waiting`` without."""
        item = self.runs.latest.get(name)
        if item is not None and item.status != "complete":
            return item.status
        return "complete" if self._takes.get(name) else "waiting"

    def _now(self, name: str) -> Shot | None:
        return self[name] if name in self._script.ids else None

    def _still(self, recipe: Recipe, name: str) -> Shot | None:
        """A shot as a picture: how long it is and how it ends is no business of that workflow."""
        shot = self._now(name)
        if shot is None:
            return None
        negative = shot.negative if "negative" in recipe.workflow.bindings else None
        return replace(shot, keyframe=None, end_keyframe=None, seconds=None, inputs={}, negative=negative)

    def _before(self, name: str) -> str | None:
        """The shot with whose last picture this one begins, None if it begins with its own."""
        shot = self._now(name)
        if shot is None or not self.recipe.chained(shot) or shot is self.shots[0]:
            return None
        return self.shots[self._script.place(name) - 1].id

    def _starts(self, name: str, made: Mapping[str, Item]) -> Start | None:
        before = self._before(name)
        if before is None:
            return None
        return partial(self._last_frame, name, before, made.get(before) or self.runs.active(before))

    async def _last_frame(self, name: str, waited_for: str, item: Item | None) -> Path | None:
        if item is not None:
            await item.ended.wait()
        # Meanwhile it may have been moved or deleted, or the one before it.
        before = self._before(name)
        if before is None:
            return None
        take = item.take if item is not None and before == waited_for else self.chosen_of(before)
        if take is None:
            raise broken_chain(before)
        return await in_thread(last_frame, take)

    def _batch(self, made: list[Item], runs: Runs) -> Batch:
        batch = Batch(made, self.studio.home, RunLog(self.studio.cache.folder), self.plan)
        runs.follow(batch)
        return batch

    def _moved(self, names: set[str], came: list[tuple[str, Take]]) -> None:
        for name, take in came:
            self._keep_take(name, take)
        self._changed(Change(frozenset(names)), save=bool(came))

    def _pictured(self, names: set[str], came: list[tuple[str, Take]]) -> None:
        for name, take in came:
            if name in self._script.ids and take.kind == "image":
                self.edit(name, keyframe=beside(take.path))
        self._changed(Change(frozenset(names)))

    def _changed(self, change: Change, *, save: bool = False) -> None:
        if save:
            self.keeper.mark()
        super()._changed(change)

    def _told(self) -> Told:
        return Told(self._script, self._handles(), self._given)

    def _take_over(self, path: Path) -> Told | None:
        """Go on with what an earlier run of the same cell has under way; what of it could not be written."""
        before, unwritten = _open.get(path), None
        if before is not None:
            if not before.keeper.retire():
                self._takes = {name: tuple(takes) for name, takes in before.takes.items()}
            unwritten = before.keeper.unwritten
            self.runs.adopt(before.runs)
            self.pictures.adopt(before.pictures)
        _open[path] = self
        return unwritten

    def _restore(self, given: Script, unwritten: Told | None) -> None:
        self._script = self._choose_newest(given)
        try:
            told = self.keeper.read()
        except TimelineError:
            return  # the complaint is shown; what the code gave is there to work with
        more = told is not None and self._find(told.takes, self.studio.cache.takes)
        told = unwritten or told
        if told is not None:
            self._script = self._choose_newest(merged(told, given.shots))
        if told is None or more or unwritten or (self._script, self._given) != (told.script, told.given):
            self.keeper.mark()

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return faces.bundle(self, text=repr(self), html=self.static_html())

    def static_html(self) -> str:
        """The shots as a table, for readers without a kernel."""
        rows = "".join(
            f"<tr><td>{escape(shot.scene or '')}</td><td>{escape(shot.id)}</td><td>{escape(shot.title or '')}</td>"
            f"<td>{escape(shot.prompt)}</td></tr>"
            for shot in self.shots
        )
        head = "<tr><th>scene</th><th>shot</th><th>title</th><th>prompt</th></tr>"
        return f"<div><strong>{escape(self.title)}</strong></div><table>{head}{rows}</table>"

    def __repr__(self) -> str:
        # What is asked for, never how far it is: a saved notebook must not go stale.
        count = f"{len(self.shots)} shot{'' if len(self.shots) == 1 else 's'}"
        return "\n".join([f"{self.title}: {count}", *(f"  {shot.id}: {shot.prompt}" for shot in self.shots)])


def beside(path: Path) -> str:
    """A path as a timeline's file keeps it: relative to the notebook where that is possible."""
    try:
        return path.resolve().relative_to(Path.cwd().resolve()).as_posix()
    except ValueError:
        return path.as_posix()
