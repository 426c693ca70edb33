"""Where a ComfyUI server is, and what must be shown to get in."""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit, urlunsplit

from comfy_widgets.errors import KeyRefused, ServerUnreachable

_WRITE = "Write it as 'http://host:8188'."
# What people call this machine; a server that is started on it answers to each.
_HERE = {"127.0.0.1", "localhost", "::1"}
_SENDABLE = re.compile(r"[\t\x20-\x7e]*")


@dataclass(frozen=True)
class Address:
    """A server's address; its headers never show in a repr or a message.

    Parameters
    ----------
    url
        Without a trailing slash; a path prefix is kept.
    headers
        Sent to this origin only, on HTTP and on the socket alike.

    Examples
    --------
    >>> Address.parse("0.0.0.0:8188").url
    'http://127.0.0.1:8188'
    """

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False, compare=False)

    @classmethod
    def parse(cls, text: str, *, api_key: str | None = None, headers: Mapping[str, str] | None = None) -> "Address":
        """Read an address as people write it.

        Raises
        ------
        ServerUnreachable
            If it is not an http address.
        KeyRefused
            If the key or a header can't be sent.
        """
        if not isinstance(text, str):
            # A port alone is what people give.
            raise ServerUnreachable(f"{text!r:.60} is not the address of a server.", hint=_WRITE)
        parts = _parts(text.strip())
        netloc = parts.netloc
        # 0.0.0.0 is what ComfyUI prints when it listens everywhere; nobody can connect to it on every system.
        if parts.hostname == "0.0.0.0":  # noqa: S104
            netloc = netloc.replace("0.0.0.0", "127.0.0.1")  # noqa: S104
        sent = dict(headers or {})
        if api_key:
            # Comfy Cloud reads X-API-Key, reverse proxies read Authorization.
            key = api_key.strip()
            sent = {"X-API-Key": key, "Authorization": f"Bearer {key}", **sent}
        for name, value in sent.items():
            # Told here: who sends it complains with the value in full.
            if not _SENDABLE.fullmatch(value):
                raise KeyRefused(
                    f"The header {name} holds characters that HTTP can't carry.",
                    hint="Copy the key again, without line ends and typographic signs.",
                )
        return cls(urlunsplit((parts.scheme, netloc, parts.path.rstrip("/"), "", "")), sent)

    @property
    def socket_url(self) -> str:
        """The address of the WebSocket, without a client id."""
        return "ws" + self.url.removeprefix("http") + "/ws"

    @property
    def is_here(self) -> bool:
        """Whether it is on this machine.

        Examples
        --------
        >>> [Address.parse(text).is_here for text in ("localhost:8188", "http://[::1]:8188", "gpu-1:8188")]
        [True, True, False]
        """
        host = str(urlsplit(self.url).hostname)
        with suppress(ValueError):
            return ip_address(host).is_loopback
        return host == "localhost"

    @property
    def name(self) -> str:
        """Host and port without user and password: what may be shown and written down."""
        parts = urlsplit(self.url)
        host = f"[{parts.hostname}]" if ":" in str(parts.hostname) else str(parts.hostname)
        return f"{host}:{parts.port}" if parts.port else host

    def is_at(self, written: str) -> bool:
        """Whether an address that was written down leads to this server, under whatever name of this machine.

        Examples
        --------
        >>> Address.parse("localhost:8188").is_at("http://127.0.0.1:8188")
        True
        """
        if written == str(self):
            return True
        with suppress(ServerUnreachable):
            there = Address.parse(written)
            return _place(there) == _place(self)
        return False

    def __repr__(self) -> str:
        return f"Address({str(self)!r})"

    def __str__(self) -> str:
        parts = urlsplit(self.url)
        return urlunsplit((parts.scheme, self.name, parts.path, "", ""))


def _place(address: Address) -> tuple[str, str | None, int | None, str]:
    """What two addresses of one server have in common."""
    parts = urlsplit(address.url)
    return parts.scheme, "localhost" if parts.hostname in _HERE else parts.hostname, parts.port, parts.path


def _parts(text: str) -> SplitResult:
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        # A port that is no number is told only when it is asked for.
        if parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0:
            return parts
    except ValueError:
        pass
    # A user, a password or a token may stand in it.
    shown = re.sub(r"^(\w+://)?.*@", r"\1", text.partition("?")[0])
    raise ServerUnreachable(f"{shown!r} is not the address of a server.", hint=_WRITE)
