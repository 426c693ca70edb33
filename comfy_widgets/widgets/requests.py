"""What the browser asks, checked before anything is done with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

_LONGEST_ID = 64


@dataclass(frozen=True)
class Request:
    """One message from the browser.

    Attributes
    ----------
    id
        What the answer refers to.
    kind
        ``read`` or ``act``; anything else is refused in the answer.
    name
        What is asked for.
    body
        The whole message.
    """

    id: str
    kind: str
    name: str
    body: Mapping[str, Any]

    @classmethod
    def parse(cls, content: object) -> Self | None:
        """Read a message; None for one that nobody waits for an answer to."""
        if not isinstance(content, dict):
            return None
        name = content.get("id")
        if not isinstance(name, str) or not 0 < len(name) <= _LONGEST_ID:
            return None
        return cls(name, str(content.get("kind")), str(content.get("name")), content)

    def answer(self, **fields: Any) -> dict[str, Any]:
        """The answer that what was asked for is here, or has begun."""
        return {"re": self.id, "ok": True} | fields

    def refuse(self, sentence: str) -> dict[str, Any]:
        """The answer that it cannot be done, with the reason for people."""
        return {"re": self.id, "ok": False, "error": sentence}
