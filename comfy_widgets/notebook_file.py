"""A notebook's file as one packs it: what its cells name, and its text without what is of this machine."""

import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Self

from comfy_widgets.errors import PackError
from comfy_widgets.uses import digest_of

_QUOTED = re.compile(r"\"([^\"\n]+)\"|'([^'\n]+)'")
_CACHE = re.compile(r"\bcache\s*=\s*[\"']([^\"'\n]+)[\"']")
_KEY = re.compile(
    r"\b(?:api_key|comfy_org_key)\s*=\s*[\"'][^\"']|[\"'](?:x-api-key|authorization)[\"']\s*:\s*[\"']", re.IGNORECASE
)
_STUDIO = re.compile(r"\bStudio\(\s*(?:url\s*=\s*)?[\"'](?:https?://)?(?:[^@\"'\s/]*@)?([^\"'\s/]+)")
_HERE = re.compile(r"(?:127\.0\.0\.1|localhost|0\.0\.0\.0|\[::1\])(?::\d+)?")
_INSTEAD = "127.0.0.1:8188"
_SHORTEST_KEY = 8


@dataclass
class Notebook:
    """A notebook as it was saved last.

    Parameters
    ----------
    path
        Its file.
    told
        What the file says.
    sources
        The texts of its code cells.

    Attributes
    ----------
    folder
        Where it lies.
    digests
        What each code cell goes by → its number, from 1.
    """

    path: Path
    told: dict[str, Any] = field(repr=False)
    sources: list[str] = field(repr=False)
    folder: Path = field(init=False)
    digests: dict[str, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.folder = self.path.parent.resolve()
        self.digests = {digest_of(source): number for number, source in enumerate(self.sources, 1)}

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a file.

        Raises
        ------
        PackError
            If it is no notebook, or one of its cells holds a key.
        """
        try:
            told = json.loads(path.read_text("utf-8"))
            sources = ["".join(cell["source"]) for cell in told["cells"] if cell["cell_type"] == "code"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise PackError(
                f"{path.name} is no notebook that can be read.", hint="Check its name, and save it first."
            ) from error
        for number, source in enumerate(sources, 1):
            if _KEY.search(source):
                raise PackError(
                    f"Code cell {number} of {path.name} holds a key.",
                    hint="Take it from the environment: api_key=os.environ['COMFY_API_KEY'].",
                )
        return cls(path, told, sources)

    @property
    def caches(self) -> set[str]:
        """The folders of takes that it names."""
        return {found for source in self.sources for found in _CACHE.findall(source)}

    @property
    def servers(self) -> set[str]:
        """The servers that it names, but for this machine's own."""
        found = {name for source in self.sources for name in _STUDIO.findall(source)}
        return {name for name in found if not _HERE.fullmatch(name)}

    @property
    def shown(self) -> str:
        """Everything that its cells show, as text."""
        return json.dumps([cell.get("outputs") for cell in self.told["cells"]], ensure_ascii=False)

    def named_files(self, suffixes: Iterable[str]) -> Iterator[Path]:
        """The files with these suffixes that its cells name, and that are there.

        Raises
        ------
        PackError
            If one lies outside of the notebook's folder.
        """
        wanted = frozenset(suffixes)
        named = {name or other for source in self.sources for name, other in _QUOTED.findall(source)}
        for name in sorted(named):
            path = self.folder / name
            if Path(name).suffix.lower() not in wanted or not _is_file(path):
                continue
            if not path.resolve().is_relative_to(self.folder):
                raise PackError(
                    f"{self.path.name} names {Path(name).name}, which lies outside of its folder.",
                    hint="Move it beside the notebook, and name it from there.",
                )
            yield path.resolve()

    def text(self, servers: Iterable[str]) -> str:
        """Its file without what is of this machine, and without the state of widgets.

        Raises
        ------
        PackError
            If the key of this environment stands in it.
        """
        told = cleaned(self.told, servers, self.folder)
        told.get("metadata", {}).pop("widgets", None)
        text = json.dumps(told, ensure_ascii=False, indent=1) + "\n"
        key = os.environ.get("COMFY_API_KEY", "")
        if len(key) >= _SHORTEST_KEY and key in text:
            raise PackError(
                f"Your key, COMFY_API_KEY, stands in {self.path.name}.", hint="Take it out of its cells and outputs."
            )
        return text


def cleaned(told: Any, servers: Iterable[str], folder: Path) -> Any:
    """A JSON value whose texts name neither these servers nor folders of this machine.

    Examples
    --------
    >>> cleaned(["at http://gpu-1:8188/queue"], ["gpu-1:8188"], Path("/work"))
    ['at http://127.0.0.1:8188/queue']
    """
    if isinstance(told, dict):
        return {name: cleaned(value, servers, folder) for name, value in told.items()}
    if isinstance(told, list | tuple):
        return [cleaned(value, servers, folder) for value in told]
    return _cleaned(told, servers, folder) if isinstance(told, str) else told


def _cleaned(text: str, servers: Iterable[str], folder: Path) -> str:
    for server in sorted(servers, key=len, reverse=True):
        end = r"(?![\w.-])"
        text = re.sub(rf"(\w+://)(?:[^\s/@\"']*@)?{re.escape(server)}{end}", partial(_with_scheme), text)
        # A bare word is a server only with its port or its domain.
        if ":" in server or "." in server:
            text = re.sub(rf"(?<![\w.-]){re.escape(server)}{end}", _INSTEAD, text)
    home = str(Path.home())
    text = text.replace(f"{folder}{os.sep}", "").replace(str(folder), ".")
    return text.replace(home, "~") if len(home) > 1 else text


def _with_scheme(found: re.Match[str]) -> str:
    return f"{found[1].replace('https', 'http').replace('wss', 'ws')}{_INSTEAD}"


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a text that no file can be named by
        return False
