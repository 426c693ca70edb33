"""The node types that the embedded server knows; importing this package registers them."""

from collections.abc import Mapping

from comfy_widgets.demo.nodes import images, lab, models, primitives, saving, video  # noqa: F401 - registers them
from comfy_widgets.demo.nodes.base import REGISTRY, Blocked, Node, Result, Spec

__all__ = ["REGISTRY", "Blocked", "Node", "Result", "Spec", "node_types"]


def node_types(*, newer: bool) -> Mapping[str, type[Node]]:
    """All node types by class name; `newer` takes the form that newer releases have, where there is another."""
    if not newer:
        return REGISTRY
    return {name: node_type.newer or node_type for name, node_type in REGISTRY.items()}
