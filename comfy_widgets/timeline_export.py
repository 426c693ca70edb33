"""A film on its way to a file."""

import asyncio
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any

from comfy_widgets import film
from comfy_widgets.errors import ComfyWidgetsError
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
        self._task = loop.create_task(self._join(list(paths), loop), name="comfy_widgets export")

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

    async def _join(self, paths: list[Path], loop: asyncio.AbstractEventLoop) -> None:
        def tell(part: float) -> None:
            loop.call_soon_threadsafe(self._reached, part)

        try:
            await asyncio.to_thread(film.join, paths, self.path, tell)
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
