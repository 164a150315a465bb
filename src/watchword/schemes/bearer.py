"""Extracts tokens by the Bearer scheme (RFC 6750)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from watchword.cache import Bounded
from watchword.credentials import BearerToken
from watchword.errors import ConfigurationError
from watchword.field import Field
from watchword.grammar import MAX_TOKEN_OCTETS, Challenge, FormReader, form_decode, is_token, is_token68
from watchword.reason import Reason
from watchword.schemes.base import NO_PARAMS, ChallengeParams, CredentialsError, Scheme
from watchword.schemes.subprotocols import FIELD, token_behind
from watchword.validators import check_printable, check_type, check_whole, invalid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from watchword.credentials import Credentials
    from watchword.request import RequestView
    from watchword.schemes.resource_metadata import ResourceMetadata

# Kept challenges. A configuration has few; a predicate of `where` may return any number of needs.
_MOST_CHALLENGES = 256

_READER = FormReader([b"access_token"])

FORM_LIMIT = 65_536  # octets: a form that carries a token is small, and it is held in memory for callers that are not known yet


class Bearer(Scheme[BearerToken]):
    """Bearer tokens (RFC 6750). The Authorization field is always read; the other transports only if they are switched on.

    Args:
        checker: called with `BearerToken`.
        realm: the protection space. It has a default because the challenge needs a parameter (§3).
        form: read `access_token` from a form as well (§2.2). The content is read before the application sees it, and kept for it.
        query: read `access_token` from the query as well (§2.3). Query strings end up in logs: avoid it.
        form_limit: the greatest form that is read, in octets; a larger one is answered 413.
        subprotocol: read a token from the subprotocols of a WebSocket handshake as well, behind the one of this name, such as `"bearer"`
            for `new WebSocket(url, ["bearer", token])`. Adapters for ASGI select it in the answer, never the token.
        metadata: the metadata of this resource (RFC 9728), which the guard serves and each challenge names, so that clients find their
            authorization server.
        resource_metadata: the absolute https URL of metadata that is served elsewhere; in place of `metadata`.
        token_endpoint: the absolute https URL at which clients request tokens (RFC 6749 §3.2). Refusals name it to programs, as a part of
            the cure. `http` is accepted for this machine alone.

    Raises:
        ConfigurationError: the realm or subprotocol cannot be sent, the metadata says what is not so, a URL is not absolute https, or the
            limit is below 1.

    Trust: the token is untrusted until the checker accepts it.
    """

    name = "Bearer"
    credentials: ClassVar[type[Credentials] | None] = BearerToken
    rank = 30
    # RFC 6750 §3.1: `error` goes with 400, 401 and 403, so that a client knows whether a new token helps.
    explains_errors = True
    # "expired" helps an honest client, which requests a new token. A finer reason would help an attacker.
    discloses: ClassVar[frozenset[Reason]] = frozenset({Reason.EXPIRED})

    def __init__(
        self,
        checker: object,
        *,
        realm: str = "api",
        form: bool = False,
        query: bool = False,
        form_limit: int = FORM_LIMIT,
        subprotocol: str | None = None,
        metadata: ResourceMetadata | None = None,
        resource_metadata: str | None = None,
        token_endpoint: str | None = None,
    ) -> None:
        super().__init__(checker, realm=realm)
        check_whole("Bearer(form_limit=...)", form_limit, least=1, unit="octets")
        if query:
            # Off by default: URLs reach logs, histories and the Referer field (RFC 6750 §2.3, RFC 9700 §4.3.2).
            self.parameters: tuple[bytes, ...] = (b"access_token",)
        # 16 KiB: a JWT that lists the groups of a person passes the 8 KiB of other fields (decision D9).
        fields = {"authorization": Field(limit=MAX_TOKEN_OCTETS)}
        self._form_limit = form_limit if form else None
        if form:
            self.form_parameters: tuple[bytes, ...] | None = (b"access_token",)
        if subprotocol is not None:
            if not isinstance(subprotocol, str) or not is_token(subprotocol):
                raise invalid("Bearer(subprotocol=...)", 'be a token (RFC 6455 §4.1), such as "bearer"', subprotocol)
            # The field is a list, and may come in several lines (RFC 6455 §11.3.4).
            fields[FIELD] = Field(list=True, limit=MAX_TOKEN_OCTETS)
        self.fields: Mapping[str, Field] = fields
        self.subprotocol: str | None = subprotocol
        # A bare `Bearer` is not allowed: at least one parameter follows (RFC 6750 §3, decision D23).
        self._parameters = {"realm": realm}
        if metadata is not None:
            if resource_metadata is not None:
                raise ConfigurationError(
                    "Bearer(metadata=..., resource_metadata=...) must have one of the two. Leave resource_metadata out."
                )
            self.metadata: ResourceMetadata | None = _own_metadata(metadata, form=form, query=query)
            self._parameters["resource_metadata"] = self.metadata.url
        elif resource_metadata is not None:
            self._parameters["resource_metadata"] = _metadata_url(resource_metadata)
        if token_endpoint is not None:
            from watchword.schemes.resource_url import check_url  # most guards name none

            check_url("Bearer(token_endpoint=...)", token_endpoint)
            self.token_endpoint: str | None = token_endpoint
        self._challenges: Bounded[ChallengeParams, Challenge] = Bounded(_MOST_CHALLENGES)

    @property
    def reads_content(self) -> bool:
        """Whether forms are read."""
        return self._form_limit is not None

    def wants_content(self, view: RequestView) -> int | None:
        """Return the limit for a form by a method that has content, which alone may carry a token (RFC 6750 §2.2)."""
        return self._form_limit if view.is_form else None

    def extract(self, view: RequestView) -> BearerToken | None:
        """Return the token, from the one transport that holds it (RFC 6750 §2).

        Raises:
            CredentialsError: two transports hold a token, or it is too long, or not a b64token (§2.1).
        """
        sent = view.authorization
        token: BearerToken | None = None
        if sent is not None and sent.scheme.lower() == "bearer":
            if sent.token68 is None:
                raise CredentialsError("one token after the scheme (RFC 6750 §2.1)", bad_request=True)
            token = BearerToken(sent.token68)
        # The usual case ends here, without a look at query, content and subprotocols.
        if not (self.parameters or self.subprotocol) and self._form_limit is None:
            return token
        in_query = _READER.find(view.query) if self.parameters and view.query else []
        in_form = _READER.find(view.form) if self.reads_content and view.form else []
        # On a request that is not a handshake the field means nothing, so no token is taken from it.
        offered = None if self.subprotocol is None or not view.is_handshake else view.field("sec-websocket-protocol")
        behind = None if self.subprotocol is None or offered is None else token_behind(self.subprotocol, offered)
        # A client must not use two methods at once (RFC 6750 §2). Two readers that pick different ones would see two callers.
        if (token is not None) + len(in_query) + len(in_form) + (behind is not None) > 1:
            raise CredentialsError("the token once, in one place (RFC 6750 §2)", reason=Reason.AMBIGUOUS_CREDENTIALS, bad_request=True)
        if behind is not None:
            return BearerToken(behind, "header")
        if in_query:
            return _token(in_query[0], "query")
        return _token(in_form[0], "form") if in_form else token

    def challenge(self, params: ChallengeParams = NO_PARAMS) -> Challenge:
        """Return `Bearer realm=...` with the content of `params` (RFC 6750 §3, RFC 9470 §3); each parameter once."""
        known = self._challenges.get(params)
        if known is None:
            known = self._build(params)
            self._challenges.keep(params, known)
        return known

    def openapi(self) -> dict[str, dict[str, str]]:
        """Return the Authorization field alone: clients should not send tokens in the query (RFC 6750 §2.3)."""
        from watchword.schemes.openapi import forms_of  # for documents alone

        return forms_of(self.name, http=True)

    def _build(self, params: ChallengeParams) -> Challenge:
        parameters = dict(self._parameters)
        error, description = _error(params)
        if error:
            parameters["error"] = error
        if description:
            parameters["error_description"] = description
        if params.scope:
            # All scopes of the alternative: told only what is missing, a client swaps one token for another for ever (decision D63).
            parameters["scope"] = " ".join(params.scope)
        if params.acr_values:
            # In order of preference, separated by a space (RFC 9470 §3).
            parameters["acr_values"] = " ".join(params.acr_values)
        if params.max_age is not None:
            parameters["max_age"] = str(params.max_age)
        return Challenge(self.name, parameters)


def _error(params: ChallengeParams) -> tuple[str, str]:
    """Return error code and description (RFC 6750 §3.1, RFC 9470 §3). A description is fixed text, never request data."""
    # Every malformed request is 400 `invalid_request` (RFC 6750 §3.1).
    if params.bad_request:
        return "invalid_request", ""
    match params.reason:
        # A request without credentials gets no error code (RFC 6750 §3.1).
        case None:
            return "", ""
        case Reason.INSUFFICIENT_SCOPE:
            return "insufficient_scope", ""
        # RFC 9470 §3: the token is valid, and the login behind it is too old or too weak.
        case Reason.STEP_UP_REQUIRED:
            return "insufficient_user_authentication", ""
        case Reason.EXPIRED:
            return "invalid_token", "The access token expired"
        # Unknown, revoked or forged: one text for all, or a thief learns which tokens exist.
        case _:
            return "invalid_token", "The access token is not valid"


def _token(sent: bytes, carrier: Literal["query", "form"]) -> BearerToken:
    if len(sent) > MAX_TOKEN_OCTETS:
        # Queries and forms have no bound of their own, so that of the field is used (RFC 9110 §5.4).
        reason = Reason.OVERSIZED_CONTENT if carrier == "form" else Reason.OVERSIZED_CREDENTIALS
        raise CredentialsError("a shorter token", reason=reason, bad_request=True)
    # b64token of RFC 6750 §2.1 is token68 of RFC 9110 §11.2 by another name.
    text = form_decode(sent).decode("latin-1")
    if not is_token68(text):
        raise CredentialsError("a token of the characters of RFC 6750 §2.1", bad_request=True)
    return BearerToken(text, carrier)


def _own_metadata(given: object, *, form: bool, query: bool) -> ResourceMetadata:
    """Return metadata with what is known about this scheme (RFC 9728 §2)."""
    from watchword.schemes.resource_metadata import METHODS, ResourceMetadata  # most guards serve none

    metadata = check_type("Bearer(metadata=...)", given, ResourceMetadata, 'ResourceMetadata(resource="https://api.example.com")')
    for name in ("dpop_bound_access_tokens_required", "tls_client_certificate_bound_access_tokens"):
        # A client would believe that a stolen token is of no use here.
        if getattr(metadata, name):
            raise ConfigurationError(f"ResourceMetadata({name}=True) is not what Bearer does: it takes tokens that are bound to nothing.")
    taken = {"header": True, "body": form, "query": query}
    return metadata.sent_by([method for method in METHODS if taken[method]])


def _metadata_url(url: str) -> str:
    from urllib.parse import urlsplit  # on first use: half of the time of an import

    argument, must = "Bearer(resource_metadata=...)", "be an absolute https URL without fragment and user name (RFC 9728 §5.1)"
    check_printable(argument, url)
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise invalid(argument, must, url, f"{error}.") from None
    # A client follows this URL to find where to send credentials: plain http would let the network choose the server.
    if parts.scheme != "https" or not parts.netloc or parts.fragment or "@" in parts.netloc or " " in url:
        raise invalid(argument, must, url)
    return url
