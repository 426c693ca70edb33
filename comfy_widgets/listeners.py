"""Whoever wants to hear of changes."""

import logging
from collections.abc import Callable

log = logging.getLogger(__name__)


class Listeners:
    """Calls each listener after a change.

    Examples
    --------
    >>> listeners, heard = Listeners(), []
    >>> unsubscribe = listeners.subscribe(lambda: heard.append("news"))
    >>> listeners.tell()
    >>> unsubscribe()
    >>> listeners.tell()
    >>> heard
    ['news']
    """

    def __init__(self) -> None:
        self._listeners: dict[object, Callable[[], None]] = {}

    def __len__(self) -> int:
        return len(self._listeners)

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` after each change.

        Returns
        -------
        Callable
            Ends the subscription.
        """
        token = object()
        self._listeners[token] = listener

        def unsubscribe() -> None:
            self._listeners.pop(token, None)

        return unsubscribe

    def tell(self) -> None:
        """Call them all; one that breaks keeps the news from none of the others."""
        for listener in list(self._listeners.values()):
            try:
                listener()
            except Exception:
                log.exception("A listener failed")
