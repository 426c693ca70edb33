"""What /object_info says of a node type."""

from typing import Any

from comfy_widgets.demo.context import World
from comfy_widgets.demo.nodes.base import Node, Spec


def describe(node_type: type[Node], world: World) -> dict[str, Any]:
    """One entry, in the old or the new form as the node type has it."""
    sections = {"required": node_type.required, "optional": node_type.optional}
    shown: dict[str, Any] = {
        name: {key: described(spec, world, new_form=node_type.v3) for key, spec in specs.items()}
        for name, specs in sections.items()
        if specs or (name == "required" and not node_type.optional)
    }
    order = {name: list(specs) for name, specs in shown.items()}
    if node_type.hidden:
        shown["hidden"] = {key: [kind] if node_type.v3 else kind for key, kind in node_type.hidden.items()}
        order["hidden"] = list(node_type.hidden)
    entry: dict[str, Any] = {
        "input": shown,
        "input_order": order,
        "output": list(node_type.outputs),
        "output_is_list": [False] * len(node_type.outputs),
        "output_name": list(node_type.output_names or node_type.outputs),
        "name": node_type.name,
        "display_name": node_type.title if node_type.title or node_type.v3 else node_type.name,
        "description": node_type.description,
        "python_module": node_type.module,
        "category": node_type.category,
        "output_node": node_type.is_output,
    }
    if node_type.output_tips:
        entry["output_tooltips"] = list(node_type.output_tips)
    if node_type.v3:
        flags = {"deprecated": False, "experimental": node_type.experimental, "api_node": False}
        entry |= {"output_tooltips": [None] * len(node_type.outputs), **flags}
    return entry


def described(spec: Spec, world: World, *, new_form: bool) -> list[Any]:
    """One input: its type and options; a combo's values stand first in the old form, among the options in the new."""
    if spec.kind != "COMBO":
        return [spec.kind, spec.options] if spec.options or new_form else [spec.kind]
    values = spec.values(world)
    if new_form:
        return ["COMBO", {**spec.options, "options": values}]
    return [values, spec.options] if spec.options else [values]


def describe_all(world: World) -> dict[str, Any]:
    """All node types."""
    return {name: describe(node_type, world) for name, node_type in world.nodes.items()}
