"""A take varied: its graph with some inputs changed, and what these are (pure)."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from comfy_widgets.takes import Take
from comfy_widgets.workflow import Filled


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
    filled = replace(filled, inputs={**filled.inputs, **kept}, name=take.title)
    pairs = {name: [take.inputs.get(name), value] for name, value in filled.inputs.items()}
    return Variation(filled, {name: pair for name, pair in pairs.items() if pair[0] != pair[1]})
