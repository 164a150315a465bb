"""Checks what clients of the Model Context Protocol need: a challenge that leads to metadata, for every path of the server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from watchword.probe.check import Check, found, reason
from watchword.probe.locating import redirect_of
from watchword.probe.metadata import read_document
from watchword.probe.seen import UNAUTHORIZED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from watchword.findings import Finding, Rule
    from watchword.probe.seen import Seen

_NOT_ASKED: Final = "it is checked with --mcp"
_SUCCESSES: Final = range(200, 300)


def _challenges(seen: Seen, rule: Rule) -> Iterable[Finding] | str:
    exchange = next(iter(seen.get("mcp")), None)
    if exchange is None or exchange.view is None:
        return _NOT_ASKED
    if exchange.status in _SUCCESSES:
        return [found(rule, exchange, "A session opens without a token.", "Guard the path, for POST as for GET.")]
    if redirect_of(exchange.view) is not None:
        what = f"It redirects to {seen.quote(redirect_of(exchange.view))}."
        return [found(rule, exchange, what, "Serve the URL that clients have configured: they drop the token, or the content, on the way.")]
    bearer = any(one.scheme.lower() == "bearer" for one in seen.challenges(exchange).found)
    if exchange.status != UNAUTHORIZED or not bearer:
        what = "It has no Bearer challenge." if exchange.status == UNAUTHORIZED else "It is no 401."
        return [found(rule, exchange, what, 'Send 401 with Bearer resource_metadata="...".')]
    return []


def _leads_to_metadata(seen: Seen, rule: Rule) -> Iterable[Finding] | str:
    exchange = next(iter(seen.get("mcp")), None)
    if exchange is None:
        return _NOT_ASKED
    document, asked = read_document(seen.view("metadata")), seen.exchanges.get("metadata")
    if document is None:
        where = f" {asked}." if asked is not None else ""
        what = f"No metadata of the resource can be read.{where}"
        return [found(rule, exchange, what, "Serve it at /.well-known/oauth-protected-resource, followed by the path of the server.")]
    servers = document.get("authorization_servers")
    if not (isinstance(servers, list) and servers):
        what = "The metadata names no authorization server."
        return [found(rule, exchange, what, "Add authorization_servers: clients do not know where to get a token.")]
    return []


def _guards_all_paths(seen: Seen, rule: Rule) -> Iterable[Finding] | str:
    exchanges = seen.get("mcp-slash", "mcp-below")
    if not exchanges:
        return _NOT_ASKED
    if seen.status("mcp") in _SUCCESSES:
        return "the URL itself is not guarded"
    remedy = "Write the rule for the path and all below it: /mcp and /mcp/**."
    return [
        found(rule, exchange, "It is served without a token, and the URL itself is guarded.", remedy)
        for exchange in exchanges
        if exchange.status in _SUCCESSES
    ]


CHECKS: Final[tuple[Check, ...]] = (
    reason("mcp-challenge", "A client without a token is challenged", "error", _challenges, "MCP, Authorization"),
    reason("mcp-metadata", "The metadata names an authorization server", "error", _leads_to_metadata, "MCP, Authorization"),
    reason("mcp-paths", "Paths beside and below the URL are guarded too", "error", _guards_all_paths, "MCP, Authorization"),
)
"""The checks."""

__all__ = ["CHECKS"]
