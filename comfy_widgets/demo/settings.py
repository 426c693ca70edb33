"""What the embedded server can be told, and the places it works in."""

import dataclasses
import json
from dataclasses import dataclass
from typing import Literal, Self

Release = Literal["0.3.64", "newest", "cloud"]
RELEASES: tuple[Release, ...] = ("0.3.64", "newest", "cloud")


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of one embedded server; equal settings share one process.

    Parameters
    ----------
    host, port
        Where to listen; port 0 takes a free one.
    step_seconds
        Simulated seconds a sampling step takes.
    release
        Behave as ComfyUI 0.3.64, as the newest release, or as Comfy Cloud.
    faults
        Faults such as ``"ws:cut@7"``, see FAULTS.md.
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

    Examples
    --------
    >>> Settings(release="newest", faults=("ws:cut@7",)).step_seconds
    0.15
    """

    host: str = "127.0.0.1"
    port: int = 0
    step_seconds: float = 0.15
    release: Release = "0.3.64"
    faults: tuple[str, ...] = ()
    seed: int = 0
    folder: str | None = None
    key: str | None = None
    key_on: Literal["http", "socket", "both"] = "both"
    max_upload: int = 100 * 1024 * 1024
    history_limit: int = 10_000

    def to_json(self) -> str:
        """The settings as one line of JSON."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Settings from what `to_json` gave."""
        values = json.loads(text)
        values["faults"] = tuple(values.get("faults", ()))
        return cls(**values)
