"""Nodes for testing clients: slow, failing, blocking, expanding, asynchronous, and odd in what they show."""

import asyncio
import math
from typing import Any

from comfy_widgets.demo.context import Context, Preview
from comfy_widgets.demo.nodes.base import Blocked, Node, Result, boolean, choice, integer, link, number, takes, text
from comfy_widgets.demo.nodes.values import Audio
from comfy_widgets.demo.render import encode
from comfy_widgets.demo.render.pictures import Pictures, static_noise

_SEED = integer(0, 0, 2**53)


def preview_of(picture: Pictures, kind: str) -> Preview:
    """A picture as JPEG or PNG."""
    frame = next(iter(picture.frames()))
    return Preview(encode.png(frame), "image/png") if kind == "png" else Preview(encode.jpeg(frame))


class LabSlow(Node):
    """Takes its time step by step, with progress and previews; sends a text at the end."""

    category = "lab"
    module = "custom_nodes.lab_nodes"
    required = takes(
        steps=integer(5, 0, 100000),
        delay=number(0.1, 0.0, 3600.0),
        preview=choice("none", "jpeg", "png"),
        seed=_SEED,
    )
    optional = takes(image=link("IMAGE"), text=text(""))
    outputs = ("IMAGE",)

    async def run(
        self, ctx: Context, *, steps: int, delay: float, preview: str, seed: int, image: Any = None, text: str = ""
    ) -> tuple[Pictures]:
        """Sleep and report."""
        picture: Pictures = image or static_noise(seed, 64, 64)
        shown = await ctx.thread(preview_of, picture, preview) if preview != "none" else None
        for step in range(1, steps + 1):
            await ctx.sleep(delay)
            await ctx.progress(step, steps, shown)
        if text:
            ctx.tell(f"text: {text}")
        return (picture,)


class LabBlock(Node):
    """Takes its time without a word, so that nobody can interrupt it meanwhile."""

    category = "lab"
    module = "custom_nodes.lab_nodes"
    required = takes(image=link("IMAGE"), seconds=number(1.0, 0.0, 3600.0))
    outputs = ("IMAGE",)

    async def run(self, ctx: Context, image: Pictures, seconds: float) -> tuple[Pictures]:
        """Sleep."""
        await ctx.sleep(seconds)
        return (image,)


class LabFail(Node):
    """Raises."""

    category = "lab"
    module = "custom_nodes.lab_nodes"
    required = takes(image=link("IMAGE"), message=text("lab failure"))
    outputs = ("IMAGE",)

    def run(self, ctx: Context, image: Pictures, message: str) -> None:
        """Raise a ValueError with the message."""
        del ctx, image
        raise ValueError(message)


class LabNop(Node):
    """An output node that only says its number."""

    category = "lab"
    module = "custom_nodes.lab_nodes"
    required = takes(n=_SEED)
    is_output = True

    def run(self, ctx: Context, n: int) -> Result:
        """Say it."""
        del ctx
        return Result(ui={"text": [str(n)]})


class LabSilent(LabNop):
    """An output node that shows nothing."""

    def run(self, ctx: Context, n: int) -> Result:
        """Show nothing."""
        del ctx, n
        return Result()


class LabSlowOutput(Node):
    """An output node that takes its time without a word: an interrupt comes too late."""

    category = "lab"
    module = "custom_nodes.lab_nodes"
    required = takes(seconds=number(1.0, 0.0, 3600.0), seed=_SEED)
    is_output = True

    async def run(self, ctx: Context, seconds: float, seed: int) -> Result:
        """Sleep."""
        del seed
        await ctx.sleep(seconds)
        return Result(ui={"text": ["done"]})


class LabAudio(Node):
    """A sound."""

    category = "lab"
    module = "custom_nodes.lab_nodes"
    required = takes(seconds=number(1.0, 0.0, 3600.0))
    outputs = ("AUDIO",)

    def run(self, ctx: Context, seconds: float) -> tuple[Audio]:
        """Give it."""
        del ctx
        return (Audio(seconds),)


class LabBlocker(Node):
    """Blocks what comes after it, with a message or silently."""

    category = "lab"
    module = "custom_nodes.lab_nodes"
    required = takes(image=link("IMAGE"), block=boolean(True), message=text("blocked"))
    outputs = ("IMAGE",)

    def run(self, ctx: Context, image: Pictures, block: bool, message: str) -> tuple[Any]:
        """Block, or pass the picture on."""
        del ctx
        return (Blocked(message or None),) if block else (image,)


class LabExpand(Node):
    """Becomes a slow node and a saving one."""

    category = "lab"
    module = "custom_nodes.lab_nodes"
    required = takes(seed=_SEED)
    outputs = ("IMAGE",)

    def run(self, ctx: Context, seed: int) -> Result:
        """Give the graph that takes its place."""
        del ctx
        slow = {"steps": 2, "delay": 0.05, "preview": "none", "seed": seed, "text": ""}
        save = {"images": ["1", 0], "filename_prefix": "lab/expand"}
        nodes = {"1": {"class_type": "LabSlow", "inputs": slow}, "2": {"class_type": "SaveImage", "inputs": save}}
        return Result((["1", 0],), expand=nodes)


class LabExpandCycle(Node):
    """Becomes two nodes that wait for one another."""

    category = "lab"
    module = "custom_nodes.lab_nodes"
    required = takes(seed=_SEED)
    outputs = ("IMAGE",)

    def run(self, ctx: Context, seed: int) -> Result:
        """Give the cycle."""
        del ctx, seed
        first = {"class_type": "LabBlock", "inputs": {"image": ["2", 0], "seconds": 0.0}}
        second = {"class_type": "LabBlock", "inputs": {"image": ["1", 0], "seconds": 0.0}}
        return Result((["1", 0],), expand={"1": first, "2": second})


class LabAsync(Node):
    """Takes its time in four steps while others work."""

    category = "lab"
    module = "custom_nodes.lab_nodes"
    required = takes(seconds=number(1.0, 0.0, 3600.0), seed=_SEED)
    outputs = ("IMAGE",)
    beside_others = True

    async def run(self, ctx: Context, seconds: float, seed: int) -> tuple[Pictures]:
        """Sleep and report."""
        for step in range(1, 5):
            await asyncio.sleep(seconds / 4)
            await ctx.progress(step, 4)
        return (static_noise(seed, 64, 64),)


class LabNan(LabNop):
    """Shows values that strict JSON parsers refuse."""

    def run(self, ctx: Context, n: int) -> Result:
        """Show NaN and Infinity."""
        del ctx, n
        return Result(ui={"values": [math.nan, math.inf]})


class LabUnserializable(LabNop):
    """Shows a value that JSON cannot hold."""

    def run(self, ctx: Context, n: int) -> Result:
        """Show a bare object."""
        del ctx
        return Result(ui={"values": [object(), n]})


class LabSmall(Node):
    """An output of a thousand bytes, without rendering."""

    category = "lab"
    module = "custom_nodes.lab_nodes"
    required = takes(seed=_SEED, filename_prefix=text("lab/small"))
    is_output = True

    def run(self, ctx: Context, seed: int, filename_prefix: str) -> Result:
        """Write one small frame; a box that players skip holds the seed and fills it up."""
        path, item = ctx.world.folders.next_name("output", filename_prefix, "mp4")
        frame = encode.one_frame()
        filling = (f"{seed:020}".encode() * 50)[: 1000 - len(frame) - 8]
        path.write_bytes(frame + (8 + len(filling)).to_bytes(4, "big") + b"free" + filling)
        return Result(ui={"images": [item], "animated": [True]})


class LabFakeVHS(Node):
    """The shape in which a well known pack's video node speaks of its file."""

    category = "lab"
    module = "custom_nodes.lab_nodes"
    required = takes(images=link("IMAGE"))
    is_output = True

    async def run(self, ctx: Context, images: Pictures) -> Result:
        """Write a video and speak of it under ``gifs``."""
        path, item = ctx.world.folders.next_name("output", "vhs", "mp4")
        await ctx.thread(encode.video, path, images, 8.0, encode.tags(ctx.graph, ctx.extra_pnginfo))
        more = {"format": "video/h264-mp4", "frame_rate": 8, "workflow": f"{path.stem}.png", "fullpath": str(path)}
        return Result(ui={"gifs": [{**item, **more}]})


class LabManyOutputs(Node):
    """All kinds of outputs at once: two videos, images, gif, audio, text, a 3D file and a webm."""

    category = "lab"
    module = "custom_nodes.lab_nodes"
    required = takes(images=link("IMAGE"), filename_prefix=text("lab/many"))
    is_output = True

    async def run(self, ctx: Context, images: Pictures, filename_prefix: str) -> Result:
        """Write them all."""
        about = encode.tags(ctx.graph, ctx.extra_pnginfo)
        items: dict[str, list[Any]] = {"images": [], "gifs": [], "audio": [], "3d": [], "text": [filename_prefix]}
        for kind in ("mp4", "mp4", "webm"):
            path, item = ctx.world.folders.next_name("output", filename_prefix, kind)
            await ctx.thread(encode.video, path, images, 8.0, about, kind)
            items["images"].append(item)
        path, item = ctx.world.folders.next_name("output", filename_prefix, "gif")
        await ctx.thread(encode.animation, path, images, 8.0, "gif")
        items["gifs"].append(item)
        path, item = ctx.world.folders.next_name("output", filename_prefix, "flac")
        path.write_bytes(await ctx.thread(encode.sound, 0.5, "flac"))
        items["audio"].append(item)
        path, item = ctx.world.folders.next_name("output", filename_prefix, "glb")
        path.write_bytes(b"glTF\x02\x00\x00\x00\x0c\x00\x00\x00")
        items["3d"].append(item)
        return Result(ui=items)
