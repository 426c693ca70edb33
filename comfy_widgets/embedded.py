"""The embedded server as a place for prompts: started with the first take that is not on disk."""

from functools import partial

from comfy_widgets.comfyui.address import Address
from comfy_widgets.comfyui.server import Server
from comfy_widgets.errors import DemoError


def embedded(step_seconds: float | None = None) -> Server:
    """The embedded server of this process.

    Parameters
    ----------
    step_seconds
        How long one sampling step takes.
    """
    return Server(f"embedded, {step_seconds}", partial(_start, step_seconds), renderer="demo")


def _start(step_seconds: float | None) -> Address:
    try:
        from comfy_widgets.demo import Settings, start  # noqa: PLC0415 - needs the demo extra
    except ImportError as error:
        raise DemoError(
            f"The embedded server needs {error.name}.", hint="Install it: pip install 'comfy-widgets[demo]'."
        ) from error
    return Address.parse(start(Settings() if step_seconds is None else Settings(step_seconds=step_seconds)).url)
