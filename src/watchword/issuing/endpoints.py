"""Answers requests to the endpoints of an authorization server: tokens, revocation, introspection, keys and metadata.

It knows no server. `watchword.adapters.token_endpoints` makes an ASGI or a WSGI application of it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import urlsplit

from watchword.checkers.adapt import adapt
from watchword.content import ContentInPieces
from watchword.credentials import APIKeyCredentials
from watchword.errors import Unavailable
from watchword.issuing.forms import FORM_LIMIT, OAuthError, read_client, read_parameters
from watchword.issuing.refresh_answers import Unrefreshed
from watchword.issuing.token_issuer import TokenIssuer
from watchword.networks import networks_of, parse_address
from watchword.observe.log import finishing
from watchword.validators import check_choice, check_sequence, check_type, is_scope_token
from watchword.verdict import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from watchword.content import ContentReader
    from watchword.operation import Steps
    from watchword.principal import Principal

MAY_INTROSPECT: Final = "introspect"
"""The permission of a client that may ask about every access token; others learn about their own alone."""

_WELL_KNOWN: Final = "/.well-known/oauth-authorization-server"
_JWKS: Final = "/.well-known/jwks.json"
_KEPT_FOR: Final = 300  # seconds for which keys and metadata may be cached


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointRequest:
    """A request to an endpoint, as an adapter sees it.

    Args:
        method: the method.
        path: the path, percent-decoded, with the mount.
        authorization: the Authorization fields.
        content_type: the Content-Type fields.
        client: the address of the peer; None: unknown.
        reader: reads the content.
    """

    method: str
    path: str
    authorization: Sequence[str | bytes] = field(default=(), repr=False)
    content_type: Sequence[str] = ()
    client: str | None = None
    reader: ContentReader


@dataclass(frozen=True, slots=True)
class EndpointResponse:
    """A response of an endpoint.

    Args:
        status: the status code.
        headers: the fields.
        body: the content.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Client:
    """A client that an endpoint serves.

    Args:
        id: its id.
        principal: what its key may do; None: a public client, which has no secret.
    """

    id: str
    principal: Principal | None


class TokenEndpoints:
    """The endpoints of an issuer: `POST /token`, `/revoke` and `/introspect`, `GET /.well-known/jwks.json` and the metadata (RFC 8414).

    An issuer of opaque access tokens has no keys to serve.

    The token endpoint takes the grants `refresh_token` and `client_credentials`. A client has an API key of kind `"client"`: its id is the
    owner of the key, its secret the key itself. The scopes of the key bound what it gets. Such a secret is random, so it is compared by its
    digest: no password hash, and no throttle, is needed.

    Args:
        issuer: issues the tokens.
        clients: a checker of API keys, such as `APIKeys(store)`.
        public_clients: ids of clients without a secret, such as native apps. They may refresh and revoke their own tokens.
        revoke_ends: what the revocation of an access token ends (RFC 7009 §2.1): `"login"`: all tokens of its login; `"token"`: it alone,
            and the login goes on. The revocation of a refresh token ends the login always.

    Raises:
        ConfigurationError: an argument is wrong.
    """

    def __init__(
        self,
        issuer: TokenIssuer,
        clients: object,
        *,
        public_clients: Iterable[str] = (),
        revoke_ends: Literal["login", "token"] = "login",
    ) -> None:
        self._issuer = check_type("TokenEndpoints(issuer)", issuer, TokenIssuer, "TokenIssuer(KeyRing.generate(), store, ...)")
        self._clients = adapt(clients)
        self._public = frozenset(check_sequence("TokenEndpoints(public_clients=...)", public_clients, '["app"]'))
        check_choice("TokenEndpoints(revoke_ends=...)", revoke_ends, ("login", "token"))
        self._one_token = revoke_ends == "token"
        self._base = urlsplit(issuer.issuer).path.rstrip("/")
        self._posts: dict[str, Callable[[EndpointRequest], Steps[EndpointResponse]]] = {
            "/token": self._token,
            "/revoke": self._revoke,
            "/introspect": self._introspect,
        }
        self._gets: dict[str, Callable[[], EndpointResponse]] = {
            _WELL_KNOWN: lambda: _document(self.metadata()),
        }
        if issuer.signs:
            self._gets[_JWKS] = lambda: _document(issuer.jwks(), "application/jwk-set+json")

    @property
    def needs_loop(self) -> bool:
        """Whether it can only be awaited, because the checker of its clients can."""
        return self._clients.needs_loop

    def metadata(self) -> dict[str, Any]:
        """Return the metadata of the server (RFC 8414 §2)."""
        base = self._issuer.issuer.rstrip("/")
        secrets = ["client_secret_basic", "client_secret_post"]
        or_public = [*secrets, "none"] if self._public else secrets
        return {
            "issuer": self._issuer.issuer,
            "token_endpoint": f"{base}/token",
            "revocation_endpoint": f"{base}/revoke",
            "introspection_endpoint": f"{base}/introspect",
            **({"jwks_uri": f"{base}{_JWKS}"} if self._issuer.signs else {}),
            # It has no authorization endpoint. The member is required (§2), and a list is never empty (§3.2).
            "response_types_supported": ["none"],
            "grant_types_supported": ["refresh_token", "client_credentials"],
            "token_endpoint_auth_methods_supported": or_public,
            "revocation_endpoint_auth_methods_supported": or_public,
            "introspection_endpoint_auth_methods_supported": secrets,
        }

    def responding(self, request: EndpointRequest) -> Steps[EndpointResponse]:
        """Answer a request, in steps, which `run` and `arun` drive.

        Args:
            request: the request; untrusted.

        Raises:
            Exception: a bug, in a checker or here; the server answers 500.
        """
        made = yield from self._made(request)
        # RFC 9110 §9.3.2: also without the content of an error, which a client on a kept connection would take for the next response.
        return EndpointResponse(made.status, made.headers) if request.method == "HEAD" else made

    def _made(self, request: EndpointRequest) -> Steps[EndpointResponse]:
        found = self._endpoint(request.path)
        if found in self._gets:
            if request.method not in {"GET", "HEAD"}:
                return _not_allowed("GET, HEAD")
            return self._gets[found]()
        if found not in self._posts:
            return _json({"error": "not_found"}, 404)
        if request.method != "POST":
            return _not_allowed("POST")
        try:
            return (yield from self._posts[found](request))
        except OAuthError as error:
            # RFC 6749 §5.2 demands the challenge of Basic where that was tried; RFC 9110 §15.5.2 demands one in every 401.
            challenge = [("WWW-Authenticate", 'Basic realm="token", charset="UTF-8"')] if error.status == 401 else []  # noqa: PLR2004
            return _json(error.members(), error.status, challenge)
        except Unavailable as error:
            # A client that hears `invalid_grant` throws a good token away.
            retry = [("Retry-After", str(max(1, int(error.retry_after or 1))))]
            return _json({"error": "temporarily_unavailable", "error_description": "try again"}, 503, retry)

    def _endpoint(self, path: str) -> str:
        """Return a path without the part that the issuer's address has. A proxy may have taken it off."""
        if self._base and path == _WELL_KNOWN + self._base:  # RFC 8414 §3.1 puts it behind
            return _WELL_KNOWN
        return path.removeprefix(self._base) if path.startswith(f"{self._base}/") else path

    def _token(self, request: EndpointRequest) -> Steps[EndpointResponse]:
        parameters, client = yield from self._asked(request)
        scopes = _scopes(parameters.get("scope"))
        match parameters.get("grant_type"):
            case "refresh_token":
                token = _needed(parameters, "refresh_token")
                found = yield from self._issuer.refreshing(token, client.id, scopes=scopes)
                if isinstance(found, Unrefreshed):
                    raise OAuthError(found.error, _REFUSED[found.error])
                return _json(found.response(), 200)
            case "client_credentials":
                if client.principal is None:
                    raise OAuthError("unauthorized_client", "a client without a secret has no tokens of its own")
                if scopes is not None and not scopes <= client.principal.scopes:
                    raise OAuthError("invalid_scope", _REFUSED["invalid_scope"])
                issued = yield from self._issuer.granting(client.id, client.principal.scopes if scopes is None else scopes)
                return _json(issued.response(), 200)
            case None:
                raise OAuthError("invalid_request", "the parameter grant_type is missing")
            case _:
                raise OAuthError("unsupported_grant_type", "the grants are refresh_token and client_credentials")

    def _revoke(self, request: EndpointRequest) -> Steps[EndpointResponse]:
        """End a token or its login (RFC 7009). An unknown token, and one of another client, is answered as one that was ended."""
        parameters, client = yield from self._asked(request)
        token, refresh = _needed(parameters, "token"), self._issuer.refresh_tokens
        if refresh.recognise(token):
            yield from refresh.revoking(token, client.id)
        else:
            claims = yield from self._issuer.reading_access(token)
            if claims is not None and claims["client_id"] == client.id:
                yield from self._issuer.revoking_access(claims) if self._one_token else refresh.revoking(claims["sid"])
        return _json({}, 200)

    def _introspect(self, request: EndpointRequest) -> Steps[EndpointResponse]:
        """Tell what a token says (RFC 7662). Whatever is not valid, or not for this client to know, is not active."""
        parameters, client = yield from self._asked(request)
        if client.principal is None:
            raise OAuthError("invalid_client", "a client without a secret may not introspect tokens", 401)
        token, refresh = _needed(parameters, "token"), self._issuer.refresh_tokens
        if refresh.recognise(token):
            members = yield from refresh.describing(token, client.id)
            return _json({"active": True, **members} if members else {"active": False}, 200)
        claims = yield from self._issuer.reading_access(token)
        allowed = claims is not None and (MAY_INTROSPECT in client.principal.permissions or claims["client_id"] == client.id)
        # Behind the claims: the application may have given the login one of these names.
        return _json({**claims, "active": True, "token_type": "Bearer"} if claims is not None and allowed else {"active": False}, 200)

    def _asked(self, request: EndpointRequest) -> Steps[tuple[dict[str, str], Client]]:
        """Return the parameters of a request, and the client that sent it, authenticated."""
        try:
            content = yield request.reader(FORM_LIMIT)
        except ContentInPieces:
            raise OAuthError("invalid_request", "the content comes in too many pieces", 413) from None
        if content is None:
            raise OAuthError("invalid_request", "the content cannot be read whole")
        if len(content) > FORM_LIMIT:
            raise OAuthError("invalid_request", f"the content is longer than {FORM_LIMIT} octets", 413)
        parameters = read_parameters(request.content_type, content)
        given = read_client(request.authorization, parameters)
        if given.secret is None:
            if given.id not in self._public:
                raise OAuthError("invalid_client", "the client must authenticate", 401)
            return parameters, Client(given.id, None)
        credentials = APIKeyCredentials(given.secret)
        answer = self._clients.direct(credentials) if self._clients.direct else (yield from self._flow(credentials))
        verdict = self._clients.verdict(answer)
        if isinstance(verdict, Refused) or not self._is_client(verdict.principal, given.id, request.client):
            raise OAuthError("invalid_client", "the id or the secret of the client is wrong", 401)
        if verdict.after_response is not None:
            yield from finishing(verdict.after_response)  # such as the note, once a minute, that the key is in use
        return parameters, Client(given.id, verdict.principal)

    def _is_client(self, principal: Principal, id: str, address: str | None) -> bool:  # noqa: A002 - the parameter's name
        """Tell whether a key is that of a client, and counts now and from here, as a guard does. That of a person's account is none."""
        if principal.id != id or principal.kind != "client":
            return False
        evidence = principal.evidence
        if evidence is None:
            return True
        now = self._issuer._clock.now()  # noqa: SLF001 - the clock of the tokens
        if evidence.expires_at is not None and not now < evidence.expires_at:  # so NaN refuses
            return False
        return evidence.networks is None or networks_of(evidence.networks).contains(parse_address(address))

    def _flow(self, credentials: APIKeyCredentials) -> Steps[object]:
        flow = self._clients.flow
        return (yield from flow(credentials)) if flow is not None else None

    def __repr__(self) -> str:
        return f"TokenEndpoints({self._issuer!r})"


_REFUSED: Final = {
    "invalid_grant": "the refresh token is not valid: log in again",
    "invalid_scope": "more scopes were asked for than were granted",
}


def _needed(parameters: Mapping[str, str], name: str) -> str:
    if name not in parameters:
        raise OAuthError("invalid_request", f"the parameter {name} is missing")
    return parameters[name]


def _scopes(text: str | None) -> frozenset[str] | None:
    if text is None:
        return None
    names = text.split(" ")
    if not all(map(is_scope_token, names)):
        raise OAuthError("invalid_scope", "the scope must be scope tokens, separated by single spaces (RFC 6749 §3.3)")
    return frozenset(names)


def _json(members: Mapping[str, Any], status: int, headers: Sequence[tuple[str, str]] = ()) -> EndpointResponse:
    body = json.dumps(members, separators=(",", ":")).encode()
    # RFC 6749 §5.1, also for errors: a cached answer would be given to another client.
    uncached = (("Cache-Control", "no-store"), ("Pragma", "no-cache"))
    fields = (("Content-Type", "application/json"), *uncached, ("Content-Length", str(len(body))), *headers)
    return EndpointResponse(status, fields, body)


def _document(members: Mapping[str, Any], type_: str = "application/json") -> EndpointResponse:
    body = json.dumps(members, separators=(",", ":")).encode()
    fields = (("Content-Type", type_), ("Cache-Control", f"public, max-age={_KEPT_FOR}"), ("Content-Length", str(len(body))))
    return EndpointResponse(200, fields, body)


def _not_allowed(methods: str) -> EndpointResponse:
    return _json({"error": "invalid_request", "error_description": f"use {methods}"}, 405, [("Allow", methods)])
