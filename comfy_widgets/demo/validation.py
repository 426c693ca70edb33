"""Whether a graph may be queued, and what to say if not: ComfyUI's rules and types, in words of our own."""

import traceback
from dataclasses import dataclass, field
from typing import Any

from comfy_widgets.demo.context import World
from comfy_widgets.demo.nodes.base import Node, Spec
from comfy_widgets.demo.releases import Rules

LONG_LIST = 20


@dataclass(slots=True)
class Verdict:
    """The result of validating a graph.

    Parameters
    ----------
    error
        Why it is refused, None if it is accepted.
    outputs
        The output nodes that will run.
    node_errors
        What is wrong with which node, also where other outputs are fine.
    """

    error: dict[str, Any] | None
    outputs: list[str] = field(default_factory=list)
    node_errors: dict[str, Any] = field(default_factory=dict)


def complaint(kind: str, message: str, details: str, **extra: Any) -> dict[str, Any]:
    """One error in the shape that clients read."""
    return {"type": kind, "message": message, "details": details, "extra_info": extra}


def validate(graph: dict[str, Any], targets: list[str] | None, world: World, rules: Rules) -> Verdict:
    """Judge a graph; values are converted in place, as the real server does.

    Raises
    ------
    Exception
        Whatever a graph that is no dict of dicts leads to: such a body is answered by a bare 500.
    """
    outputs = []
    for node_id, node in graph.items():
        if "class_type" not in node:
            return Verdict(rules.no_class(node_id, node))
        node_type = world.nodes.get(node["class_type"])
        if node_type is None:
            return Verdict(rules.unknown_class(node_id, node))
        if node_type.is_output and (targets is None or node_id in targets):
            outputs.append(node_id)
    if not outputs:
        return Verdict(complaint("prompt_no_outputs", "The prompt has no outputs", ""))
    return Judge(graph, world, rules).judge(outputs)


class Judge:
    """Validates the nodes that a graph's outputs need.

    Parameters
    ----------
    graph, world, rules
        The graph, the server's files, and what its release checks.
    """

    def __init__(self, graph: dict[str, Any], world: World, rules: Rules) -> None:
        self._graph = graph
        self._world = world
        self._rules = rules
        self._known: dict[str, tuple[bool, list[dict[str, Any]]]] = {}
        self._node_errors: dict[str, Any] = {}

    def judge(self, outputs: list[str]) -> Verdict:
        """Judge each output; the good ones may run, unless none is."""
        good, told = [], []
        for output in outputs:
            try:
                valid, errors = self._node(output, ())
            except RecursionError:
                valid, errors = False, []
            except Exception as cause:  # noqa: BLE001 - any oddity of the graph is the client's error
                valid, errors = False, [self._exception(cause)]
                self._known[output] = (valid, errors)
            if valid:
                good.append(output)
                continue
            told += [f"{error['message']}: {error['details']}" for error in errors]
            self._blame(output)
        if good:
            return Verdict(None, good, self._node_errors)
        if self._rules.names_cycles and not self._node_errors:
            return Verdict(complaint("dependency_cycle", "The graph has a cycle", ""))
        return Verdict(
            complaint("prompt_outputs_failed_validation", "No output of the prompt is valid", "\n".join(told)),
            node_errors=self._node_errors,
        )

    def _blame(self, output: str) -> None:
        """Write the errors of everything looked at so far under the output that needs it."""
        for node_id, (_, errors) in self._known.items():
            if not errors:
                continue
            entry = self._node_errors.setdefault(
                node_id,
                {"errors": errors, "dependent_outputs": [], "class_type": self._graph[node_id]["class_type"]},
            )
            entry["dependent_outputs"].append(output)

    def _node(self, node_id: str, above: tuple[str, ...]) -> tuple[bool, list[dict[str, Any]]]:
        """Whether a node and all that feeds it is valid, and its own errors."""
        if node_id in self._known:
            return self._known[node_id]
        if node_id in above:
            raise RecursionError
        node = self._graph[node_id]
        node_type = self._world.nodes[node["class_type"]]
        inputs: dict[str, Any] = node["inputs"]
        errors: list[dict[str, Any]] = []
        valid = True
        for name, spec in node_type.inputs().items():
            if name not in inputs:
                if name in node_type.required:
                    errors.append(
                        complaint("required_input_missing", "A required input is missing", name, input_name=name)
                    )
                continue
            if isinstance(inputs[name], list):
                problem, fed_well = self._link(name, spec, inputs[name], (*above, node_id))
                valid = valid and fed_well
            else:
                problem = self._value(name, spec, inputs)
            if problem:
                errors.append(problem)
        if not errors and valid:
            errors += self._own_check(node_type, inputs)
        self._known[node_id] = (valid and not errors, errors)
        return self._known[node_id]

    def _link(
        self, name: str, spec: Spec, value: list[Any], above: tuple[str, ...]
    ) -> tuple[dict[str, Any] | None, bool]:
        """What is wrong with a link itself, and whether the node it comes from is valid."""
        config = config_of(spec, self._world)
        if len(value) != 2:
            told = complaint(
                "bad_linked_input",
                "A link must be a list of node id and slot",
                name,
                input_name=name,
                input_config=config,
                received_value=value,
            )
            return told, True
        source, slot = value
        given = self._world.nodes[self._graph[source]["class_type"]].outputs[slot]
        if not fits(given, spec.kind):
            details = f"{name}, received_type({given}) mismatch input_type({spec.kind})"
            told = complaint(
                "return_type_mismatch",
                "The linked node gives another type",
                details,
                input_name=name,
                input_config=config,
                received_type=given,
                linked_node=value,
            )
            return told, True
        try:
            return None, self._node(source, above)[0]
        except RecursionError:
            raise
        except Exception as cause:  # noqa: BLE001
            self._known[source] = (False, [self._exception(cause, name=name, linked_node=value)])
            return None, False

    def _value(self, name: str, spec: Spec, inputs: dict[str, Any]) -> dict[str, Any] | None:
        """What is wrong with a literal value; a good one is converted."""
        config = config_of(spec, self._world)
        value = inputs[name]
        try:
            inputs[name] = value = converted(spec.kind, value)
        except (TypeError, ValueError) as cause:
            return complaint(
                "invalid_input_type",
                f"The value is no {spec.kind}",
                f"{name}, {value}, {cause}",
                input_name=name,
                input_config=config,
                received_value=value,
                exception_message=str(cause),
            )
        low, high = spec.options.get("min"), spec.options.get("max")
        facts = {"input_name": name, "input_config": config, "received_value": value}
        if low is not None and value < low:
            return complaint("value_smaller_than_min", f"Value {value} is smaller than {low}", name, **facts)
        if high is not None and value > high:
            return complaint("value_bigger_than_max", f"Value {value} is bigger than {high}", name, **facts)
        return self._choice(name, spec, value, facts)

    def _choice(self, name: str, spec: Spec, value: Any, facts: dict[str, Any]) -> dict[str, Any] | None:
        if spec.choices is None or not spec.checked or not self._rules.checks_choice(spec):
            return None
        options = spec.values(self._world)
        if value in options:
            return None
        shown = str(options)
        if len(options) > LONG_LIST:
            shown, facts = f"(list of length {len(options)})", {**facts, "input_config": None}
        return complaint(
            "value_not_in_list", "The value is not in the list", f"{name}: {value!r} not in {shown}", **facts
        )

    def _own_check(self, node_type: type[Node], inputs: dict[str, Any]) -> list[dict[str, Any]]:
        found = node_type().check(self._world, inputs)
        message = "The node refuses the value"
        return [complaint("custom_validation_failed", message, told, input_name=name) for name, told in found.items()]

    def _exception(self, cause: Exception, **extra: Any) -> dict[str, Any]:
        facts = {"exception_type": type(cause).__name__, "traceback": traceback.format_tb(cause.__traceback__), **extra}
        return complaint("exception_during_validation", "Validating the node raised", str(cause), **facts)


def config_of(spec: Spec, world: World) -> list[Any]:
    """An input as object_info shows it; combos in the old form."""
    if spec.kind == "COMBO":
        return [spec.values(world), spec.options]
    return [spec.kind, spec.options]


def fits(given: str, wanted: str) -> bool:
    """Whether an output of one type may feed an input of another."""
    if "*" in (given, wanted) or given == wanted:
        return True
    return bool(set(given.split(",")) & set(wanted.split(",")))


def converted(kind: str, value: Any) -> Any:
    """A literal in the type that the input has."""
    match kind:
        case "INT":
            return int(value)
        case "FLOAT":
            return float(value)
        case "STRING":
            return str(value)
        case "BOOLEAN":
            return bool(value)
        case _:
            return value
