"""The fast path of a guard grants what the full path grants, and nothing else."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.drive import Answer, ByASGI, ByWSGI
from tests.support.wire import Request
from watchword import (
    ALWAYS,
    Accepted,
    APIKey,
    Basic,
    BasicCredentials,
    Bearer,
    Evidence,
    Guard,
    Principal,
    authenticated,
    network,
    optional,
    public,
    role,
    scope,
    via,
)
from watchword.checkers import Tokens, nonblocking
from watchword.testing import FixedClock

NOW = 1_700_000_000

TOKENS = {
    "plain": Principal("ann", scopes=["orders:read"]),
    "admin": Principal("bob", roles=["admin"]),
    "ending": Principal("cid", scopes=["orders:read"], evidence=Evidence(expires_at=NOW + 50)),
    "marked": Principal("dot", evidence=Evidence(scheme="Elsewhere", acr="high")),
}

RULES = {
    "/healthz": public,
    "/": optional,
    "GET /orders/{id}": scope("orders:read"),
    "/admin/**": role("admin"),
    "/keys": via("ApiKey"),
    "/tokens": via("Bearer"),
    "/near": authenticated & network("10.0.0.0/8"),
}

SETTINGS: list[dict[str, Any]] = [
    {},
    {"strip_credentials": True},
    {"require_tls": True},
    {"default": role("admin")},
]


@nonblocking
def check_password(credentials: BasicCredentials) -> Accepted | None:
    """Know one user, for ever."""
    return Accepted(TOKENS["plain"], lease=ALWAYS) if credentials.username == "plain" else None


def guard(settings: dict[str, Any], clock: FixedClock, *, fast_path: bool) -> Guard:
    """Make a guard, with the cache and the fast path through it, or without."""
    table = Tokens(TOKENS)
    # Where something is hidden, every 404 is touched, so there is no fast path: one setting has such a rule.
    hidden = {"/secret/**": role("admin").hidden()} if "default" in settings else {}
    remember = 10_000 if fast_path else 0
    schemes = Basic(check_password, realm="c"), Bearer(table, realm="a"), APIKey(table, realm="b")
    return Guard(*schemes, rules=RULES | hidden, clock=clock, request_id=lambda: "id", remember=remember, **settings)


tokens = st.sampled_from(
    ["Bearer plain", "bearer plain", "Bearer  plain", "Bearer admin", "Bearer ending", "Bearer marked", "ApiKey plain", "ApiKey admin"]
    + ["Basic " + b64encode(b"plain:x").decode()] * 2
)
faulty = st.sampled_from(
    ["Bearer wrong", "Bearer", "Bearer a,Bearer b", "Basic dTpw", "Bearer plain,Bearer plain", "Negotiate plain", "", "Bearer pl\xe9in"]
)
fields = st.one_of(
    st.tuples(st.just("Authorization"), st.one_of(tokens, tokens, faulty)),
    st.tuples(st.just("X-API-Key"), st.sampled_from(["plain", "admin", "wrong", "a,b"])),
    st.tuples(st.just("Host"), st.sampled_from(["example.com", "a,b"])),
    st.tuples(st.just("Remote-User"), st.just("root")),
    st.tuples(
        st.sampled_from(["Origin", "Access-Control-Request-Method", "Accept", "X-Request-Id", "User-Agent"]),
        st.sampled_from(["GET", "text/html"]),
    ),
    st.tuples(st.just("Sec-Fetch-Site"), st.sampled_from(["same-origin", "cross-site"])),
)
CROSS_SITE = (("Sec-Fetch-Site", "cross-site"),)
PREFLIGHT = (("Origin", "https://a.example"), ("Access-Control-Request-Method", "GET"))
TARGETS = ["/", "/healthz", "/orders/7", "/admin/x", "/keys", "/tokens", "/near", "/secret/x", "/x"]
ODD_TARGETS = ["/orders/7/", "/orders/7?x=1", "/orders//7", "/orders/%2e", "/x?#"]


def sent(headers: st.SearchStrategy[tuple[tuple[str, str], ...]], targets: list[str]) -> st.SearchStrategy[Request]:
    """Return requests with such headers to such targets."""
    return st.builds(
        Request,
        method=st.sampled_from(["GET", "OPTIONS", "TRACE", "POST", "HEAD", "get"]),
        target=st.sampled_from(targets),
        headers=headers,
        client=st.sampled_from(["10.0.0.1", "192.0.2.7", None]),
        scheme=st.sampled_from(["http", "https"]),
        raw=st.booleans(),
    )


known = sent(
    st.builds(lambda token, more: (("Authorization", token), *more), tokens, st.sampled_from([(), (), PREFLIGHT, CROSS_SITE])), TARGETS
)
wild = sent(st.lists(fields, max_size=4).map(tuple), TARGETS + ODD_TARGETS)
requests = known | wild


def comparable(answer: Answer) -> tuple[object, ...]:
    """Return everything of an answer that the way could have changed."""
    seen = answer.seen
    handed = None if seen is None else (seen.principal, seen.principal.evidence, repr(seen.decision), seen.headers, seen.query)
    # A missing page is asked for under a path that nobody can have made.
    return answer.status, answer.headers, answer.body, handed


@pytest.mark.parametrize("driver", [ByASGI, ByWSGI])
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@given(sequence=st.lists(st.tuples(requests, st.integers(0, 40)), min_size=1, max_size=12))
def test_decisions_on_the_short_way_equal_those_on_the_long_way(
    driver: Any, settings: dict[str, Any], sequence: list[tuple[Request, int]]
) -> None:
    """For any sequence of requests and steps of the clock, each answer and handover is the same with and without the fast path."""
    clock = FixedClock(NOW)
    short, long = (driver(guard(settings, clock, fast_path=on)) for on in (True, False))
    for request, seconds in sequence:
        assert comparable(short(request)) == comparable(long(request))
        # The same again: what was remembered now speaks.
        assert comparable(short(request)) == comparable(long(request))
        clock.advance(seconds)


def test_the_short_way_is_taken() -> None:
    """A caller who comes again is let in without the checker being asked, so the property above compares two ways."""
    asked: list[str] = []

    class Counting(Tokens):
        def check(self, credentials: Any) -> Any:
            asked.append("check")
            return super().check(credentials)

        check.__watchword_nonblocking__ = True  # type: ignore[attr-defined]  # what @nonblocking sets

    for driver in (ByASGI, ByWSGI):
        asked.clear()
        send = driver(Guard(Bearer(Counting(TOKENS)), rules={"GET /orders/{id}": scope("orders:read")}))
        request = Request(target="/orders/7", headers=(("Host", "a"), ("Authorization", "Bearer plain")))
        assert [send(request).status for _ in range(5)] == [200] * 5
        assert asked == ["check"]


def test_what_is_remembered_is_bounded_and_holds_no_token() -> None:
    """Ten thousand spellings of a field fill no memory without end, and no token is kept in the clear."""
    made = guard({}, FixedClock(NOW), fast_path=True)
    send = ByWSGI(made)
    for number in range(3000):
        send(Request(target=f"/orders/{number}", headers=(("Authorization", "Bearer" + " " * (number % 400 + 1) + "plain"),)))
    kept = made.fast_path
    assert 0 < len(kept.targets) <= 2048
    spellings = kept._cache._facts
    assert 0 < len(spellings) <= 10_000
    assert not any(b"plain" in key for key in spellings)
