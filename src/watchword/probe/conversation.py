"""Decides what to ask a server: few requests that change nothing, to one origin.

A generator: it yields each request, and is sent the exchange. Transports are elsewhere. Requests depend on responses in three places:
redirects of the same origin, the schemes that challenges offer, and the metadata that they name.
"""

from __future__ import annotations

from secrets import token_hex
from typing import TYPE_CHECKING, Final, TypeAlias

from watchword.client.addresses import address_of
from watchword.errors import Unavailable
from watchword.probe.exchange import MARKER, Ask
from watchword.probe.locating import metadata_path, redirect_of
from watchword.probe.seen import UNAUTHORIZED, Seen
from watchword.url import came_from

if TYPE_CHECKING:
    from collections.abc import Generator

    from watchword.probe.exchange import Exchange
    from watchword.url import Url

MOST_REQUESTS: Final = 21
"""The most requests that one conversation makes. A usual one makes 10."""

_MOST_REDIRECTS: Final = 3
_LONG: Final = 9000  # octets: above the 8 KiB at which Apache, nginx and watchword stop for one field
_OTHER_HOST: Final = f"{MARKER}.example"  # RFC 2606: nobody's
# Some firewalls refuse requests without a User-Agent.
_AGENT: Final = ("User-Agent", MARKER)
_JSON: Final = (_AGENT, ("Accept", "application/json, */*;q=0.5"))
_OF_MCP: Final = (_AGENT, ("Accept", "application/json, text/event-stream"), ("Content-Type", "application/json"))
_INITIALIZE: Final = (
    b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},'
    b'"clientInfo":{"name":"watchword-probe","version":"1"}}}'
)

Talk: TypeAlias = "Generator[Ask, Exchange, None]"


def converse(seen: Seen) -> Talk:
    """Ask all that the checks need.

    Args:
        seen: the exchanges are kept there.

    Raises:
        Unavailable: the first request has no answer, or its redirects go in a circle.
    """
    yield from _anonymous(seen)
    if seen.target.mcp:
        yield from _of_mcp(seen)
    # Before the made-up ones: a throttle would refuse them after those.
    if seen.target.presented is not None:
        yield from _presented(seen)
    yield from _made_up(seen)
    yield from _about_metadata(seen)


def _ask(seen: Seen, purpose: str, words: str, *fields: tuple[str, str], method: str = "", host: str = "") -> Talk:
    """Ask for the URL, as it is asked for without credentials: by GET, or by POST where only that is refused."""
    post = not method and seen.is_posted
    name = "POST" if post else method or "GET"
    common, content = (_OF_MCP, _INITIALIZE) if post else (_JSON, b"")
    seen.add((yield Ask(purpose, f"{name} {seen.url.path} {words}", name, seen.url, (*common, *fields), content, host)))


def _anonymous(seen: Seen) -> Talk:
    """Ask without credentials, and follow redirects to the same origin, or from http to https of the same host."""
    visited = {seen.url.text}
    for number in range(_MOST_REDIRECTS + 1):
        yield from _ask(seen, "anonymous", "without credentials")
        exchange = seen.exchanges["anonymous"]
        if exchange.view is None:
            raise Unavailable(f"{seen.url}: {exchange.failure}", retry_after=0)
        leads = redirect_of(exchange.view)
        if leads is None:
            return
        if number == 0:
            seen.exchanges["redirect"] = exchange
        if leads.host != seen.url.host or (leads.scheme, seen.url.scheme) == ("http", "https"):
            return
        if leads.text in visited:
            raise Unavailable(f"{seen.url}: its redirects go in a circle. Correct the redirects of the server.", retry_after=0)
        visited.add(leads.text)
        # A page to log in is another resource: the one that was asked for answers by this redirect.
        if leads.path.rstrip("/").lower() == seen.url.path.rstrip("/").lower():
            seen.url = leads
        else:
            yield from _elsewhere(seen, leads, visited, _MOST_REDIRECTS - number)
            return
    raise Unavailable(f"{seen.url}: it redirects more than {_MOST_REDIRECTS} times. Probe the URL to which it leads.", retry_after=0)


def _elsewhere(seen: Seen, leads: Url, visited: set[str], most: int) -> Talk:
    """Follow redirects to other paths, only to see where they end."""
    for _ in range(most):
        exchange = yield Ask("landing", f"GET {leads.path} without credentials", "GET", leads, _JSON)
        seen.add(exchange)
        further = None if exchange.view is None else redirect_of(exchange.view)
        if further is None or further.host != leads.host:
            return
        if further.text in visited:
            raise Unavailable(f"{seen.url}: its redirects go in a circle. Correct the redirects of the server.", retry_after=0)
        visited.add(further.text)
        leads = further


def _made_up(seen: Seen) -> Talk:
    """Ask with methods, conditions and credentials that nobody has."""
    random = token_hex(8)
    yield from _ask(seen, "head", "without credentials", method="HEAD")
    yield from _ask(seen, "unknown", "with a scheme that does not exist", ("Authorization", f"{MARKER} {random}"))
    offered = seen.offered
    if "basic" in offered:
        from base64 import b64encode

        pair = b64encode(f"{MARKER}-{random}:{random}".encode()).decode("ascii")
        yield from _ask(seen, "invalid-basic", "with a made-up name and password", ("Authorization", f"Basic {pair}"))
    # Where nothing is offered, a token is the best guess.
    if "bearer" in offered or (seen.is_guarded and not offered):
        yield from _ask(seen, "invalid-bearer", "with a made-up token", ("Authorization", f"Bearer {MARKER}.{random}"))
    scheme = next((one for one in ("bearer", "basic") if one in offered), MARKER).capitalize()
    yield from _ask(seen, "malformed", "with a malformed field", ("Authorization", f'{scheme} {MARKER} "not credentials"'))
    yield from _ask(seen, "long", "with a field of 9,000 octets", ("Authorization", f"{scheme} {MARKER}{'x' * _LONG}"))
    yield from _ask(seen, "conditional", "with a condition and a range", ("If-None-Match", "*"), ("Range", "bytes=0-0"))
    yield from _ask(seen, "host", f"with Host: {_OTHER_HOST}", host=_OTHER_HOST)
    preflight = (("Access-Control-Request-Method", "GET"), ("Access-Control-Request-Headers", "authorization"))
    yield from _ask(seen, "preflight", "(a preflight)", ("Origin", f"https://{_OTHER_HOST}"), *preflight, method="OPTIONS")
    # At the root: where the server refuses the URL before it looks at the method, the URL tells nothing.
    fields = (*_JSON, ("Authorization", f"{MARKER} {random}"))
    seen.add((yield Ask("trace", "TRACE / with a made-up scheme", "TRACE", seen.url.beside("/"), fields, reads="message/http")))


def _about_metadata(seen: Seen) -> Talk:
    """Ask for the metadata of the resource that a challenge names, and for MCP also at its well-known place."""
    named = next((one.params["resource_metadata"] for one in seen.offered.values() if "resource_metadata" in one.params), "")
    place = None
    if named and seen.anonymous.view is not None:
        try:
            address = address_of(named, seen.anonymous.view)
        except ValueError:
            address = None
        place = came_from(address.url) if address is not None and address.same_origin else None
    elif seen.target.mcp:
        place = seen.url.beside(metadata_path(seen.url.path))
    if place is None:
        return
    for purpose, words, host in (("metadata", "", ""), ("metadata-host", f" with Host: {_OTHER_HOST}", _OTHER_HOST)):
        fields = (_AGENT, ("Accept", "application/json"), ("Origin", f"https://{_OTHER_HOST}"))
        exchange = yield Ask(purpose, f"GET {place.path}{words}", "GET", place, fields, host=host, reads="application/json")
        seen.add(exchange)


def _of_mcp(seen: Seen) -> Talk:
    """Open a session without a token, at the URL and beside it."""
    path = seen.url.path.rstrip("/")
    beside = seen.url.beside(path if seen.url.path.endswith("/") and path else f"{path}/")
    for purpose, url in (("mcp", seen.url), ("mcp-slash", beside), ("mcp-below", seen.url.beside(f"{path}/{MARKER}"))):
        seen.add((yield Ask(purpose, f"POST {url.path} (initialize) without credentials", "POST", url, _OF_MCP, _INITIALIZE)))
    if seen.status("mcp") == UNAUTHORIZED != seen.anonymous.status:
        seen.is_posted = True
        seen.exchanges["anonymous"] = seen.exchanges["mcp"]


def _presented(seen: Seen) -> Talk:
    """Ask with the credentials of the user, which never go to another origin than the one that was typed."""
    presented = seen.target.presented
    if presented is None or seen.url.origin != seen.target.url.origin:
        return
    kind = {"Basic": "name and password", "Bearer": "token", "APIKey": "key", "Cookie": "cookie"}[presented.scheme]
    yield from _ask(seen, "presented", f"with your {kind}", (presented.name, presented.value))
    if not presented.is_key and 200 <= seen.status("presented") < 300 and seen.anonymous.status == UNAUTHORIZED:  # noqa: PLR2004 - RFC 9110 §15.3
        scheme, _, rest = presented.value.partition(" ")
        yield from _ask(seen, "case", f"with your {kind}, the scheme in other letter case", (presented.name, f"{scheme.swapcase()} {rest}"))


__all__ = ["MOST_REQUESTS", "Talk", "converse"]
