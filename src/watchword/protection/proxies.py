"""Defines the interface of `Guard(proxies=...)`, which determines the client behind a proxy; `TrustedProxies` implements it.

With `Guard(proxies=None)` the peer that the server states is the client.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias, cast

from watchword.grammar import MAX_FIELDS
from watchword.networks import NEAR, networks_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from watchword.peer import Forwarded
    from watchword.request import RequestView


_Field: TypeAlias = "tuple[str | bytes, str | bytes]"

STATING: Final = ("x-forwarded-for", "forwarded")
"""Fields that nearly every proxy sets."""


def undeclared(view: RequestView) -> str:
    """Return the field by which a near peer states a client; empty: none. Such a peer is a proxy, or a client that pretends to be one.

    Args:
        view: the request. At most as many header fields are looked at as a request may have.
    """
    if not networks_of(NEAR).contains(view.address):
        return ""
    longest = max(map(len, STATING))
    names = (name for name, _ in islice(cast("Iterable[_Field]", view.headers), MAX_FIELDS) if len(name) <= longest)
    sent = {(name if isinstance(name, str) else name.decode("latin-1")).lower() for name in names}
    return next((name for name in STATING if name in sent), "")


class Proxies(Protocol):
    """Reads the statements of trusted proxies about a request. Called once for each request, before the firewall.

    It may have an attribute `drops`: names of further fields, lower case, by which programs state such facts. The application gets none of
    them, nor those of `fields` where `resolve` returned None: whoever sent them is not trusted.
    """

    @property
    def fields(self) -> Collection[str]:
        """The header fields that it reads, lower case, such as `("x-forwarded-for",)`. The firewall refuses their aliases."""

    def resolve(self, view: RequestView) -> Forwarded | None:
        """Return the statements of a trusted proxy, which replace those of the server; None: the peer is the client.

        Runs on the event loop and must not block.

        Args:
            view: the request as the server states it. `client` is the peer of the connection. Header fields are untrusted unless that
                peer is a trusted proxy. A repeated field is joined with commas (RFC 9110 §5.3).
        """


__all__ = ["STATING", "Proxies", "undeclared"]
