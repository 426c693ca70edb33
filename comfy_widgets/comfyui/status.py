"""The rule by which our knowledge of a prompt moves (pure): only forward, whoever tells it, in whatever order."""

from enum import StrEnum


class Remote(StrEnum):
    """What a prompt is to the server, as far as we know."""

    SUBMITTED = "submitted"
    QUEUED = "queued"
    RUNNING = "running"
    GONE = "gone"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    INTERRUPTED = "interrupted"

    @property
    def over(self) -> bool:
        """Whether the server has nothing more to do for it."""
        return self in _OVER


_OVER = frozenset({Remote.GONE, Remote.SUCCEEDED, Remote.FAILED, Remote.INTERRUPTED})

# GONE is our own conclusion from silence, so a record that turns up after all corrects it; a record is final.
_RANK = {
    Remote.SUBMITTED: 0,
    Remote.QUEUED: 1,
    Remote.RUNNING: 2,
    Remote.GONE: 3,
    Remote.SUCCEEDED: 4,
    Remote.FAILED: 4,
    Remote.INTERRUPTED: 4,
}


def advance(known: Remote, told: Remote) -> Remote:
    """What is known after one more piece of news.

    Examples
    --------
    >>> advance(Remote.RUNNING, Remote.QUEUED)
    <Remote.RUNNING: 'running'>
    """
    return told if _RANK[told] > _RANK[known] else known
