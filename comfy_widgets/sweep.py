"""A sweep: one workflow over axes of inputs, as a grid that fills in."""

import itertools
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from comfy_widgets.batch import Batch, Item, Plan
from comfy_widgets.errors import BindingError
from comfy_widgets.home_loop import HomeLoop
from comfy_widgets.run_log import RunLog
from comfy_widgets.takes import Take
from comfy_widgets.workflow import Random

# A seed that JavaScript and every node can hold.
_LARGEST_SEED = 2**53
_CLIPPED = 40


def random_seeds(count: int) -> list[int]:
    """So many different seeds, to be written down: a sweep over them is found in the cache only with the same ones.

    Examples
    --------
    >>> len(set(random_seeds(3)))
    3
    """
    seeds: set[int] = set()
    while len(seeds) < count:
        seeds.add(secrets.randbelow(_LARGEST_SEED))
    return sorted(seeds)


def split(inputs: Mapping[str, Any]) -> tuple[dict[str, list[Any]], dict[str, Any]]:
    """Tell the axes, which have several values, from the inputs that stay.

    Examples
    --------
    >>> split({"prompt": ["dusk", "dawn"], "steps": 4})
    ({'prompt': ['dusk', 'dawn']}, {'steps': 4})
    """
    axes = {name: list(value) for name, value in inputs.items() if isinstance(value, list | tuple | range)}
    return axes, {name: value for name, value in inputs.items() if name not in axes}


def cells(axes: Mapping[str, Sequence[Any]], *, pairs: bool) -> Iterator[tuple[Any, ...]]:
    """The places on the axes: every combination, or the first values together, the second ones, and so on.

    Raises
    ------
    BindingError
        If there is no axis, or an empty one, or pairs of unequal lengths.
    """
    if not axes or not all(axes.values()):
        raise BindingError("A sweep needs several values.", hint="Give a list: studio.sweep(workflow, seed=range(3)).")
    if pairs and len({len(values) for values in axes.values()}) > 1:
        lengths = ", ".join(f"{name} has {len(values)}" for name, values in axes.items())
        raise BindingError(
            f"Pairs need lists of one length: {lengths}.", hint="Leave zip=True out for all combinations."
        )
    yield from zip(*axes.values(), strict=True) if pairs else itertools.product(*axes.values())


class Sweep(Batch):
    """A batch over axes of inputs; its cells are found in the cache, or made.

    Made by `Studio.sweep`. What is stopped keeps what is done; the same sweep asked for again goes on from there.

    Parameters
    ----------
    axes
        Name → values, in the order in which they were given; for each ``RANDOM`` a seed is drawn.
    pairs
        Whether the axes go together instead of being combined.
    item
        Given the label and the inputs of one place on the axes: how its take is asked for.
    home, run_log, plan
        As for `Batch`.
    common
        The inputs that are equal in all places, for people to read.

    Examples
    --------
    >>> sweep = studio.sweep(workflow, prompt=["dusk", "dawn"], seed=range(3))  # doctest: +SKIP
    >>> (await sweep).takes["dusk", 0]  # doctest: +SKIP
    """

    def __init__(
        self,
        axes: Mapping[str, Sequence[Any]],
        item: Callable[[str, Mapping[str, Any]], Item],
        home: HomeLoop,
        run_log: RunLog,
        *,
        pairs: bool = False,
        plan: Plan | None = None,
        common: Mapping[str, Any] | None = None,
    ) -> None:
        self.axes = {name: [_drawn(value) for value in values] for name, values in axes.items()}
        self.pairs = pairs
        self.common = dict(common or {})
        self.places = list(cells(self.axes, pairs=pairs))
        super().__init__([self._item(place, item) for place in self.places], home, run_log, plan)

    def _item(self, place: tuple[Any, ...], item: Callable[[str, Mapping[str, Any]], Item]) -> Item:
        chosen = dict(zip(self.axes, place, strict=True))
        return item(", ".join(f"{name} {_clipped(value)}" for name, value in chosen.items()), chosen)

    @property
    def takes(self) -> dict[Any, Take]:
        """Place → take, of those that are there: ``sweep.takes["dusk", 0]``; with one axis ``sweep.takes[0]``."""
        pairs = zip(self.places, self.items, strict=True)
        return {self._key(place): item.take for place, item in pairs if item.take is not None}

    def _key(self, place: tuple[Any, ...]) -> Any:
        return place[0] if len(place) == 1 else place

    def table(self) -> Any:
        """A row for each cell: its place, status, take and error; a DataFrame where pandas is installed.

        Examples
        --------
        >>> sweep = await studio.sweep(workflow, seed=[1, 2])  # doctest: +SKIP
        >>> len(sweep.table())  # doctest: +SKIP
        2
        """
        rows = [
            {
                **dict(zip(self.axes, place, strict=True)),
                "status": item.status,
                "take": item.take.path.name if item.take else None,
                "error": item.why or None,
            }
            for place, item in zip(self.places, self.items, strict=True)
        ]
        try:
            import pandas as pd  # noqa: PLC0415 - nothing else needs it
        except ImportError:
            return rows
        return pd.DataFrame(rows)

    def static_html(self) -> str:
        """The places on the axes as a table, for readers without a kernel."""
        head = "".join(f"<th>{escape(name)}</th>" for name in self.axes)
        rows = "".join(
            "<tr>" + "".join(f"<td>{escape(_clipped(value))}</td>" for value in place) + "</tr>"
            for place in self.places
        )
        return f"<table><tr>{head}</tr>{rows}</table>"

    def __repr__(self) -> str:
        axes = (" + " if self.pairs else " × ").join(f"{name} ({len(values)})" for name, values in self.axes.items())
        return "\n".join([f"Sweep over {axes}", *(f"  {item.label}" for item in self.items)])


def _drawn(value: Any) -> Any:
    # Drawn here and not when it is filled: places are told apart by their values.
    return secrets.randbelow(_LARGEST_SEED) if isinstance(value, Random) else value


def _clipped(value: Any) -> str:
    text = " ".join(str(value.name if isinstance(value, Path) else value).split())
    return text if len(text) <= _CLIPPED else text[: _CLIPPED - 1] + "…"
