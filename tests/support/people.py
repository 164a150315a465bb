"""Who there is in the tests, what they hold, and a guard that knows them by every scheme.

All checkers answer at once, so that nothing needs an event loop; what hashes, waits or fails is made by the test that wants it.
"""

from __future__ import annotations

from typing import Any

from watchword import (
    APIKey,
    Basic,
    BasicCredentials,
    Bearer,
    BearerToken,
    Guard,
    Principal,
    Reason,
    Refused,
    Requirement,
    Unavailable,
    Verdict,
    acr,
    authenticated,
    fresh,
    network,
    nobody,
    optional,
    permission,
    public,
    role,
    scope,
    via,
)
from watchword.checkers import Tokens
from watchword.checkers.adapt import nonblocking
from watchword.principal import Evidence
from watchword.testing import FixedClock

NOW = 1_700_000_000
CLOCK = FixedClock(NOW)

ANN = Principal("ann", roles=["admin"], scopes=["orders:read"])
BOB = Principal("bob")
EVE = Principal("eve", evidence=Evidence(auth_time=NOW - 301, acr="pwd"))
ZOE = Principal("zoe", scopes=["orders:read"], evidence=Evidence(auth_time=NOW - 299, acr="mfa"))

PASSWORDS = {"ann": "s3cret", "bob": "hunter2"}
KEYS = Tokens({"ann-key": ANN, "bob-key": BOB})

ASK_BASIC = 'Basic realm="orders", charset="UTF-8"'
ASK_BEARER = 'Bearer realm="orders"'
ASK_KEY = 'ApiKey realm="orders"'
ASK_ALL = [ASK_BASIC, ASK_BEARER, ASK_KEY]
INVALID = 'Bearer realm="orders", error="invalid_token", error_description="The access token is not valid"'
EXPIRED = 'Bearer realm="orders", error="invalid_token", error_description="The access token expired"'
BAD_REQUEST = 'Bearer realm="orders", error="invalid_request"'

RULES: dict[str, Requirement] = {
    "/healthz": public,
    "/": optional,
    "/me": authenticated,
    "/orders": scope("orders:read"),
    "POST /orders": scope("orders:write"),
    "/admin": role("admin"),
    "/root": role("root"),
    "/permission": permission("print"),
    "/inside": network("10.0.0.0/8"),
    "/inside/admin": role("admin") & network("10.0.0.0/8"),
    "/nobody": nobody,
    "/token": via("Bearer"),
    "/fresh": fresh(300),
    "/acr": acr("mfa", "otp"),
    "/strict": fresh(300) & acr("mfa", "otp") & scope("orders:read"),
    "/hidden": role("root").hidden(),
}


@nonblocking
def check_password(credentials: BasicCredentials) -> Principal | None:
    """Know ann and bob; be unable to tell about the user `outage`."""
    if credentials.username == "outage":
        raise Unavailable("the directory does not answer", retry_after=7)
    if PASSWORDS.get(credentials.username) != credentials.password:
        return None
    return ANN if credentials.username == "ann" else BOB


@nonblocking
def check_token(credentials: BearerToken) -> Principal | Verdict:
    """Know `<name>-token`; answer with a reason, where the token is one; be unable to tell about `outage`."""
    if credentials.token == "outage":
        raise Unavailable("the key server does not answer", retry_after=7)
    if credentials.token in Reason.__members__.values():
        return Refused(Reason(credentials.token))
    people = {f"{principal.id}-token": principal for principal in (ANN, BOB, EVE, ZOE)}
    return people.get(credentials.token) or Refused(Reason.UNKNOWN_IDENTITY)


def orders_guard(**settings: Any) -> Guard:
    """Return a guard with Basic, Bearer and an API key over the rules above, or over those given."""
    settings.setdefault("rules", RULES)
    settings.setdefault("clock", CLOCK)
    settings.setdefault("request_id", lambda: "the-id")
    return Guard(Basic(check_password, realm="orders"), Bearer(check_token, realm="orders"), APIKey(KEYS, realm="orders"), **settings)


class Counting:
    """A checker that accepts everybody as ann, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    @nonblocking
    def check(self, credentials: Any) -> Principal:
        """Remember and accept."""
        self.asked.append(credentials)
        return ANN
