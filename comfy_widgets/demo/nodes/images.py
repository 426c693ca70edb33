"""Pictures that need no model, and files that people upload."""

import hashlib
from pathlib import Path
from typing import Any

from comfy_widgets.demo.context import Context, World
from comfy_widgets.demo.nodes.base import Node, integer, link, listed, number, takes
from comfy_widgets.demo.render.pictures import Noisy, Pictures, Repeated, Solid, loaded

_MEDIA = {
    "image": (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".svg"),
    "video": (".mp4", ".webm", ".mkv", ".mov"),
    "audio": (".flac", ".mp3", ".wav", ".ogg", ".opus"),
}


def uploaded(kind: str, world: World) -> list[str]:
    """The names of the input files of a kind."""
    return sorted(path.name for path in world.folders.of("input").iterdir() if path.suffix.lower() in _MEDIA[kind])


def missing(world: World, field: str, name: Any) -> str | None:
    """What to say about an input file that is not there, None if it is."""
    path = world.folders.annotated(name) if isinstance(name, str) else None
    return None if path is not None and path.is_file() else f"{field} - Invalid {field} file: {name}"


def fingerprint(world: World, name: Any) -> str | None:
    """A hash of an input file, so that another file of the same name is seen."""
    path = world.folders.annotated(name) if isinstance(name, str) else None
    return hashlib.sha256(path.read_bytes()).hexdigest() if path is not None and path.is_file() else None


def opened(ctx: Context, name: str) -> Path:
    """The path of an input file.

    Raises
    ------
    FileNotFoundError
        If it went away after validation.
    """
    path = ctx.world.folders.annotated(name)
    if path is None or not path.is_file():
        raise FileNotFoundError(f"no input file {name}")
    return path


class LoadImage(Node):
    """An uploaded picture."""

    title = "Load Image"
    category = "image"
    required = takes(image=listed(lambda world: uploaded("image", world), image_upload=True))
    outputs = ("IMAGE", "MASK")

    def check(self, world: World, inputs: dict[str, Any]) -> dict[str, str]:
        """Complain about a missing file."""
        complaint = missing(world, "image", inputs.get("image"))
        return {"image": complaint} if complaint else {}

    def changed(self, world: World, inputs: dict[str, Any]) -> str | None:
        """The file's content."""
        return fingerprint(world, inputs.get("image"))

    async def run(self, ctx: Context, image: str) -> tuple[Pictures, None]:
        """Open it."""
        picture, _ = await ctx.thread(lambda: loaded(opened(ctx, image), only_first=True))
        return picture, None


class EmptyImage(Node):
    """Pictures of one colour."""

    title = "EmptyImage"
    category = "image"
    required = takes(
        width=integer(512, 1, 16384, step=1),
        height=integer(512, 1, 16384, step=1),
        batch_size=integer(1, 1, 4096),
        color=integer(0, 0, 0xFFFFFF, step=1, display="color"),
    )
    outputs = ("IMAGE",)

    def run(self, ctx: Context, width: int, height: int, batch_size: int, color: int) -> tuple[Pictures]:
        """Give them."""
        del ctx
        return (Solid(width, height, batch_size, color),)


class ImageAddNoise(Node):
    """Pictures with noise."""

    category = "image"
    module = "comfy_extras.nodes_images"
    required = takes(
        image=link("IMAGE"),
        seed=integer(0, 0, 2**64 - 1, control_after_generate=True),
        strength=number(0.5, 0.0, 1.0, step=0.01),
    )
    outputs = ("IMAGE",)

    def run(self, ctx: Context, image: Pictures, seed: int, strength: float) -> tuple[Pictures]:
        """Lay noise over them."""
        del ctx
        return (Noisy(image, seed, strength),)


class RepeatImageBatch(Node):
    """The same pictures several times."""

    category = "image/batch"
    module = "comfy_extras.nodes_images"
    required = takes(image=link("IMAGE"), amount=integer(1, 1, 4096))
    outputs = ("IMAGE",)

    def run(self, ctx: Context, image: Pictures, amount: int) -> tuple[Pictures]:
        """Repeat them."""
        del ctx
        return (Repeated(image, amount),)
