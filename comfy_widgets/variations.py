"""A take varied: its graph with some inputs changed, and what these are (pure)."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, NamedTuple

from comfy_widgets.errors import InputFileError
from comfy_widgets.takes import Take
from comfy_widgets.workflow import Filled, InputFile, input_file


class Variation(NamedTuple):
    """A graph to submit, and name → [value in the take, value here]."""

    filled: Filled
    changed: dict[str, list[Any]]


def vary(take: Take, changes: Mapping[str, Any]) -> Variation:
    """Fill a take's graph with other values.

    Raises
    ------
    BindingError, InputFileError
        If it can't be filled with these.
    """
    filled = take.workflow.fill(**changes)
    # An input file that stays has its name on the server in the graph; people know it by the name it had here.
    kept = {name: value for name, value in take.inputs.items() if name in filled.inputs and name not in changes}
    files = (*filled.files, *_still_here(take, filled))
    filled = replace(filled, files=files, inputs={**filled.inputs, **kept}, name=take.title)
    pairs = {name: [take.inputs.get(name), value] for name, value in filled.inputs.items()}
    return Variation(filled, {name: pair for name, pair in pairs.items() if pair[0] != pair[1]})


def _still_here(take: Take, filled: Filled) -> Iterator[InputFile]:
    """The take's input files that are as they were: another server, or the same on another day, may lack them."""
    wanted = {value for node in filled.graph.values() for value in node["inputs"].values() if isinstance(value, str)}
    for name in wanted & take.files.keys():
        with suppress(InputFileError):
            file = input_file(take.files[name])
            if file.name == name:
                yield file
