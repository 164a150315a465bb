"""Lists the request fields that a CORS layer must allow, so that scripts of other origins can send credentials (WHATWG Fetch)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from watchword.schemes.base import Scheme

# A browser sends cookies and subprotocols itself, and the content type of a form is CORS-safelisted (WHATWG Fetch).
_NEVER_ASKED = frozenset({"cookie", "content-type", "sec-websocket-protocol"})


def cors_request_headers(schemes: Iterable[Scheme[Any]]) -> list[str]:
    """Return the request fields of schemes, for `Access-Control-Allow-Headers`.

    `Access-Control-Allow-Headers: *` never covers `Authorization` (WHATWG Fetch, CORS non-wildcard request-header name), so a CORS
    layer lists these by name.

    Args:
        schemes: the schemes of a guard, as in `guard.schemes`.

    Returns:
        Field names, lower case, each once, in the order of the schemes.
    """
    # Two schemes share `authorization`; `dict.fromkeys` keeps the first.
    return [name for name in dict.fromkeys(name for scheme in schemes for name in scheme.fields) if name not in _NEVER_ASKED]
