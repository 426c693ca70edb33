"""What a node is: one small class that says what it takes, what it gives, and does its work."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from comfy_widgets.demo.context import World


@dataclass(frozen=True, slots=True)
class Spec:
    """One input of a node.

    Parameters
    ----------
    kind
        ``"INT"``, ``"MODEL"``…, or ``"COMBO"``.
    options
        What object_info says beside the kind.
    choices
        The values of a COMBO; a function where they are read from disk at each question.
    checked
        Whether validation looks at the choices.
    new_form
        Whether its node has the new form, whose combos old releases do not check.
    """

    kind: str
    options: dict[str, Any] = field(default_factory=dict)
    choices: tuple[str, ...] | Callable[[Any], list[str]] | None = None
    checked: bool = True
    new_form: bool = False

    def values(self, world: "World | None") -> list[str]:
        """The values of a COMBO now."""
        if callable(self.choices):
            return self.choices(world)
        return list(self.choices or ())


def link(kind: str, tooltip: str | None = None) -> Spec:
    """An input that only a link can feed."""
    return Spec(kind, {"tooltip": tooltip} if tooltip else {})


def integer(default: int | None = None, low: int | None = None, high: int | None = None, **more: Any) -> Spec:
    """A whole number."""
    known = {"default": default, "min": low, "max": high}
    return Spec("INT", {**{key: value for key, value in known.items() if value is not None}, **more})


def number(default: float | None = None, low: float | None = None, high: float | None = None, **more: Any) -> Spec:
    """A number."""
    known = {"default": default, "min": low, "max": high}
    return Spec("FLOAT", {**{key: value for key, value in known.items() if value is not None}, **more})


def text(default: str | None = None, **more: Any) -> Spec:
    """A string."""
    return Spec("STRING", {**({} if default is None else {"default": default}), **more})


def boolean(default: bool | None = None, **more: Any) -> Spec:
    """A truth value."""
    return Spec("BOOLEAN", {**({} if default is None else {"default": default}), **more})


def choice(*values: str, **more: Any) -> Spec:
    """One of these values."""
    return Spec("COMBO", more, choices=values)


def dynamic(options: Mapping[str, Mapping[str, Spec]], **more: Any) -> Spec:
    """One of these values, each with inputs of its own, which a graph gives as ``format.codec`` beside ``format``."""
    shown = [
        {
            "key": key,
            "inputs": {"required": {name: ["COMBO", {"options": spec.values(None)}] for name, spec in inner.items()}},
        }
        for key, inner in options.items()
    ]
    return Spec("COMFY_DYNAMICCOMBO_V3", {**more, "options": shown}, choices=tuple(options))


def listed(list_values: Callable[[Any], list[str]], **more: Any) -> Spec:
    """One of the values that a function reads from disk; its node checks the value itself."""
    return Spec("COMBO", more, choices=list_values, checked=False)


def takes(**specs: Spec) -> Mapping[str, Spec]:
    """Inputs by name, in the order that editors show them."""
    return specs


@dataclass(frozen=True, slots=True)
class Blocked:
    """A value that keeps the nodes it reaches from running, with a message or silently."""

    message: str | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What a node gives beside plain values.

    Parameters
    ----------
    values
        One value for each output; links into `expand` where the node was expanded.
    ui
        What the node shows: ``{"images": [{"filename": …}]}``.
    expand
        A graph that takes the node's place, by local node id.
    """

    values: tuple[Any, ...] = ()
    ui: dict[str, list[Any]] | None = None
    expand: dict[str, dict[str, Any]] | None = None


class Node:
    """A node type; subclasses are registered under their class name.

    A subclass sets what it needs of the class attributes and defines ``run(self, ctx, **inputs)``, plain or async,
    which gives a tuple of values, a `Result`, or None. A plain ``run`` blocks the server and must be quick.
    """

    name: ClassVar[str] = ""
    title: ClassVar[str | None] = None
    category: ClassVar[str] = "demo"
    description: ClassVar[str] = ""
    module: ClassVar[str] = "nodes"
    required: ClassVar[Mapping[str, Spec]] = {}
    optional: ClassVar[Mapping[str, Spec]] = {}
    hidden: ClassVar[Mapping[str, str]] = {}
    outputs: ClassVar[tuple[str, ...]] = ()
    output_names: ClassVar[tuple[str, ...] | None] = None
    output_tips: ClassVar[tuple[str, ...] | None] = None
    is_output: ClassVar[bool] = False
    beside_others: ClassVar[bool] = False
    v3: ClassVar[bool] = False
    experimental: ClassVar[bool] = False
    newer: ClassVar["type[Node] | None"] = None

    def __init_subclass__(cls, *, newer_form_of: "type[Node] | None" = None, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.v3:
            cls.required = {key: replace(spec, new_form=True) for key, spec in cls.required.items()}
            cls.optional = {key: replace(spec, new_form=True) for key, spec in cls.optional.items()}
        if newer_form_of is None:
            cls.name = cls.__dict__.get("name") or cls.__name__
            REGISTRY[cls.name] = cls
        else:
            newer_form_of.newer = cls

    def run(self, *args: Any, **inputs: Any) -> Any:
        """Do the node's work; called with a `Context` and the inputs by name."""
        raise NotImplementedError

    def check(self, world: "World", inputs: dict[str, Any]) -> dict[str, str]:
        """Complaints about literal inputs, by input name."""
        del world, inputs
        return {}

    def changed(self, world: "World", inputs: dict[str, Any]) -> Any:
        """What else than the inputs the result depends on; NaN never equals itself and always runs."""
        del world, inputs

    @classmethod
    def inputs(cls) -> dict[str, Spec]:
        """All inputs that a graph may set, required ones first."""
        return {**cls.required, **cls.optional}

    @classmethod
    def knows(cls, name: str) -> bool:
        """Whether an input is its own, or belongs to the value of one: ``format.codec``."""
        return name.partition(".")[0] in cls.inputs()


REGISTRY: dict[str, type[Node]] = {}
