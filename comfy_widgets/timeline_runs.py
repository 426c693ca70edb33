"""What is being made for a timeline's shots: how each is asked for, and where each is."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from comfy_widgets import media
from comfy_widgets.batch import Batch, Item
from comfy_widgets.errors import BindingError, ComfyWidgetsError, InputFileError, TimelineError
from comfy_widgets.files import put, temporary_beside
from comfy_widgets.jobs import Job
from comfy_widgets.pruning import frame_of
from comfy_widgets.shots import Shot, Text
from comfy_widgets.takes import Take
from comfy_widgets.workflow import RANDOM, Random, Workflow

Start = Callable[[], Awaitable[Path | None]]
DEFAULT_NEGATIVE = "blurry, low quality, static, subtitles, watermark"


@dataclass(frozen=True)
class Recipe:
    """How a shot becomes a request.

    Attributes
    ----------
    workflow
        What is run.
    style, negative
        For all shots; None leaves them out, or as the workflow has them.
    text
        Makes the prompt of a shot and the style.
    chain
        Whether a shot without a keyframe of its own begins where the one before it ended.
    """

    workflow: Workflow
    style: str | None
    negative: str | None
    text: Text
    chain: bool = False

    def chained(self, shot: Shot) -> bool:
        """Whether this shot begins with the last frame of the one before it."""
        return self.chain and shot.keyframe is None and "keyframe" in self.workflow.bindings

    def inputs(self, shot: Shot, *, another: bool = False, start: Path | None = None) -> dict[str, Any]:
        """The workflow's inputs for a shot.

        Parameters
        ----------
        shot
            What is to be seen.
        another
            Draw a seed, so that the take is another one.
        start
            The picture it begins with, if it is not its own keyframe.

        Raises
        ------
        InputFileError
            If a picture is missing that the workflow needs, or can't be read.
        BindingError
            If the workflow takes no prompt.
        TimelineError
            If the prompt can't be made.
        """
        known = self.workflow.bindings
        # Where several qualify, filling the workflow names them.
        if "prompt" not in known and "prompt" not in known.ambiguous:
            raise BindingError(
                "This workflow has no binding for the prompt.",
                hint="Say which input it is: workflow.bind(prompt='<node>.<input>').",
            )
        found = shot.bindings(self.style, self.text)
        if "negative" in known and known["negative"] != known.get("prompt"):
            found["negative"] = shot.negative or self.negative or known.value("negative") or DEFAULT_NEGATIVE
        if start is not None:
            found["keyframe"] = start
        for name, words in (("keyframe", "keyframe"), ("end_keyframe", "end keyframe")):
            if name in known:
                _check_picture(found.get(name), words, shot)
        if another and "seed" in known:
            found["seed"] = RANDOM
        return found

    def asked_before(self, shot: Shot, take: Take) -> bool:
        """Whether a take was made for what the shot says now, as far as its inputs tell."""
        try:
            said = shot.bindings(self.style, self.text)
        except ComfyWidgetsError:
            return False
        for name in ("keyframe", "end_keyframe"):
            if name in said:
                said[name] = Path(said[name]).name
        # Another take has a seed of its own, and a length in seconds is told in frames.
        return all(take.inputs.get(name, value) == value for name, value in said.items() if name not in _FREE)

    def words(self, shot: Shot) -> str:
        """What people read of a request."""
        try:
            return str(shot.bindings(self.style, self.text)["prompt"])
        except ComfyWidgetsError:
            return str(shot.prompt)


_FREE = frozenset({"seed", "seconds", "negative"})


def _check_picture(picture: Any, words: str, shot: Shot) -> None:
    if picture is None:
        raise InputFileError(
            f"It has no {words}, and the workflow needs one.",
            hint=f"Drop an image on the card, or timeline.edit({shot.id!r}, {words.replace(' ', '_')}='picture.png').",
        )
    path = Path(picture).expanduser()
    try:
        stat = path.stat()
        whole = _is_picture(path, stat.st_mtime_ns, stat.st_size)
    except FileNotFoundError:
        raise InputFileError(
            f"The {words} {path} does not exist.",
            hint=f"Drop an image on the card, or timeline.edit({shot.id!r}, {words.replace(' ', '_')}='picture.png').",
        ) from None
    except OSError:
        return  # the workflow says what is wrong with the path when it is filled
    if not whole:
        raise InputFileError(f"The {words} {path.name} is not an image that can be read.", hint="Give another one.")


@lru_cache(maxsize=1024)
def _is_picture(path: Path, _changed: int, _size: int) -> bool:
    try:
        return media.probe(path).width is not None
    except ComfyWidgetsError:
        return False


def last_frame(take: Take) -> Path:
    """The picture that a take ends with, as a file; made once.

    Raises
    ------
    FetchFailed
        If the take can't be read.
    """
    picture = frame_of(take)
    if not _is_of(take, picture):
        picture.parent.mkdir(parents=True, exist_ok=True)
        temporary = temporary_beside(picture)
        try:
            media.last_frame(take.path, temporary)
            put(temporary, picture)
        finally:
            temporary.unlink(missing_ok=True)
    return picture


def _is_of(take: Take, picture: Path) -> bool:
    """Whether a picture is there that is not one of an earlier take of this name, which somebody deleted."""
    try:
        # Not by the time of the take's file: a checkout or a copy may write that after the picture.
        return picture.stat().st_mtime >= datetime.fromisoformat(take.made).timestamp()
    except OSError:
        return False
    except ValueError:
        return True


def items(
    names: Iterable[str],
    now: Callable[[str], Shot | None],
    recipe: Recipe,
    submit: Callable[..., Job],
    *,
    another: bool = False,
    starts: Callable[[str, Mapping[str, Item]], Start | None] = lambda _name, _items: None,
) -> list[Item]:
    """One item of a batch for each shot.

    Parameters
    ----------
    names
        The ids of the shots.
    now
        Given one of them, the shot as it is now; None if it was deleted. Asked when it is the shot's turn.
    recipe
        How each is asked for.
    submit
        Asks for it: workflow, shot, and the inputs by name.
    another
        Make another take of each.
    starts
        Given an id and the items before it: what to await for the picture it begins with, None if it has its own.
    """
    made: dict[str, Item] = {}
    for name in names:
        turn = _Turn(name, now, recipe, submit, another=another, start=starts(name, made))
        made[name] = turn.item
    return list(made.values())


class _Turn:
    """A shot's turn: it is asked for as it is then, whatever it was when it began to wait."""

    def __init__(
        self,
        name: str,
        now: Callable[[str], Shot | None],
        recipe: Recipe,
        submit: Callable[..., Job],
        *,
        another: bool,
        start: Start | None,
    ) -> None:
        self._now, self._recipe, self._submit, self._another = partial(now, name), recipe, submit, another
        self._start = start
        self._picture: Path | None = None
        self._drawn: dict[str, Any] = {}
        self.item = Item(name, self._ask, shot=name, ready=None if start is None else self._ready)
        self._look()

    def _look(self) -> Shot | None:
        shot = self._now()
        if shot is not None:
            self.item.scene, self.item.prompt = shot.scene, self._recipe.words(shot)
        return shot

    async def _ready(self) -> None:
        self._picture = await self._start() if self._start is not None else None

    def _ask(self) -> Job | None:
        shot = self._look()
        if shot is None:
            return None
        # By now it may have got a keyframe of its own.
        start = self._picture if self._recipe.chained(shot) else None
        try:
            inputs = self._recipe.inputs(shot, another=self._another, start=start)
        except ComfyWidgetsError as error:
            raise error.at(scene=shot.scene, shot=shot.id) from error.__cause__
        job = self._submit(self._recipe.workflow, shot, fresh=self._another, **{**inputs, **self._drawn})
        # Asked for once more it is the same take: what is rendered may only not be here yet.
        self._drawn = {name: job.inputs[name] for name, value in inputs.items() if isinstance(value, Random)}
        return job


def broken_chain(before: str) -> TimelineError:
    """There is nothing for a shot to begin with."""
    return TimelineError(
        f"The shot before it, {before}, left no take to begin with.",
        hint="Generate that one first, or give this one a keyframe.",
    )


class Runs:
    """Where each shot's latest request is.

    Parameters
    ----------
    tell
        Called with the ids of shots whose request moved, and with the takes that came (shot id, take).
    """

    def __init__(self, tell: Callable[[set[str], list[tuple[str, Take]]], None]) -> None:
        self.latest: dict[str, Item] = {}
        self._tell = tell
        self.heard: dict[int, tuple[Any, ...]] = {}
        self.followed: list[tuple[Batch, Callable[[], None]]] = []

    def follow(self, batch: Batch) -> None:
        """Hear of a batch until all of it is over, and as long as it has a shot's latest request."""
        self.latest.update({item.label: item for item in batch.items})
        self.followed.append((batch, batch.subscribe(partial(self._look, batch))))
        self._look(batch)
        self._let_go()

    def adopt(self, other: "Runs") -> None:
        """Go on with what another one followed."""
        # What the other one has heard is in its file, with what people made of it since: it is no news.
        self.heard.update(other.heard)
        for batch, unsubscribe in other.followed:
            unsubscribe()
            self.follow(batch)
        other.followed, other.heard = [], {}

    def active(self, name: str) -> Item | None:
        """A shot's request that is on its way."""
        item = self.latest.get(name)
        return None if item is None or item.over else item

    def remaining(self, typical: float | None) -> float | None:
        """Seconds until all is over, where one is made after the other; None where that can't be said.

        Parameters
        ----------
        typical
            How long one takes that nothing else is known of.
        """
        left = []
        for item in {id(item): item for item in self.latest.values() if not item.over}.values():
            job = item.job
            running = job is not None and job.status == "running"
            expected = job.eta if job is not None and running else (job.state.expected if job else None) or typical
            if expected is None:
                return None
            left.append(expected)
        return sum(left) if left else None

    def stop(self, names: Iterable[str]) -> None:
        """Stop those that are on their way; what is done stays."""
        wanted = frozenset(names)
        batches = [batch for batch, _ in self.followed]
        # Of one shot several may have been asked for, one after the other.
        for item in [item for batch in batches for item in batch.items if item.label in wanted]:
            item.stop()
        for batch in batches:
            self._look(batch)

    def _look(self, batch: Batch) -> None:
        moved: set[str] = set()
        came: list[tuple[str, Take]] = []
        for item in batch.items:
            # A job's state is replaced when it changes, so being another object is all that has to be looked at.
            now = (item.job, item.job.state if item.job else None, item.refused, item.skipped)
            before = self.heard.get(id(item))
            if before is not None and all(old is new for old, new in zip(before, now, strict=True)):
                continue
            self.heard[id(item)] = now
            moved.add(item.label)
            if item.take is not None and (before is None or before[1] is None or before[1].take is None):
                came.append((item.label, item.take))
        if moved:
            self._tell(moved, came)
        if all(item.ended.is_set() for item in batch.items):
            self._let_go()

    def _let_go(self) -> None:
        """Hear no more of batches that are over; the latest may be asked for again, or its file fetched."""
        latest = {id(item) for item in self.latest.values()}
        for batch, unsubscribe in list(self.followed):
            if all(item.ended.is_set() and id(item) not in latest for item in batch.items):
                unsubscribe()
                self.followed.remove((batch, unsubscribe))
                for item in batch.items:
                    self.heard.pop(id(item), None)
