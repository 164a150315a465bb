"""Answers of introspection that are signed (RFC 9701)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from joserfc import jwk, jwt

from tests.support.each import noting
from tests.support.hostile import Connection, Received, Server, response
from watchword import Accepted, ConfigurationError, Reason, Refused, Unavailable
from watchword.checkers import JWT, Introspection
from watchword.credentials import BearerToken
from watchword.fetching import Fetcher
from watchword.testing import FixedClock

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = 1_700_000_000
ISSUER, AUDIENCE = "https://id.example.com", "https://api.example.com"
TYPE = "application/token-introspection+jwt"
KEY = jwk.ECKey.generate_key("P-256", {"kid": "one"})
OTHER = jwk.ECKey.generate_key("P-256", {"kid": "one"})
ACTIVE = {"active": True, "iss": ISSUER, "sub": "ann", "aud": AUDIENCE, "exp": NOW + 600, "scope": "orders:read"}
CLAIMS = {"iss": ISSUER, "aud": "orders-api", "iat": NOW, "token_introspection": ACTIVE}
HEADER = {"alg": "ES256", "typ": "token-introspection+jwt", "kid": "one"}


def signed(header: dict[str, Any] | None = None, *, key: jwk.ECKey = KEY, without: str = "", **claims: Any) -> str:
    """Return a signed answer with other members than those that are right."""
    members = {name: value for name, value in {**CLAIMS, **claims}.items() if name != without}
    return jwt.encode({**HEADER, **(header or {})}, members, key, algorithms=["ES256"])


class Endpoint:
    """An introspection endpoint that answers what a test puts in it."""

    def __init__(self) -> None:
        self.content, self.kind = signed(), TYPE
        self.server = Server(self._answer)

    def _answer(self, connection: Connection, _: Received) -> None:
        connection.send(response(self.content, content_type=self.kind))


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """An authorization server that signs."""
    made = Endpoint()
    with made.server:
        yield made


def verifying(**options: Any) -> JWT:
    """Return what verifies the answers."""
    named = {"issuer": ISSUER, "audience": "orders-api", "keys": {"keys": [KEY.as_dict(private=False)]}, "clock": FixedClock(NOW)}
    return JWT(**{**named, **options})


def checker(endpoint: Endpoint, **options: Any) -> Introspection:
    """Return a checker that wants signed answers."""
    named = {"issuer": ISSUER, "audience": AUDIENCE, "clock": FixedClock(NOW), "fetcher": Fetcher(timeout=60), "signed": verifying()}
    return Introspection(f"{endpoint.server.url}/introspect", "orders-api", "s3cret", **{**named, **options})


def test_a_signed_answer_counts(endpoint: Endpoint) -> None:
    """It is asked for by its media type, and the token is judged by its member `token_introspection`."""
    verdict = checker(endpoint).check(BearerToken("good"))
    assert isinstance(verdict, Accepted)
    assert verdict.principal.id == f"{ISSUER}#user:ann"
    assert verdict.principal.scopes == {"orders:read"}
    assert endpoint.server.requests[0].fields["accept"] == TYPE
    endpoint.content = signed(token_introspection={"active": False})
    assert checker(endpoint).check(BearerToken("other")) == Refused(Reason.INVALID_CREDENTIALS)
    endpoint.content = signed(token_introspection={**ACTIVE, "aud": "https://other.example"})
    assert checker(endpoint).check(BearerToken("third")) == Refused(Reason.WRONG_AUDIENCE)


BAD: dict[str, tuple[str, str]] = {
    "plain JSON": ('{"active": true, "sub": "eve"}', "not signed"),
    "another key": (signed(key=OTHER), "bad_signature"),
    "no signature": (signed().rpartition(".")[0] + ".", "bad_signature"),
    "an access token": (signed({"typ": "at+jwt"}), "wrong_token_type"),
    "no type": (jwt.encode({"alg": "ES256", "kid": "one"}, CLAIMS, KEY, algorithms=["ES256"]), "wrong_token_type"),
    "another issuer": (signed(iss="https://evil.example"), "wrong_issuer"),
    "another application": (signed(aud="other-api"), "wrong_audience"),
    "no audience": (signed(without="aud"), "wrong_audience"),
    "no iat": (signed(without="iat"), "no iat of now"),
    "iat of yesterday": (signed(iat=NOW - 86_400), "no iat of now"),
    "iat of tomorrow": (signed(iat=NOW + 86_400), "no iat of now"),
    "iat that is true": (signed(iat=True), "no iat of now"),
    "no member": (signed(without="token_introspection"), "no object token_introspection"),
    "a member that is a list": (signed(token_introspection=[ACTIVE]), "no object token_introspection"),
    "members beside it alone": (signed(without="token_introspection", active=True, sub="eve"), "no object token_introspection"),
    "no active": (signed(token_introspection={"sub": "eve"}), "no active"),
    "active as text": (signed(token_introspection={**ACTIVE, "active": "true"}), "no active"),
    "HTML": ("<html>", "malformed_token"),
    "nothing": ("", "malformed_token"),
    "an encrypted one": ("a.b.c.d.e", "malformed_token"),
    "16 KiB and more": (signed(token_introspection={**ACTIVE, "more": "x" * 16_384}), "malformed_token"),
}


def test_an_answer_that_is_not_signed_for_this_application_is_an_outage(endpoint: Endpoint) -> None:
    """It says nothing about the token, so the caller gets 503 and keeps the token."""
    for name, (content, why) in BAD.items():
        with noting(name):
            endpoint.content, endpoint.kind = content, "application/json" if name == "plain JSON" else TYPE
            with pytest.raises(Unavailable, match=why):
                checker(endpoint).check(BearerToken("good"))


def test_a_signed_answer_is_no_answer_where_none_was_asked_for(endpoint: Endpoint) -> None:
    """A checker without keys cannot verify it, and does not read it."""
    with pytest.raises(Unavailable, match="not JSON"):
        checker(endpoint, signed=None).check(BearerToken("good"))


def test_keys_that_cannot_be_had_are_an_outage(endpoint: Endpoint) -> None:
    """The token may be good."""
    away = JWT(issuer=ISSUER, audience="orders-api", jwks_url="http://127.0.0.1:9/keys", fetcher=Fetcher(timeout=5))
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1:9"):
        checker(endpoint, signed=away).check(BearerToken("good"))


def test_an_answer_is_no_access_token() -> None:
    """RFC 9701 §8.1: it has claims of a token, and its type tells them apart."""
    for profile in ("at+jwt", "any"):
        verdict = verifying(profile=profile).verify(signed(sub="ann", exp=NOW + 600, client_id="c", jti="1"))
        assert verdict == Refused(Reason.WRONG_TOKEN_TYPE)


def test_wrong_arguments() -> None:
    """The checker says what it wants."""
    for signing, message in ((verifying(issuer="https://other.example"), "the same issuer"), ("keys", "JWT")):
        with pytest.raises(ConfigurationError, match=message):
            Introspection("https://id.example.com/i", "a", "b", issuer=ISSUER, audience=None, signed=signing)  # type: ignore[arg-type]
