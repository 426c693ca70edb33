"""Plain values and strings."""

from typing import Any

from comfy_widgets.demo.context import Context
from comfy_widgets.demo.nodes.base import Node, Result, boolean, integer, link, number, takes, text

_MOST = 2**63 - 1


class PrimitiveInt(Node):
    """A whole number."""

    title = "Int"
    category = "utils/primitive"
    module = "comfy_extras.nodes_primitive"
    v3 = True
    required = takes(value=integer(None, -_MOST, _MOST, control_after_generate=True))
    outputs = ("INT",)

    def run(self, ctx: Context, value: int) -> tuple[int]:
        """Give the number."""
        del ctx
        return (value,)


class PrimitiveFloat(Node):
    """A number."""

    title = "Float"
    category = "utils/primitive"
    module = "comfy_extras.nodes_primitive"
    v3 = True
    required = takes(value=number(None, -_MOST, _MOST))
    outputs = ("FLOAT",)

    def run(self, ctx: Context, value: float) -> tuple[float]:
        """Give the number."""
        del ctx
        return (value,)


class PrimitiveBoolean(Node):
    """A truth value."""

    title = "Boolean"
    category = "utils/primitive"
    module = "comfy_extras.nodes_primitive"
    v3 = True
    required = takes(value=boolean())
    outputs = ("BOOLEAN",)

    def run(self, ctx: Context, value: bool) -> tuple[bool]:
        """Give the value."""
        del ctx
        return (value,)


class PrimitiveString(Node):
    """A line of text."""

    title = "String"
    category = "utils/primitive"
    module = "comfy_extras.nodes_primitive"
    v3 = True
    required = takes(value=text(multiline=False))
    outputs = ("STRING",)

    def run(self, ctx: Context, value: str) -> tuple[str]:
        """Give the text."""
        del ctx
        return (value,)


class PrimitiveStringMultiline(Node):
    """Text of several lines."""

    title = "String (Multiline)"
    category = "utils/primitive"
    module = "comfy_extras.nodes_primitive"
    v3 = True
    required = takes(value=text(multiline=True))
    outputs = ("STRING",)

    def run(self, ctx: Context, value: str) -> tuple[str]:
        """Give the text."""
        del ctx
        return (value,)


class StringConcatenate(Node):
    """Two strings joined."""

    title = "Concatenate"
    category = "utils/string"
    module = "comfy_extras.nodes_string"
    v3 = True
    required = takes(string_a=text(multiline=True), string_b=text(multiline=True), delimiter=text("", multiline=False))
    outputs = ("STRING",)

    def run(self, ctx: Context, string_a: str, string_b: str, delimiter: str) -> tuple[str]:
        """Join them."""
        del ctx
        return (delimiter.join((string_a, string_b)),)


class PreviewAny(Node):
    """Shows a value as text."""

    title = "Preview Any"
    category = "utils"
    module = "comfy_extras.nodes_preview_any"
    required = takes(source=link("*"))
    is_output = True

    def run(self, ctx: Context, source: Any) -> Result:
        """Show it."""
        del ctx
        return Result(ui={"text": [source if isinstance(source, str) else repr(source)]})
