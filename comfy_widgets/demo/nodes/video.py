"""Videos, in and out of pictures."""

from typing import Any

from comfy_widgets.demo.context import Context, World
from comfy_widgets.demo.nodes.base import Node, link, listed, number, takes
from comfy_widgets.demo.nodes.images import fingerprint, missing, opened, uploaded
from comfy_widgets.demo.nodes.values import Audio, Video
from comfy_widgets.demo.render.pictures import Pictures, loaded


class CreateVideo(Node):
    """Pictures become a video."""

    title = "Create Video"
    category = "image/video"
    description = "Create a video from images."
    module = "comfy_extras.nodes_video"
    v3 = True
    required = takes(images=link("IMAGE"), fps=number(30.0, 1.0, 120.0, step=1.0))
    optional = takes(audio=link("AUDIO"))
    outputs = ("VIDEO",)

    def run(self, ctx: Context, images: Pictures, fps: float, audio: Audio | None = None) -> tuple[Video]:
        """Give the video."""
        del ctx
        return (Video(images, fps, audio),)


class LoadVideo(Node):
    """An uploaded video."""

    title = "Load Video"
    category = "image/video"
    module = "comfy_extras.nodes_video"
    v3 = True
    required = takes(file=listed(lambda world: uploaded("video", world), multiselect=False, video_upload=True))
    outputs = ("VIDEO",)

    def check(self, world: World, inputs: dict[str, Any]) -> dict[str, str]:
        """Complain about a missing file."""
        complaint = missing(world, "video", inputs.get("file"))
        return {"file": complaint} if complaint else {}

    def changed(self, world: World, inputs: dict[str, Any]) -> str | None:
        """The file's content."""
        return fingerprint(world, inputs.get("file"))

    async def run(self, ctx: Context, file: str) -> tuple[Video]:
        """Open it."""
        pictures, fps = await ctx.thread(loaded, opened(ctx, file))
        return (Video(pictures, fps),)


class GetVideoComponents(Node):
    """A video's pictures, sound and rate."""

    title = "Get Video Components"
    category = "image/video"
    module = "comfy_extras.nodes_video"
    v3 = True
    required = takes(video=link("VIDEO"))
    outputs = ("IMAGE", "AUDIO", "FLOAT")
    output_names = ("images", "audio", "fps")

    def run(self, ctx: Context, video: Video) -> tuple[Pictures, Audio | None, float]:
        """Give its parts."""
        del ctx
        return video.pictures, video.audio, video.fps
