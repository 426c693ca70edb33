"""Where a ComfyUI server is, and what must be shown to get in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

from comfy_widgets.errors import ServerUnreachable


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
        """
        text = text.strip()
        parts = urlsplit(text if "://" in text else f"http://{text}")
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ServerUnreachable(f"{text!r} is not the address of a server.", hint="Write it as http://host:8188.")
        # 0.0.0.0 is what ComfyUI prints when it listens everywhere; nobody can connect to it on every system.
        netloc = parts.netloc.replace("0.0.0.0", "127.0.0.1")  # noqa: S104
        sent = dict(headers or {})
        if api_key:
            # Comfy Cloud reads X-API-Key, reverse proxies read Authorization.
            sent = {"X-API-Key": api_key, "Authorization": f"Bearer {api_key}", **sent}
        return cls(urlunsplit((parts.scheme, netloc, parts.path.rstrip("/"), "", "")), sent)

    @property
    def socket_url(self) -> str:
        """The address of the WebSocket, without a client id."""
        return "ws" + self.url.removeprefix("http") + "/ws"

    @property
    def name(self) -> str:
        """Host and port without user and password: what may be shown and written down."""
        parts = urlsplit(self.url)
        return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)

    def __repr__(self) -> str:
        return f"Address({str(self)!r})"

    def __str__(self) -> str:
        parts = urlsplit(self.url)
        return urlunsplit((parts.scheme, self.name, parts.path, "", ""))
