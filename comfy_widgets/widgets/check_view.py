"""What works here, as a table; its last row is whether this page reaches the kernel."""

from collections.abc import Sequence
from html import escape
from typing import Any, Literal, NamedTuple

from comfy_widgets import faces
from comfy_widgets.widgets.base import Face, bundled

_WORDS = {"ok": "works", "warn": "works in part", "bad": "does not work", "unknown": "not known"}
_DEAD = (
    "This page shows no widgets, else a row “browser” would stand here. Install anywidget and jupyterlab_widgets in "
    "the environment that Jupyter itself runs in, start it again, and reload the page."
)


class Finding(NamedTuple):
    """One thing that was looked at.

    Parameters
    ----------
    name
        What it is.
    state
        How it is.
    what
        What was found, in words.
    hint
        What to do, if anything.
    """

    name: str
    state: Literal["ok", "warn", "bad", "unknown"]
    what: str
    hint: str = ""


class CheckView(Face):
    """What works on this machine; made by `check`.

    Parameters
    ----------
    findings
        What was looked at.
    """

    _esm = bundled("check.js")
    _css = bundled("check.css")

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__()

    @property
    def ok(self) -> bool:
        """Whether everything that was looked at works."""
        return all(finding.state == "ok" for finding in self.findings)

    @property
    def title(self) -> str:
        """What it is called."""
        return "check"

    def snapshot(self) -> dict[str, Any]:
        """The findings."""
        return {"findings": [[name, state, _WORDS[state], what, hint] for name, state, what, hint in self.findings]}

    def static_html(self) -> str:
        """The findings, and what it means that they are not live."""
        rows = "".join(
            f"<tr><th style='text-align:left'>{escape(name)}</th><td style='text-align:left'>{_WORDS[state]}</td>"
            f"<td style='text-align:left'>{escape(what)} <b>{escape(hint)}</b></td></tr>"
            for name, state, what, hint in self.findings
        )
        return f"<table>{rows}</table><p>{_DEAD}</p>"

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is not None and any(name == "widgets" and state == "bad" for name, state, *_ in self.findings):
            # JupyterLab would show an error in place of a widget that it can't load, and not the table.
            bundle[0].pop(faces.WIDGET_VIEW, None)
        return bundle

    def __repr__(self) -> str:
        lines = [f"{name:<9} {_WORDS[state]}: {what}. {hint}".rstrip() for name, state, what, hint in self.findings]
        return "\n".join(lines)
