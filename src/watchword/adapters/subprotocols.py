"""Selects the subprotocol of a WebSocket whose client offers a token behind a marker (RFC 6455 §4.2.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from watchword.schemes.subprotocols import without_tokens

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping, MutableMapping

    from watchword.request import RequestView

FIELD = b"sec-websocket-protocol"


def offering(scope: Mapping[str, Any]) -> list[tuple[bytes, bytes]]:
    """Return the header fields of a handshake with the subprotocols among them.

    Args:
        scope: as the server hands it over. Servers have the subprotocols in both places, test clients in `subprotocols` alone.
    """
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    offered = scope.get("subprotocols")
    if not offered or any(len(name) == len(FIELD) and name.lower() == FIELD for name, _ in headers):
        return headers
    return [*headers, (FIELD, ", ".join(offered).encode("latin-1", "replace"))]


def selecting(
    send: Callable[[MutableMapping[str, Any]], Awaitable[None]], markers: Collection[str], view: RequestView
) -> Callable[[MutableMapping[str, Any]], Awaitable[None]]:
    """Return what sends the messages of a WebSocket and answers the subprotocols rightly.

    A marker that was offered is selected, if the application selects nothing. A token is never selected: that would send it back.

    Args:
        send: sends.
        markers: the subprotocols behind which a token stands.
        view: the handshake.
    """

    async def select(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "websocket.accept":
            chosen = message.get("subprotocol")
            protocol = selected(markers, view, chosen)
            message = message if protocol == chosen else {**message, "subprotocol": protocol}
        await send(message)

    return select


def selected(markers: Collection[str], view: RequestView, chosen: str | None) -> str | None:
    """Return the subprotocol that answers a handshake; None: none does.

    Args:
        markers: the subprotocols behind which a token stands.
        view: the handshake.
        chosen: what the application selects.
    """
    left, tokens = without_tokens(markers, view.field("sec-websocket-protocol") or "") if markers else ([], [])
    marker = next((one for one in left if one in markers), None)
    return chosen if marker is None or (chosen and chosen not in tokens) else marker
