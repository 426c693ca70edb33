"""Misbehaviour on request."""


class Faults:
    """The faults of one server."""

    def frames(self, sid: str, frame: str | bytes) -> list[str | bytes]:
        """What to send to a socket in place of a frame."""
        del sid
        return [frame]

    async def before_history(self) -> None:
        """Wait before a prompt that ended is written into history."""
