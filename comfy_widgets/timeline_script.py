"""What a timeline says: its shots in their order, and which take of each is chosen (pure)."""

import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from numbers import Integral, Real
from pathlib import PurePath
from typing import Any

from comfy_widgets.errors import TimelineError
from comfy_widgets.shots import ENHANCERS, Shot, check_shot
from comfy_widgets.wording import nearest

EDITABLE = tuple(each.name for each in fields(Shot) if each.name != "id")
_TEXTS = frozenset({"prompt", "scene", "title", "purpose", "negative"})
_FILES = frozenset({"keyframe", "end_keyframe"})


@dataclass(frozen=True)
class Script:
    """The shots, and what is chosen; each change makes another one, so that undoing is going back.

    Attributes
    ----------
    shots
        In the film's order; ids are unique.
    chosen
        Shot id → handle of the take that the film shows.

    Examples
    --------
    >>> script = Script((Shot("shot-01", "A lighthouse"),)).edit("shot-01", {"prompt": "A hill"})
    >>> script.duplicate("shot-01").ids
    ('shot-01', 'shot-02')
    """

    shots: tuple[Shot, ...] = ()
    chosen: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        seen: set[str] = set()
        for shot in self.shots:
            if not isinstance(shot.id, str) or not shot.id.strip():
                raise TimelineError(f"A shot needs an id, not {shot.id!r}.", hint="Such as shot-01.")
            if shot.id in seen:
                raise TimelineError(f"Two shots have the id {shot.id}.", hint="Give each an id of its own.").at(
                    shot=shot.id
                )
            seen.add(shot.id)

    @classmethod
    def of(cls, shots: Iterable[Shot]) -> "Script":
        """A script of shots as somebody gives them: their values as its file keeps them.

        Raises
        ------
        TimelineError
            If one could not be read back from there.
        """
        return cls(tuple(_fitting_shot(shot) for shot in shots))

    @property
    def ids(self) -> tuple[str, ...]:
        """The shots' ids in their order."""
        return tuple(shot.id for shot in self.shots)

    def shot(self, name: str) -> Shot:
        """The shot with this id."""
        return self.shots[self.place(name)]

    def place(self, name: str) -> int:
        """Where a shot stands, from 0.

        Raises
        ------
        TimelineError
            If there is none with this id.
        """
        for place, shot in enumerate(self.shots):
            if shot.id == name:
                return place
        likely = nearest(str(name), list(self.ids))
        hint = f"Did you mean {likely!r}?" if likely else "timeline.shots lists them."
        raise TimelineError(f"There is no shot {name!r}.", hint=hint)

    def edit(self, name: str, changes: Mapping[str, Any]) -> "Script":
        """Change fields of a shot."""
        place = self.place(name)
        edited = replace(self.shots[place], **{field: _fitting(field, value) for field, value in changes.items()})
        return self._with((*self.shots[:place], edited, *self.shots[place + 1 :]))

    def add(self, shot: Shot, place: int | None = None) -> "Script":
        """Put a shot in at a place, or at the end."""
        at = len(self.shots) if place is None else max(0, min(place, len(self.shots)))
        return self._with((*self.shots[:at], _fitting_shot(shot), *self.shots[at:]))

    def duplicate(self, name: str) -> "Script":
        """Put a copy of a shot behind it, under an id of its own."""
        place = self.place(name)
        copy = replace(self.shots[place], id=free_id(self.ids, name))
        return self.add(copy, place + 1)

    def without(self, names: Collection[str]) -> "Script":
        """Leave shots out."""
        for name in names:
            self.place(name)
        return self._with(shot for shot in self.shots if shot.id not in names)

    def moved(self, name: str, place: int) -> "Script":
        """Put a shot at another place; the others close up."""
        shot = self.shot(name)
        return replace(self.without({name}).add(shot, place), chosen=self.chosen)

    def choosing(self, name: str, take: str | None) -> "Script":
        """Let the film show this take of a shot, or none."""
        self.place(name)
        rest = {shot: handle for shot, handle in self.chosen.items() if shot != name}
        return replace(self, chosen=rest if take is None else {**rest, name: take})

    def _with(self, shots: Iterable[Shot]) -> "Script":
        kept = tuple(shots)
        ids = {shot.id for shot in kept}
        return Script(kept, {name: take for name, take in self.chosen.items() if name in ids})


def free_id(taken: Collection[str], like: str = "shot-00") -> str:
    """An id that is not taken, counting on from one: ``shot-03`` after ``shot-02``.

    Examples
    --------
    >>> free_id(["shot-01", "shot-02"], "shot-01")
    'shot-03'
    """
    matched = re.fullmatch(r"(.*?)(\d*)", like, re.DOTALL)
    stem, digits = matched.groups() if matched else (like, "")
    stem = stem if digits else f"{stem}-"
    number, width = int(digits or 1) + 1, max(len(digits), 1)
    while (name := f"{stem}{number:0{width}}") in taken:
        number += 1
    return name


def _fitting_shot(shot: Shot) -> Shot:
    """A shot with its values as a file keeps them; what could not be read back is refused before it is too late."""
    check_shot(shot)
    return replace(shot, **_all_fitting(shot.id, {name: getattr(shot, name) for name in EDITABLE}))


def _all_fitting(name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return {field: _fitting(field, value) for field, value in values.items()}
    except TimelineError as error:
        raise error.at(shot=name) from error.__cause__


def _fitting(name: str, value: Any) -> Any:
    """A value for a field of a shot: it may come from a browser or from a file that somebody edited."""
    if name not in EDITABLE:
        likely = nearest(name, list(EDITABLE))
        raise TimelineError(f"A shot has no {name!r}.", hint=f"Did you mean {likely!r}?" if likely else None)
    if name == "enhancers":
        return _enhancers(value)
    if name == "inputs":
        fits = isinstance(value, Mapping) and all(isinstance(key, str) for key in value) and _can_be_kept(value)
    elif value is None:
        fits = name != "prompt"
    elif name == "seed":
        number = _number(value)
        fits = number is not None and number == number // 1
        value = int(number) if number is not None and fits else value
    elif name == "seconds":
        number = _number(value)
        fits = number is not None and 0 < number < float("inf")
        value = number if fits else value
    elif name in _FILES:
        fits = isinstance(value, str | PurePath)
    else:
        fits = isinstance(value, str)
    if not fits:
        raise TimelineError(f"{name} of a shot can't be {value!r}.", hint=_KINDS.get(name, "It is a text."))
    return (value or None) if name in (_TEXTS | _FILES) - {"prompt"} else value


def _number(value: Any) -> int | float | None:
    """A number as JSON knows it, also of another kind such as NumPy's."""
    if isinstance(value, int | float):
        return None if isinstance(value, bool) else value
    if isinstance(value, Integral):
        return int(value)
    return float(value) if isinstance(value, Real) else None


_KINDS = {
    "seed": "It is a whole number; generate(another=True) draws one.",
    "seconds": "It is a number above 0.",
    "inputs": "It is name → value: a text, a number or a path.",
}


def _can_be_kept(inputs: Mapping[str, Any]) -> bool:
    try:
        json.dumps(Shot("", "", inputs=inputs).to_json())
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def _enhancers(value: Any) -> dict[str, list[str]]:
    if not isinstance(value, Mapping) or not all(
        name in ENHANCERS and isinstance(said, str | list | tuple | None) for name, said in value.items()
    ):
        raise TimelineError(f"Enhancers can't be {value!r}.", hint=f"They are lists by name: {', '.join(ENHANCERS)}.")
    words = {name: [said] if isinstance(said, str) else list(said or ()) for name, said in value.items()}
    return {name: [str(word) for word in said] for name, said in words.items() if said}


def shot_from_json(told: Any) -> Shot:
    """A shot as a file tells it.

    Raises
    ------
    TimelineError
        If it is not one.
    """
    if not isinstance(told, Mapping) or not isinstance(told.get("id"), str) or not told["id"].strip():
        raise TimelineError("It has no id.")
    if not isinstance(told.get("prompt"), str):
        raise TimelineError("It has no prompt.").at(shot=told["id"])
    return Shot(id=told["id"], **_all_fitting(told["id"], {name: told[name] for name in EDITABLE if name in told}))
