"""Words for numbers, as people say them."""

import math


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th, … 11th, 12th, 13th.

    Examples
    --------
    >>> [ordinal(n) for n in (1, 2, 3, 11, 22, 113)]
    ['1st', '2nd', '3rd', '11th', '22nd', '113th']
    """
    if number % 100 in {11, 12, 13}:
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"


def in_line(position: int | None, ahead: int, mine: int) -> str:
    """A queue position in words.

    Parameters
    ----------
    position
        Rank among the queued, 1 = next; None when it is not known yet.
    ahead, mine
        How many prompts must end first, and how many of those are ours.

    Examples
    --------
    >>> in_line(3, 3, 2)
    '3rd in line, 2 of the 3 ahead are yours'
    >>> in_line(1, 1, 0)
    'Next in line'
    """
    if position is None:
        return ""
    place = "Next in line" if position == 1 else f"{ordinal(position)} in line"
    if not mine:
        return place
    if mine == ahead:
        all_mine = {1: "the one ahead is yours", 2: "both ahead are yours"}
        return f"{place}, {all_mine.get(mine, f'all {mine} ahead are yours')}"
    return f"{place}, {mine} of the {ahead} ahead {'is' if mine == 1 else 'are'} yours"


def nearest(word: str, words: list[str]) -> str | None:
    """The word that was probably meant, None where none is near.

    Examples
    --------
    >>> nearest("promt", ["prompt", "seed"])
    'prompt'
    """
    return next(iter(closest(word, words, 1)), None)


def closest(word: str, words: list[str], most: int) -> list[str]:
    """The words that were probably meant, the nearest first; further ones only if they are very near.

    Examples
    --------
    >>> closest("ksampler", ["KSampler", "VAEDecode", "KSamplerSelect"], 2)
    ['KSampler', 'KSamplerSelect']
    """
    from difflib import get_close_matches  # noqa: PLC0415 - only errors need it

    known = {candidate.lower(): candidate for candidate in reversed(words)}
    first = get_close_matches(word.lower(), list(known), n=1, cutoff=0.5)
    near = get_close_matches(word.lower(), list(known), n=most, cutoff=0.7) if most > 1 else []
    return [known[found] for found in near or first]


def seconds_left(seconds: float | None, step: int = 1) -> int | None:
    """Seconds to go in whole steps, never none: what is nearly over still goes on.

    Examples
    --------
    >>> seconds_left(0.2), seconds_left(12, step=5), seconds_left(None)
    (1, 15, None)
    """
    return None if seconds is None else max(1, math.ceil(seconds / step)) * step
