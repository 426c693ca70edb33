"""What really happened on the server, for tests to hold clients against."""

import time
from collections import Counter
from typing import Any


class Journal:
    """Requests, prompts, sockets and fired faults, in order.

    Each entry is a dict with ``t`` (seconds since the journal began) and ``what``.
    """

    def __init__(self) -> None:
        self._began = time.monotonic()
        self.entries: list[dict[str, Any]] = []

    def note(self, what: str, **facts: Any) -> None:
        """Write one entry."""
        self.entries.append({"t": round(time.monotonic() - self._began, 4), "what": what, **facts})

    def of(self, what: str, **facts: Any) -> list[dict[str, Any]]:
        """The entries of a kind whose facts are these."""
        wanted = facts.items()
        return [entry for entry in self.entries if entry["what"] == what and wanted <= entry_facts(entry)]

    def count(self, method: str, path: str) -> int:
        """How many requests came with this method to this path (``/api`` in front or not)."""
        return len(self.of("request", method=method, path=path))

    def posts(self, path: str) -> int:
        """How many POST requests came to this path."""
        return self.count("POST", path)

    def gets(self, path: str) -> int:
        """How many GET requests came to this path."""
        return self.count("GET", path)

    def fates(self) -> dict[str, str]:
        """Each prompt's last known fate: queued, running, success, error, interrupted, deleted, cleared or lost."""
        return {entry["prompt_id"]: entry["fate"] for entry in self.of("prompt")}

    def faults(self) -> list[str]:
        """The faults that fired, in order."""
        return [entry["fault"] for entry in self.of("fault")]

    def to_json(self) -> dict[str, Any]:
        """Entries, counts of requests, fates and faults."""
        requests = Counter(f"{entry['method']} {entry['path']}" for entry in self.of("request"))
        return {"entries": self.entries, "requests": requests, "fates": self.fates(), "faults": self.faults()}


def entry_facts(entry: dict[str, Any]) -> set[tuple[str, Any]]:
    """The hashable facts of an entry."""
    return {(key, value) for key, value in entry.items() if isinstance(value, str | int | float | None)}
