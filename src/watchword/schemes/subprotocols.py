"""Reads a credential from the subprotocols that a WebSocket client offers (RFC 6455 §11.3.4).

A page cannot set `Authorization` on a handshake. It can offer subprotocols: a marker, and the token right behind it, as in
`new WebSocket(url, ["bearer", token])`. The server must then select the marker. Selecting the token would send it back, and browsers
close a connection for which nothing was selected (WHATWG WebSockets).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchword.grammar import is_token, is_token68
from watchword.reason import Reason
from watchword.schemes.base import CredentialsError

if TYPE_CHECKING:
    from collections.abc import Collection

FIELD = "sec-websocket-protocol"

_MOST = 32  # subprotocols; clients offer one or two


def split_subprotocols(value: str | None) -> list[str]:
    """Return the subprotocols of a field, in order; none of a field that has too many.

    Args:
        value: the field, untrusted, several joined with a comma. The firewall has refused long ones.
    """
    # An empty list, not the first members: a marker behind the bound must not seem absent.
    if value is None or value.count(",") >= _MOST:
        return []
    return [part for part in (part.strip(" \t") for part in value.split(",")) if part]


def token_behind(marker: str, value: str) -> str | None:
    """Return the token that stands behind a marker.

    Args:
        marker: the subprotocol, compared exactly.
        value: the field, untrusted.

    Returns:
        The token; None where the marker is not offered.

    Raises:
        CredentialsError: there are too many subprotocols, the marker comes twice, or no token follows it.
    """
    offered = split_subprotocols(value)
    # Refused, not ignored: on an `optional` route ignored credentials would make the caller anonymous.
    if not offered and marker in value:
        raise CredentialsError(f"at most {_MOST} subprotocols", bad_request=True)
    if marker not in offered:
        return None
    # With two tokens, the application may read the other one.
    if offered.count(marker) > 1:
        raise CredentialsError(f"the subprotocol {marker} once", reason=Reason.AMBIGUOUS_CREDENTIALS, bad_request=True)
    behind = offered[offered.index(marker) + 1 :]
    # A bearer token is a token68 (RFC 6750 §2.1), and a subprotocol is a token (RFC 6455 §4.1): both rules hold.
    if not behind or not is_token68(behind[0]) or not is_token(behind[0]):
        raise CredentialsError(f"one token behind the subprotocol {marker}, of the characters of RFC 6455 §4.1", bad_request=True)
    return behind[0]


def without_tokens(markers: Collection[str], value: str) -> tuple[list[str], list[str]]:
    """Separate the subprotocols of a field from the tokens among them. Never raises.

    Args:
        markers: the subprotocols behind which a token stands.
        value: the field, untrusted. A field with too many members gives two empty lists.

    Returns:
        The other subprotocols, markers included; and the tokens.
    """
    left: list[str] = []
    tokens: list[str] = []
    before = ""
    for part in split_subprotocols(value):
        is_behind = before in markers and before != ""
        (tokens if is_behind else left).append(part)
        before = "" if is_behind else part
    return left, tokens
