"""The node types that the embedded server knows; importing this package registers them."""

from comfy_widgets.demo.nodes import images, lab, models, primitives, saving, video  # noqa: F401 - registers them
from comfy_widgets.demo.nodes.base import REGISTRY, Blocked, Node, Result, Spec

__all__ = ["REGISTRY", "Blocked", "Node", "Result", "Spec"]
