"""Misbehaviour on request: what a fault says, and when it is due. See FAULTS.md for the whole list.

A fault is a line ``target:action[=value][@when]``. This module knows the grammar and counts; what is done about a fault
that is due is done where it happens.
"""

import difflib
import random
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from comfy_widgets.demo.journal import Journal
from comfy_widgets.demo.nodes import REGISTRY
from comfy_widgets.errors import DemoError

#: Every target and its actions; ``number`` marks those that need a value, ``status`` stands for an HTTP status code.
ACTIONS: dict[str, dict[str, str]] = {
    "ws": {"cut": "", "mute": "", "drop": "", "repeat": "", "swap": "", "delay": "number"},
    "http": {
        "status": "", "reset": "", "slow": "number", "html": "",
        "after-status": "", "after-reset": "", "after-slow": "number",
    },
    "view": {"missing": "", "truncate": "number", "slow": "number"},
    "output": {"missing": "", "truncate": "number"},
    "history": {"late": "number", "clear": ""},
    "queue": {"clear": "", "interrupt": ""},
    "node": {"error": "", "memory": ""},
    "server": {"restart": "optional", "crash": ""},
    "loop": {"stall": "number"},
    "key": {"http": "", "socket": "", "both": ""},
}  # fmt: skip


#: What comes on a socket, as faults know it.
EVENTS = (
    "status", "feature_flags", "execution_start", "execution_cached", "progress_state", "progress", "executing",
    "executing null", "executed", "execution_success", "execution_error", "execution_interrupted", "binary",
)  # fmt: skip
#: Those whose occasions are nodes.
OF_NODES = {"queue", "node", "server", "loop"}
#: A form for names that nobody can list, and what it is in words.
FORMS = {
    "http": (re.compile(r"[A-Z]+ /[^\s?#]*"), "a request is named by METHOD /path, as in POST /prompt"),
    "view": (re.compile(r"\w+"), "a file is named by its extension, as in mp4"),
    "output": (re.compile(r"\w+"), "a file is named by its extension, as in mp4"),
}


class OutOfMemoryError(RuntimeError):
    """What torch raises where the GPU is too small; the server tells it by this name."""


OutOfMemoryError.__module__ = "torch"


def raised_by(fault: "Fault") -> RuntimeError:
    """What the node raises whose fault is ``node:error`` or ``node:memory``."""
    if fault.action == "memory":
        return OutOfMemoryError("Allocation on device 0 would exceed allowed memory.")
    return RuntimeError("a fault of the embedded server")


_FORM = re.compile(
    r"(?P<target>[a-z]+):(?P<action>[a-z0-9-]+)(=(?P<value>\d+(\.\d+)?))?(%(?P<chance>0?\.\d+|1|0))?(@(?P<when>.+))?"
)
_WHEN = re.compile(r"((?P<name>.*?)#)?(?P<number>\d+)?(?P<star>\*)?")


@dataclass(slots=True)
class Fault:
    """One fault and how often its occasion has come.

    Parameters
    ----------
    text
        The line it was parsed from.
    target, action, value
        What happens: ``ws``, ``delay``, 0.5.
    status
        The HTTP status where the action is one.
    name
        Only occasions of this name count: an event, a ``METHOD /path``, a node class; None counts all.
    number
        At which occasion; None is each.
    again
        Not once but at every `number`-th occasion.
    chance
        Drawn at each occasion instead of counting.
    """

    text: str
    target: str
    action: str
    value: float | None = None
    status: int | None = None
    name: str | None = None
    number: int | None = None
    again: bool = False
    chance: float | None = None
    over: bool = False
    counts: Counter[str] = field(default_factory=Counter)

    def due(self, name: str, scope: str, lots: random.Random) -> bool:
        """Whether it happens at this occasion; occasions are counted for each scope, such as a connection."""
        if self.over or (self.name is not None and self.name != name):
            return False
        if self.chance is not None:
            return lots.random() < self.chance
        if self.number is None:
            return True
        self.counts[scope] += 1
        if self.again:
            return self.counts[scope] % self.number == 0
        self.over = self.counts[scope] == self.number
        return self.over


def parse(text: str) -> Fault:
    """A fault from its line.

    Raises
    ------
    DemoError
        If the line says nothing known.

    Examples
    --------
    >>> parse("ws:delay=0.5@executed#2").number
    2
    """
    form = _FORM.fullmatch(text.strip())
    if form is None:
        raise _unknown(text, "it has not the form target:action[=value][@when]")
    target, action, value = form["target"], form["action"], form["value"]
    known = ACTIONS.get(target)
    if known is None:
        raise _unknown(text, f"the targets are {', '.join(ACTIONS)}")
    status = re.fullmatch(r"(?P<after>after-)?(?P<code>[1-5]\d\d)", action) if "status" in known else None
    kind = f"{status['after'] or ''}status" if status else action
    if kind not in known or (kind.endswith("status") and status is None):
        told = [each.replace("status", "503 (or 100 to 599)") for each in known]
        raise _unknown(text, f"{target} can {', '.join(told)}")
    if (value is not None) > bool(known[kind]) or (known[kind] == "number" and value is None):
        raise _unknown(text, f"{action} needs {'a value' if known[kind] else 'no value'}")
    fault = Fault(text, target, kind, value=None if value is None else float(value))
    fault.status = int(status["code"]) if status else None
    fault.chance = None if form["chance"] is None else float(form["chance"])
    if target == "key" and (form["when"] or form["chance"]):
        raise _unknown(text, "a key is always demanded, without % and @")
    if form["when"] is not None:
        _read_when(fault, form["when"])
    if fault.name is not None:
        fault.name = _known_name(fault, fault.name)
    return fault


def _read_when(fault: Fault, when: str) -> None:
    """``7``, ``7*``, ``executed``, ``executed#2``, ``POST /prompt#2*`` or ``executed#*``."""
    counted = _WHEN.fullmatch(when)
    if counted is None:
        fault.name, fault.number = when, 1
        return
    if fault.chance is not None and counted["number"]:
        raise _unknown(fault.text, "what is drawn is not counted: leave out the % or the number")
    fault.name = counted["name"] or None
    fault.again = counted["star"] is not None
    fault.number = int(counted["number"] or 1)
    if fault.number == 0:
        raise _unknown(fault.text, "occasions are counted from 1")


def _known_name(fault: Fault, name: str) -> str:
    """The name as occasions have it; one that can never come is refused."""
    target = fault.target
    if target in FORMS:
        name = re.sub(r"^([A-Z]+) /api(?=/)", r"\1 ", name) if target == "http" else name
        form, words = FORMS[target]
        if not form.fullmatch(name):
            raise _unknown(fault.text, words)
    elif target == "ws" and name not in EVENTS:
        raise _unknown(fault.text, f"there is no event {name!r}{_meant(name, EVENTS)}")
    elif target in OF_NODES and name not in REGISTRY:
        raise _unknown(fault.text, f"there is no node class {name!r}{_meant(name, REGISTRY)}")
    elif target == "history":
        raise _unknown(fault.text, "ended prompts are counted, as in @2, and have no names")
    return name


def _meant(name: str, known: Iterable[str]) -> str:
    by_case = {each.lower(): each for each in known}
    near = difflib.get_close_matches(name.lower(), by_case, 1)
    return f"; is it {by_case[near[0]]!r}?" if near else ""


def _unknown(text: str, why: str) -> DemoError:
    return DemoError(f"The fault {text!r} cannot be read: {why}.", hint="FAULTS.md lists them all.")


class Faults:
    """The faults of one server.

    Parameters
    ----------
    journal
        Where each fault that happens is written down.
    texts
        The faults from the start.
    seed
        Of the lots that some draw.
    """

    def __init__(self, journal: Journal, texts: tuple[str, ...] = (), seed: int = 0) -> None:
        self._journal = journal
        self._lots = random.Random(seed)  # noqa: S311 - faults, not secrets
        self.all = [parse(text) for text in texts]

    def add(self, text: str) -> Fault:
        """One more, whose occasions are counted from now on."""
        fault = parse(text)
        self.all.append(fault)
        return fault

    def clear(self) -> None:
        """No faults any more."""
        self.all.clear()

    def due(self, target: str, name: str = "", scope: str = "") -> list[Fault]:
        """The faults of a target that are due at this occasion; one may keep another from happening."""
        return [fault for fault in self.all if fault.target == target and fault.due(name, scope, self._lots)]

    def actions(self, target: str, name: str = "", scope: str = "") -> dict[str, Fault]:
        """The faults of a target that are due at this occasion, the first of each action."""
        found: dict[str, Fault] = {}
        for fault in self.due(target, name, scope):
            found.setdefault(fault.action, fault)
        return found

    def happened(self, fault: Fault, at: str = "", **facts: Any) -> None:
        """A fault that was due is being done: only now it is written down."""
        self._journal.fault(fault.text, at=at, **facts)

    def demanding(self, place: str) -> Fault | None:
        """The fault that demands a key at a place, ``http`` or ``socket``."""
        return next((fault for fault in self.all if fault.target == "key" and fault.action in {place, "both"}), None)
