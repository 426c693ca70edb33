"""A landscape that moves: what a prompt and a seed are turned into where a real server would run a model."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING

from comfy_widgets.demo.render import layers
from comfy_widgets.demo.render.compose import compose
from comfy_widgets.demo.render.layers import Layer
from comfy_widgets.demo.render.palette import Mood, digest, mixed, mood_of

if TYPE_CHECKING:
    import av

    from comfy_widgets.demo.render.pictures import Pictures

MARK = "simulated"
#: The sum of a colour below which windows are lit.
DARK = 160


@dataclass(frozen=True, slots=True)
class Landscape:
    """The clip that a sampler gives.

    Parameters
    ----------
    prompt, negative
        Words that choose light, colours and things; the negative ones are left out.
    seed
        Draws the hills, the clouds and the way the camera drifts.
    width, height, count
        Size and number of frames.
    start
        The picture that the clip begins with, or None.
    """

    prompt: str
    negative: str
    seed: int
    width: int
    height: int
    count: int
    start: "Pictures | None" = None

    def frames(self, fps: float | None = None) -> Iterator["av.VideoFrame"]:
        """All frames; `fps` is only written on them."""
        start = next(iter(self.start.frames()), None) if self.start else None
        painter = Painter(self, fps)
        return compose(painter.background(), painter.layers(), (self.width, self.height), self.count, start)

    def small(self, width: int) -> "Landscape":
        """The same landscape as one small picture, for previews."""
        height = max(round(self.height * width / self.width / 2) * 2, 16)
        return Landscape(self.prompt, self.negative, self.seed, width, height, 1, self.start)


class Painter:
    """Paints the layers of one landscape.

    Parameters
    ----------
    scene
        The landscape.
    fps
        Written into the caption if known.
    """

    def __init__(self, scene: Landscape, fps: float | None) -> None:
        self._scene = scene
        self._fps = fps
        self._mood: Mood = mood_of(scene.prompt, scene.negative)
        self._lots = Random(digest("scene", scene.prompt, scene.seed))  # noqa: S311 - painting, not secrets
        self._unit = max(scene.width / 1280, scene.height / 720)
        self._heading = 1 if self._lots.random() < 0.5 else -1
        self._horizon = 0.6 + 0.1 * self._lots.random()
        self._lamp_x = 0.2 + 0.6 * self._lots.random()
        self._pace = 0.7 + 0.6 * self._lots.random()
        self._water = "water" in self._mood.things

    def background(self) -> bytes:
        """The opaque first layer as RGBA."""
        scene = self._scene
        return layers.sky(self._mood.light, scene.width, scene.height, self._horizon, water=self._water)

    def layers(self) -> list[Layer]:
        """All further layers, the farthest first."""
        return [*self._heavens(), *self._country(), *self._weather(), *self._caption()]

    def _move(self, speed: float) -> tuple[str, int]:
        """An expression for a drift of `speed` pixels a frame at full size, and how much wider the layer must be."""
        scene = self._scene
        step = min(speed * self._unit * self._pace, scene.width / max(scene.count, 1))
        travel = int(step * scene.count) + 2
        return (f"-{step:.4f}*n" if self._heading > 0 else f"{step:.4f}*n-{travel}"), travel

    def _heavens(self) -> list[Layer]:
        scene, light = self._scene, self._mood.light
        sky_height = int(scene.height * self._horizon)
        lamp_y = int(sky_height * (light.lamp_height + 0.25 * self._lots.random()))
        painted = layers.stars(self._lots, scene.width, sky_height) if light.stars else []
        radius = max(int(scene.height * (0.045 if light.stars else 0.06)), 3)
        painted += layers.lamp(light, int(self._lamp_x * scene.width), lamp_y, radius)
        for speed, cover, share in ((0.5, 0.25, 0.9), (0.9, 0.0, 0.7)):
            move, travel = self._move(speed)
            painted.append(
                layers.clouds(self._lots, light, (scene.width + travel, max(int(sky_height * share), 8)), move, cover)
            )
        return painted

    def _country(self) -> list[Layer]:
        if self._water:
            return self._sea()
        distances = ((0.35, 0.5, -0.10, 0.10), (0.8, 0.3, 0.03, 0.09), (1.7, 0.12, 0.15, 0.10), (3.2, 0.0, 0.27, 0.08))
        return [layer for index, distance in enumerate(distances) for layer in self._range(index, *distance)]

    def _sea(self) -> list[Layer]:
        scene, light = self._scene, self._mood.light
        shores = ((0, 0.3, 0.55, 0.0, 0.07), (1, 0.6, 0.35, 0.015, 0.05))
        painted = [layer for shore in shores for layer in self._range(*shore, sea=True)]
        if "lighthouse" in self._mood.things:
            painted += self._lighthouse()
        top = int(scene.height * self._horizon)
        for direction, speed in ((1, 0.9), (-1, 0.6)):
            step = speed * self._unit
            travel = int(step * scene.count) + 2
            move = f"-{step:.4f}*n" if direction > 0 else f"{step:.4f}*n-{travel}"
            size = (scene.width + travel, max(scene.height - top, 8))
            strokes = layers.glints(self._lots, light, size, self._lamp_x * scene.width / size[0], move)
            painted.append(Layer(*size, strokes.pixels, move, str(top)))
        return [*painted, *self._range(3, 2.6, 0.0, 0.34, 0.05)]

    def _range(
        self, index: int, speed: float, haze: float, drop: float, swing: float, *, sea: bool = False
    ) -> list[Layer]:
        """One range of hills: `drop` below the horizon, as high as `swing`, faded by `haze`."""
        scene, light = self._scene, self._mood.light
        move, travel = self._move(speed)
        height = scene.height
        base = (self._horizon + drop) * height
        line = self._profile(index)
        lowest = self._horizon * height if sea else height
        tops = [
            min(max(base - swing * height * line(x / self._unit), 1.0), lowest if sea else height - 1.0)
            for x in range(scene.width + travel)
        ]
        upper = mixed(light.near, light.haze, haze * 1.1)
        lower = mixed(light.near, light.haze, min(haze * 1.1 + (0.32 if index < 3 else 0.0), 1.0))
        painted = [layers.land(tops, int(lowest) if sea else height, upper, lower, move)]
        if self._is_town(index) and sum(light.near) < DARK:
            painted.append(layers.windows(self._lots, tops, height, move))
        return painted

    def _is_town(self, index: int) -> bool:
        """Whether this range is a skyline."""
        return "city" in self._mood.things and index in {1, 2}

    def _profile(self, index: int) -> Callable[[float], float]:
        """The line of a range: waves, peaks, treetops or roofs, by what the prompt asks for."""
        things = self._mood.things
        rough = layers.waves(self._lots, 5, 0.0045 + 0.001 * index)
        if self._is_town(index):
            return roofs(self._lots, 26 + 18 * index)
        if "mountains" in things and index < 2:
            return lambda x: 2.6 * (1 - 2 * abs(rough(x))) - 0.9
        if "forest" in things and index >= 1:
            return treetops(self._lots, rough, 9 + 5 * index)
        return rough

    def _lighthouse(self) -> list[Layer]:
        """A tower on the farther shore, and its light that comes and goes."""
        scene, light = self._scene, self._mood.light
        tall, wide = int(scene.height * 0.2), max(int(scene.height * 0.032), 3)
        x = int(scene.width * (0.22 if self._lamp_x > 0.5 else 0.74))
        y = int(scene.height * self._horizon) - tall - int(scene.height * 0.02)
        white, red = mixed((236, 230, 220), light.near, 0.35), mixed((170, 52, 44), light.near, 0.35)
        rows = []
        for row in range(tall):
            share = row / tall
            half = wide * (0.3 + 0.2 * share) if share > 0.14 else wide * 0.2
            colour = (255, 240, 190) if 0.05 < share < 0.13 else (white if int(share * 7) % 2 else red)
            inside = [abs(column + 0.5 - wide / 2) <= half for column in range(wide)]
            rows.append(b"".join(bytes((*colour, 255)) if paint else layers.CLEAR for paint in inside))
        rock = [
            self._horizon * scene.height - scene.height * 0.035 * (1 - abs(2 * i / (wide * 8) - 1) ** 2)
            for i in range(wide * 8)
        ]
        shore = int(self._horizon * scene.height) + 2
        ground = layers.land(
            [min(top, shore - 1) for top in rock], shore, light.near, light.near, str(x - int(wide * 3.5))
        )
        lantern = (x + wide // 2, y + int(tall * 0.09))
        shine = [
            layers.glow((255, 240, 190), lantern, radius, strength, 2.0, enable=enable)
            for radius, strength, enable in (
                (int(tall * 0.6), 0.9, ""),
                (int(tall * 2.2), 0.8, "lt(mod(n,24),8)"),
            )
        ]
        return [ground, Layer(wide, tall, b"".join(rows), str(x), str(y)), *shine]

    def _weather(self) -> list[Layer]:
        scene, things = self._scene, self._mood.things
        painted = []
        if "birds" in things:
            sky = (scene.width, int(scene.height * self._horizon * 0.7))
            flock = layers.birds(
                self._lots, mixed(self._mood.light.near, self._mood.light.haze, 0.2), sky, int(15 * self._unit)
            )
            drift = f"{1.4 * self._unit * self._heading:.4f}*n"
            painted += [replace(layer, x=drift) for layer in flock]
        if "snow" in things:
            for size, pace in ((1, 1.6), (2, 2.8), (3, 4.2)):
                dot = max(int(size * self._unit), 1)
                fall = f"mod(n*{max(int(pace * self._unit), 1)},{scene.height})-{scene.height}"
                count = int(220 / size)
                wide = (scene.width + 40, scene.height)
                painted.append(
                    layers.flakes(self._lots, wide, count, (dot, dot, 220), (f"-20+12*sin(n/{9 + 4 * size})", fall))
                )
        if "rain" in things:
            fall = f"mod(n*{max(int(34 * self._unit), 2)},{scene.height})-{scene.height}"
            stroke = (1, max(int(16 * self._unit), 3), 90)
            painted.append(layers.flakes(self._lots, (scene.width, scene.height), 360, stroke, ("0", fall)))
        return painted

    def _caption(self) -> list[Layer]:
        scene = self._scene
        facts = f"seed {scene.seed}  {scene.width}x{scene.height}  {scene.count}f"
        if self._fps:
            facts += f" {self._fps:g}fps"
        return layers.caption(scene.width, scene.height, scene.prompt or "(no prompt)", facts, MARK)


def treetops(lots: Random, ground: Callable[[float], float], spacing: float) -> Callable[[float], float]:
    """Firs on a hill: a pointed top each few pixels, no two alike."""
    heights = [0.35 + 0.65 * lots.random() for _ in range(97)]
    shifts = [lots.random() * 0.5 for _ in range(89)]

    def line(x: float) -> float:
        index = int(x // spacing)
        place = x / spacing - index
        peak = 0.25 + shifts[index % 89]
        slope = place / peak if place < peak else (1 - place) / (1 - peak)
        return 0.8 * ground(x) + 0.75 * heights[index % 97] * max(slope, 0.1)

    return line


def roofs(lots: Random, width: float) -> Callable[[float], float]:
    """A skyline: blocks of many heights, a few of them towers."""
    heights = [0.1 + 0.9 * lots.random() ** 2 * (2.4 if lots.random() < 0.14 else 1.0) for _ in range(61)]
    widths = [0.4 + 0.6 * lots.random() for _ in range(61)]

    def line(x: float) -> float:
        index = int(x // width) % 61
        return (
            heights[index] * 1.7 - 0.2 if (x % width) / width < widths[index] else heights[(index * 7) % 61] * 0.5 - 0.2
        )

    return line
