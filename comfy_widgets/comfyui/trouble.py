"""What goes wrong on the way to a server, in words (pure)."""

import ssl
from collections.abc import Iterator

from comfy_widgets.comfyui.address import Address
from comfy_widgets.errors import KeyRefused, ServerUnreachable, UploadTooLarge


def no_connection(address: Address, error: BaseException) -> ServerUnreachable:
    """Nobody is there, or somebody with whom no encrypted connection comes about."""
    tls = next((cause for cause in _causes(error) if isinstance(cause, ssl.SSLError)), None)
    if isinstance(tls, ssl.SSLCertVerificationError):
        return ServerUnreachable(
            f"The certificate of {address} is not trusted: {tls.verify_message.rstrip('.')}.",
            hint="If it is yours, set SSL_CERT_FILE to the file of the certificate that signed it.",
        )
    if tls is not None:
        return ServerUnreachable(
            f"{address} answers, but not with TLS ({tls.reason or tls}).",
            hint="Check the port, or write its address with http:// instead of https://.",
        )
    return ServerUnreachable(
        f"Nobody answers at {address}.", hint="Start ComfyUI, or pass its address: Studio('http://host:8188')."
    )


def refused(address: Address, method: str, path: str, status: int) -> KeyRefused:
    """The server wants a key, or another one."""
    which = "another key than was sent" if {"X-API-Key", "Authorization"} & set(address.headers) else "its key"
    return KeyRefused(
        f"{address} refused {method} {path} (HTTP {status}).",
        hint=f"Pass {which}: Studio(url, api_key=…), or the header that your proxy wants: headers={{…}}.",
    )


def too_large(name: str, size: int) -> UploadTooLarge:
    """The server refuses an input file of so many bytes."""
    has = f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size / 1e3:.1f} kB"
    return UploadTooLarge(
        f"{name} has {has}, more than the server takes.",
        hint="Use a smaller file, or start ComfyUI with a larger --max-upload-size.",
    )


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
