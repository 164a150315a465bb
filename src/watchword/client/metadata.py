"""Follows metadata to where tokens come from: of the resource (RFC 9728), then of its authorization server (RFC 8414).

It fetches nothing by itself. The caller gives a function that does, and so decides about proxies, certificates and addresses.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from watchword.client.addresses import address_of
from watchword.client.curing import Source
from watchword.client.response import ResponseView, read_response
from watchword.errors import GrammarError
from watchword.url import came_from

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Mapping

    from watchword.client.addresses import Address
    from watchword.client.curing import Alternative, Cure

METADATA_LIMIT: Final = 65_536
"""Octets of a document that are read."""

_DEPTH: Final = 16
_MOST_DOCUMENTS: Final = 4  # of resources that one refusal names
_MOST_ISSUERS: Final = 3  # that one resource names
_OK: Final = 200
_OAUTH: Final = "/.well-known/oauth-authorization-server"
_OPENID: Final = "/.well-known/openid-configuration"
_DOTS: Final = re.compile(r"/(?:\.|%2[Ee]){1,2}(?:/|$)")


def follow(cure: Cure, fetch: Callable[[str], object], *, exact: bool = False) -> Cure:
    """Return a cure whose alternatives name their token endpoints, as far as the metadata of the resource leads there.

    Args:
        cure: the cure.
        fetch: called with a URL, at most 28 times; returns a response, as `cure` takes one. It must send no credentials and follow no
            redirect, and should bound time and size.
        exact: whether `resource` of the metadata must be the URL that was refused, character by character, as RFC 9728 §3.3 has it. By
            default it may also be a leading part of it, by whole segments of the path: one document then serves all paths of a service.

    Returns:
        The cure. What cannot be followed is in its `faults`. Exceptions of `fetch` pass through.

    Trust: a document is believed about the resource that it is of, which has the origin of the refused request, and about no other. Its
    authorization server is one that this resource has chosen: send it a refresh token or a secret only if they are of its `issuer`.
    """
    steps = _following(cure, exact=exact)
    try:
        url = next(steps)
        while True:
            url = steps.send(fetch(url))
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]  # the return value of the generator


async def afollow(cure: Cure, fetch: Callable[[str], Awaitable[object]], *, exact: bool = False) -> Cure:
    """Do as `follow` does, with a function that is awaited.

    Args:
        cure: the cure.
        fetch: as in `follow`. Where only an event loop can read the content, it returns `read_response(response, body=...)`.
        exact: as in `follow`.
    """
    steps = _following(cure, exact=exact)
    try:
        url = next(steps)
        while True:
            url = steps.send(await fetch(url))
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]  # as above


def _following(cure: Cure, *, exact: bool) -> Generator[str, object, Cure]:
    here = ResponseView(cure.status, url=cure.url)  # addresses are compared with that of the refusal, wherever they stand
    sources: dict[Address, Source] = {}
    faults = list(cure.faults)
    for named in [one.obtain.metadata for one in cure.alternatives if one.obtain is not None and one.obtain.metadata is not None]:
        if named not in sources and len(sources) < _MOST_DOCUMENTS:
            sources[named] = Source(metadata=named)
            try:
                sources[named] = yield from _source(named, here, faults, exact=exact)
            except ValueError as error:
                faults.append(str(error))
    return replace(cure, alternatives=tuple(_led(one, sources) for one in cure.alternatives), faults=tuple(dict.fromkeys(faults)))


def _led(one: Alternative, sources: Mapping[Address, Source]) -> Alternative:
    stated = one.obtain
    found = None if stated is None or stated.metadata is None else sources.get(stated.metadata)
    if stated is None or found is None:
        return one
    # What the refusal states itself is kept where the documents lead nowhere.
    return replace(one, obtain=found if found.token_endpoint is not None else replace(stated, resource=found.resource))


def _source(named: Address, here: ResponseView, faults: list[str], *, exact: bool) -> Generator[str, object, Source]:
    members = _read("the metadata of the resource", named.url, (yield named.url))
    resource = members.get("resource")
    # RFC 9728 §3.3: otherwise it MUST NOT be used. A server could speak for another one (§7.3).
    if not isinstance(resource, str) or not matches(resource, here.url, exact=exact):
        raise ValueError("the metadata of the resource is of another resource than the one that was refused (RFC 9728 §3.3)")
    source = Source(metadata=named, resource=resource)
    listed = members.get("authorization_servers")
    issuers = listed[:_MOST_ISSUERS] if isinstance(listed, list) else []
    for issuer in issuers:
        for url in _documents(issuer, here, faults):
            try:
                return _of_server(_read("the metadata of the authorization server", url, (yield url)), issuer, source, here)
            except ValueError as error:
                faults.append(str(error))
    if not issuers:
        faults.append("the metadata of the resource names no authorization server")
    return source


def _of_server(members: Mapping[str, Any], issuer: str, source: Source, here: ResponseView) -> Source:
    # As it is typed (RFC 8414 §3.3): otherwise one server could send clients to the endpoints of another.
    if members.get("issuer") != issuer:
        raise ValueError("the metadata of the authorization server is of another issuer (RFC 8414 §3.3)")
    agreeing = members.get("authorization_endpoint")
    return replace(
        source,
        token_endpoint=_address("token_endpoint", members.get("token_endpoint"), here),
        authorization_endpoint=None if agreeing is None else _address("authorization_endpoint", agreeing, here),
        issuer=issuer,
    )


def _address(name: str, value: object, here: ResponseView) -> Address:
    try:
        return address_of(value if isinstance(value, str) and "://" in value else None, here)
    except ValueError as error:
        raise ValueError(f"{name} is not followed: it must be {error}") from None


def _documents(issuer: object, here: ResponseView, faults: list[str]) -> tuple[str, ...]:
    """Return where the metadata of an authorization server is: RFC 8414 §3.1, then as OpenID Connect Discovery §4 has it."""
    try:
        address = _address("an authorization server", issuer, here)
    except ValueError as error:
        faults.append(str(error))
        return ()
    base = came_from(address.url)
    if base is None or base.query:
        faults.append("an authorization server is not followed: it must be without a query (RFC 8414 §2)")
        return ()
    path = base.path.rstrip("/")
    return f"{base.origin}{_OAUTH}{path}", f"{base.origin}{path}{_OPENID}"


def _read(what: str, url: str, response: object) -> dict[str, Any]:
    """Return the members of a document.

    Raises:
        ValueError: it came from elsewhere, is too long, or is no JSON object.
    """
    view = read_response(response, limit=METADATA_LIMIT)
    if view.status != _OK:
        raise ValueError(f"{what} was answered with status {view.status}")
    # A redirect may lead a document of one server to another (RFC 9728 §7.7, RFC 9700 §4.11).
    if view.url and came_from(view.url) != came_from(url):
        raise ValueError(f"{what} came from another URL than it was asked from")
    if view.cut and len(view.body) >= METADATA_LIMIT:
        raise ValueError(f"{what} is longer than {METADATA_LIMIT} octets")
    from watchword.grammar.strict_json import parse_json_object  # it loads `json`

    try:
        return parse_json_object(view.body, limit=METADATA_LIMIT, depth=_DEPTH)
    except GrammarError as error:
        raise ValueError(f"{what} cannot be read: {error}") from None


def matches(resource: str, url: str, *, exact: bool = False) -> bool:
    """Tell whether metadata of a resource may be used for a URL that was refused (RFC 9728 §3.3).

    Args:
        resource: the identifier in the metadata, untrusted.
        url: the URL that was refused.
        exact: whether they must be equal, as §3.3 has it; else the resource may be a leading part of the URL, by whole segments.
    """
    if exact:
        return resource == url
    one, other = came_from(resource), came_from(url)
    if one is None or other is None or "#" in resource or one.origin != other.origin:
        return False
    # With dot segments, a path would lead out of the part that it begins with.
    if _DOTS.search(one.path) or _DOTS.search(other.path):
        return False
    return (not one.query or one.query == other.query) and f"{other.path.rstrip('/')}/".startswith(f"{one.path.rstrip('/')}/")


__all__ = ["METADATA_LIMIT", "afollow", "follow", "matches"]
