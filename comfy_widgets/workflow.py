"""A workflow: a ComfyUI graph with names for what people change, to be filled and submitted."""

import copy
import hashlib
import json
import math
import random
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Self

from comfy_widgets import graphs, media
from comfy_widgets.bindings import Bindings, guess, is_whole, place, takes_file
from comfy_widgets.errors import BindingError, ComfyWidgetsError, InputFileError, UIFormatError, WorkflowError
from comfy_widgets.wording import nearest
from comfy_widgets.workflow_picture import picture

# Containers in which ComfyUI leaves the graph that made them.
_CARRIERS = {".mp4", ".webm", ".mkv", ".mov", ".png", ".webp"}
_LARGEST_SEED = 2**63 - 1


class Random:
    """Stands for a seed that is drawn when a workflow is filled, and recorded."""

    def __repr__(self) -> str:
        return "RANDOM"


#: A seed that is drawn: ``studio.submit(workflow, seed=cw.RANDOM)``.
RANDOM: Final = Random()


def drawn(value: Any) -> Any:
    """A value as it is, and a seed in place of `RANDOM`.

    Examples
    --------
    >>> drawn(7), isinstance(drawn(RANDOM), int)
    (7, True)
    """
    return random.randrange(_LARGEST_SEED) if isinstance(value, Random) else value  # noqa: S311 - no secret


@dataclass(frozen=True)
class InputFile:
    """A local file that a node reads, under the name it has on the server.

    Attributes
    ----------
    name
        ``cw_<16 hex of its sha256><suffix>``: equal content is uploaded once, whatever it is called here.
    path
        Where it is.
    """

    name: str
    path: Path

    @property
    def beside(self) -> str | None:
        """Its path from the present folder; None if it lies elsewhere, since what is kept tells of no machine."""
        if not self.path.is_absolute():
            return self.path.as_posix()
        here = Path.cwd()
        return self.path.relative_to(here).as_posix() if self.path.is_relative_to(here) else None


@dataclass(frozen=True)
class Filled:
    """A graph with all its values, ready to be submitted.

    Attributes
    ----------
    graph
        In ComfyUI's API format.
    files
        Input files that the server must have.
    inputs
        The named values, for people to read.
    name
        The workflow's name.
    bindings
        Name → address, as the workflow had them.
    """

    graph: Mapping[str, Any] = field(repr=False)
    files: tuple[InputFile, ...]
    inputs: Mapping[str, Any]
    name: str
    bindings: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def fingerprint(self) -> str:
        """What it makes, whoever renders it; see `comfy_widgets.graphs.fingerprint`."""
        return graphs.fingerprint(self.graph)

    def key(self, renderer: str, *, without: Collection[str] = ()) -> str:
        """Under what its take is kept when this kind of renderer makes it, all or without some output nodes."""
        return graphs.key(graphs.fingerprint(self.graph, without), renderer)


class Workflow:
    """A graph in ComfyUI's API format and its bindings.

    Parameters
    ----------
    graph
        The graph; it is copied.
    name
        What people call it.
    bindings
        Name → address; guessed when left out.

    Examples
    --------
    >>> graph = {"6": {"class_type": "CLIPTextEncode", "inputs": {"text": "", "clip": ["4", 1]}}}
    >>> workflow = Workflow(graph).bind(prompt="6.text")
    >>> workflow.fill(prompt="a lighthouse").graph["6"]["inputs"]["text"]
    'a lighthouse'
    """

    def __init__(
        self, graph: Mapping[str, Any], *, name: str = "workflow", bindings: Mapping[str, str] | None = None
    ) -> None:
        self.graph = _checked(graph, name)
        self.name = name
        self.bindings = guess(self.graph) if bindings is None else Bindings(self.graph, bindings)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read an API-format file, or a video or picture that carries its graph.

        Raises
        ------
        WorkflowError
            If there is no such file or no graph in it.
        UIFormatError
            If it was saved from the editor instead of exported for the API.

        Examples
        --------
        >>> workflow = cw.Workflow.load("workflows/wan22_t2v.json")  # doctest: +SKIP
        """
        path = Path(path)
        if not path.is_file():
            raise WorkflowError(f"There is no workflow file {path}.", hint="Check the path and the notebook's folder.")
        if path.suffix.lower() in _CARRIERS:
            return cls(_carried(path), name=path.stem)
        try:
            graph = json.loads(path.read_text("utf-8-sig"))
        except ValueError as error:
            raise WorkflowError(
                f"{path.name} is not JSON: {error}.", hint="Export it again in ComfyUI: Workflow, Export (API)."
            ) from error
        except RecursionError as error:
            raise _too_deep(path.name) from error
        return cls(graph, name=path.stem)

    def bind(self, **addresses: str) -> "Workflow":
        """Make a copy with more names, or with other addresses for the same ones.

        Parameters
        ----------
        **addresses
            Name → ``<node id or title>.<input>``.

        Raises
        ------
        BindingError
            If an address leads nowhere, or to two nodes of one title.

        Examples
        --------
        >>> graph = {"3": {"class_type": "KSampler", "inputs": {"seed": 1, "steps": 20}}}
        >>> workflow = Workflow(graph).bind(steps="3.steps")
        >>> workflow.fill(steps=8).graph["3"]["inputs"]["steps"]
        8
        """
        found = {name: ".".join(place(self.graph, address)) for name, address in addresses.items()}
        kept = dict(self.bindings)
        if kept.get("negative") == found.get("prompt"):
            kept.pop("negative", None)  # it was guessed, and turns out to be the prompt's
        bound = Workflow(self.graph, name=self.name, bindings={**kept, **found})
        still = {name: places for name, places in self.bindings.ambiguous.items() if name not in found}
        bound.bindings.ambiguous = still
        return bound

    def fill(self, *, inputs: Mapping[str, Any] | None = None, **values: Any) -> Filled:
        """Put values into the graph.

        Parameters
        ----------
        inputs
            Address → value, for inputs without a name. A string is passed as it is, a `Path` is a local file.
        **values
            Binding → value. Where a file is read, a local file's path; `seconds` sets the length by the fps.

        Raises
        ------
        BindingError
            If a name is unknown, a value is of the wrong kind, or one input is given two.
        InputFileError
            If a local file is missing.

        Examples
        --------
        >>> filled = workflow.fill(prompt="a lighthouse", seed=7)  # doctest: +SKIP
        >>> filled.inputs["seed"]  # doctest: +SKIP
        7
        """
        filling = _Filling(copy.deepcopy(self.graph))
        for name, value in self._with_length(values).items():
            filling.put(self._address(name), value, name)
        for address, value in (inputs or {}).items():
            filling.put(address, value)
        bound = Bindings(filling.graph, self.bindings)
        shown = bound.values_now() | filling.shown
        return Filled(filling.graph, tuple(filling.files), shown, self.name, dict(self.bindings))

    def _with_length(self, values: dict[str, Any]) -> dict[str, Any]:
        if "seconds" not in values or "seconds" in self.bindings:
            return values
        if not {"length", "fps"} <= set(self.bindings):
            raise BindingError(
                "This workflow has no bindings for length and fps, which seconds needs.",
                hint="Bind them: workflow.bind(length='<node>.<input>', fps='<node>.<input>').",
            )
        rest = {name: value for name, value in values.items() if name != "seconds"}
        now = self.bindings.value("length")
        frames = round(values["seconds"] * rest.get("fps", self.bindings.value("fps")))
        # Video models take 4k + 1 frames: the first one, and four for each step of the latent.
        return {**rest, "length": max(1, round((frames - 1) / 4) * 4 + 1) if now % 4 == 1 else frames}

    def _address(self, name: str) -> str:
        if name in self.bindings:
            return self.bindings[name]
        if name in self.bindings.ambiguous:
            raise BindingError(
                f"Several inputs could be {name!r}: {self.bindings.candidates(name)}.",
                hint=f"Choose one: workflow.bind({name}='{self.bindings.ambiguous[name][0]}').",
            )
        likely = nearest(name, list(self.bindings))
        raise BindingError(
            f"This workflow has no binding {name!r}.",
            hint=f"Did you mean {likely!r}?" if likely else f"It has: {', '.join(self.bindings) or 'none'}.",
        )

    def __repr__(self) -> str:
        return f"Workflow {self.name}: {len(self.graph)} nodes\n{self.bindings!r}"

    def _repr_html_(self) -> str:
        marks: dict[str, list[str]] = {}
        for name, address in self.bindings.items():
            marks.setdefault(place(self.graph, address)[0], []).append(name)
        return picture(self.graph, marks) + self.bindings._repr_html_()


@dataclass
class _Filling:
    """A graph while values are put into it."""

    graph: dict[str, Any]
    files: list[InputFile] = field(default_factory=list)
    shown: dict[str, Any] = field(default_factory=dict)
    given: dict[tuple[str, str], tuple[str, Any]] = field(default_factory=dict)

    def put(self, address: str, value: Any, name: str | None = None) -> None:
        node_id, input_name = place(self.graph, address)
        if isinstance(value, list | tuple | range | set):
            hint = f"For several: studio.sweep(…, {name or address}=[…])."
            raise BindingError(f"{name or address} takes one value, not several.", hint=hint)
        before, other = self.given.setdefault((node_id, input_name), (name or address, value))
        if other is not value and other != value:
            raise BindingError(
                f"{before} and {name or address} are one input, {node_id}.{input_name}, and were given two values.",
                hint=f"Leave one out, or bind {name or before} to another input.",
            )
        reads = takes_file(self.graph, node_id, input_name)
        value = drawn(value)
        if isinstance(value, Path) or (reads and name is not None):
            if not isinstance(value, str | Path):
                raise BindingError(
                    f"{name} takes a file, not {value!r}.", hint="Give it a path, such as 'keyframes/01.png'."
                )
            file = input_file(value)
            self.files.append(file)
            shown: Any = file.path.name
            value = file.name
        else:
            now = self.graph[node_id]["inputs"][input_name]
            shown = value = _fitting(value, now, name or address, whole=is_whole(input_name))
        self.graph[node_id]["inputs"][input_name] = value
        if name is not None:
            self.shown[name] = shown


def _fitting(value: Any, now: Any, name: str, *, whole: bool) -> Any:
    """The value if it is of the kind that the input has now.

    The editor saves 5.0 as 5, so that a whole number tells nothing: only inputs that are `whole` by their name refuse
    others.
    """
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if isinstance(now, str):
        fits = isinstance(value, str)
    elif isinstance(now, bool):
        fits = isinstance(value, bool)
    elif isinstance(now, int):
        integral = number and float(value).is_integer()
        fits = integral or (number and not whole)
        value = int(value) if integral else value
    elif isinstance(now, float):
        fits = number
    else:
        fits = True
    if number and not math.isfinite(value):
        raise BindingError(f"{name} takes a number, not {value}.", hint="Give it one that JSON can hold.")
    if not fits:
        raise BindingError(f"{name} takes a value like {now!r}, not {value!r}.", hint="Give it a value of that kind.")
    return value


def input_file(path: str | Path) -> InputFile:
    """A local file under the name that its content has on the server.

    Raises
    ------
    InputFileError
        If it is missing or can't be read.
    """
    path = Path(path).expanduser()
    try:
        stat = path.stat()
        digest = _sha256(path.resolve(), stat.st_mtime_ns, stat.st_size)
    except OSError as error:
        raise InputFileError(
            f"The input file {path} can't be read: {error.strerror or error}.",
            hint="Check the path; it counts from the notebook's folder.",
        ) from error
    return InputFile(f"cw_{digest[:16]}{path.suffix.lower()}", path)


@lru_cache(maxsize=256)
def _sha256(path: Path, _changed: int, _size: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _checked(graph: Any, name: str) -> dict[str, Any]:
    if isinstance(graph, Mapping) and isinstance(graph.get("prompt"), Mapping):
        graph = graph["prompt"]  # the body of a request, as some tools save it
    if isinstance(graph, Mapping) and isinstance(graph.get("nodes"), list):
        raise UIFormatError(
            f"{name} was saved from ComfyUI's editor and is not in the API format.",
            hint="Load it with a studio, which converts it: await studio.load(path). Or export it: Export (API).",
        )
    nodes = list(graph.values()) if isinstance(graph, Mapping) else []
    if not nodes or not all(isinstance(node, Mapping) and isinstance(node.get("class_type"), str) for node in nodes):
        raise WorkflowError(
            f"{name} is not a graph: each node needs a class_type.",
            hint="Export it in ComfyUI: Workflow, Export (API).",
        )
    torn = [node_id for node_id, node in graph.items() if not isinstance(node.get("inputs") or {}, Mapping)]
    if torn:
        raise WorkflowError(
            f"{name} is not a graph: the inputs of node {torn[0]} have no names.",
            hint="Export it in ComfyUI: Workflow, Export (API).",
        )
    try:
        return {str(node_id): copy.deepcopy(dict(node)) for node_id, node in graph.items()}
    except RecursionError as error:
        raise _too_deep(name) from error


def _too_deep(name: str) -> WorkflowError:
    return WorkflowError(
        f"{name} is nested too deeply to be a graph.", hint="Export it again in ComfyUI: Workflow, Export (API)."
    )


def _carried(path: Path) -> Any:
    try:
        told = media.metadata(path)
        return json.loads(told["prompt"])
    except (ComfyWidgetsError, KeyError, ValueError, RecursionError) as error:
        raise WorkflowError(
            f"{path.name} carries no graph.",
            hint="Files that ComfyUI saved with metadata do; export the workflow instead.",
        ) from error
