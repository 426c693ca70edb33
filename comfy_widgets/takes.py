"""A take: one file that was generated, and everything that led to it."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from comfy_widgets import faces
from comfy_widgets.differences import Differences, differences
from comfy_widgets.workflow import Workflow


@dataclass(frozen=True, kw_only=True)
class Take:
    """A generated file on disk, with the request that made it.

    Attributes
    ----------
    key
        Fingerprint of the request, 64 hex digits; equal requests share it.
    path, poster
        The file, and a small JPEG of it (None if there is none).
    kind, media_type, codec
        ``video``, ``image``, ``audio`` or ``other``; the MIME type; the codec's name.
    size
        Bytes.
    width, height
        Pixels.
    fps, frames, seconds
        Frames a second, number of frames, duration in seconds; None for a still.
    inputs
        The named inputs of the request with their values, for people to read.
    graph
        The graph that was submitted, in ComfyUI's API format.
    bindings
        Name → address in the graph, as the workflow had them; empty where an earlier version kept none.
    files
        Input files: name in the graph → path from the notebook's folder, of those that lie there.
    scene, shot
        For which shot it was made first.
    used_by
        Every (scene, shot) that was served with it.
    made
        When, ISO 8601 in UTC.
    server, version
        Host and port, and what release of ComfyUI answered there.
    renderer
        ``comfyui``, or ``demo`` for a simulated clip of the embedded server.
    prompt_id, render_seconds
        The job's id on the server and how long it was executed there.
    parent, changed
        The key of the take that this one varies, and name → [value there, value here].
    take_number
        1 for the first take of a key; ``fresh=True`` makes further ones.
    also
        The other files of the same job.
    output
        0 for the chosen file, else its place among the other files of the job, from 1.
    cached
        Whether it was there before it was asked for.
    held
        What keeps its files on disk, where no folder of takes does.

    Examples
    --------
    >>> take = await studio.submit(workflow, prompt="a lighthouse", seed=7)  # doctest: +SKIP
    >>> take.inputs["seed"], take.media_type  # doctest: +SKIP
    (7, 'video/mp4')
    """

    key: str
    path: Path
    kind: str
    media_type: str
    size: int
    made: str
    server: str
    renderer: str
    poster: Path | None = None
    codec: str | None = None
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    frames: int | None = None
    seconds: float | None = None
    inputs: Mapping[str, Any] = field(default_factory=dict)
    graph: Mapping[str, Any] = field(default_factory=dict, repr=False)
    bindings: Mapping[str, str] = field(default_factory=dict, repr=False)
    files: Mapping[str, str] = field(default_factory=dict, repr=False)
    scene: str | None = None
    shot: str | None = None
    used_by: tuple[tuple[str | None, str | None], ...] = ()
    version: str | None = None
    prompt_id: str | None = None
    render_seconds: float | None = None
    parent: str | None = None
    changed: Mapping[str, list[Any]] = field(default_factory=dict)
    take_number: int = 1
    also: tuple["Take", ...] = ()
    output: int = 0
    cached: bool = False
    held: object = field(default=None, repr=False, compare=False)

    @property
    def title(self) -> str:
        """What people call it: its shot, else the beginning of its prompt, else its file's name."""
        return faces.title_of(self.shot, self.inputs) or self.path.name

    @property
    def sidecar(self) -> Path:
        """The file beside it that says all this."""
        # Of a file without a suffix the number is no suffix either: another take of its key has its own sidecar.
        stem = self.path.name if self.path.suffix == f".{self.take_number}" else self.path.stem
        return self.path.with_name(f"{stem}.json")

    @property
    def handle(self) -> str:
        """Key and number: no other file has it, and it stays when the folder is moved."""
        return f"{self.key}.{self.take_number}" + (f".o{self.output}" if self.output else "")

    @property
    def workflow(self) -> Workflow:
        """The workflow that made it, with the values and the names it had."""
        return Workflow(self.graph, name=self.title).bind(**self.bindings)

    def diff(self, other: "Take") -> Differences:
        """What is equal in both takes, and what differs.

        Parameters
        ----------
        other
            The take to compare with.

        Returns
        -------
        Differences
            ``same`` values once, and for ``each`` of the two those that differ.

        Examples
        --------
        >>> take_a.diff(take_b)  # doctest: +SKIP
        """
        return differences([self, other])

    def with_also(self, others: Iterable["Take"]) -> Self:
        """The same take with the other files of its job, each told apart by its place among them."""
        number = self.take_number
        placed = (replace(other, take_number=number, output=place) for place, other in enumerate(others, 1))
        return replace(self, also=tuple(placed))

    def as_cached(self) -> Self:
        """The same take, saying that it was there already."""
        return replace(self, cached=True)

    def used(self, scene: str | None, shot: str | None) -> Self:
        """The same take with one more user in its list; the same object if it is listed already."""
        user = (scene, shot)
        return self if user in self.used_by else replace(self, used_by=(*self.used_by, user))

    def to_json(self) -> dict[str, Any]:
        """As a JSON object; paths become file names, since a folder of takes can be moved."""
        fields = asdict(self)
        del fields["cached"], fields["output"], fields["held"]
        fields["path"] = self.path.name
        fields["poster"] = self.poster.name if self.poster else None
        fields["also"] = [take.to_json() for take in self.also]
        return fields

    @classmethod
    def from_json(cls, fields: Mapping[str, Any], folder: Path) -> Self:
        """Read what `to_json` wrote, for files that lie in `folder`; unknown fields of later versions are left out.

        Raises
        ------
        KeyError, TypeError
            If it is not the JSON of a take.
        """
        apart = {"cached", "output", "held"}
        known = {name: fields[name] for name in cls.__dataclass_fields__ if name in fields and name not in apart}
        # Only names are kept: a sidecar that was tampered with must not lead out of its folder.
        known["path"] = folder / Path(fields["path"]).name
        known["poster"] = folder / Path(fields["poster"]).name if fields.get("poster") else None
        known["used_by"] = tuple((scene, shot) for scene, shot in fields.get("used_by", ()))
        also = [cls.from_json(other, folder) for other in fields.get("also", ())]
        return cls(**known).with_also(also)

    def __hash__(self) -> int:
        # The inputs and the graph can't be hashed, and need not be: a take is known by its request and its file.
        return hash((self.key, self.take_number, self.path))

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return faces.bundle_of_take(self)

    def __repr__(self) -> str:
        return faces.take_text(self)
