"""Facts about whoever speaks to the server, beside its address: what TLS has proven, and which trusted proxy it came by."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Peer:
    """What is known about the connection that brought a request.

    Args:
        certificate: the client certificate in DER (RFC 5280 §4.1), verified by the server, or by a trusted proxy that hands it over; None:
            none was shown. Its holder has proven the key; whom it stands for is for a checker to say.
        proxy: the address of the trusted proxy that brought the request; None: the client came by itself.

    Trust: set by adapters from what the server states, or by the `proxies` step of the guard. Nothing of it is taken from a client.
    """

    certificate: bytes | None = field(default=None, repr=False)
    proxy: str | None = None


@dataclass(frozen=True, slots=True)
class Forwarded:
    """What a trusted proxy says about a request, in place of what the server knows of the connection to the proxy.

    Args:
        client: the address of the client; None: it is not known, and lies in no network.
        scheme: `"http"`, `"https"`, `"ws"` or `"wss"`; None: as the server states it.
        host: the Host that the client asked for; None: as it came.
        peer: facts about the connection; None: as the server states them.
    """

    client: str | None
    scheme: str | None = None
    host: str | None = None
    peer: Peer | None = None


__all__ = ["Forwarded", "Peer"]
