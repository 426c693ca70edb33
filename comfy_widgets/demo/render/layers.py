"""The layers of a landscape as RGBA pixels: sky, lamp, clouds, land, water, weather, caption.

Each is painted once, in plain Python on few points or whole rows; libav scales, moves and blends them for every frame.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from comfy_widgets.demo.render import font
from comfy_widgets.demo.render.palette import Colour, Light, mixed

CLEAR = b"\0\0\0\0"


@dataclass(frozen=True, slots=True)
class Layer:
    """Pixels, and how they move.

    Parameters
    ----------
    width, height, pixels
        RGBA rows.
    x, y
        Expressions of the frame number ``n`` for the upper left corner.
    chain
        A filter before it is laid over, such as ``"transpose=0"``.
    enable
        An expression of ``n`` that hides the layer while it is 0.
    """

    width: int
    height: int
    pixels: bytes
    x: str = "0"
    y: str = "0"
    chain: tuple[tuple[str, str], ...] = ()
    enable: str = ""


def gradient(stops: Sequence[Colour], share: float) -> Colour:
    """The colour at a share of the way along evenly spaced stops."""
    place = min(max(share, 0.0), 1.0) * (len(stops) - 1)
    index = min(int(place), len(stops) - 2)
    return mixed(stops[index], stops[index + 1], place - index)


def sky(light: Light, width: int, height: int, horizon: float, *, water: bool) -> bytes:
    """The opaque background: the sky down to the horizon, and below it the sky's darker mirror or haze."""
    rows = []
    edge = max(int(height * horizon), 1)
    for y in range(height):
        if y < edge:
            colour = gradient(light.sky, (y / edge) ** 1.25)
        elif water:
            colour = mixed(
                gradient(light.sky, 1 - (y - edge) / edge), light.near, 0.25 + 0.35 * (y - edge) / (height - edge)
            )
        else:
            colour = light.haze
        rows.append(bytes((*colour, 255)) * width)
    return b"".join(rows)


def lamp(light: Light, x: int, y: int, radius: int) -> list[Layer]:
    """The sun or the moon: a wide glow and a disc."""
    return [glow(light.lamp, (x, y), radius * 7, 0.75, 2.4), glow(light.lamp, (x, y), radius, 1.0, 0.0)]


def glow(
    colour: Colour, place: tuple[int, int], radius: int, strength: float, falloff: float, *, enable: str = ""
) -> Layer:
    """A round light; falloff 0 is a disc with a soft rim."""
    points = 48
    x, y = place
    pixels = bytearray()
    for row in range(points):
        for column in range(points):
            far = math.hypot(row - points / 2 + 0.5, column - points / 2 + 0.5) / (points / 2)
            bright = max(1 - far, 0.0) ** falloff if falloff else min(max((1 - far) * 12, 0.0), 1.0)
            pixels += bytes((*colour, int(255 * strength * bright) if far < 1 else 0))
    size = max(radius * 2, 4)
    scaled = (("scale", f"{size}:{size}:flags=bicubic+accurate_rnd+bitexact"),)
    return Layer(points, points, bytes(pixels), str(x - radius), str(y - radius), scaled, enable)


def stars(lots: Random, width: int, height: int) -> list[Layer]:
    """Two fields of stars, one of which twinkles."""
    layers = []
    for enable in ("", "gt(mod(n,20),6)"):
        pixels = bytearray(CLEAR * (width * height))
        for _ in range(width * height // 3200 + 12):
            column, row = int(lots.random() * width), int(lots.random() ** 1.6 * height)
            shine = int(90 + 165 * lots.random() ** 2)
            put(pixels, width, column, row, (255, 250, 235, shine))
            if shine > 215 and width > 500:
                for dx, dy in ((1, 0), (0, 1), (1, 1)):
                    put(pixels, width, column + dx, row + dy, (255, 250, 235, shine // 2))
        layers.append(Layer(width, height, bytes(pixels), enable=enable))
    return layers


def put(pixels: bytearray, width: int, x: int, y: int, colour: tuple[int, int, int, int]) -> None:
    """Set one pixel if it lies inside."""
    offset = 4 * (y * width + x)
    if 0 <= x < width and 0 <= offset < len(pixels):
        pixels[offset : offset + 4] = bytes(colour)


def waves(lots: Random, octaves: int, lowest: float) -> Callable[[float], float]:
    """A smooth random line between -1 and 1."""
    terms = [(lowest * 2**i * (0.8 + 0.4 * lots.random()), math.tau * lots.random(), 0.55**i) for i in range(octaves)]
    total = sum(weight for _, _, weight in terms)
    return lambda x: sum(weight * math.sin(pace * x + phase) for pace, phase, weight in terms) / total


def clouds(lots: Random, light: Light, size: tuple[int, int], move: str, cover: float) -> Layer:
    """Soft bands of cloud, painted on few points and scaled up."""
    columns, lines = 120, 28
    width, height = size
    along, across = waves(lots, 4, 0.09), waves(lots, 3, 0.5)
    billow, drift = waves(lots, 4, 0.22), 6.0 * lots.random()
    colour = mixed(light.lamp, light.sky[2], 0.35)
    pixels = bytearray()
    for row in range(lines):
        fade = math.sin(math.pi * (row + 0.5) / lines)
        for column in range(columns):
            dense = (
                along(column + 3 * row) + across(row + 0.08 * column + drift) + 0.8 * billow(column * 1.7 - row * 2.3)
            )
            shine = min(max((dense + cover) * 0.5, 0.0), 1.0) * fade
            pixels += bytes((*colour, int(165 * shine)))
    scaled = (("scale", f"{width}:{height}:flags=bicubic+accurate_rnd+bitexact"),)
    return Layer(columns, lines, bytes(pixels), move, "0", scaled)


def land(tops: Sequence[float], height: int, upper: Colour, lower: Colour, move: str) -> Layer:
    """A silhouette: for each column the row where the land begins, the colours from there down into the haze."""
    fill = bytearray()
    crest = int(min(tops))
    for y in range(height):
        fill += bytes((*mixed(upper, lower, max(y - crest, 0) / max(height - crest, 1)), 255))
    body = bytes(fill)
    nothing = CLEAR * height
    columns = []
    for top in tops:
        row = min(max(int(top), 0), height - 1)
        rim = body[4 * row : 4 * row + 3] + bytes((int(255 * (1 - min(max(top - row, 0.0), 1.0))),))
        columns.append(nothing[: 4 * row] + rim + body[4 * (row + 1) :])
    # Columns were painted as rows, which slices do fast; libav turns them upright.
    return Layer(height, len(tops), b"".join(columns), move, "0", (("transpose", "dir=0"),))


def windows(lots: Random, tops: Sequence[float], height: int, move: str) -> Layer:
    """Lit windows below the roofs whose rows are given, on a layer that moves with them."""
    width = len(tops)
    pixels = bytearray(CLEAR * (width * height))
    step, wide, tall = max(height // 75, 3), max(height // 270, 1), max(height // 180, 1)
    for left in range(step, width - step, step):
        roof = tops[left]
        if max(tops[left - step // 2 : left + step]) > roof + 1:
            continue
        for top in range(int(roof) + step, min(int(roof) + 14 * step, height - tall), step + tall):
            if lots.random() < 0.3:
                colour = (255, 214, 140) if lots.random() < 0.8 else (180, 220, 255)
                rectangle(pixels, width, (left, top, wide, tall), (*colour, int(110 + 120 * lots.random())))
    return Layer(width, height, bytes(pixels), move)


def rectangle(
    pixels: bytearray, width: int, place: tuple[int, int, int, int], colour: tuple[int, int, int, int]
) -> None:
    """Fill left, top, width and height with a colour."""
    left, top, wide, tall = place
    for row in range(top, top + tall):
        for column in range(left, left + wide):
            put(pixels, width, column, row, colour)


def birds(lots: Random, colour: Colour, size: tuple[int, int], span: int) -> list[Layer]:
    """A few birds, wings up in one layer and down in the other, which take turns."""
    width, height = size
    flock = [(lots.random() * width, lots.random() * height, 0.5 + 0.5 * lots.random()) for _ in range(6)]
    poses = []
    for lift, enable in ((0.5, "lt(mod(n,10),5)"), (-0.15, "gte(mod(n,10),5)")):
        pixels = bytearray(CLEAR * (width * height))
        for x, y, scale in flock:
            wing = max(int(span * scale), 2)
            for away in range(wing + 1):
                rise = int(lift * wing * math.sin(math.pi * 0.62 * away / wing))
                for side in (-away, away):
                    for thick in range(1 + (away < wing * 0.7)):
                        put(pixels, width, int(x) + side, int(y) - rise + thick, (*colour, 220))
        poses.append((bytes(pixels), enable))
    return [Layer(width, height, pixels, enable=enable) for pixels, enable in poses]


def glints(lots: Random, light: Light, size: tuple[int, int], lamp_x: float, move: str) -> Layer:
    """Short bright strokes on water, wider nearby, denser below the lamp."""
    width, height = size
    pixels = bytearray(CLEAR * (width * height))
    for _ in range(width * height // 900 + 20):
        depth = lots.random()
        row = int(depth**1.4 * height)
        middle = lots.random() if lots.random() < 0.55 else lamp_x + (lots.random() - 0.5) * (0.06 + 0.16 * depth)
        length = int((3 + 46 * depth * lots.random()) * width / 1600) + 2
        shine = int((40 + 130 * lots.random()) * (0.5 + 0.5 * math.exp(-(((middle - lamp_x) / 0.12) ** 2))))
        start = int(middle * width)
        for column in range(start, start + length):
            put(pixels, width, column, row, (*light.lamp, shine))
    return Layer(width, height, bytes(pixels), move)


def flakes(
    lots: Random, size: tuple[int, int], count: int, stroke: tuple[int, int, int], moves: tuple[str, str]
) -> Layer:
    """Falling snow or rain: a field twice as high as the picture, of equal halves, so that it can fall for ever."""
    width, height = size
    wide, tall, shine = stroke
    pixels = bytearray(CLEAR * (width * height))
    for _ in range(count):
        column, row = int(lots.random() * width), int(lots.random() * (height - tall))
        bright = int(shine * (0.5 + 0.5 * lots.random()))
        for dy in range(tall):
            for dx in range(wide):
                put(pixels, width, column + dx, row + dy, (255, 255, 255, bright))
    return Layer(width, height * 2, bytes(pixels) * 2, *moves)


def caption(width: int, height: int, left: str, right: str, mark: str) -> list[Layer]:
    """The line at the bottom and the mark in the upper right corner."""
    scale = max(1, min(height // 270, width // 480))
    pad = 3 * scale
    room = max((width - 4 * pad) // (6 * scale), 4)
    shown_right = font.shorten(font.plain(right), room)
    shown_left = font.shorten(font.plain(left), max(room - len(shown_right) - 2, 0))
    line = shown_left.ljust(room - len(shown_right)) + shown_right
    tall = font.HEIGHT * scale + 2 * pad
    plate = text_plate(line, scale, pad, (width, tall), 110)
    mark_width = len(mark) * 6 * scale + 2 * pad
    badge = text_plate(mark, scale, pad, (mark_width, tall), 90)
    return [
        Layer(width, tall, plate, "0", str(height - tall)),
        Layer(mark_width, tall, badge, str(max(width - mark_width - 2 * pad, 0)), str(2 * pad)),
    ]


def text_plate(text: str, scale: int, pad: int, size: tuple[int, int], shade: int) -> bytes:
    """White text on a dark glass plate."""
    width, height = size
    ground = bytes((8, 10, 16, shade))
    ink = bytes((255, 255, 255, 225))
    lines = [ground * width] * pad
    for row in font.rows(text, scale):
        dots = b"".join(ink if dot else ground for dot in row)[: 4 * (width - pad)]
        lines.append((ground * pad + dots + ground * width)[: 4 * width])
    lines += [ground * width] * (height - len(lines))
    return b"".join(lines)
