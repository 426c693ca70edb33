"""On PYTHONPATH this refuses every connection of a Python process and of its children: no server is there for them.

A kernel's own sockets are ZeroMQ's, which are no Python sockets.
"""

import os
import sys
from pathlib import Path

_REFUSED = {"socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname"}


def _refuse(event: str, arguments: tuple[object, ...]) -> None:
    if event in _REFUSED:
        # Who swallows the error is found out all the same.
        log = os.environ.get("REFUSED_CONNECTIONS")
        if log:
            with Path(log).open("a", encoding="utf-8") as file:
                file.write(f"{event} {arguments[1:]}\n")
        raise ConnectionRefusedError(f"No connections here: {event}.")


sys.addaudithook(_refuse)
