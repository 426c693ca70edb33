"""A server that is there, or one that is started when it is first needed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from comfy_widgets.comfyui.address import Address
from comfy_widgets.comfyui.threads import in_thread


@dataclass(eq=False)
class Server:
    """Where prompts go.

    Parameters
    ----------
    name
        Tells it from others, before and after it was started.
    start
        Gives its address; may take seconds.
    renderer
        What renders there, as in `Capabilities`, where that is known without asking.
    """

    name: str
    start: Callable[[], Address] = field(repr=False)
    renderer: str | None = None
    _address: Address | None = field(default=None, repr=False)

    @classmethod
    def at(cls, address: Address) -> Self:
        """The server at an address."""
        return cls(str(address), lambda: address, _address=address)

    @property
    def started(self) -> bool:
        """Whether its address is known."""
        return self._address is not None

    @property
    def address(self) -> Address:
        """Its address; it is started for that."""
        if self._address is None:
            self._address = self.start()
        return self._address

    async def reach(self) -> Address:
        """Its address, without holding up the loop; one that was started and has ended is started again.

        Raises
        ------
        DemoError
            If it can't be started.
        """
        self._address = await in_thread(self.start)
        return self._address
