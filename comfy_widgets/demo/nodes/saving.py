"""Nodes that write files, and how they speak of them."""

from random import Random
from types import MappingProxyType
from typing import Any

from comfy_widgets.demo.context import Context
from comfy_widgets.demo.nodes.base import Node, Result, boolean, choice, dynamic, integer, link, number, takes, text
from comfy_widgets.demo.nodes.values import Audio, Video
from comfy_widgets.demo.render import encode
from comfy_widgets.demo.render.palette import digest
from comfy_widgets.demo.render.pictures import Pictures

_HIDDEN = MappingProxyType({"prompt": "PROMPT", "extra_pnginfo": "EXTRA_PNGINFO"})


def about(ctx: Context) -> dict[str, str]:
    """What a saved file says of its making."""
    return encode.tags(ctx.graph, ctx.extra_pnginfo)


def save_images(ctx: Context, kind: str, prefix: str, images: Pictures) -> list[dict[str, str]]:
    """Write each picture as a PNG of its own."""
    items = []
    for frame in images.frames():
        path, item = ctx.world.folders.next_name(kind, prefix, "png")
        path.write_bytes(encode.png(frame, about(ctx)))
        items.append(item)
    return items


class SaveImage(Node):
    """Pictures, kept."""

    title = "Save Image"
    category = "image"
    description = "Saves the input images to your ComfyUI output directory."
    required = takes(images=link("IMAGE"), filename_prefix=text("ComfyUI"))
    hidden = _HIDDEN
    is_output = True

    async def run(self, ctx: Context, images: Pictures, filename_prefix: str) -> Result:
        """Write them."""
        return Result(ui={"images": await ctx.thread(save_images, ctx, "output", filename_prefix, images)})


class PreviewImage(Node):
    """Pictures, only to be looked at."""

    title = "Preview Image"
    category = "image"
    description = "Saves the input images to your ComfyUI output directory."
    required = takes(images=link("IMAGE"))
    hidden = _HIDDEN
    is_output = True

    async def run(self, ctx: Context, images: Pictures) -> Result:
        """Write them to the temp folder, under a name that changes with the prompt."""
        lots = Random(digest(ctx.prompt_id, ctx.node_id))  # noqa: S311 - a file name
        letters = "".join(chr(ord("a") + int(26 * lots.random())) for _ in range(5))
        return Result(ui={"images": await ctx.thread(save_images, ctx, "temp", f"ComfyUI_temp_{letters}", images)})


class SaveVideo(Node):
    """A video, kept; as ComfyUI does, it speaks of it under ``images``."""

    title = "Save Video"
    category = "image/video"
    description = "Saves the input images to your ComfyUI output directory."
    module = "comfy_extras.nodes_video"
    v3 = True
    required = takes(
        video=link("VIDEO"),
        filename_prefix=text("video/ComfyUI", multiline=False),
        format=choice("auto", "mp4", default="auto", multiselect=False),
        codec=choice("auto", "h264", default="auto", multiselect=False),
    )
    hidden = _HIDDEN
    is_output = True

    async def run(self, ctx: Context, video: Video, filename_prefix: str, format: str, codec: str) -> Result:  # noqa: A002 - the input's name
        """Write it; a format that validation let pass fails here."""
        for value, options in ((format, ("auto", "mp4")), (codec, ("auto", "h264"))):
            if value not in options:
                raise ValueError(f"{value!r} is not one of {', '.join(options)}")
        path, item = ctx.world.folders.next_name("output", filename_prefix, "mp4")
        await ctx.thread(encode.video, path, video.pictures, video.fps, about(ctx))
        return Result(ui={"images": [item], "animated": [True]})


class SaveVideoNewer(SaveVideo, newer_form_of=SaveVideo):
    """The form of newer releases: the codec belongs to the format, and the video is passed on."""

    required = takes(
        video=link("VIDEO"),
        filename_prefix=text("video/ComfyUI", multiline=False),
        format=dynamic(
            {
                "auto": takes(codec=choice("auto")),
                "mp4": takes(codec=choice("auto", "h264")),
                "webm": takes(codec=choice("auto", "vp9")),
            },
        ),
    )
    optional = takes(codec=choice("auto", "h264", default="auto", multiselect=False))
    outputs = ("VIDEO",)

    async def run(
        self,
        ctx: Context,
        video: Video,
        filename_prefix: str,
        format: str,  # noqa: A002 - the input's name
        codec: str = "auto",
        **_: Any,
    ) -> Result:
        """Write it; each format has one codec here."""
        del codec
        kind = "webm" if format == "webm" else "mp4"
        path, item = ctx.world.folders.next_name("output", filename_prefix, kind)
        await ctx.thread(encode.video, path, video.pictures, video.fps, about(ctx), kind)
        return Result((video,), ui={"images": [item], "animated": [True]})


class SaveWEBM(Node):
    """Pictures as a WEBM video."""

    experimental = True

    category = "image/video"
    module = "comfy_extras.nodes_video"
    v3 = True
    required = takes(
        images=link("IMAGE"),
        filename_prefix=text("ComfyUI", multiline=False),
        codec=choice("vp9", "av1", multiselect=False),
        fps=number(24.0, 0.01, 1000.0, step=0.01),
        crf=number(32.0, 0.0, 63.0, step=1),
    )
    hidden = _HIDDEN
    is_output = True

    async def run(self, ctx: Context, images: Pictures, filename_prefix: str, fps: float, **_: Any) -> Result:
        """Write it."""
        path, item = ctx.world.folders.next_name("output", filename_prefix, "webm")
        await ctx.thread(encode.video, path, images, fps, about(ctx), "webm")
        return Result(ui={"images": [item], "animated": [True]})


class SaveAnimatedWEBP(Node):
    """Pictures as an animated WEBP."""

    category = "image/animation"
    module = "comfy_extras.nodes_images"
    required = takes(
        images=link("IMAGE"),
        filename_prefix=text("ComfyUI"),
        fps=number(6.0, 0.01, 1000.0, step=0.01),
        lossless=boolean(True),
        quality=integer(80, 0, 100),
        method=choice("default", "fastest", "slowest"),
    )
    hidden = _HIDDEN
    is_output = True
    kind = "webp"

    async def run(self, ctx: Context, images: Pictures, filename_prefix: str, fps: float, **_: Any) -> Result:
        """Write it."""
        path, item = ctx.world.folders.next_name("output", filename_prefix, self.kind)
        await ctx.thread(encode.animation, path, images, fps, self.kind)
        return Result(ui={"images": [item], "animated": [self.kind == "png" or images.count != 1]})


class SaveAnimatedPNG(SaveAnimatedWEBP):
    """Pictures as an animated PNG."""

    required = takes(
        images=link("IMAGE"),
        filename_prefix=text("ComfyUI"),
        fps=number(6.0, 0.01, 1000.0, step=0.01),
        compress_level=integer(4, 0, 9),
    )
    kind = "png"


class EmptyAudio(Node):
    """A sound of some length."""

    title = "Empty Audio"
    category = "audio"
    module = "comfy_extras.nodes_audio"
    required = takes(
        duration=number(60.0, 0.0, 2**64 - 1, step=0.01),
        sample_rate=integer(44100),
        channels=integer(2, 1, 2),
    )
    outputs = ("AUDIO",)

    def run(self, ctx: Context, duration: float, **_: Any) -> tuple[Audio]:
        """Give it."""
        del ctx
        return (Audio(duration),)


class SaveAudio(Node):
    """A sound, kept as FLAC."""

    title = "Save Audio (FLAC)"
    category = "audio"
    module = "comfy_extras.nodes_audio"
    required = takes(audio=link("AUDIO"), filename_prefix=text("audio/ComfyUI"))
    hidden = _HIDDEN
    is_output = True
    kind = "flac"

    async def run(self, ctx: Context, audio: Audio, filename_prefix: str, **_: Any) -> Result:
        """Write it."""
        path, item = ctx.world.folders.next_name("output", filename_prefix, self.kind)
        path.write_bytes(await ctx.thread(encode.sound, audio.seconds, self.kind))
        return Result(ui={"audio": [item]})


class SaveAudioMP3(SaveAudio):
    """A sound, kept as MP3."""

    title = "Save Audio (MP3)"
    required = takes(
        audio=link("AUDIO"),
        filename_prefix=text("audio/ComfyUI"),
        quality=choice("V0", "128k", "320k", default="V0"),
    )
    kind = "mp3"


class PreviewAudio(SaveAudio):
    """A sound, only to be listened to."""

    title = "Preview Audio"
    required = takes(audio=link("AUDIO"))

    async def run(self, ctx: Context, audio: Audio, filename_prefix: str = "ComfyUI_temp_audio", **_: Any) -> Result:
        """Write it to the temp folder."""
        path, item = ctx.world.folders.next_name("temp", filename_prefix, "flac")
        path.write_bytes(await ctx.thread(encode.sound, audio.seconds, "flac"))
        return Result(ui={"audio": [item]})
