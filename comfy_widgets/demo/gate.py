"""Where a test can stop a prompt, so that it need not guess how long things take."""

import asyncio
from dataclasses import dataclass, field


@dataclass(slots=True)
class Hold:
    """A place where prompts stop until they are let go.

    Parameters
    ----------
    place
        A node id or a class name.
    step
        Stop after this step's progress; None stops when the node begins.
    """

    place: str
    step: int | None = None
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)


class Holds:
    """The places that are held now."""

    def __init__(self) -> None:
        self._holds: list[Hold] = []

    def hold(self, place: str, step: int | None = None) -> Hold:
        """Hold a place from now on."""
        hold = Hold(place, step)
        self._holds.append(hold)
        return hold

    def release(self, hold: Hold | None = None) -> None:
        """Let go of one place, or of all."""
        for each in [hold] if hold else list(self._holds):
            each.released.set()
            if each in self._holds:
                self._holds.remove(each)

    async def passing(self, node_id: str, class_type: str, step: int | None = None) -> None:
        """Wait while the place is held."""
        for hold in list(self._holds):
            if hold.place in (node_id, class_type) and hold.step == step:
                hold.reached.set()
                await hold.released.wait()
