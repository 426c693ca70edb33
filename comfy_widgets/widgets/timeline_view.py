"""The face of a timeline: cards to edit and generate, takes to choose from, and the film they make."""

import asyncio
from pathlib import Path
from typing import Any

from comfy_widgets.errors import InputFileError, TimelineError
from comfy_widgets.takes import Take
from comfy_widgets.timeline import Timeline, beside
from comfy_widgets.timeline_edits import Change
from comfy_widgets.widgets.base import Answered, Face, bundled
from comfy_widgets.widgets.pieces import Shelf
from comfy_widgets.widgets.requests import Request
from comfy_widgets.widgets.snapshot import take_state
from comfy_widgets.widgets.timeline_cards import PICTURES, card, differences, whole
from comfy_widgets.widgets.timeline_pictures import Drops, small


class TimelineView(Face):
    """A timeline, live: what is done here is done to the timeline, and the other way round.

    The state is told whole once, and from then on what differs, since a film may have hundreds of shots.

    Parameters
    ----------
    timeline
        What is shown; several views may show the same one.

    Examples
    --------
    >>> cw.Timeline(shots, workflow=workflow, studio=studio)  # doctest: +SKIP
    """

    _esm = bundled("timeline_view.js")
    _css = bundled("timeline_view.css")

    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline
        self._cards = {shot.id: card(timeline, shot.id) for shot in timeline.shots}
        self._waiting: set[str] = set()
        self._shelved: frozenset[Take] = frozenset()
        super().__init__(_loop_of(timeline))
        self._shelve()
        self._drops = Drops((timeline.file or Path("film")).parent / "keyframes")
        self._reads |= {"film": self._read_film, "keyframe": self._read_keyframe, "later": self._read_later}
        for act in (self._edit, self._add, self._duplicate, self._delete, self._move, self._undo, self._generate):
            self._acts[act.__name__.removeprefix("_")] = act
        for more in (self._stop, self._choose, self._draw, self._drop, self._export, self._save, self._reload):
            self._acts[more.__name__.removeprefix("_")] = more
        self._unsubscribe = timeline.subscribe(self._look)

    @property
    def title(self) -> str:
        """What people call the film."""
        return self.timeline.title

    def snapshot(self) -> dict[str, Any]:
        """The whole timeline."""
        return whole(self.timeline, self._cards) | {"cards": dict(self._cards)}

    def static_html(self) -> str:
        """The shots as a table, for readers without a kernel."""
        return self.timeline.static_html()

    def push(self) -> None:
        """Tell the browser what differs from what it was told before."""
        if self.comm is None:
            return
        cards, names = {}, {shot.id for shot in self.timeline.shots}
        for name in (self._waiting & names) | (names - set(self._cards)):
            now = card(self.timeline, name)
            if differing := differences(self._cards.get(name, {}), now):
                cards[name] = differing
            self._cards[name] = now
        self._waiting.clear()
        for name in set(self._cards) - names:
            del self._cards[name]
        before = self._latest
        self._shelve()
        after = self._compose()
        delta = differences({**before, "cards": None, "seq": None}, {**after, "cards": None, "seq": None})
        if cards:
            delta["cards"] = cards
        if delta:
            self._seq += 1
            self._latest = after | {"seq": self._seq}
            self.send({"seq": self._seq, "delta": delta})

    def get_state(self, key: Any = None, drop_defaults: bool = False) -> dict[str, Any]:
        """The traits; a page that is reloaded finds the present state in them."""
        state: dict[str, Any] = super().get_state(key, drop_defaults)
        return state | {"state": self._latest} if "state" in state else state

    def _look(self, change: Change) -> None:
        self._waiting |= change.shots
        if self._loop is None:
            self._loop = _loop_of(self.timeline)
        self.changed()

    def _shelve(self) -> None:
        """Let the browser ask for the takes that are shown, and for no other file."""
        now = frozenset(take for shot in self.timeline.shots for take in self.timeline.takes_of(shot.id))
        if now != self._shelved:
            self._shelved, self._shelf = now, Shelf(now)

    def _on_message(self, widget: object, content: object, buffers: object) -> None:
        # The bytes of an image travel beside the message.
        if isinstance(content, dict) and content.get("name") == "drop" and isinstance(buffers, list) and buffers:
            content = {**content, "data": bytes(buffers[0])}
        super()._on_message(widget, content, buffers)

    def _read_film(self, request: Request) -> Answered:
        chosen = [(name, take) for name, take in self.timeline.chosen.items() if take.kind == "video"]
        return request.answer(film=[take_state(take) | {"shot": name} for name, take in chosen]), []

    def _read_keyframe(self, request: Request) -> Answered:
        name, field = _shot(request), _picture(request)
        path = getattr(self.timeline[name], field)
        if path is None:
            raise InputFileError(f"{name} has no {field.replace('_', ' ')}.")
        return request.answer(), [small(path)]

    def _read_later(self, request: Request) -> Answered:
        # Not in the code that each view is made of: that is saved with every notebook.
        return request.answer(), [bundled("timeline_later.js").read_bytes()]

    def _edit(self, request: Request) -> None:
        changes = request.body.get("changes")
        if not isinstance(changes, dict) or "typing" in changes:
            raise TimelineError(f"A shot can't be changed by {changes!r}.")
        self.timeline.edit(_shot(request), typing=request.body.get("typing") is True, **changes)

    def _add(self, request: Request) -> None:
        at = request.body.get("at")
        self.timeline.add(at=at if isinstance(at, int) else None)

    def _duplicate(self, request: Request) -> None:
        self.timeline.duplicate(_shot(request))

    def _delete(self, request: Request) -> None:
        self.timeline.delete(*_shots(request))

    def _move(self, request: Request) -> None:
        to = request.body.get("to")
        if not isinstance(to, int):
            raise TimelineError(f"There is no place {to!r}.")
        self.timeline.move(_shot(request), to)

    def _undo(self, _request: Request) -> None:
        self.timeline.undo()

    def _generate(self, request: Request) -> None:
        everything, another = (request.body.get(name) is True for name in ("everything", "another"))
        self.timeline.generate(*_shots(request), everything=everything, another=another)

    def _stop(self, request: Request) -> None:
        self.timeline.stop(*_shots(request))

    def _choose(self, request: Request) -> None:
        self.timeline.choose(_shot(request), str(request.body.get("take")))

    def _draw(self, request: Request) -> None:
        self.timeline.make_keyframes(_shot(request), another=self.timeline[_shot(request)].keyframe is not None)

    async def _drop(self, request: Request) -> None:
        name, field = _shot(request), _picture(request)
        image = self._drops.take(request.body)
        if image is not None:
            path = await asyncio.to_thread(self._drops.keep, image, request.body.get("file"))
            changes: dict[str, Any] = {field: beside(path)}
            self.timeline.edit(name, **changes)

    def _export(self, _request: Request) -> None:
        self.timeline.export((self.timeline.file or Path("film")).with_suffix(".mp4"))

    def _save(self, request: Request) -> None:
        self.timeline.save(anyway=request.body.get("anyway") is True)

    def _reload(self, _request: Request) -> None:
        self.timeline.reload()


def _shot(request: Request) -> str:
    return str(request.body.get("shot"))


def _shots(request: Request) -> list[str]:
    names = request.body.get("shots")
    return [str(name) for name in names] if isinstance(names, list) else []


def _picture(request: Request) -> str:
    field = request.body.get("field")
    return field if isinstance(field, str) and field in PICTURES else PICTURES[0]


def _loop_of(timeline: Timeline) -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return timeline.studio.home.loop
