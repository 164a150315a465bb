"""Says what stands behind `Guard(proxies=...)`: the step that finds out who the client is where a proxy stands in front.

The guard brings no such step of its own yet; `Guard(proxies=None)` believes what the server states.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection

    from watchword.peer import Forwarded
    from watchword.request import RequestView


class Proxies(Protocol):
    """Reads what trusted proxies say about a request. Called once for each request, before the firewall and anything else."""

    @property
    def fields(self) -> Collection[str]:
        """The header fields that it reads, lower case, such as `("x-forwarded-for",)`. The firewall refuses their aliases."""
        ...

    def resolve(self, view: RequestView) -> Forwarded | None:
        """Return what a trusted proxy says. Runs on the event loop and must not block.

        Args:
            view: the request as the server states it. `client` is the peer of the connection. Header fields are untrusted unless that
                peer is a trusted proxy; a field that came several times is joined with commas (RFC 9110 §5.3).

        Returns:
            The facts that take the place of what the server states; None: the peer is the client.
        """
        ...


__all__ = ["Proxies"]
