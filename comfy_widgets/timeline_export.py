"""A film on its way to a file."""

import asyncio
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from comfy_widgets import film
from comfy_widgets.cache import TakeCache
from comfy_widgets.errors import ComfyWidgetsError, TimelineError
from comfy_widgets.home_loop import HomeLoop


class Export:
    """Takes being joined to a film; await it for the film's path.

    Made by `Timeline.export`.

    Parameters
    ----------
    paths
        The takes' files, in order.
    into
        The film.
    home
        The loop it is followed in.
    changed
        Called in that loop when there is news.
    """

    def __init__(self, paths: Sequence[Path], into: Path, home: HomeLoop, changed: Callable[[], None]) -> None:
        self.path = into
        self.progress = 0.0
        self.error: ComfyWidgetsError | None = None
        self._home = home
        self._changed = changed
        loop = home.bind()

        def tell(part: float) -> None:
            with suppress(RuntimeError):  # the loop was closed: nobody listens, but the film is wanted
                loop.call_soon_threadsafe(self._reached, part)

        # The thread begins now: in a script that waits for nothing the loop never turns again.
        joining = loop.run_in_executor(None, film.join, list(paths), into, tell)
        self._task = loop.create_task(self._follow(joining), name="comfy_widgets export")

    @property
    def over(self) -> bool:
        """Whether it is there, or never will be."""
        return self._task.done() or self.error is not None

    def result(self) -> Path:
        """Wait for the film, where nothing can be awaited.

        Raises
        ------
        ComfyWidgetsError
            If it could not be made.
        """
        if not self._task.done():
            self._home.turn(asyncio.shield(self._task))
        return self._outcome()

    def __await__(self) -> Generator[Any, None, Path]:
        yield from asyncio.shield(self._task).__await__()
        return self._outcome()

    def __repr__(self) -> str:
        return f"Export of {self.path.name}"

    def _outcome(self) -> Path:
        if self.error is not None:
            raise self.error.with_traceback(None)
        return self.path

    async def _follow(self, joining: asyncio.Future[bool]) -> None:
        try:
            await asyncio.shield(joining)
        except ComfyWidgetsError as error:
            self.error = error
        except Exception as error:  # noqa: BLE001 - whatever PyAV stumbled over, somebody waits for the film
            self.error = ComfyWidgetsError(f"{self.path.name} could not be made: {error}.", hint="Choose other takes.")
        self.progress = 0.0 if self.error else 1.0
        self._changed()

    def _reached(self, part: float) -> None:
        if part > self.progress:
            self.progress = part
            self._changed()


def film_path(path: str | Path, cache: TakeCache) -> Path:
    """Where a film may be written.

    Raises
    ------
    TimelineError
        If that is a folder, no mp4, or one of the takes.
    """
    path = Path(path).expanduser()
    if path.is_dir():
        inside = (path / "film.mp4").as_posix()
        raise TimelineError(f"{path} is a folder.", hint=f"Name a file in it: timeline.export({inside!r}).")
    if path.suffix.lower() != ".mp4":
        named = path.with_suffix(".mp4").as_posix()
        raise TimelineError(f"A film is an mp4, and {path.name} is not named so.", hint=f"timeline.export({named!r})")
    if path.exists() and any(_is_file_of(take.path, path) for take in cache.takes()):
        raise TimelineError(f"{path.name} is a take, and would be lost.", hint="Give the film another name.")
    return path


def _is_file_of(take: Path, path: Path) -> bool:
    return take.name.casefold() == path.name.casefold() and take.exists() and take.samefile(path)
