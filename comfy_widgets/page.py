"""A page of takes that stands alone: html without scripts, for people without Jupyter."""

from collections.abc import Iterator, Sequence
from html import escape
from typing import NamedTuple

from comfy_widgets.faces import TakeLike, count_of_takes, facts, poster_uri, shown_inputs

# Nothing is fetched from anywhere, whatever a prompt says.
_POLICY = "default-src 'none'; img-src data:; media-src data: 'self'; style-src 'unsafe-inline'"
_STYLE = """
:root { color-scheme: light dark; --fg: light-dark(#1f2328, #e6e6e6); --bg: light-dark(#fff, #15171a);
  --dim: light-dark(#57606a, #a3abb5); --line: light-dark(#d8dce1, #363b42); }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 24px; max-width: 1440px; background: var(--bg); color: var(--fg);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { margin: 0 0 16px; font-size: 20px; overflow-wrap: anywhere; }
h1 small, .dim { color: var(--dim); font-weight: 400; }
main { display: grid; gap: 20px; align-items: start;
  grid-template-columns: repeat(auto-fit, minmax(min(360px, 100%), 1fr)); }
main:has(> :only-child) { max-width: 960px; }
figure { margin: 0; border: 1px solid var(--line); border-radius: 8px; overflow: hidden; }
video, img { display: block; width: 100%; height: auto; max-height: 80vh; background: #000; object-fit: contain; }
audio { display: block; width: 100%; }
figcaption { padding: 10px 12px; overflow-wrap: anywhere; }
p { margin: 4px 0; }
ul { display: flex; flex-wrap: wrap; gap: 2px 14px; margin: 0; padding: 0; list-style: none; font-size: 13px; }
:focus-visible { outline: 2px solid #1f6feb; outline-offset: 2px; }
""".strip()


class Media(NamedTuple):
    """Where the bytes of a take's file belong.

    Parameters
    ----------
    take
        What is shown.
    """

    take: TakeLike


def page(title: str, takes: Sequence[TakeLike], request: str = "") -> Iterator[str | Media]:
    """The parts of the page in their order; the bytes of a file belong where a `Media` stands.

    Parameters
    ----------
    title
        What it shows.
    takes
        The takes, in this order.
    request
        Html that stands first, for what has no take yet.
    """
    count = f" <small>{count_of_takes(len(takes))}</small>" if len(takes) != 1 else ""
    yield (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{escape(title)}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n<style>\n{_STYLE}\n</style>\n</head>\n'
        f"<body>\n<h1>{escape(title)}{count}</h1>\n{request}<main>\n"
    )
    shown = set()
    for take in takes:
        for number, file in enumerate((take, *take.also), 1):
            if file.path not in shown:
                shown.add(file.path)
                # As the player names a job's files.
                yield from _figure(file, f"{number}: {file.kind}" if take.also else "", words=file is take)
    yield "</main>\n</body>\n</html>\n"


def _figure(take: TakeLike, name: str, *, words: bool) -> Iterator[str | Media]:
    label = escape(f"{take.title}, {name}" if name else take.title, quote=True)
    size = f' width="{take.width}" height="{take.height}"' if take.width and take.height else ""
    if take.kind == "video":
        poster = poster_uri(take.poster)
        shown = f' poster="{poster}"' if poster else ""
        yield f'<figure><video controls loop playsinline preload="none" aria-label="{label}"{shown}{size} src="'
        yield Media(take)
        yield '"></video>'
    elif take.kind == "image":
        yield f'<figure><img alt="{label}"{size} src="'
        yield Media(take)
        yield '">'
    elif take.kind == "audio":
        yield f'<figure><audio controls preload="none" aria-label="{label}" src="'
        yield Media(take)
        yield '"></audio>'
    else:
        yield "<figure>"
    yield f"{_caption(take, name, words=words)}</figure>\n"


def _caption(take: TakeLike, name: str, *, words: bool) -> str:
    """What a file is, with what it was asked for where that was not said yet."""
    which = f' <span class="dim">{escape(name)}</span>' if name else ""
    prompt = str(take.inputs.get("prompt") or "") if words else ""
    asked = f"<p>{escape(prompt)}</p>" if prompt and prompt != take.title else ""
    inputs = shown_inputs(take.inputs) if words else []
    values = [f'<span class="dim">{escape(name)}</span> {escape(value)}' for name, value in inputs]
    # What no page can show is at least named.
    file = [] if take.kind in {"video", "image", "audio"} else [take.path.name]
    lines = "".join(f"<li>{value}</li>" for value in [*values, *map(escape, [*facts(take), *file])])
    return f"<figcaption><b>{escape(take.title)}</b>{which}{asked}<ul>{lines}</ul></figcaption>"
