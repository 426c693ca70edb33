"""The values that ComfyUI's editor saved with a node, by the names under which the node's class declares them (pure).

The editor saves a list without names: what the widgets showed, in declared order, with entries of its own in between.
Newer releases save the names too. Nothing here knows a class by its name: what an entry is follows from what the class
declares.
"""

import math
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from comfy_widgets.errors import WorkflowError

Node = Mapping[str, Any]
Info = Mapping[str, Any]

# What the editor writes behind a number that it may change after each run.
_CONTROL_WORDS = frozenset({"fixed", "increment", "decrement", "randomize", "increment-wrap"})
_NUMBERS = frozenset({"INT", "FLOAT"})
_DYNAMIC = "COMFY_DYNAMICCOMBO_V3"
_PLAIN = _NUMBERS | {"STRING", "BOOLEAN", "COMBO", _DYNAMIC}
# The editor gives these numbers its control without being told to.
_SEEDS = frozenset({"seed", "noise_seed"})
# The kind of an entry that is the editor's alone: the button beside a file to choose.
_BUTTON = "the editor's button"
_BUTTON_VALUES = frozenset({"", "image", "video", "audio", "upload"})

MISSING: Final = object()


@dataclass(frozen=True)
class Declared:
    """One input as a class declares it.

    Attributes
    ----------
    name
        With dots where a dynamic choice brought it in.
    kind
        Its type; ``COMBO`` for a list of choices, however it is declared.
    options
        What else the class says about it.
    """

    name: str
    kind: str
    options: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, name: str, spec: Any) -> "Declared":
        """From object_info: ``["INT", {…}]``, ``[["a", "b"], {…}]`` or ``["COMBO", {"options": […]}]``."""
        parts = spec if isinstance(spec, list | tuple) else [spec]
        kind = parts[0] if parts else "*"
        options = dict(parts[1]) if len(parts) > 1 and isinstance(parts[1], Mapping) else {}
        if isinstance(kind, list | tuple):
            return cls(name, "COMBO", {**options, "options": list(kind)})
        return cls(name, str(options.get("widgetType") or kind), options)

    @property
    def choices(self) -> list[Any]:
        """What can be chosen; for a dynamic choice the keys of its alternatives."""
        options = self.options.get("options")
        listed = options if isinstance(options, list) else []
        if self.kind == _DYNAMIC:
            return [option.get("key") for option in listed if isinstance(option, Mapping)]
        return listed

    @property
    def default(self) -> Any:
        """What the editor shows before anybody changes it; `MISSING` where it would show nothing."""
        if "default" in self.options:
            return self.options["default"]
        if self.choices:
            return self.choices[0]
        return {"INT": 0, "FLOAT": 0.0, "STRING": "", "BOOLEAN": False}.get(self.kind, MISSING)

    @property
    def has_control(self) -> bool:
        """Whether the editor adds its control_after_generate."""
        told = self.options.get("control_after_generate")
        return bool(told) if told is not None else self.kind == "INT" and self.name.rpartition(".")[2] in _SEEDS

    def brought_in(self, value: Any) -> list["Declared"]:
        """The further inputs that a dynamic choice has at this value."""
        if self.kind != _DYNAMIC:
            return []
        return [
            Declared.read(f"{self.name}.{name}", spec)
            for option in self.options.get("options") or []
            if option.get("key") == value
            for section in ("required", "optional")
            for name, spec in ((option.get("inputs") or {}).get(section) or {}).items()
        ]

    def holds(self, value: Any) -> bool:
        """Whether a saved value can be this input's; a choice that the server lacks can: a model may be missing."""
        number = isinstance(value, int | float) and not isinstance(value, bool)
        fits = True
        if value is None:
            pass
        elif self.kind in _NUMBERS:
            fits = number or (isinstance(value, str) and _is_number(value))
        elif self.kind == "BOOLEAN":
            fits = isinstance(value, bool) or (number and value in {0, 1})
        elif self.kind == "STRING":
            fits = not isinstance(value, Mapping | list)
        elif self.kind == "COMBO":
            fits = self._can_choose(value)
        elif self.kind == _DYNAMIC:
            fits = value in self.choices
        return fits

    def _can_choose(self, value: Any) -> bool:
        if isinstance(value, list):
            return bool(self.options.get("multiselect") or self.options.get("multi_select"))
        if isinstance(value, Mapping):
            return False
        words = not self.choices or any(isinstance(choice, str) for choice in self.choices)
        return value in self.choices or (isinstance(value, str) and words)


def declared(info: Info) -> list[Declared]:
    """The inputs of a class in the order in which the editor shows them."""
    found = []
    for section in ("required", "optional"):
        specs = (info.get("input") or {}).get(section) or {}
        order = (info.get("input_order") or {}).get(section) or specs
        names = [name for name in order if name in specs] + [name for name in specs if name not in order]
        inputs = [Declared.read(name, specs[name]) for name in names]
        found += inputs
        if any(option.endswith("_upload") and told for one in inputs for option, told in one.options.items()):
            found.append(Declared("", _BUTTON))
    return found


def produced(object_info: Mapping[str, Info]) -> frozenset[str]:
    """The types that some class gives: an input of any other type can only be filled in the editor."""
    kinds = (kind for info in object_info.values() for kind in info.get("output") or ())
    return frozenset(kind for kind in kinds if isinstance(kind, str))


def sockets(node: Node) -> dict[str, Mapping[str, Any]]:
    """The inputs that a node was saved with, by name."""
    return {str(entry.get("name")): entry for entry in node.get("inputs") or []}


def saved(node: Node) -> list[Any] | dict[str, Any]:
    """What the editor saved: by name where names were saved with it, else in order.

    Where list and names disagree, the list counts and the names are its headings: the editor reads the list, so that
    is what people edit by hand.
    """
    values = node.get("widgets_values")
    if isinstance(values, Mapping):
        return dict(values)
    listed = list(values) if isinstance(values, list) else []
    named = node.get("widgets_values_named")
    if not isinstance(named, Mapping) or (listed and len(listed) != len(named)):
        return listed
    if not listed or sorted(map(repr, listed)) == sorted(map(repr, named.values())):
        return dict(named)
    return dict(zip(named, listed, strict=True))


def widget_values(node: Node, info: Info, produced: frozenset[str], where: str) -> dict[str, Any]:
    """The values of a node's widgets, by name.

    Parameters
    ----------
    node
        As it was saved.
    info
        Its class, from object_info.
    produced
        The types that some class gives.
    where
        The node in words, for errors.

    Raises
    ------
    WorkflowError
        If a saved value cannot be what the class declares in its place: the file is of another version of the class.
    """
    entries = sockets(node)
    shown = [one for one in declared(info) if one.kind == _BUTTON or _is_widget(one, entries, produced)]
    values = saved(node)
    reading = _Reading(deque(shown), entries, produced, where)
    pairs = reading.by_name(values) if isinstance(values, dict) else reading.in_order(values)
    found = {name: sent(value, name, where) for name, value in pairs if value is not MISSING}
    if _takes_any_name(info):
        found |= _undeclared(values, found, len(shown), where)
    return found


@dataclass
class _Reading:
    """The widgets of a node that still have no value."""

    left: deque[Declared]
    entries: Mapping[str, Mapping[str, Any]]
    produced: frozenset[str]
    where: str

    def by_name(self, values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        known: set[str] = set()
        missing = []
        while self.left:
            one = self.left.popleft()
            known.add(one.name)
            if one.name in values:
                yield one.name, self._taken(one, values[one.name])
            elif one.kind != _BUTTON:
                missing.append(one)
                self._open(one, one.default)
        # A name left over may be the missing one's old name: preflight and people can tell, a default can't.
        strays = [value for name, value in values.items() if name not in known and _is_setting(name, value)]
        for one in missing:
            if not any(one.holds(value) for value in strays if not isinstance(value, Mapping)):
                yield one.name, one.default

    def in_order(self, values: list[Any]) -> Iterator[tuple[str, Any]]:
        rest = deque(values)
        while self.left:
            one = self.left.popleft()
            if one.kind == _BUTTON:
                # Older releases of the editor had the button here, newer ones have it last.
                if len(rest) > len(self.left) and _is_button(rest[0]) and not _is_button(rest[-1]):
                    rest.popleft()
                continue
            self._skip_what_is_not(one, rest)
            if not rest:
                self._open(one, one.default)
                yield one.name, one.default
                continue
            yield one.name, self._taken(one, rest.popleft())
            self._skip_control(one, rest)

    def _skip_what_is_not(self, one: Declared, rest: deque[Any]) -> None:
        """Leave out entries of the editor's own where more values than widgets are left and a later one fits."""
        while (
            rest and not one.holds(rest[0]) and len(rest) > len(self.left) + 1 and any(map(one.holds, list(rest)[1:]))
        ):
            rest.popleft()

    def _skip_control(self, one: Declared, rest: deque[Any]) -> None:
        if not rest or not is_control(rest[0]):
            return
        # Also where the class does not tell: a script of its pack may have added the control.
        if one.has_control or (one.kind in _NUMBERS and self.left and not self._next_chooses(rest[0])):
            rest.popleft()
            # Beside a list of choices stands a filter, too.
            if one.kind == "COMBO" and rest and rest[0] == "" and len(rest) > len(self.left):
                rest.popleft()

    def _next_chooses(self, word: str) -> bool:
        following = self.left[0]
        return word in following.choices if following.kind == "COMBO" else following.holds(word)

    def _taken(self, one: Declared, value: Any) -> Any:
        if not one.holds(value) and self.entries.get(one.name, {}).get("link") is not None:
            # What stands behind a link is not sent, and may be anything.
            value = None
        if not one.holds(value):
            raise WorkflowError(
                f"{self.where} was saved for another version of its class: {value!r} can't be its {one.name}.",
                hint="Open the workflow in this server's ComfyUI, check that node and save it again.",
            )
        value = one.default if value is None and one.kind in _PLAIN else value
        self._open(one, value)
        return value

    def _open(self, one: Declared, value: Any) -> None:
        """Put the inputs that a dynamic choice brings in next in line."""
        more = [inner for inner in one.brought_in(value) if _is_widget(inner, self.entries, self.produced)]
        self.left.extendleft(reversed(more))


def _is_widget(one: Declared, entries: Mapping[str, Mapping[str, Any]], produced: frozenset[str]) -> bool:
    """Whether the editor has a field for an input: what was saved tells, else its type."""
    if one.options.get("forceInput"):
        return False
    entry = entries.get(one.name)
    if entry is not None:
        return bool(entry.get("widget"))
    if one.kind in _PLAIN:
        return True
    return one.kind not in produced and one.kind != "*" and "," not in one.kind and not one.kind.startswith("COMFY_")


def sent(value: Any, name: str, where: str) -> Any:
    """A value as a graph holds it."""
    if isinstance(value, float) and not math.isfinite(value):
        raise WorkflowError(f"{where} has {value} for {name}.", hint="Give it a number and save the workflow again.")
    # A bare list would be read as a link.
    return {"__value__": value} if isinstance(value, list) else value


def _takes_any_name(info: Info) -> bool:
    """Whether a class takes inputs that it does not declare: all that shows it is a section with nothing in it."""
    return (info.get("input") or {}).get("optional") == {}


def _undeclared(values: Any, found: Mapping[str, Any], shown: int, where: str) -> dict[str, Any]:
    if isinstance(values, dict):
        return {
            name: sent(value, name, where)
            for name, value in values.items()
            if name not in found and _is_setting(name, value)
        }
    if any(isinstance(value, Mapping) and value for value in values[shown:]):
        raise WorkflowError(
            f"{where} has settings that its class does not name.",
            hint="Save it with a newer ComfyUI, which keeps their names, or export it: Workflow, Export (API).",
        )
    return {}


def _is_setting(name: str, value: Any) -> bool:
    """Whether a saved entry is more than one of the editor's own: a control, a button, a preview."""
    return bool(name) and not _is_button(value) and not is_control(value)


def _is_button(value: Any) -> bool:
    return value is None or (isinstance(value, str) and value in _BUTTON_VALUES)


def is_control(value: Any) -> bool:
    """Whether a saved entry is what the editor writes behind a number."""
    return isinstance(value, str) and value in _CONTROL_WORDS


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
