"""Describes a protected resource for clients that do not know it (RFC 9728): its authorization servers, and its scopes.

A client that is refused follows `resource_metadata` of the challenge to this document, and requests its token where the document says. So
all of it is configuration. Nothing is taken from a request: a document built from `Host` would send clients to the server of an attacker.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from watchword.errors import ConfigurationError
from watchword.schemes.resource_url import LONGEST, check_url
from watchword.target import decode_path
from watchword.validators import check_bool, check_scope, check_sequence, invalid

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from watchword.schemes.resource_url import UrlParts

WELL_KNOWN: Final = "/.well-known/oauth-protected-resource"
"""The well-known path (RFC 9728 §3); it stands between the host and the path of the resource."""

METHODS: Final = ("header", "body", "query")
"""The ways to send a bearer token, as the document names them (RFC 9728 §2, RFC 6750 §2)."""

# Nothing here that would end a link in a page or a log: pages are shown to people (CWE-79).
_ANY_URL: Final = re.compile(r"https?://[^\s\"<>\\^`{|}\x00-\x20\x7f-\uffff]+")  # of a page for people: RFC 3986 §2 says no more of it
_MEMBERS: Final = (
    "resource",
    "authorization_servers",
    "jwks_uri",
    "scopes_supported",
    "bearer_methods_supported",
    "resource_signing_alg_values_supported",
    "resource_name",
    "resource_documentation",
    "resource_policy_uri",
    "resource_tos_uri",
    "tls_client_certificate_bound_access_tokens",
    "authorization_details_types_supported",
    "dpop_signing_alg_values_supported",
    "dpop_bound_access_tokens_required",
)
# By the suffix, so that a new member cannot be forgotten here.
_LISTS: Final = frozenset(name for name in _MEMBERS if name.endswith(("_supported", "_servers")))
_ALGORITHMS: Final = ("resource_signing_alg_values_supported", "dpop_signing_alg_values_supported")
_FLAGS: Final = ("tls_client_certificate_bound_access_tokens", "dpop_bound_access_tokens_required")
_PAGES: Final = ("resource_documentation", "resource_policy_uri", "resource_tos_uri")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ResourceMetadata:
    """The metadata of one protected resource (RFC 9728 §2). `Bearer(checker, metadata=...)` announces it, and its guard serves it.

    Every URL is kept as it is typed: clients compare it with theirs character by character, and an authorization server puts it into the
    audience of a token.

    Args:
        resource: the identifier of the resource: its https URL, without a fragment. `http` is accepted for this machine alone
            (`http://localhost:8000/mcp`), for development.
        authorization_servers: the issuer identifiers of the authorization servers whose tokens are accepted; the preferred one first.
        scopes_supported: the scopes that a client asks for at first. Those of single operations may be left out: a refusal names them.
        bearer_methods_supported: the ways to send a token; None: those that the scheme has switched on.
        jwks_uri: the https URL of the keys of the resource itself, by which it signs responses; not of the authorization server.
        resource_signing_alg_values_supported: the algorithms of such signatures.
        resource_name: the name of the resource, for people.
        resource_documentation: the URL of a page for developers.
        resource_policy_uri: the URL of a page about the use of data.
        resource_tos_uri: the URL of the terms of service.
        authorization_details_types_supported: the types of authorization details (RFC 9396).
        tls_client_certificate_bound_access_tokens: whether tokens are bound to client certificates (RFC 8705). `Bearer` requires no such.
        dpop_signing_alg_values_supported: the algorithms of DPoP proofs (RFC 9449).
        dpop_bound_access_tokens_required: whether every token is bound to a key (RFC 9449). `Bearer` requires no such.
        more: further members: extensions, and names in other languages, such as `{"resource_name#fr": "..."}` (RFC 9728 §2.1).

    Raises:
        ConfigurationError: a value breaks RFC 9728 §2, or a scope is `offline_access`, which concerns the authorization server alone.
    """

    resource: str
    authorization_servers: Sequence[str] = ()
    scopes_supported: Sequence[str] = ()
    bearer_methods_supported: Sequence[str] | None = None
    jwks_uri: str | None = None
    resource_signing_alg_values_supported: Sequence[str] = ()
    resource_name: str | None = None
    resource_documentation: str | None = None
    resource_policy_uri: str | None = None
    resource_tos_uri: str | None = None
    authorization_details_types_supported: Sequence[str] = ()
    tls_client_certificate_bound_access_tokens: bool = False
    dpop_signing_alg_values_supported: Sequence[str] = ()
    dpop_bound_access_tokens_required: bool = False
    more: Mapping[str, Any] = field(default_factory=dict)
    _parts: UrlParts = field(init=False, repr=False)

    def __post_init__(self) -> None:
        # RFC 9728 §2: `resource` is required, and everything else in the document is about it.
        object.__setattr__(self, "_parts", check_url(_argument("resource"), self.resource))
        for name in _LISTS:
            given = getattr(self, name)
            if given is not None:
                # Copied, so that a list changed later does not change the document that clients compare.
                object.__setattr__(self, name, tuple(dict.fromkeys(check_sequence(_argument(name), given))))
        _check_lists(self)
        for name in _FLAGS:
            check_bool(_argument(name), getattr(self, name))
        if self.jwks_uri is not None:
            check_url(_argument("jwks_uri"), self.jwks_uri)
        if self.resource_name is not None and not (isinstance(self.resource_name, str) and self.resource_name.strip()):
            raise invalid(_argument("resource_name"), "be a name for people", self.resource_name)
        for name in _PAGES:
            _check_page(name, getattr(self, name))
        object.__setattr__(self, "more", _checked_more(self.more))

    @property
    def url(self) -> str:
        """The absolute URL of the document, which challenges name as `resource_metadata` (RFC 9728 §3.1, §5.1)."""
        # From the configuration, never from `Host`, by which an attacker would name the document (threats H6).
        return f"{self._parts.origin}{self.path}" + ("" if self._parts.query is None else f"?{self._parts.query}")

    @property
    def path(self) -> str:
        """The path of the document at the root of the host, as it stands in the URL: where to serve it, if the guard is below a mount."""
        path = self._parts.path
        # RFC 9728 §3.1: a slash that terminates the host is removed, and any other one belongs to the identifier.
        return WELL_KNOWN if path == "/" else WELL_KNOWN + path

    @property
    def decoded_path(self) -> str:
        """The path of the document as a router compares it."""
        # A router compares decoded paths, so an identifier with `%20` is found too.
        return decode_path(self.path.encode("ascii"))

    @property
    def query(self) -> str:
        """The query of the URL of the document; empty: it has none. A resource with a query has a document with that query (§3.1)."""
        return self._parts.query or ""

    @property
    def origin(self) -> str:
        """The origin of the resource, as a browser writes it."""
        return self._parts.origin

    @property
    def is_local(self) -> bool:
        """Whether the resource is on this machine."""
        return self._parts.is_local

    def document(self) -> dict[str, Any]:
        """Return the members of the document, for an application that serves it by itself. Those without a value are left out (§3.2)."""
        return dict(self._members())

    def serialize(self) -> str:
        """Return the document as JSON."""
        return json.dumps(self.document(), ensure_ascii=False, separators=(",", ":"))

    def sent_by(self, methods: Sequence[str]) -> ResourceMetadata:
        """Return the metadata with the ways to send a token that a scheme has switched on.

        Args:
            methods: some of `METHODS`.

        Raises:
            ConfigurationError: the metadata says something else.
        """
        # A token that comes by a way that is off is ignored, so a client that was told of it gets 401 without an error code.
        stated = self.bearer_methods_supported
        if stated is not None and set(stated) != set(methods):
            raise ConfigurationError(
                f"{_argument('bearer_methods_supported')} is {[*stated]}, and the scheme takes tokens by {[*methods]}. Leave it out."
            )
        # Stated even when the user left it out: the default of a client is not defined (RFC 9728 §2).
        return replace(self, bearer_methods_supported=tuple(methods))

    def _members(self) -> Iterator[tuple[str, Any]]:
        for name in _MEMBERS:
            value = getattr(self, name)
            # `[]` says for this member alone that no way of RFC 6750 is taken (§2).
            if value or (name == "bearer_methods_supported" and value is not None):
                yield name, [*value] if name in _LISTS else value
        yield from self.more.items()

    def __repr__(self) -> str:
        return f"ResourceMetadata(resource={self.resource!r}, authorization_servers={[*self.authorization_servers]!r})"


def _argument(name: str) -> str:
    return f"ResourceMetadata({name}=...)"


def _check_lists(given: ResourceMetadata) -> None:
    for issuer in given.authorization_servers:
        # A client builds the URL of the server's own metadata from the identifier, which has no place for a query (RFC 8414 §3.1).
        if check_url(_argument("authorization_servers"), issuer).query is not None:
            raise invalid(_argument("authorization_servers"), "hold issuer identifiers without a query (RFC 8414 §2)", issuer)
    for scope in given.scopes_supported:
        # It asks the authorization server for refresh tokens, which a resource never sees (OpenID Connect Core §11, decision D63).
        if check_scope(scope) == "offline_access":
            raise invalid(
                _argument("scopes_supported"), "name scopes of the resource", scope, "A client asks for refresh tokens by itself."
            )
    for method in given.bearer_methods_supported or ():
        if method not in METHODS:
            raise invalid(_argument("bearer_methods_supported"), f"name {', '.join(METHODS)} (RFC 9728 §2)", method)
    for name in _ALGORITHMS:
        for algorithm in getattr(given, name):
            # Forbidden by RFC 9728 §2: a response that is signed by no key proves nothing.
            if algorithm.lower() == "none":
                raise invalid(_argument(name), "name algorithms that sign (RFC 9728 §2)", algorithm, "Remove it.")


def _check_page(name: str, value: object) -> None:
    if value is not None and not (isinstance(value, str) and len(value) <= LONGEST and _ANY_URL.fullmatch(value)):
        raise invalid(_argument(name), "be the absolute URL of a page", value)


def _checked_more(more: object) -> Mapping[str, Any]:
    argument = _argument("more")
    if not isinstance(more, Mapping) or not all(isinstance(name, str) and name for name in more):
        raise invalid(argument, 'be a mapping of member names to values, such as {"resource_name#fr": "..."}', more)
    for name in more:
        # A second way to set a member would skip its check.
        if name in _MEMBERS:
            raise invalid(argument, "name members that have no argument of their own", name, f"Write ResourceMetadata({name}=...).")
    # Parameters without a value must be left out (RFC 9728 §3.2).
    kept: dict[str, Any] = {name: value for name, value in more.items() if value not in ("", [], (), {}, None)}
    try:
        # NaN is not JSON (RFC 8259 §6). The round trip copies nested values, so a later change of them changes nothing here.
        return MappingProxyType(json.loads(json.dumps(kept, allow_nan=False)))
    except (TypeError, ValueError, RecursionError) as error:
        raise invalid(argument, "hold values of JSON", more, f"{error}.") from None


__all__ = ["METHODS", "WELL_KNOWN", "ResourceMetadata"]
