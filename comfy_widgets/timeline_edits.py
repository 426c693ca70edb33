"""The shots of a film as they are edited: each change is told, and can be taken back."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from comfy_widgets.errors import TimelineError
from comfy_widgets.shots import Shot
from comfy_widgets.takes import Take
from comfy_widgets.timeline_script import Script, free_id

log = logging.getLogger(__name__)

# So many changes can be taken back.
_REMEMBERED = 200


@dataclass(frozen=True)
class Change:
    """What is another one than before.

    Attributes
    ----------
    shots
        Ids of shots that changed, or whose request or takes did.
    order
        Whether shots were added, deleted or moved.
    """

    shots: frozenset[str] = field(default_factory=frozenset)
    order: bool = False


class Chosen(Mapping[str, Take]):
    """The take that the film shows of each shot that has one; assigning chooses another.

    Parameters
    ----------
    edits
        What it is told of.

    Examples
    --------
    >>> timeline = cw.Timeline(shots, workflow=workflow, studio=studio)  # doctest: +SKIP
    >>> batch = await timeline.generate()  # doctest: +SKIP
    >>> timeline.chosen["shot-01"] = timeline.takes["shot-01"][0]  # doctest: +SKIP
    """

    def __init__(self, edits: "Edits") -> None:
        self._edits = edits
        found = ((shot.id, edits.chosen_of(shot.id)) for shot in edits.shots)
        self._takes = {name: take for name, take in found if take is not None}

    def __setitem__(self, name: str, take: Take | str) -> None:
        self._edits.choose(name, take)
        self._takes = dict(self._edits.chosen)

    def __getitem__(self, name: str) -> Take:
        return self._takes[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._takes)

    def __len__(self) -> int:
        return len(self._takes)

    def __repr__(self) -> str:
        return repr(self._takes)


class Edits:
    """Shots in their order, their takes, and which of these is chosen.

    Parameters
    ----------
    script
        What it begins with.

    Examples
    --------
    >>> edits = Edits(Script((Shot("shot-01", "A lighthouse"),)))
    >>> edits.edit("shot-01", prompt="A hill").prompt
    'A hill'
    >>> edits.undo(), edits["shot-01"].prompt
    (True, 'A lighthouse')
    """

    def __init__(self, script: Script) -> None:
        self._script = script
        # Replaced, never changed: the thread that writes the file reads it.
        self._takes: dict[str, tuple[Take, ...]] = {}
        # Shot id → handles that its file named; those that are not on disk now may be there again another day.
        self._named: dict[str, tuple[str, ...]] = {}
        self._past: list[tuple[Script, object]] = []
        self._listeners: dict[object, Callable[[Change], None]] = {}

    @property
    def shots(self) -> tuple[Shot, ...]:
        """The shots in the film's order; assign to replace them all."""
        return self._script.shots

    @shots.setter
    def shots(self, shots: Iterable[Shot]) -> None:
        kept = Script.of(shots)
        chosen = {name: take for name, take in self._script.chosen.items() if name in kept.ids}
        self._become(Script(kept.shots, chosen), kept.ids, order=True)

    @property
    def takes(self) -> Mapping[str, Sequence[Take]]:
        """Shot id → its takes, oldest first."""
        return {shot.id: self.takes_of(shot.id) for shot in self.shots}

    def takes_of(self, name: str) -> tuple[Take, ...]:
        """The takes of one shot, oldest first."""
        return self._takes.get(name, ())

    @property
    def chosen(self) -> "Chosen":
        """Shot id → the take that the film shows, in the film's order; assign to choose another of a shot's takes."""
        return Chosen(self)

    @property
    def can_undo(self) -> bool:
        """Whether there is something to go back to."""
        return bool(self._past)

    def __getitem__(self, name: str) -> Shot:
        return self._script.shot(name)

    def chosen_of(self, name: str) -> Take | None:
        """The take that the film shows of a shot."""
        handle, takes = self._script.chosen.get(name), self._takes.get(name, ())
        # The newest stands in for one that is not on disk now.
        instead = takes[-1] if takes and handle is not None else None
        return next((take for take in takes if take.handle == handle), instead)

    def edit(self, name: str, /, *, typing: bool = False, **changes: Any) -> Shot:
        """Change fields of a shot, such as its prompt.

        Parameters
        ----------
        name
            The shot's id.
        typing
            One undo takes all of what is typed into a field at once.
        **changes
            Field → value.

        Raises
        ------
        TimelineError
            If there is no such shot or field, or a value is of a wrong kind.
        """
        tag = (name, *sorted(changes)) if typing else None
        self._become(self._script.edit(name, changes), {name}, tag=tag)
        return self[name]

    def add(self, shot: Shot | None = None, *, at: int | None = None) -> Shot:
        """Put in a shot at a place, from 0, or at the end; an empty one if none is given."""
        ids = self._script.ids
        new = shot or Shot(free_id(ids, ids[-1] if ids else "shot-00"), "")
        self._become(self._script.add(new, at), {new.id}, order=True)
        return new

    def duplicate(self, name: str) -> Shot:
        """Put a copy of a shot behind it; its take comes from the cache."""
        self._become(self._script.duplicate(name), order=True)
        return self.shots[self._script.place(name) + 1]

    def delete(self, *names: str) -> None:
        """Take shots out; their takes stay on disk, and `undo` brings them back."""
        self._become(self._script.without(names), order=True)

    def move(self, name: str, to: int) -> None:
        """Put a shot at another place, from 0."""
        self._become(self._script.moved(name, to), order=True)

    def choose(self, name: str, take: Take | str) -> None:
        """Let the film show this take of a shot.

        Parameters
        ----------
        name
            The shot's id.
        take
            One of its takes, or the handle of one.
        """
        handle = take.handle if isinstance(take, Take) else take
        if all(known.handle != handle for known in self._takes.get(name, ())):
            raise TimelineError(f"This is no take of {name}.", hint=f"timeline.takes[{name!r}] lists them.").at(
                shot=name
            )
        self._become(self._script.choosing(name, handle), {name})

    def undo(self) -> bool:
        """Take the last change back; whether there was one. What is being made goes on."""
        if not self._past:
            return False
        before, _ = self._past.pop()
        changed = {shot.id for shot in before.shots} | set(self._script.ids)
        self._script = before
        self._changed(Change(frozenset(changed), order=True), save=True)
        return True

    def subscribe(self, listener: Callable[[Change], None]) -> Callable[[], None]:
        """Call `listener` after each change, in the thread that made it.

        Returns
        -------
        Callable
            Ends the subscription.
        """
        token = object()
        self._listeners[token] = listener

        def unsubscribe() -> None:
            self._listeners.pop(token, None)

        return unsubscribe

    def _handles(self) -> dict[str, list[str]]:
        """Shot id → handles of its takes, also of those that are not on disk now."""
        handles = {name: [take.handle for take in takes] for name, takes in self._takes.items()}
        for name, named in self._named.items():
            here = handles.get(name, [])
            handles[name] = [*(handle for handle in named if handle not in here), *here]
        return handles

    def _find(self, theirs: Mapping[str, Sequence[str]], on_disk: Callable[[], Iterable[Take]]) -> bool:
        """Note the takes that a file names, beside those that came here; whether the file lacks one of these."""
        named = self._handles()
        for name, handles in theirs.items():
            named[name] = [*handles, *(one for one in named.get(name, ()) if one not in handles)]
        there = {take.handle: take for take in on_disk()} if any(named.values()) else {}
        self._named = {name: tuple(handles) for name, handles in named.items()}
        self._takes = {name: tuple(there[one] for one in handles if one in there) for name, handles in named.items()}
        return any(len(named[name]) > len(handles) for name, handles in theirs.items())

    def _choose_newest(self, script: Script) -> Script:
        """A script that chooses a take of each shot that has one."""
        for name in script.ids:
            if name not in script.chosen and (takes := self._takes.get(name)):
                script = script.choosing(name, takes[-1].handle)
        return script

    def _keep_take(self, name: str, take: Take) -> None:
        """Note a take that came, and choose it: it is what was asked for last."""
        known = [other for other in self._takes.get(name, ()) if other.handle != take.handle]
        self._takes = {**self._takes, name: (*known, take)}
        # Going back must not lose what was made since: neither of a shot that is there, nor of one that was deleted.
        self._script = _choosing(self._script, name, take.handle)
        self._past = [(_choosing(before, name, take.handle), tag) for before, tag in self._past]

    def _become(
        self, script: Script, shots: Iterable[str] = (), *, order: bool = False, tag: object = None, save: bool = True
    ) -> None:
        """Go on with another script, and remember this one."""
        if script == self._script:
            return
        if tag is None or not self._past or self._past[-1][1] != tag:
            self._past = [*self._past[1 - _REMEMBERED :], (self._script, tag)]
        self._script = script
        self._changed(Change(frozenset(shots), order=order), save=save)

    def _changed(self, change: Change, *, save: bool = False) -> None:
        """Tell who listens."""
        del save
        for listener in list(self._listeners.values()):
            try:
                listener(change)
            except Exception:
                # One broken listener must not keep the news from the others.
                log.exception("A listener of a timeline failed")


def _choosing(script: Script, name: str, take: str) -> Script:
    return script.choosing(name, take) if name in script.ids else script
