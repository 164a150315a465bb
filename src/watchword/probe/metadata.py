"""Checks the metadata of the resource, which tells clients where to get a token (RFC 9728)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from watchword.client import address_of, matches
from watchword.errors import GrammarError
from watchword.probe.check import MUST, Check, found, scored
from watchword.probe.locating import metadata_path
from watchword.url import came_from

if TYPE_CHECKING:
    from collections.abc import Iterable

    from watchword.client import ResponseView
    from watchword.findings import Finding, Rule
    from watchword.probe.exchange import Exchange
    from watchword.probe.seen import Seen

_NOT_NAMED: Final = "no challenge names metadata"
_NOT_READ: Final = "there is no document of metadata that could be read"
_DEPTH: Final = 16
_CONFIGURE: Final = "Configure the URL of the resource, and build the field from it, not from the Host field."


def read_document(view: ResponseView | None) -> dict[str, Any] | None:
    """Return the members of the metadata; None: the response is no such document.

    Args:
        view: untrusted.
    """
    if view is None or view.status != 200:  # noqa: PLR2004 - RFC 9728 §3.2
        return None
    from watchword.grammar.strict_json import parse_json_object

    try:
        return parse_json_object(view.body, limit=len(view.body), depth=_DEPTH)
    except GrammarError:
        return None


def named_in(seen: Seen) -> tuple[Exchange, str] | None:
    """Return the first exchange whose challenge names metadata, and what it names.

    Args:
        seen: the conversation.
    """
    for exchange, challenge in seen.challenged():
        if "resource_metadata" in challenge.params:
            return exchange, challenge.params["resource_metadata"]
    return None


def _is_absolute(seen: Seen, rule: Rule) -> Iterable[Finding] | str:
    named = named_in(seen)
    if named is None:
        return _NOT_NAMED
    exchange, text = named
    if came_from(text) is None:
        what = f"resource_metadata is {seen.quote(text)}, which is no absolute URL."
        return [found(rule, exchange, what, "Send an absolute https URL: clients do not resolve a relative one.")]
    try:
        address = address_of(text, exchange.view) if exchange.view is not None else None
    except ValueError as error:
        return [found(rule, exchange, f"resource_metadata is {seen.quote(text)}. It must be {error}.", _CONFIGURE)]
    if address is not None and not address.same_origin:
        what = f"resource_metadata is on another origin, {seen.quote(came_from(text))}, and was not asked for."
        return [found(rule, exchange, what, "Check that clients reach it: it is usually on the origin of the resource.", severity="note")]
    return []


def _is_a_document(seen: Seen, rule: Rule) -> Iterable[Finding] | str:
    exchange = seen.exchanges.get("metadata")
    if exchange is None or exchange.view is None or named_in(seen) is None:
        return _NOT_NAMED
    kind = (exchange.view.one("content-type") or "").partition(";")[0].strip().lower()
    if exchange.status == 200 and kind == "application/json" and read_document(exchange.view) is not None:  # noqa: PLR2004 - RFC 9728 §3.2
        return []
    what = f"The metadata must be 200 application/json with a JSON object, got {seen.quote(kind)}."
    return [found(rule, exchange, what, "Serve the document without a login, at exactly this path.")]


def _states_resource(seen: Seen, rule: Rule) -> Iterable[Finding] | str:
    document, exchange = read_document(seen.view("metadata")), seen.exchanges.get("metadata")
    if document is None or exchange is None:
        return _NOT_READ
    resource = document.get("resource")
    url = came_from(resource) if isinstance(resource, str) and "#" not in resource else None
    if url is not None and (url.scheme == "https" or url.local):
        return []
    what = f"The member resource is {seen.quote(resource)}."
    return [found(rule, exchange, what, "Send the https URL of the resource, without a fragment.")]


def _is_of_this_resource(seen: Seen, rule: Rule) -> Iterable[Finding] | str:
    document, exchange = read_document(seen.view("metadata")), seen.exchanges.get("metadata")
    url = None if document is None else came_from(str(document.get("resource")))
    if document is None or exchange is None or url is None:
        return _NOT_READ
    if metadata_path(url.path) + url.query != exchange.ask.url.target or url.origin != exchange.ask.url.origin:
        what = f"The document is about {seen.quote(url)}, whose metadata belongs at {seen.quote(url.beside(metadata_path(url.path)))}."
        return [found(rule, exchange, what, "Serve it there: clients compare, and refuse a document of another resource.")]
    asked = seen.url
    if url.text == asked.text:
        return []
    if matches(url.text, asked.text):
        what = f"The resource is {seen.quote(url)}, which is above the URL that was asked."
        remedy = "Strict clients compare the two (RFC 9728 §3.3); those of MCP accept it."
        return [found(rule, exchange, what, remedy, severity="note")]
    cause = "Tokens are issued for the resource, so those that clients request here name another audience."
    what = f"The resource is {seen.quote(url)}, and the URL that was asked is {seen.quote(asked)}."
    return [found(rule, exchange, what, "Use the URL that the document states, or correct the document.", cause=cause)]


def _names_no_unsigned_algorithm(seen: Seen, rule: Rule) -> Iterable[Finding] | str:
    document, exchange = read_document(seen.view("metadata")), seen.exchanges.get("metadata")
    if document is None or exchange is None:
        return _NOT_READ
    for name in ("resource_signing_alg_values_supported", "dpop_signing_alg_values_supported"):
        value = document.get(name)
        if isinstance(value, list) and "none" in value:
            return [found(rule, exchange, f"The member {name} has none.", "Remove it.")]
    return []


def _leaves_out_what_has_no_value(seen: Seen, rule: Rule) -> Iterable[Finding] | str:
    document, exchange = read_document(seen.view("metadata")), seen.exchanges.get("metadata")
    if document is None or exchange is None:
        return _NOT_READ
    empty = [name for name, value in document.items() if value in (None, "", [], {}) and name != "bearer_methods_supported"]
    return [found(rule, exchange, f"The member {seen.quote(empty[0])} is empty.", "Leave it out.")] if empty else []


def _can_be_read_by_scripts(seen: Seen, rule: Rule) -> Iterable[Finding] | str:
    exchange = seen.exchanges.get("metadata")
    if exchange is None or exchange.view is None or exchange.status != 200:  # noqa: PLR2004 - RFC 9728 §3.2
        return _NOT_READ
    if exchange.view.one("access-control-allow-origin") is None:
        return [found(rule, exchange, "Scripts of other origins cannot read it.", "Send Access-Control-Allow-Origin: *.")]
    return []


def _is_not_of_the_host_field(seen: Seen, rule: Rule) -> Iterable[Finding] | str:
    asked = seen.get("host", "metadata-host")
    if not asked or (named_in(seen) is None and read_document(seen.view("metadata")) is None):
        return "neither challenges nor metadata name URLs"
    for exchange in asked:
        challenges = [challenge.params.get("resource_metadata", "") for challenge in seen.challenges(exchange).found]
        members = read_document(exchange.view) if exchange.ask.purpose == "metadata-host" else None
        if any(exchange.ask.host in str(text) for text in (*challenges, (members or {}).get("resource", ""))):
            cause = "Whoever sends another Host, through a cache or a proxy, sends clients to an authorization server of their own."
            return [found(rule, exchange, "The answer names the host of the request.", _CONFIGURE, cause=cause)]
    return []


CHECKS: Final[tuple[Check, ...]] = (
    scored("R9728-5.1-1", "resource_metadata is an absolute URL", MUST, "RFC 9728 §5.1", _is_absolute),
    scored("R9728-5.1-2", "Metadata and challenges do not depend on the Host field", "warning", "RFC 9728 §5.1", _is_not_of_the_host_field),
    scored("R9728-3.2-1", "The metadata is a JSON object", MUST, "RFC 9728 §3.2", _is_a_document),
    scored("R9728-2-1", "The metadata names its resource", MUST, "RFC 9728 §2", _states_resource),
    scored("R9728-3.3-1", "The metadata is about the URL that was asked", MUST, "RFC 9728 §3.3", _is_of_this_resource),
    scored("R9728-2-3", "No algorithm is none", MUST, "RFC 9728 §2", _names_no_unsigned_algorithm),
    scored("R9728-3.2-2", "Members without a value are left out", MUST, "RFC 9728 §3.2", _leaves_out_what_has_no_value),
    scored("R9728-7-1", "Scripts of other origins can read the metadata", "note", "RFC 9728 §3", _can_be_read_by_scripts),
)
"""The checks."""

__all__ = ["CHECKS", "named_in", "read_document"]
