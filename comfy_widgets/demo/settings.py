"""What the embedded server can be told, and the places it works in."""

import dataclasses
import json
import math
import os
from dataclasses import dataclass
from typing import Any, Literal, Self

from comfy_widgets.errors import DemoError

Release = Literal["0.3.64", "newest", "cloud"]
RELEASES: tuple[Release, ...] = ("0.3.64", "newest", "cloud")
PLACES = ("http", "socket", "both")
HIGHEST_PORT = 65535


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of one embedded server; equal settings share one process.

    Parameters
    ----------
    host, port
        Where to listen; port 0 takes a free one.
    step_seconds
        Simulated seconds a sampling step takes.
    previews
        Whether samplers send a picture at each step; a ComfyUI started without ``--preview-method`` sends none.
    release
        Behave as ComfyUI 0.3.64, as the newest release, or as Comfy Cloud.
    faults
        Faults such as ``"ws:cut@7"``, see FAULTS.md; one alone may be given as a string.
    seed
        Seed of the faults that draw lots.
    folder
        Where input, output and temp files lie; None makes a private folder that is removed at the end.
    key
        The API key demanded from clients, or None; what is demanded where is `key_on`.
    key_on
        ``"http"``, ``"socket"`` or ``"both"``.
    max_upload
        Largest request body in bytes.
    history_limit
        Finished prompts kept before the oldest is dropped.

    Raises
    ------
    DemoError
        If a value cannot be; faults are read where a server is made.

    Examples
    --------
    >>> Settings(release="newest", faults=("ws:cut@7",)).step_seconds
    0.15
    """

    host: str = "127.0.0.1"
    port: int = 0
    step_seconds: float = 0.15
    previews: bool = True
    release: Release = "0.3.64"
    faults: tuple[str, ...] = ()
    seed: int = 0
    folder: str | None = None
    key: str | None = None
    key_on: Literal["http", "socket", "both"] = "both"
    max_upload: int = 100 * 1024 * 1024
    history_limit: int = 10_000

    def __post_init__(self) -> None:
        # What is equal shares a process, so that all must have a hash, and go there as JSON.
        faults: Any = self.faults
        object.__setattr__(self, "faults", (faults,) if isinstance(faults, str) else tuple(faults))
        object.__setattr__(self, "folder", None if self.folder is None else os.fspath(self.folder))
        self._one_of("release", RELEASES)
        self._one_of("key_on", PLACES)
        self._within("port", 0, HIGHEST_PORT)
        self._within("max_upload", 1)
        self._within("history_limit", 0)
        self._within("step_seconds", 0, whole=False)
        self._within("seed", -math.inf)

    def _one_of(self, name: str, known: tuple[str, ...]) -> None:
        value = getattr(self, name)
        if value not in known:
            raise DemoError(f"The embedded server has no {name} {value!r}.", hint=f"Choose one of {', '.join(known)}.")

    def _within(self, name: str, low: float, high: float = math.inf, *, whole: bool = True) -> None:
        value = getattr(self, name)
        number = isinstance(value, int if whole else (int, float)) and not isinstance(value, bool)
        if not number or not math.isfinite(value) or not low <= value <= high:
            kind = "a whole number" if whole else "a number"
            span = f" from {low:g}" if math.isfinite(low) else ""
            span += f" to {high:g}" if math.isfinite(high) else ""
            raise DemoError(f"The embedded server's {name} cannot be {value!r}.", hint=f"Give {kind}{span}.")

    def to_json(self) -> str:
        """The settings as one line of JSON."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Settings from what `to_json` gave."""
        values = json.loads(text)
        values["faults"] = tuple(values.get("faults", ()))
        return cls(**values)
