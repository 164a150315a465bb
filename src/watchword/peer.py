"""Defines facts about the connection that brought a request: the client certificate, the user, and the trusted proxy."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Peer:
    """Facts about the connection that brought a request.

    Args:
        certificate: the client certificate in DER (RFC 5280 §4.1), verified by the server, or by a trusted proxy that forwards it; None:
            the client sent none. The client has proven possession of the key; a checker maps the certificate to a principal.
        proxy: the address of the trusted proxy that brought the request; None: no trusted proxy did.
        user: the user whom a trusted proxy has authenticated; None: it states none.

    Trust: adapters set it from facts of the server, and the `proxies` step of the guard from a trusted proxy; never from a client.
    """

    certificate: bytes | None = field(default=None, repr=False)
    proxy: str | None = None
    user: str | None = None


@dataclass(frozen=True, slots=True)
class Forwarded:
    """Facts that a trusted proxy states about a request, in place of facts about the connection to the proxy.

    Args:
        client: the address of the client; None: it is not known, and lies in no network.
        scheme: `"http"`, `"https"`, `"ws"` or `"wss"`; None: as the server states it.
        host: the Host that the client asked for; None: as it came.
        peer: facts about the connection; None: as the server states them.
        malformed: the field of an identity that cannot be read, which makes the request a 400; empty: there is none.
    """

    client: str | None
    scheme: str | None = None
    host: str | None = None
    peer: Peer | None = None
    malformed: str = ""


__all__ = ["Forwarded", "Peer"]
