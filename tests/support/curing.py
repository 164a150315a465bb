"""A program that is refused, and has nothing but the refusal to go on: the loop of docs/cure.md, and a service to try it on."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from tests.support.wire import basic
from watchword import (
    APIKey,
    Basic,
    BasicCredentials,
    Bearer,
    Guard,
    Operation,
    Principal,
    ResourceMetadata,
    Unavailable,
    acr,
    authenticated,
    fresh,
    role,
    scope,
    via,
)
from watchword.adapters import asgi, wsgi
from watchword.adapters.token_endpoints import asgi_app, wsgi_app
from watchword.checkers import APIKeys, Tokens, nonblocking
from watchword.client import cure, follow, origin_of, read_response
from watchword.issuing import KeyRing, TokenEndpoints, TokenIssuer
from watchword.stores import MemoryStore
from watchword.testing import FixedClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from watchword.client import Alternative
    from watchword.operation import Steps
    from watchword.protection.attempts import Attempt

API, AUTH = "https://api.example", "https://id.example"
RING = KeyRing.generate()
_ENDPOINTS = {"/token", "/.well-known/oauth-authorization-server"}


class Send(Protocol):
    """Sends a request by some HTTP client; `cure` takes what it returns."""

    def __call__(self, method: str, url: str, headers: dict[str, str], form: dict[str, str] | None = None) -> Any:
        """Return the response."""


@dataclass
class Wallet:
    """What a program has been given, and by whom.

    Args:
        secrets: origin, scheme and realm to the value of the field Authorization.
        refresh: issuer to a refresh token of it.
        client: the id of the program.
        person: logs in as an alternative asks for, and returns a token.
    """

    secrets: dict[tuple[str, str, str], str] = field(default_factory=dict)
    refresh: dict[str, str] = field(default_factory=dict)
    client: str = "app"
    person: Callable[[Alternative], str] | None = None


def reach(send: Send, url: str, wallet: Wallet, sleep: Callable[[float], None]) -> tuple[int, list[str]]:
    """Request a URL until it is served, or nothing is left to try.

    Returns:
        The last status, and what was done on the way.
    """
    headers: dict[str, str] = {}
    done: list[str] = []
    while True:
        response = send("GET", url, headers)
        found = follow(cure(response), lambda document: send("GET", document, {}))
        for one in found.alternatives:
            if done.count(f"{one.action} {one.scheme}") > 1:
                continue  # it did not help
            if one.action == "wait":
                sleep(1 if one.wait is None else one.wait)
            else:
                value = credentials(send, one, url, wallet)
                if value is None:
                    continue
                headers = {one.header: value}
            done.append(f"{one.action} {one.scheme}")
            break
        else:
            return found.status, [step.strip() for step in done]


def credentials(send: Send, one: Alternative, url: str, wallet: Wallet) -> str | None:
    """Return credentials that an alternative asks for; None: there are none for it. Nothing is sent to those that it is not of."""
    if one.action == "authenticate" and (origin_of(url), one.scheme, one.realm) in wallet.secrets:
        return wallet.secrets[str(origin_of(url)), one.scheme, one.realm]
    if one.action == "step_up" and wallet.person is not None:
        return f"{one.scheme} {wallet.person(one)}"
    source = one.obtain
    # A refresh token goes to its own issuer: a hostile service may name any endpoint.
    if one.scheme != "Bearer" or source is None or source.token_endpoint is None or source.issuer not in wallet.refresh:
        return None
    form = {"grant_type": "refresh_token", "client_id": wallet.client, "refresh_token": wallet.refresh[source.issuer]}
    answer = read_response(send("POST", source.token_endpoint.url, {}, form | ({"scope": " ".join(one.scopes)} if one.scopes else {})))
    if answer.status != 200:
        return None
    tokens = json.loads(answer.body)
    wallet.refresh[source.issuer] = tokens["refresh_token"]
    return f"Bearer {tokens['access_token']}"


class Shut:
    """A throttle that lets nobody in before a time."""

    def __init__(self, clock: FixedClock, until: float) -> None:
        self._clock, self._until = clock, until

    def blocked(self, attempt: Attempt) -> int | None:
        """Tell how long to wait."""
        left = int(self._until - self._clock.now())
        return left if attempt.request.path == "/busy" and left > 0 else None

    def reserve(self, attempt: Attempt) -> Steps[Shut | int]:
        """Take room."""
        yield Operation(lambda: None)
        return self

    def settle(self, outcome: str) -> None:
        """Note nothing."""


class Service:
    """An API with Basic, keys and tokens, and the server that issues the tokens. Both answer at every origin.

    Args:
        api: the origin of the API.
        auth: the issuer.
    """

    def __init__(self, api: str = API, auth: str = AUTH) -> None:
        self.api, self.auth = api, auth
        self.clock = FixedClock(1_700_000_000)
        self.back = self.clock.now() + 20  # when the directory answers again
        store = MemoryStore(clock=self.clock)
        self.issuer = TokenIssuer(RING, store, issuer=auth, audience=api, clock=self.clock, on_event=str)
        self.endpoints = TokenEndpoints(self.issuer, APIKeys(store, clock=self.clock), public_clients=["app"])
        metadata = ResourceMetadata(resource=api, authorization_servers=[auth])
        self.guard = Guard(
            Basic(self._check, realm="orders"),
            Bearer(self.issuer.access_tokens(), realm="orders", metadata=metadata),
            APIKey(Tokens({"key-of-ann": Principal("ann")}), realm="orders"),
            rules={
                "/basic": via("Basic"),
                "/key": via("ApiKey"),
                "/read": scope("orders:read"),
                "/write": scope("orders:write", "orders:read"),
                "/fresh": fresh(300) & acr("mfa"),
                "/busy": authenticated & via("Basic"),
                "/away": authenticated & via("Basic"),
                "/admin": via("Basic") & role("root"),
            },
            throttle=Shut(self.clock, self.clock.now() + 30),
            clock=self.clock,
            remember=0,
        )
        guarded, tokens = wsgi.GuardMiddleware(_serve_wsgi, self.guard), wsgi_app(self.endpoints)
        self.wsgi = lambda environ, start: (tokens if environ["PATH_INFO"] in _ENDPOINTS else guarded)(environ, start)
        guarded_async, tokens_async = asgi.GuardMiddleware(_serve_asgi, self.guard), asgi_app(self.endpoints)

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await (tokens_async if scope["path"] in _ENDPOINTS else guarded_async)(scope, receive, send)

        self.asgi = app

    def wallet(self, *scopes: str) -> Wallet:
        """Return what ann's program was given; its access token is of the scopes alone, its login may have all."""
        login = self.issuer.issue("ann", "app", scopes=["orders:read", "orders:write"], claims={"auth_time": 1_600_000_000, "acr": "pwd"})
        narrow: Any = self.issuer.refresh(str(login.refresh_token), "app", scopes=scopes or ["orders:read"])
        secrets = {
            (self.api, "Basic", "orders"): basic("ann", "s3cret")[1],
            (self.api, "ApiKey", "orders"): "ApiKey key-of-ann",
            (self.api, "Bearer", "orders"): f"Bearer {narrow.access_token}",
        }
        return Wallet(secrets, {self.auth: narrow.refresh_token}, person=self._logs_in)

    def _logs_in(self, one: Alternative) -> str:
        claims = {"auth_time": int(self.clock.now()), "acr": one.acr_values[0]}
        return self.issuer.issue("ann", "app", scopes=one.scopes, claims=claims).access_token

    @nonblocking
    def _check(self, credentials: BasicCredentials) -> Principal | None:
        if self.clock.now() < self.back and credentials.username == "slow":
            raise Unavailable("the directory does not answer", retry_after=20)
        return Principal(credentials.username) if credentials.password == "s3cret" else None


def _serve_wsgi(environ: Any, start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"served"]


async def _serve_asgi(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"served"})
