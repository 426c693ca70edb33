"""What a server can do, asked once."""

from dataclasses import dataclass

from comfy_widgets.comfyui.client import Client


@dataclass(frozen=True)
class Capabilities:
    """What a server said of itself.

    Attributes
    ----------
    renderer
        ``comfyui``, or ``demo`` for the embedded server, whose clips are simulated.
    version
        Its release, None where it does not say.
    """

    renderer: str
    version: str | None


async def probe(client: Client) -> Capabilities:
    """Ask a server what it is.

    Raises
    ------
    ServerUnreachable, NotComfyUI, KeyRefused
        If nobody answers, or somebody else, or only with a key.
    """
    system = (await client.system_stats())["system"]
    version = system.get("comfyui_version") if isinstance(system, dict) else None
    renderer = "demo" if isinstance(system, dict) and system.get("renderer") == "demo" else "comfyui"
    return Capabilities(renderer, str(version) if version else None)
