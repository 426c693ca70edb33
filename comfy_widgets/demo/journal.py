"""What really happened on the server, for tests to hold clients against."""

import time
from collections import Counter, deque
from typing import Any

#: Entries kept; counts, fates and faults are kept for ever.
LONGEST = 20_000


class Journal:
    """Requests, prompts, sockets and fired faults, in order.

    Each entry is a dict with ``t`` (seconds since the journal began) and ``what``.
    """

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._requests: Counter[tuple[str, str]] = Counter()
        self._fates: dict[str, str] = {}
        self._faults: list[str] = []
        self.entries: deque[dict[str, Any]] = deque(maxlen=LONGEST)

    def note(self, what: str, **facts: Any) -> None:
        """Write one entry."""
        self.entries.append({"t": round(time.monotonic() - self._began, 4), "what": what, **facts})

    def request(self, method: str, path: str) -> None:
        """A request came."""
        self._requests[method, path] += 1
        self.note("request", method=method, path=path)

    def prompt(self, prompt_id: str, fate: str) -> None:
        """A prompt was queued, began, ended, was deleted or lost."""
        self._fates[prompt_id] = fate
        self.note("prompt", prompt_id=prompt_id, fate=fate)

    def fault(self, text: str, **facts: Any) -> None:
        """A fault happened."""
        self._faults.append(text)
        self.note("fault", fault=text, **facts)

    def of(self, what: str, **facts: Any) -> list[dict[str, Any]]:
        """The entries of a kind whose facts are these."""
        wanted = {"what": what, **facts}
        return [entry for entry in list(self.entries) if all(entry.get(key) == wanted[key] for key in wanted)]

    def count(self, method: str, path: str) -> int:
        """How many requests came with this method to this path (``/api`` in front or not)."""
        return self._requests[method, path]

    def posts(self, path: str) -> int:
        """How many POST requests came to this path."""
        return self.count("POST", path)

    def gets(self, path: str) -> int:
        """How many GET requests came to this path."""
        return self.count("GET", path)

    def fates(self) -> dict[str, str]:
        """Each prompt's last known fate: queued, running, success, error, interrupted, deleted or lost."""
        return dict(self._fates)

    def faults(self) -> list[str]:
        """The faults that fired, in order."""
        return list(self._faults)

    def to_json(self) -> dict[str, Any]:
        """Entries, counts of requests, fates and faults."""
        requests = {f"{method} {path}": count for (method, path), count in self._requests.items()}
        return {"entries": list(self.entries), "requests": requests, "fates": self.fates(), "faults": self.faults()}
