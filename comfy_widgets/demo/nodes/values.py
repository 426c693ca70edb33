"""What travels along links instead of tensors."""

from dataclasses import dataclass, replace

from comfy_widgets.demo.render.landscape import Landscape
from comfy_widgets.demo.render.pictures import Pictures


@dataclass(frozen=True, slots=True)
class Model:
    """A model that was only named, never loaded."""

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Conditioning:
    """A text that a picture shall follow."""

    text: str


@dataclass(frozen=True, slots=True)
class Latent:
    """The room for pictures, and the pictures once they were sampled."""

    width: int
    height: int
    count: int
    start: Pictures | None = None
    scene: Landscape | None = None

    def sampled(self, positive: Conditioning, negative: Conditioning, seed: int) -> "Latent":
        """The same room with a landscape in it."""
        scene = Landscape(positive.text, negative.text, seed, self.width, self.height, self.count, self.start)
        return replace(self, scene=scene)


@dataclass(frozen=True, slots=True)
class Audio:
    """A tone of some length."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Video:
    """Pictures with a rate, and maybe a sound."""

    pictures: Pictures
    fps: float
    audio: Audio | None = None
