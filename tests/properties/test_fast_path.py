"""The fast path of a guard grants what the full path grants, and nothing else."""

from __future__ import annotations

import logging
from base64 import b64encode
from typing import TYPE_CHECKING, Any

import hypothesis
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
    BearerToken,
    Evidence,
    Firewall,
    Guard,
    Operation,
    Principal,
    RequestView,
    authenticated,
    network,
    optional,
    public,
    role,
    scope,
    via,
)
from watchword.checkers import Tokens, nonblocking
from watchword.peer import Forwarded, Peer
from watchword.schemes import Scheme
from watchword.testing import FixedClock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from watchword.operation import Steps
    from watchword.protection.attempts import Attempt, Outcome

NOW = 1_700_000_000

TOKENS = {
    "plain": Principal("ann", scopes=["orders:read"]),
    "admin": Principal("bob", roles=["admin"]),
    "ending": Principal("cid", scopes=["orders:read"], evidence=Evidence(expires_at=NOW + 50)),
    "broad": Principal("eve", scopes=["orders:all"]),
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


async def at_once() -> None:
    """Do nothing, without waiting for it."""


class Patient:
    """Lets everybody try again at once; what it is asked about takes the full path."""

    def blocked(self, _attempt: Attempt) -> int | None:
        """Let everybody try."""
        return None

    def reserve(self, _attempt: Attempt) -> Steps[int | Patient]:
        """Let everybody try, after a step."""
        yield Operation(lambda: None, at_once)
        return self

    def settle(self, _outcome: Outcome) -> Operation[object] | None:
        """Leave nothing to do."""
        return None


class Hop:
    """Believes whoever sends the fields."""

    fields = ("X-Forwarded-For", "X-Forwarded-Host", "X-Client-Cert")

    def resolve(self, view: RequestView) -> Forwarded | None:
        """Return what is said."""
        client = view.field("x-forwarded-for") or view.client
        return Forwarded(client, "https", view.field("x-forwarded-host"), Peer(certificate=(view.field("x-client-cert") or "").encode()))


SETTINGS: list[dict[str, Any]] = [
    {},
    {"strip_credentials": True},
    {"require_tls": True},
    {"default": role("admin")},
    {"proxy": True},
    {"throttle": Patient()},
    {"proxies": Hop()},
    {"bearer": {"form": True}},
    {"api_key": {"header": "X-Key", "cookie": "key"}},
    {"api_key": {"query": "key"}},
    {"cors_expose": True},
    {"xhr_no_prompt": True},
    {"scope_implies": {"orders:all": ["orders:read"]}},
    {"firewall": Firewall(off=["repeated_field", "field_alias"])},
]


@nonblocking
def check_password(credentials: BasicCredentials) -> Accepted | None:
    """Know one user, for ever."""
    return Accepted(TOKENS["plain"], lease=ALWAYS) if credentials.username == "plain" else None


def guard(settings: dict[str, Any], clock: FixedClock, *, fast_path: bool) -> Guard:
    """Make a guard, with the cache and the fast path through it, or without."""
    table = Tokens(TOKENS)
    settings = dict(settings)
    # Where something is hidden, every 404 is touched: one setting has such a rule.
    hidden = {"/secret/**": role("admin").hidden()} if "default" in settings else {}
    basic, bearer = Basic(check_password, realm="c"), Bearer(table, realm="a", **settings.pop("bearer", {}))
    key = APIKey(table, realm="b", **settings.pop("api_key", {}))
    proxy = settings.get("proxy", False)
    schemes = (basic,) if proxy else (basic, bearer, key)
    rules = {pattern: demand for pattern, demand in (RULES | hidden).items() if not (proxy and pattern in {"/keys", "/tokens"})}
    made = Guard(*schemes, rules=rules, clock=clock, request_id=lambda: "id", remember=10_000 if fast_path else 0, **settings)
    if not fast_path:
        # Public routes need no cache, and neither do refusals.
        made.fast_path.in_use = made.fast_path.is_open = made.fast_path.refuses = False
    return made


tokens = st.sampled_from(
    [
        "Bearer plain",
        "bearer plain",
        "Bearer  plain",
        "Bearer admin",
        "Bearer ending",
        "Bearer marked",
        "Bearer broad",
        "ApiKey plain",
        "ApiKey admin",
    ]
    + ["Basic " + b64encode(b"plain:x").decode()] * 2
)
faulty = st.sampled_from(
    ["Bearer wrong", "Bearer", "Bearer a,Bearer b", "Basic dTpw", "Bearer plain,Bearer plain", "Negotiate plain", "", "Bearer pl\xe9in"]
)
KEYS = ["plain", "admin", " plain", "ending", "wrong", "a,b", "", "pl\xe9in", "p" * 600]
fields = st.one_of(
    st.tuples(st.just("Authorization"), st.one_of(tokens, tokens, faulty)),
    st.tuples(st.sampled_from(["Proxy-Authorization"]), tokens),
    st.tuples(st.sampled_from(["X-API-Key", "X-API-Key", "X_API_Key", "X-Key"]), st.sampled_from(KEYS)),
    st.tuples(st.just("Cookie"), st.sampled_from(["key=plain", "key=wrong", "a=b"])),
    st.tuples(st.just("Host"), st.sampled_from(["example.com", "a,b"])),
    st.tuples(st.sampled_from(["Remote-User", "X-Client-Cert"]), st.just("00")),
    st.tuples(st.sampled_from(["X-Forwarded-For", "X-Forwarded-Host"]), st.sampled_from(["10.0.0.9", "192.0.2.9", "a, b"])),
    st.tuples(
        st.sampled_from(["Origin", "Access-Control-Request-Method", "Accept", "X-Request-Id", "User-Agent"]),
        st.sampled_from(["GET", "text/html"]),
    ),
    st.tuples(st.just("Accept"), st.sampled_from(["application/json", "text/html;q=0.5, text/plain", "x" * 9000, "", "\xe9"])),
    st.tuples(st.just("X-Request-Id"), st.sampled_from(["a-1", "a b", "", "0123456789abcdef", "\xe9"])),
    st.tuples(st.sampled_from(["Sec-Fetch-Mode", "X-Requested-With"]), st.sampled_from(["navigate", "cors"])),
    st.tuples(st.just("Sec-Fetch-Site"), st.sampled_from(["same-origin", "cross-site"])),
)
CROSS_SITE = (("Sec-Fetch-Site", "cross-site"),)
PREFLIGHT = (("Origin", "https://a.example"), ("Access-Control-Request-Method", "GET"))
TARGETS = ["/", "/healthz", "/orders/7", "/admin/x", "/keys", "/tokens", "/near", "/secret/x", "/x"]
ODD_TARGETS = ["/orders/7/", "/orders/7?x=1", "/orders/7?key=plain", "/healthz?x=1", "/healthz?x#", "/orders//7", "/orders/%2e", "/x?#"]


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


REFUSED = (("Accept", "text/html"), ("X-Request-Id", "r-1"), ("Origin", "https://a.example"))
EXTRA = [
    (),
    (),
    PREFLIGHT,
    REFUSED,
    (*REFUSED, ("Accept", "application/json")),
    CROSS_SITE,
    (("Host", "a"),),
    (("X-Forwarded-Host", "a,b"),),
    (("X-Client-Cert", "00"),),
]
shown = st.one_of(
    st.tuples(st.just("Authorization"), tokens),
    st.tuples(st.sampled_from(["X-API-Key", "X-API-Key", "X-Key"]), st.sampled_from(["plain", "admin", "ending"])),
)
known = sent(
    st.builds(lambda field, more: (*field, *more), st.lists(shown, max_size=1), st.sampled_from(EXTRA)),
    TARGETS,
)
wild = sent(st.lists(fields, max_size=4).map(tuple), TARGETS + ODD_TARGETS)
requests = known | wild


def comparable(answer: Answer) -> tuple[object, ...]:
    """Return everything of an answer that the way could have changed."""
    seen = answer.seen
    handed = None if seen is None else (seen.principal, seen.principal.evidence, repr(seen.decision), seen.headers, seen.query)
    # A missing page is asked for under a path that nobody can have made.
    return answer.status, answer.headers, answer.body, handed


class Kept(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[tuple[str, object]] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the line, and what stands beside it."""
        self.lines.append((record.getMessage(), record.__dict__["watchword"]))


@pytest.fixture(autouse=True)
def level() -> Iterator[None]:
    """Leave the level of the log as it was."""
    logger = logging.getLogger("watchword")
    before = logger.level
    yield
    logger.setLevel(before)


@pytest.mark.parametrize("driver", [ByASGI, ByWSGI])
@pytest.mark.parametrize("settings", SETTINGS, ids=[f"{number}-{next(iter(one), 'plain')}" for number, one in enumerate(SETTINGS)])
@hypothesis.settings(max_examples=hypothesis.settings().max_examples * 2 // 5)
@given(sequence=st.lists(st.tuples(requests, st.integers(0, 40)), min_size=1, max_size=12), logged=st.booleans())
def test_decisions_on_the_short_way_equal_those_on_the_long_way(
    driver: Any, settings: dict[str, Any], sequence: list[tuple[Request, int]], *, logged: bool
) -> None:
    """For any sequence of requests and steps of the clock, each answer, handover and line in the log is the same with the fast path or not.

    With the log on a refusal of the fast path makes a view, and without it reads the fields that it needs; both answer alike.
    """
    clock = FixedClock(NOW)
    logger = logging.getLogger("watchword")
    logger.setLevel(logging.INFO if logged else logging.CRITICAL)
    short, long = (driver(guard(settings, clock, fast_path=on)) for on in (True, False))
    for request, seconds in sequence:
        for _ in range(2):  # the same again: what was remembered now speaks
            kept = Kept()
            logger.addHandler(kept)
            try:
                answers = comparable(short(request)), comparable(long(request))
            finally:
                logger.removeHandler(kept)
            assert answers[0] == answers[1]
            by_short, by_long = kept.lines[: len(kept.lines) // 2], kept.lines[len(kept.lines) // 2 :]
            assert by_short == by_long
        clock.advance(seconds)


@pytest.mark.parametrize("driver", [ByASGI, ByWSGI])
@pytest.mark.parametrize(
    ("field", "target"),
    [
        (("Authorization", "Bearer plain"), "/orders/7"),
        (("X-API-Key", "plain"), "/orders/7"),
        (None, "/healthz?x=1"),
        (None, "/orders/7?x=1"),
        (("Authorization", "Bearer marked"), "/orders/7"),
    ],
    ids=["token", "key", "public", "nothing", "without rights"],
)
def test_the_short_way_is_taken(driver: Any, field: tuple[str, str] | None, target: str) -> None:
    """After the first request of a caller, and on a public route, nothing is decided on the full path, so the property compares two ways.

    The same where nothing is shown, or the caller lacks a scope.
    """
    made = guard({}, FixedClock(NOW), fast_path=True)
    send = driver(made)
    request = Request(target=target, headers=(("Host", "a"), ("Accept", "*/*"), *((field,) if field else ())))
    first = comparable(send(request))
    del made._deciding  # whoever takes the full path misses it
    assert [comparable(send(request)) for _ in range(3)] == [first] * 3


def test_credentials_of_one_field_are_none_of_another() -> None:
    """What an API key stands for in its own field is nothing in the field Authorization, and the other way round."""
    for driver in (ByASGI, ByWSGI):
        send = driver(guard({}, FixedClock(NOW), fast_path=True))
        for _ in range(3):
            assert send(Request(target="/orders/7", headers=(("X-API-Key", "plain"),))).status == 200
            assert send(Request(target="/orders/7", headers=(("Authorization", "Bearer plain"),))).status == 200
            assert send(Request(target="/orders/7", headers=(("Authorization", "plain"),))).status in {400, 401}
            assert send(Request(target="/orders/7", headers=(("X-API-Key", "Bearer plain"),))).status == 401


class Certificates(Scheme[BearerToken]):
    """Takes credentials from no field at all."""

    name = "Certificate"
    fields = ()

    def extract(self, view: RequestView) -> BearerToken | None:
        """Return whose connection it is."""
        return BearerToken("admin") if view.client == "10.0.0.1" else None


@pytest.mark.parametrize("driver", [ByASGI, ByWSGI])
def test_no_caller_takes_the_short_way_where_a_scheme_looks_at_no_field(driver: Any) -> None:
    """Two callers at once are ambiguous, however well one of them is known; public routes stay fast."""
    made = Guard(Bearer(Tokens(TOKENS)), Certificates(Tokens(TOKENS)), rules={"/open": public})
    send = driver(made)
    for _ in range(3):
        for client, status in (("192.0.2.7", 200), ("10.0.0.1", 400)):
            assert send(Request(target="/x", headers=(("Authorization", "Bearer plain"),), client=client)).status == status
    assert made.fast_path.in_use
    assert not made.fast_path.is_open


def test_what_is_remembered_is_bounded_and_holds_no_token() -> None:
    """Ten thousand spellings of a field fill no memory without end, and no token is kept in the clear."""
    made = guard({}, FixedClock(NOW), fast_path=True)
    send = ByWSGI(made)
    for number in range(3000):
        send(Request(target=f"/orders/{number}", headers=(("Authorization", "Bearer" + " " * (number % 400 + 1) + "plain"),)))
    kept = made.fast_path
    assert 0 < len(kept.targets) <= 2048
    spellings = kept._cache.facts
    assert 0 < len(spellings) <= 10_000
    assert not any(b"plain" in key for key in spellings)
