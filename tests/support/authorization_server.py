"""A small authorization server for tests: discovery, registration, authorization codes with PKCE, JWT access tokens.

It is as strict as the standards want it where a client could be wrong (RFC 6749, RFC 7591, RFC 7636, RFC 8414, RFC 8707, RFC 9207).
A client is granted what `consent` says, so that no person has to click.
"""

from __future__ import annotations

import time
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from secrets import token_urlsafe
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from starlette.applications import Starlette
from starlette.responses import JSONResponse, RedirectResponse
from starlette.routing import Route

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response

LIFETIME = 600  # seconds


@dataclass
class Grant:
    """What a code stands for."""

    client_id: str
    redirect_uri: str
    challenge: str
    resource: str
    scope: str


@dataclass
class AuthorizationServer:
    """One issuer.

    Args:
        issuer: its identifier: a URL without a path.
        consent: the scopes that the owner of the resource grants of those that a client asks for.
    """

    issuer: str
    consent: Callable[[set[str]], set[str]] = lambda asked: asked
    asked: list[str] = field(default_factory=list)
    """The scopes of each authorization request, as they came."""
    resources: list[str] = field(default_factory=list)
    """The resource of each authorization request."""

    def __post_init__(self) -> None:
        self.key = ECKey.generate_key("P-256", {"kid": "1", "use": "sig", "alg": "ES256"}, private=True)
        self._clients: dict[str, list[str]] = {}
        self._grants: dict[str, Grant] = {}

    def app(self) -> Starlette:
        """Return the application."""
        return Starlette(
            routes=[
                Route("/.well-known/oauth-authorization-server", self._metadata),
                Route("/jwks", self._jwks),
                Route("/register", self._register, methods=["POST"]),
                Route("/authorize", self._authorize),
                Route("/token", self._token, methods=["POST"]),
            ]
        )

    def token(self, subject: str, audience: str, scope: str) -> str:
        """Return an access token (RFC 9068)."""
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": audience, "sub": subject, "client_id": "test", "scope": scope}
        return jwt.encode(
            {"alg": "ES256", "kid": "1", "typ": "at+jwt"},
            {**claims, "iat": now, "exp": now + LIFETIME, "jti": token_urlsafe(8)},
            self.key,
        )

    async def _metadata(self, _: Request) -> Response:
        return JSONResponse(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "registration_endpoint": f"{self.issuer}/register",
                "jwks_uri": f"{self.issuer}/jwks",
                "response_types_supported": ["code"],
                "grant_types_supported": ["authorization_code"],
                "code_challenge_methods_supported": ["S256"],
                "token_endpoint_auth_methods_supported": ["none"],
                "authorization_response_iss_parameter_supported": True,
            }
        )

    async def _jwks(self, _: Request) -> Response:
        return JSONResponse(KeySet([self.key]).as_dict(private=False))

    async def _register(self, request: Request) -> Response:
        sent = await request.json()
        client_id = token_urlsafe(8)
        self._clients[client_id] = sent["redirect_uris"]
        return JSONResponse({**sent, "client_id": client_id, "token_endpoint_auth_method": "none"}, 201)

    async def _authorize(self, request: Request) -> Response:
        sent = request.query_params
        client_id, redirect_uri = sent["client_id"], sent["redirect_uri"]
        if redirect_uri not in self._clients.get(client_id, ()):
            return JSONResponse({"error": "invalid_request"}, 400)  # and no redirect (RFC 6749 §4.1.2.1)
        if sent["response_type"] != "code" or sent["code_challenge_method"] != "S256":
            return RedirectResponse(f"{redirect_uri}?{urlencode({'error': 'invalid_request', 'state': sent['state']})}", 302)
        self.asked.append(sent.get("scope", ""))
        self.resources.append(sent["resource"])
        granted = self.consent(set(sent.get("scope", "").split()))
        code = token_urlsafe(16)
        self._grants[code] = Grant(client_id, redirect_uri, sent["code_challenge"], sent["resource"], " ".join(sorted(granted)))
        return RedirectResponse(f"{redirect_uri}?{urlencode({'code': code, 'state': sent['state'], 'iss': self.issuer})}", 302)

    async def _token(self, request: Request) -> Response:
        sent: dict[str, Any] = dict(await request.form())
        grant = self._grants.pop(sent.get("code", ""), None)  # a code counts once
        verifier = urlsafe_b64encode(sha256(sent.get("code_verifier", "").encode()).digest()).rstrip(b"=").decode()
        if (
            sent.get("grant_type") != "authorization_code"
            or grant is None
            or (sent.get("client_id"), sent.get("redirect_uri"), sent.get("resource"))
            != (grant.client_id, grant.redirect_uri, grant.resource)
            or verifier != grant.challenge
        ):
            return JSONResponse({"error": "invalid_grant"}, 400, {"Cache-Control": "no-store"})
        token = self.token("ann", grant.resource, grant.scope)
        answer = {"access_token": token, "token_type": "Bearer", "expires_in": LIFETIME, "scope": grant.scope}
        return JSONResponse(answer, headers={"Cache-Control": "no-store"})
