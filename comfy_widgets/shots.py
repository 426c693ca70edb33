"""A shot of a film, and the prompt text that is made of it (pure)."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePath
from typing import Any, Self

from comfy_widgets.errors import ComfyWidgetsError, TimelineError
from comfy_widgets.wording import nearest

# The order in which enhancers are said in the prompt.
ENHANCERS = ("Framing", "Movement", "Lens", "Lighting", "Mood", "VFX", "Pacing")
# Makes a shot's prompt of it and the film's style.
Text = Callable[["Shot", str | None], str]


@dataclass(frozen=True)
class Shot:
    """What is to be seen in one shot.

    Parameters
    ----------
    id
        A name that is unique in its timeline, such as ``shot-01``.
    prompt
        What is seen, in words.
    scene, title, purpose
        Which scene it belongs to, what people call it, what it is for.
    keyframe, end_keyframe
        Picture files it starts and ends with.
    negative
        What must not be seen.
    seed
        The seed; None leaves the workflow's.
    seconds
        Its length; None leaves the workflow's.
    enhancers
        Lists of words by name, see `ENHANCERS`.
    inputs
        Values for any other binding of the workflow.

    Examples
    --------
    >>> Shot("shot-01", "A lighthouse", purpose="opening", enhancers={"Mood": ["calm"]}).text()
    'A lighthouse Shot purpose: opening (Mood: calm)'
    """

    id: str
    prompt: str
    scene: str | None = None
    title: str | None = None
    purpose: str | None = None
    keyframe: str | Path | None = None
    end_keyframe: str | Path | None = None
    negative: str | None = None
    seed: int | None = None
    seconds: float | None = None
    enhancers: Mapping[str, list[str]] = field(default_factory=dict)
    inputs: Mapping[str, Any] = field(default_factory=dict)

    def text(self, style: str | None = None) -> str:
        """The prompt: description, purpose, enhancers in one parenthesis, and the film's style.

        Raises
        ------
        TimelineError
            If there is no enhancer of a name.
        """
        for name in self.enhancers:
            if name not in ENHANCERS:
                likely = nearest(str(name), list(ENHANCERS))
                hint = f"Did you mean {likely!r}?" if likely else f"There are: {', '.join(ENHANCERS)}."
                raise TimelineError(f"There is no enhancer {name!r}.", hint=hint).at(shot=self.id)
        parts = [self.prompt.strip()]
        if self.purpose:
            parts.append(f"Shot purpose: {self.purpose}")
        groups = [f"{name}: {_listed(self.enhancers[name])}" for name in ENHANCERS if self.enhancers.get(name)]
        if groups:
            parts.append(f"({'; '.join(groups)})")
        if style:
            parts.append(f"Style: {style}")
        return " ".join(part for part in parts if part)

    def bindings(self, style: str | None = None, text: Text | None = None) -> dict[str, Any]:
        """The workflow inputs that this shot sets.

        Parameters
        ----------
        style
            Said at the end of the prompt.
        text
            Makes the prompt instead of `text`.

        Raises
        ------
        TimelineError
            If the prompt can't be made.
        """
        named = {
            "prompt": self._said(style, text or type(self).text),
            "negative": self.negative,
            "keyframe": self.keyframe,
            "end_keyframe": self.end_keyframe,
            "seed": self.seed,
            "seconds": self.seconds,
        }
        return {name: value for name, value in named.items() if value is not None} | dict(self.inputs)

    def _said(self, style: str | None, text: Text) -> str:
        try:
            return text(self, style)
        except ComfyWidgetsError:
            raise
        except Exception as error:
            raise TimelineError(
                f"Its prompt could not be made: {type(error).__name__}: {error}.",
                hint="Look at its fields, and at the function that is given as text=….",
            ).at(scene=self.scene, shot=self.id) from error

    def to_json(self) -> dict[str, Any]:
        """As a JSON object, without what is not set."""
        fields = asdict(self)
        for name in ("keyframe", "end_keyframe"):
            fields[name] = Path(fields[name]).as_posix() if fields[name] is not None else None
        fields["inputs"] = {
            name: value.as_posix() if isinstance(value, PurePath) else value for name, value in self.inputs.items()
        }
        return {name: value for name, value in fields.items() if value not in (None, {}, [])}

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote; unknown fields of later versions are left out."""
        return cls(**{name: fields[name] for name in cls.__dataclass_fields__ if name in fields})


def check_shot(shot: object) -> None:
    """See that something is a shot.

    Raises
    ------
    TimelineError
        If it is not.
    """
    if not isinstance(shot, Shot):
        raise TimelineError(f"This is no shot: {shot!r:.60}.", hint="Such as cw.Shot('shot-01', 'A lighthouse').")


def _listed(words: list[str] | str) -> str:
    # A single word may stand without its list.
    return words if isinstance(words, str) else ", ".join(words)
