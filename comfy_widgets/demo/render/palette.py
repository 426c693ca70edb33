"""The colours and the things of a landscape, read from the words of a prompt."""

import colorsys
import hashlib
import re
from dataclasses import dataclass
from random import Random
from typing import TypeAlias

Colour: TypeAlias = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Light:
    """A time of day: the sky from top to horizon, the light in it, what the land fades into, and the land nearby."""

    sky: tuple[Colour, Colour, Colour]
    lamp: Colour
    haze: Colour
    near: Colour
    stars: bool = False
    lamp_height: float = 0.45


LIGHTS = {
    "dawn": Light(((74, 96, 152), (214, 150, 164), (255, 214, 168)), (255, 236, 200), (224, 178, 172), (44, 40, 66)),
    "day": Light(
        ((62, 128, 204), (132, 188, 232), (222, 238, 246)), (255, 250, 228), (178, 208, 222), (34, 74, 66), False, 0.22
    ),
    "dusk": Light(((46, 38, 92), (170, 78, 112), (255, 166, 92)), (255, 220, 150), (190, 108, 110), (28, 22, 48)),
    "night": Light(((8, 12, 34), (22, 34, 76), (62, 78, 120)), (240, 242, 226), (50, 64, 104), (8, 12, 26), True, 0.25),
    "storm": Light(
        ((52, 60, 72), (96, 106, 118), (168, 172, 172)), (206, 210, 206), (124, 132, 138), (26, 32, 38), False, 0.3
    ),
    "mist": Light(
        ((150, 166, 178), (190, 200, 204), (228, 228, 220)), (255, 250, 236), (198, 206, 208), (72, 88, 92), False, 0.35
    ),
}

_WORDS = {
    "dawn": "dawn sunrise morning spring blossom pink",
    "day": "day noon summer bright sunny blue meadow daylight afternoon",
    "dusk": "dusk sunset evening golden autumn fire warm orange twilight desert",
    "night": "night midnight moon stars starry dark neon galaxy aurora space",
    "storm": "storm rain rainy thunder lightning grey gray cloudy",
    "mist": "mist fog foggy haze pale winter snow snowy ice frozen blizzard",
}

_THINGS = {
    "water": "sea ocean lake river water coast beach harbor harbour bay wave waves boat ship island lighthouse shore",
    "forest": "forest wood woods tree trees pine jungle fox deer bear owl wolf",
    "mountains": "mountain mountains alps peak peaks cliff canyon volcano summit eagle",
    "city": "city town street skyline neon tower towers building buildings car cyberpunk tokyo london village",
    "snow": "snow snowy winter ice frozen blizzard snowfall",
    "rain": "rain rainy storm thunder",
    "lighthouse": "lighthouse beacon",
    "birds": "bird birds gull gulls seagull seagulls swallow swallows crane cranes",
}


@dataclass(frozen=True, slots=True)
class Mood:
    """What a prompt asks for: a light, and the things to paint."""

    light: Light
    things: frozenset[str]


def words_of(prompt: str) -> set[str]:
    """The words of a prompt, in lower case."""
    return set(re.findall(r"[a-z]+", prompt.lower()))


def digest(*parts: object) -> str:
    """A hash that seeds the drawing of lots."""
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()


def mood_of(prompt: str, negative: str = "") -> Mood:
    """Read the light and the things out of a prompt; what no word decides, its hash does."""
    words = words_of(prompt) - words_of(negative)
    lots = Random(digest("mood", prompt))  # noqa: S311 - painting, not secrets
    votes = {name: len(words & set(listed.split())) for name, listed in _WORDS.items()}
    best = max(votes.values())
    names = [name for name in ("dusk", "dawn", "day", "night", "mist", "storm") if best and votes[name] == best]
    name = names[0] if names else ("dawn", "day", "dusk", "night")[int(lots.random() * 4)]
    things = {thing for thing, listed in _THINGS.items() if words & set(listed.split())}
    if not things & {"water", "forest", "mountains", "city"}:
        things.add(("water", "forest", "mountains", "hills")[int(lots.random() * 4)])
    turn = (lots.random() - 0.5) * 0.08
    return Mood(turned(LIGHTS[name], turn, lots.random() * 0.2 - 0.1), frozenset(things))


def turned(light: Light, hue: float, saturation: float) -> Light:
    """The same light with its hue turned and its saturation changed a little, so that no two prompts look alike."""
    high, middle, low = (shifted(colour, hue, saturation) for colour in light.sky)
    haze, near = shifted(light.haze, hue, saturation), shifted(light.near, hue, saturation)
    return Light((high, middle, low), light.lamp, haze, near, light.stars, light.lamp_height)


def shifted(colour: Colour, hue: float, saturation: float) -> Colour:
    """A colour with its hue turned and its saturation changed."""
    h, s, v = colorsys.rgb_to_hsv(*(channel / 255 for channel in colour))
    red, green, blue = colorsys.hsv_to_rgb((h + hue) % 1, min(max(s * (1 + saturation), 0), 1), v)
    return round(red * 255), round(green * 255), round(blue * 255)


def mixed(first: Colour, second: Colour, share: float) -> Colour:
    """Two colours mixed; share 0 is the first."""
    share = min(max(share, 0.0), 1.0)
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue
