"""What a node sees of the server while it runs."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor as Pool
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from comfy_widgets.demo.folders import Folders
from comfy_widgets.demo.settings import Settings

T = TypeVar("T")


class InterruptedByUser(Exception):  # noqa: N818 - not an error of the node
    """Somebody asked to stop the running prompt."""


@dataclass(frozen=True, slots=True)
class Preview:
    """A picture of work in progress."""

    image: bytes
    mime: str = "image/jpeg"


class Place(Protocol):
    """Where things can happen to a running prompt."""

    async def passing(self, node_id: str, class_type: str, step: int | None = None) -> None:
        """A node begins, or has done a step: wait while somebody holds it here."""

    def saved(self, outputs: dict[str, Any]) -> None:
        """A node wrote files."""


@dataclass(slots=True)
class World:
    """What all nodes share.

    Parameters
    ----------
    settings, folders
        The server's.
    pool
        The one thread that renders and encodes.
    place
        Told what nodes do.
    nodes
        The node types of this release, by class name.
    """

    settings: Settings
    folders: Folders
    pool: Pool
    place: Place
    nodes: Mapping[str, type[Any]]


@dataclass(slots=True)
class Context:
    """One node's view of the prompt it runs in.

    Parameters
    ----------
    world
        What all nodes share.
    node_id, class_type
        The node.
    prompt_id, graph, extra_pnginfo
        Its prompt, the graph as it was posted, and what goes into saved files beside it.
    previews
        Whether a sampler shall send pictures of its work.
    report
        Takes (value, max, preview) and tells the clients.
    tell
        Sends a progress text.
    interrupted
        Whether somebody asked to stop.
    """

    world: World
    node_id: str
    class_type: str
    prompt_id: str
    graph: dict[str, Any]
    extra_pnginfo: dict[str, Any]
    previews: bool
    report: Callable[[float, float, Preview | None], None]
    tell: Callable[[str], None]
    interrupted: Callable[[], bool]

    async def progress(self, value: int, total: int, preview: Preview | None = None) -> None:
        """Report progress.

        Raises
        ------
        InterruptedByUser
            If somebody asked to stop.
        """
        if self.interrupted():
            raise InterruptedByUser
        self.report(value, total, preview)
        await self.world.place.passing(self.node_id, self.class_type, value)

    async def sleep(self, seconds: float) -> None:
        """Let time pass, as work would."""
        await asyncio.sleep(seconds)

    def thread(self, work: Callable[..., T], *args: Any) -> Awaitable[T]:
        """Do heavy work without stopping the server."""
        return asyncio.get_running_loop().run_in_executor(self.world.pool, work, *args)
