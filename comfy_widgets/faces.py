"""How a thing shows itself: static html and text, and a registry of live faces that `widgets` fills.

Static faces end up in saved notebooks and are compared by nbval: they name the request and never a time, an id, a
port, a machine's path or a passing state.
"""

import base64
from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from comfy_widgets.host import host, notebook_folder, serves_files

_live: dict[type, Callable[[Any], Any]] = {}
_loaders: list[Callable[[], object]] = []

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
_POSTER_LIMIT = 8_000
_SHOWN_PROMPT = 60
_SHEET = 12

# Read by JupyterLab, nbconvert and GitHub alike; themes give the colours, the fallbacks serve pages without a theme.
_STYLE = {
    "face": "max-width:640px;margin:4px 0;font:13px/1.5 var(--jp-ui-font-family,system-ui,sans-serif);"
    "color:var(--jp-ui-font-color1,inherit);overflow-wrap:anywhere",
    # No higher than the player: a portrait would fill more than the window.
    "media": "display:block;width:100%;height:auto;max-height:480px;object-fit:contain;"
    "border-radius:4px;background:#111",
    "line": "display:flex;flex-wrap:wrap;gap:2px 14px;margin-top:4px",
    "quiet": "opacity:.65",
    "clip": "overflow:hidden;text-overflow:ellipsis;white-space:nowrap",
    "row": "max-width:1280px;display:flex;flex-wrap:wrap;gap:8px;margin:4px 0;"
    "font:13px/1.5 var(--jp-ui-font-family,system-ui,sans-serif);color:var(--jp-ui-font-color1,inherit)",
}

# Under what stands in for a widget: seen only where the widget itself is not.
DEAD = (
    f'<div style="{_STYLE["quiet"]};font-size:12px">Not live here: run the cell again. '
    "If it stays so, <code>cw.check()</code> says why.</div>"
)


class TakeLike(Protocol):
    """What a take's face needs to know; see `comfy_widgets.takes.Take`."""

    @property
    def path(self) -> Path: ...  # noqa: D102
    @property
    def poster(self) -> Path | None: ...  # noqa: D102
    @property
    def kind(self) -> str: ...  # noqa: D102
    @property
    def media_type(self) -> str: ...  # noqa: D102
    @property
    def width(self) -> int | None: ...  # noqa: D102
    @property
    def height(self) -> int | None: ...  # noqa: D102
    @property
    def fps(self) -> float | None: ...  # noqa: D102
    @property
    def frames(self) -> int | None: ...  # noqa: D102
    @property
    def seconds(self) -> float | None: ...  # noqa: D102
    @property
    def inputs(self) -> Mapping[str, Any]: ...  # noqa: D102
    @property
    def graph(self) -> Mapping[str, Any]: ...  # noqa: D102
    @property
    def renderer(self) -> str: ...  # noqa: D102
    @property
    def title(self) -> str: ...  # noqa: D102
    @property
    def also(self) -> Sequence["TakeLike"]: ...  # noqa: D102


class JobLike(Protocol):
    """What a job's static face needs to know; see `comfy_widgets.jobs.Job`."""

    @property
    def title(self) -> str: ...  # noqa: D102
    @property
    def scene(self) -> str | None: ...  # noqa: D102
    @property
    def inputs(self) -> Mapping[str, Any]: ...  # noqa: D102


def register(cls: type, live: Callable[[Any], Any]) -> None:
    """Let `live` make the widget that shows objects of a class."""
    _live[cls] = live


def registered_by(load: Callable[[], object]) -> None:
    """Let `load` be called before a live face is looked for; what it has done once it need not do again."""
    _loaders[:] = [load]


def live_face(thing: Any) -> Any | None:
    """The widget for a thing, None where nothing is registered for its class."""
    for load in _loaders:
        load()
    for cls in type(thing).__mro__:
        if cls in _live:
            return _live[cls](thing)
    return None


def bundle_of_job(job: JobLike) -> dict[str, Any]:
    """A job's MIME bundle: its widget, with text and html that name the request."""
    return bundle(job, text=job_text(job), html=job_html(job))


def bundle_of_take(take: TakeLike) -> dict[str, Any]:
    """A take's MIME bundle: a plain `<video>` where its path can be reached from the notebook, else the player."""
    source = notebook_path(take.path)
    plain = {"text/plain": take_text(take), "text/html": take_html(take, source)}
    return plain if source is not None else _widget_view(take) | plain


def bundle(thing: Any, *, text: str, html: str) -> dict[str, Any]:
    """Any thing's MIME bundle: its widget, with text and html beside it."""
    view = _widget_view(thing)
    return view | {"text/plain": text, "text/html": html + DEAD if view else html}


def _widget_view(thing: Any) -> dict[str, Any]:
    widget = live_face(thing)
    bundle = widget._repr_mimebundle_() if widget is not None else {}
    # Jupyter lets a display hook return data alone, or data and metadata.
    data = bundle[0] if isinstance(bundle, tuple) else bundle
    return {WIDGET_VIEW: data[WIDGET_VIEW]} if WIDGET_VIEW in (data or {}) else {}


def notebook_path(path: Path) -> str | None:
    """The URL of a file relative to the notebook, None where such a URL leads nowhere.

    VS Code, Colab and marimo serve no files by relative path.
    """
    if not serves_files(host()):
        return None
    try:
        relative = path.resolve().relative_to(notebook_folder().resolve())
    except (ValueError, OSError):  # the latter if the notebook's folder was removed
        return None
    # Jupyter's server answers 404 for anything in a hidden folder.
    if any(part.startswith(".") for part in relative.parts):
        return None
    return quote(relative.as_posix())


def title_of(shot: str | None, inputs: Mapping[str, Any]) -> str:
    """What people call a request: its shot, else the beginning of its prompt."""
    return shot or _clipped(_prompt(inputs))


def _prompt(inputs: Mapping[str, Any]) -> str:
    """The prompt in one line."""
    return " ".join(str(inputs.get("prompt") or "").split())


def _words(title: str, inputs: Mapping[str, Any]) -> tuple[str, str]:
    """The title, and the prompt beside it; a title that is the beginning of the prompt gives way to it."""
    prompt = _prompt(inputs)
    return (prompt, "") if prompt and title == _clipped(prompt) else (title, prompt)


def facts(take: TakeLike) -> list[str]:
    """Size and length in words."""
    found = [f"{take.width} × {take.height}"] if take.width and take.height else []
    if take.frames and take.frames > 1:
        found.append(f"{take.frames} frames" + (f" at {take.fps:g} fps" if take.fps else ""))
    if take.seconds:
        found.append(f"{take.seconds:.1f} s")
    if take.renderer == "demo":
        found.append("simulated")
    return found


def shown_inputs(inputs: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The inputs as people read them, without the prompt and without what a file tells by itself."""
    apart = {"prompt", "negative", "width", "height", "length", "fps"}
    rows = [(name, _value(value)) for name, value in inputs.items() if name not in apart and value not in (None, "")]
    negative = " ".join(str(inputs.get("negative") or "").split())
    return [*rows, ("negative", _clipped(negative))] if negative else rows


def _clipped(text: str) -> str:
    return text if len(text) <= _SHOWN_PROMPT else text[: _SHOWN_PROMPT - 1].rstrip() + "…"


def _value(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def take_text(take: TakeLike) -> str:
    """One line: ``shot-01: 1280 × 544, 49 frames at 24 fps, 2.0 s``."""
    return f"{take.title}: {', '.join([*facts(take), take.kind])}"


def take_html(take: TakeLike, source: str | None) -> str:
    """A take as html that needs neither kernel nor script.

    Parameters
    ----------
    take
        What is shown.
    source
        The file's URL relative to the notebook; without it only the poster is shown.
    """
    title, prompt = _words(take.title, take.inputs)
    quiet = _STYLE["quiet"]
    values = "".join(_named(name, value) for name, value in shown_inputs(take.inputs))
    measures = f'<div style="{quiet}">{escape(" · ".join(facts(take)))}</div>'
    words = f"<div>{escape(prompt)}</div>" if prompt else ""
    return (
        f'<div class="cw-take" style="{_STYLE["face"]}">{_media(take, source)}'
        f'<div style="margin-top:6px"><strong>{escape(title)}</strong>{words}'
        f'<div style="{_STYLE["line"]}">{values}</div>{measures}{_others(take)}</div></div>'
    )


def _others(take: TakeLike) -> str:
    """The other files of the job: small pictures where the notebook reaches them, the rest by name."""
    cells = "".join(_other(other) for other in take.also[:_SHEET])
    rest = len(take.also) - _SHEET
    more = f'<span style="{_STYLE["quiet"]}">and {rest} more</span>' if rest > 0 else ""
    return f'<div style="{_STYLE["line"]}">{cells}{more}</div>' if cells else ""


def _other(take: TakeLike) -> str:
    name, source = escape(take.path.name, quote=True), notebook_path(take.path)
    if source is None or take.kind != "image":
        return f'<span style="{_STYLE["quiet"]}">{name}</span>'
    return f'<img src="{escape(source, quote=True)}" alt="{name}" style="height:96px;border-radius:4px">'


def compare_html(takes: Sequence[TakeLike], each: Sequence[Sequence[tuple[str, str, str]]]) -> str:
    """Takes side by side as html, and under each what differs.

    Parameters
    ----------
    takes
        What is shown.
    each
        For each take its own facts: name, what is shown, the whole.
    """
    cells = "".join(
        f'<div style="flex:1 1 220px;min-width:0">{_media(take, notebook_path(take.path))}'
        f"<div><strong>{escape(take.title)}</strong></div>"
        f'<div style="{_STYLE["line"]}">{"".join(_named(name, text) for name, text, _ in facts)}</div></div>'
        for take, facts in zip(takes, each, strict=True)
    )
    return f'<div class="cw-takes" style="{_STYLE["row"]}">{cells}</div>'


def count_of_takes(count: int) -> str:
    """``1 take``, ``200 takes``."""
    return f"{count} take{'' if count == 1 else 's'}"


def gallery_html(takes: Sequence[TakeLike]) -> str:
    """Takes as a contact sheet: the first posters, and how many there are in all."""
    cells = "".join(
        f'<figure style="flex:0 1 150px;min-width:0;margin:0">{_media(take, None)}'
        f'<figcaption style="{_STYLE["clip"]}">{escape(take.title)}</figcaption></figure>'
        for take in takes[:_SHEET]
    )
    rest = f", the first {_SHEET} shown" if len(takes) > _SHEET else ""
    count = f'<div style="flex:1 0 100%;{_STYLE["quiet"]}">{count_of_takes(len(takes))}{rest}</div>'
    return f'<div class="cw-sheet" style="{_STYLE["row"]}">{cells}{count}</div>'


def history_line(take: TakeLike) -> str:
    """A take in one line by what was asked for: ``shot-01: A lighthouse at dusk, seed 7, steps 20``."""
    title, prompt = _words(take.title, take.inputs)
    values = [f"{name} {value}" for name, value in shown_inputs(take.inputs)]
    return f"{title}: {', '.join([_clipped(prompt), *values])}" if prompt else ", ".join([_clipped(title), *values])


def _named(name: str, value: str) -> str:
    return f'<span><span style="{_STYLE["quiet"]}">{escape(name)}</span> {escape(value)}</span>'


def _media(take: TakeLike, source: str | None) -> str:
    poster = poster_uri(take.poster)
    style, label = _STYLE["media"], escape(take.title, quote=True)
    if take.kind == "video" and source:
        shown = f' poster="{poster}"' if poster else ""
        width, height = escape(str(take.width or "")), escape(str(take.height or ""))
        size = f' width="{width}" height="{height}"' if width and height else ""
        return (
            f'<video controls preload="none" loop playsinline src="{escape(source, quote=True)}"{shown}{size}'
            f' aria-label="{label}" style="{style}"></video>'
        )
    if take.kind == "audio" and source:
        return f'<audio controls preload="none" src="{escape(source, quote=True)}"></audio>'
    picture = source if take.kind == "image" and source else poster
    return f'<img src="{escape(picture, quote=True)}" alt="{label}" style="{style}">' if picture else ""


def poster_uri(path: Path | None) -> str | None:
    """A poster as a data URI: JupyterLab rewrites `src` to where the file is, but not `poster`."""
    try:
        data = path.read_bytes() if path else b""
    except OSError:
        return None
    if not data or len(data) > _POSTER_LIMIT:
        return None
    return f"data:image/jpeg;base64,{base64.b64encode(data).decode('ascii')}"


def job_text(job: JobLike) -> str:
    """One line that names the request: ``shot-01: A lighthouse at dusk, seed 7``."""
    title, prompt = _words(job.title, job.inputs)
    values = [f"{name} {value}" for name, value in _brief(job.inputs)]
    if title == _prompt(job.inputs):
        return ", ".join([title, *values])
    parts = [part for part in (prompt, *values) if part]
    return f"{title}: {', '.join(parts)}" if parts else title


def job_html(job: JobLike) -> str:
    """The request as html, for readers without a kernel."""
    scene = f'<span style="{_STYLE["quiet"]}">{escape(job.scene)}</span> ' if job.scene else ""
    title, prompt = _words(job.title, job.inputs)
    words = f" {escape(prompt)}" if prompt else ""
    values = " · ".join(f"{name} {value}" for name, value in _brief(job.inputs))
    return (
        f'<div class="cw-job" style="{_STYLE["face"]}">{scene}<strong>{escape(title)}</strong>{words}'
        f' <span style="{_STYLE["quiet"]}">{escape(values)}</span></div>'
    )


def _brief(inputs: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in shown_inputs(inputs) if name in {"seed", "keyframe", "end_keyframe"}]
