"""Introspection of tokens (RFC 7662)."""

# ruff: noqa: N802 - a test carries the id of its rule

from __future__ import annotations

import gc
import json
import threading
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import anyio
import httpx2
import pytest

from tests.support.each import each, noting
from tests.support.hostile import WORLDS, Authority, Connection, Received, Server, answering, response
from watchword import Accepted, Bearer, ConfigurationError, Guard, Overloaded, Reason, Refused, RequestView, Unavailable, scope
from watchword.adapters.asgi import GuardMiddleware
from watchword.adapters.wsgi import GuardMiddleware as WSGIMiddleware
from watchword.checkers import JWT, AnyOf, Introspection, OpaqueTokens
from watchword.checkers.jwt import ClaimMap
from watchword.credentials import BearerToken
from watchword.fetching import Fetcher
from watchword.fetching.breaker import MOST_SILENT
from watchword.operation import in_steps
from watchword.stores import MemoryStore
from watchword.testing import FixedClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from watchword.observe.notice import OperatorNotice
    from watchword.verdict import Verdict

NOW = 1_700_000_000
ISSUER, AUDIENCE = "https://id.example.com", "https://api.example.com"
ACTIVE: dict[str, Any] = {
    "active": True,
    "iss": ISSUER,
    "sub": "ann",
    "aud": AUDIENCE,
    "exp": NOW + 3600,
    "scope": "orders:read orders:write",
}
INACTIVE = '{"active": false}'


class Endpoint:
    """An introspection endpoint that answers what a test puts in it."""

    def __init__(self) -> None:
        self.answer: Any = ACTIVE
        self.respond: Callable[[Connection, Received], None] | None = None
        self.gate: threading.Event | None = None
        self.server = Server(self._answer)

    @property
    def questions(self) -> int:
        """How many there were."""
        return len(self.server.requests)

    def _answer(self, connection: Connection, request: Received) -> None:
        if self.gate is not None:
            self.gate.wait(60)
        if self.respond is not None:
            self.respond(connection, request)
        else:
            connection.send(response(self.answer if isinstance(self.answer, str) else json.dumps(self.answer)))


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """An authorization server."""
    made = Endpoint()
    with made.server:
        yield made
        if made.gate is not None:
            made.gate.set()
    gc.collect()


def checker(endpoint: Endpoint, *given: Any, **options: Any) -> Introspection:
    """Return a checker that asks an endpoint."""
    names = {"issuer": ISSUER, "audience": AUDIENCE, "clock": FixedClock(NOW), "fetcher": Fetcher(timeout=60), "on_event": lambda _: None}
    own = given or (() if "token" in options else ("api", "s3cret"))
    return Introspection(f"{endpoint.server.url}/introspect", *own, **{**names, **options})


def ask(introspection: Introspection, token: str = "abc", world: str = "sync") -> Verdict:
    """Ask about a token."""
    verdict: Verdict = WORLDS[world](in_steps(lambda: introspection.flow(BearerToken(token))))
    return verdict


@each("world", WORLDS)
def test_R7662_2_1_1_the_question_is_a_form(world: str) -> None:
    """The token goes in the content of a POST, with the credentials of this application, and never in the URL."""
    made = Endpoint()
    with made.server:
        assert isinstance(ask(checker(made), "tok.en+/=", world), Accepted)
    (sent,) = made.server.requests
    assert (sent.method, sent.target) == ("POST", "/introspect")
    assert sent.content == b"token=tok.en%2B%2F%3D&token_type_hint=access_token"
    assert sent.fields["content-type"] == "application/x-www-form-urlencoded"
    assert sent.fields["accept"] == "application/json"
    assert sent.fields["authorization"] == f"Basic {b64encode(b'api:s3cret').decode()}"


def test_R7662_2_1_1_http_is_an_error() -> None:
    """An endpoint over http would get secrets that the network reads."""
    with pytest.raises(ValueError, match="https"):
        Introspection("http://id.example.com/introspect", "api", "s3cret", issuer=ISSUER, audience=None)


@each(
    ("given", "options", "authorization", "form"),
    [
        (("a:b", "p%"), {}, f"Basic {b64encode(b'a%3Ab:p%25').decode()}", {}),
        (("a b", "ü+/&="), {}, f"Basic {b64encode(b'a+b:%C3%BC%2B%2F%26%3D').decode()}", {}),
        ((), {"token": "own.token"}, "Bearer own.token", {}),
        (("api",), {}, None, {"client_id": ["api"]}),
    ],
)
def test_R7662_2_1_2_credentials_are_encoded_as_a_form(
    given: tuple[str, ...], options: dict[str, Any], authorization: str | None, form: dict[str, Any]
) -> None:
    """Name and secret are encoded as a form before they become Basic (RFC 6749 §2.3.1); a token of our own is a bearer token."""
    made = Endpoint()
    with made.server:
        introspection = checker(made, *given, **options)
        assert isinstance(ask(introspection), Accepted)
    (sent,) = made.server.requests
    assert sent.fields.get("authorization") == authorization
    assert parse_qs(sent.content.decode()) == {"token": ["abc"], "token_type_hint": ["access_token"], **form}


ODD: list[Any] = ["true", 1, None, [True], {}]


@each("answer", [*({"active": odd} for odd in ODD), {}, {"Active": True}, {**ACTIVE, "active": "yes"}])
def test_R7662_2_2_1_active_is_literally_true(answer: dict[str, Any]) -> None:
    """An answer whose `active` is neither true nor false is that of a broken server: an outage, and nobody is let in."""
    made = Endpoint()
    made.answer = answer
    with made.server, pytest.raises(Unavailable, match="no active that is true or false"):
        ask(checker(made))


def test_R7662_2_2_1_a_token_that_is_not_active_is_refused(endpoint: Endpoint) -> None:
    """A server that says no is believed, whatever else it says; a client sees `invalid_token`."""
    endpoint.answer = {**ACTIVE, "active": False}
    verdict = ask(checker(endpoint))
    assert verdict == Refused(Reason.INVALID_CREDENTIALS)
    guard = Guard(Bearer(checker(endpoint)))
    decision = guard.decide(view())
    refusal = guard.refuse(decision, view())
    assert refusal.status == 401
    assert 'error="invalid_token"' in dict(refusal.headers)["WWW-Authenticate"]


CLAIMS: list[tuple[dict[str, Any], Reason]] = [
    ({"exp": NOW - 3600}, Reason.EXPIRED),
    ({"exp": NOW - 61}, Reason.EXPIRED),
    ({"nbf": NOW + 3600}, Reason.NOT_YET_VALID),
    ({"iat": NOW + 3600}, Reason.NOT_YET_VALID),
    ({"aud": "https://other.example.com"}, Reason.WRONG_AUDIENCE),
    ({"aud": ["https://other.example.com", f"{AUDIENCE}/"]}, Reason.WRONG_AUDIENCE),
    ({"aud": []}, Reason.WRONG_AUDIENCE),
    ({"aud": None}, Reason.INVALID_CLAIM),
    ({"aud": {AUDIENCE: True}}, Reason.INVALID_CLAIM),
    ({"aud": ...}, Reason.WRONG_AUDIENCE),
    ({"iss": "https://evil.example"}, Reason.WRONG_ISSUER),
    ({"iss": f"{ISSUER}/"}, Reason.WRONG_ISSUER),
    ({"iss": [ISSUER]}, Reason.WRONG_ISSUER),
    ({"iss": None}, Reason.WRONG_ISSUER),
    ({"cnf": {"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}}, Reason.BOUND_TOKEN),
    ({"cnf": {"x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"}}, Reason.BOUND_TOKEN),
    ({"cnf": None}, Reason.BOUND_TOKEN),
    ({"token_type": "DPoP"}, Reason.WRONG_TOKEN_TYPE),
    ({"token_type": "refresh_token"}, Reason.WRONG_TOKEN_TYPE),
    ({"token_type": 7}, Reason.WRONG_TOKEN_TYPE),
    ({"token_use": "refresh_token"}, Reason.WRONG_TOKEN_TYPE),
    ({"typ": "Refresh"}, Reason.WRONG_TOKEN_TYPE),
    ({"exp": "never"}, Reason.INVALID_CLAIM),
    ({"exp": True}, Reason.INVALID_CLAIM),
    ({"exp": None}, Reason.INVALID_CLAIM),
    ({"exp": NOW * 1000}, Reason.INVALID_CLAIM),
    ({"scope": {"orders:read": True}}, Reason.INVALID_CLAIM),
    ({"scope": 'a"b'}, Reason.INVALID_CLAIM),
    ({"sub": ""}, Reason.INVALID_CLAIM),
    ({"sub": 7}, Reason.INVALID_CLAIM),
    ({"sub": ["ann"]}, Reason.INVALID_CLAIM),
    ({"sub": ...}, Reason.INVALID_CLAIM),
    ({"auth_time": "now"}, Reason.INVALID_CLAIM),
    ({"acr": 1}, Reason.INVALID_CLAIM),
    ({"amr": "pwd"}, Reason.INVALID_CLAIM),
]


def test_R7662_2_2_2_what_an_answer_says_is_checked_here(endpoint: Endpoint) -> None:
    """An active token that has ended, is for another server or scheme, or is of another issuer is refused, each for its reason."""
    introspection = checker(endpoint)
    for number, (changes, reason) in enumerate(CLAIMS):
        endpoint.answer = {name: value for name, value in {**ACTIVE, **changes}.items() if value is not ...}
        with noting(changes):
            verdict = ask(introspection, f"token{number}")
            assert isinstance(verdict, Refused)
            assert verdict.reason is reason


def test_an_answer_makes_a_principal(endpoint: Endpoint) -> None:
    """Who it is, and what the caller may do, come from the answer by the map of claims, as from a JWT."""
    login = {"auth_time": NOW - 10, "acr": "gold", "amr": ["pwd", "otp"], "realm_access": {"roles": ["admin"]}, "token_type": "bearer"}
    endpoint.answer = {**ACTIVE, **login}
    verdict = ask(checker(endpoint, claims=ClaimMap(roles=("realm_access.roles",))))
    assert isinstance(verdict, Accepted)
    who = verdict.principal
    assert (who.id, who.kind) == (f"{ISSUER}#user:ann", "user")
    assert who.scopes == {"orders:read", "orders:write"}
    assert who.roles == {"admin"}
    assert who.claims["sub"] == "ann"
    assert who.evidence is not None
    assert (who.evidence.auth_time, who.evidence.acr) == (NOW - 10, "gold")
    assert who.evidence.factors == {"pwd", "otp"}
    assert who.evidence.expires_at == NOW + 3660
    # All but `active` may be missing; a token of a program is of the program.
    endpoint.answer = {"active": True, "client_id": "robot"}
    verdict = ask(checker(endpoint, audience=None), "other")
    assert isinstance(verdict, Accepted)
    assert (verdict.principal.id, verdict.principal.kind) == (f"{ISSUER}#client:robot", "client")
    assert verdict.principal.evidence is not None
    assert verdict.principal.evidence.expires_at is None


def _length(octets: int) -> Callable[[Connection, Received], None]:
    return answering(json.dumps({**ACTIVE, "x": "x" * octets}))


OUTAGES: dict[str, Callable[[Connection, Received], None]] = {
    "401 to us": answering('{"error": "invalid_client"}', 401, www_authenticate="Basic"),
    "403 to us": answering("{}", 403),
    "400": answering('{"error": "invalid_request"}', 400),
    "404": answering(json.dumps(ACTIVE), 404),
    "429": answering(json.dumps(ACTIVE), 429),
    "500": answering(json.dumps(ACTIVE), 500),
    "201": answering(json.dumps(ACTIVE), 201),
    "204": answering("", 204),
    "a redirect": answering("", 307, location="/again"),
    "HTML": answering("<html>", content_type="text/html"),
    "JSON as HTML": answering(json.dumps(ACTIVE), content_type="text/html"),
    "JSON without a type": answering(json.dumps(ACTIVE), content_type=""),
    "a JWT": answering("a.b.c", content_type="application/token-introspection+jwt"),
    "a list": answering("[]"),
    "true": answering("true"),
    "truncated": answering(json.dumps(ACTIVE)[:-1]),
    "active twice": answering('{"active": false, "active": true}'),
    "UTF-16": answering(json.dumps(ACTIVE).encode("utf-16")),
    "deep": answering('{"active": true, "x": ' + "[" * 20_000 + "]" * 20_000 + "}"),
    "a number of 6,000 digits": answering('{"active": true, "exp": ' + "9" * 6000 + "}"),
    "too long": _length(1 << 20),
    "closes": lambda _connection, _request: None,
    "half an answer": lambda connection, _: connection.send(response(json.dumps(ACTIVE))[:-5]),
}


def test_R7662_2_3_1_a_failure_of_the_server_is_an_outage(endpoint: Endpoint) -> None:
    """What is no answer about the token is 503 with Retry-After, never 401, never access; it is not kept, and shows no secret."""
    told: list[OperatorNotice] = []
    for row, respond in OUTAGES.items():
        introspection = checker(endpoint, on_event=told.append)
        for world in WORLDS:
            endpoint.respond = respond
            with noting(row, world):
                with pytest.raises(Unavailable) as outage:
                    ask(introspection, "s3cret-token", world)
                assert outage.value.retry_after
                assert "s3cret" not in outage.value.why
                endpoint.respond = None
                assert isinstance(ask(introspection, "s3cret-token", world), Accepted)
    # A 401 to us is a mistake that an operator must mend: told at each time when it begins.
    assert [notice.kind for notice in told] == ["introspection_refused"] * 6
    assert "client_secret" in told[0].detail
    endpoint.respond = OUTAGES["401 to us"]
    guard = Guard(Bearer(checker(endpoint)))
    refusal = guard.refuse(guard.decide(view()), view())
    assert (refusal.status, "Retry-After" in dict(refusal.headers)) == (503, True)
    assert "WWW-Authenticate" not in dict(refusal.headers)


def test_R7662_2_3_1_a_refusal_of_us_is_told_once(endpoint: Endpoint) -> None:
    """While a server refuses this application each request is an outage, and the operator gets one notice."""
    told: list[OperatorNotice] = []
    introspection = checker(endpoint, on_event=told.append)
    endpoint.respond = OUTAGES["401 to us"]
    for _ in range(5):
        with pytest.raises(Unavailable, match="refuses this application"):
            ask(introspection)
    assert len(told) == 1


def test_R7662_2_3_1_bad_tls_is_an_outage() -> None:
    """A server whose certificate nobody vouches for gets neither the token nor our secret."""
    with Authority() as authority, Server(answering(json.dumps(ACTIVE)), tls=authority.server("127.0.0.1")) as server:
        introspection = Introspection(server.url, "api", "s3cret", issuer=ISSUER, audience=AUDIENCE, clock=FixedClock(NOW))
        for world in WORLDS:
            with noting(world), pytest.raises(Unavailable, match="certificate"):
                ask(introspection, world=world)
        assert not server.requests


def test_a_silent_server_holds_one_caller_at_a_time(endpoint: Endpoint) -> None:
    """After time-outs for several tokens one caller asks again, and all others get an outage at once; the first answer serves everybody."""
    endpoint.respond = lambda connection, _: connection.hang()
    introspection = checker(endpoint, fetcher=Fetcher(timeout=0.5))
    for name in range(MOST_SILENT):
        with pytest.raises(Unavailable, match="did not answer"):
            ask(introspection, f"first{name}")
    assert endpoint.questions == MOST_SILENT
    results: list[str] = []

    def one(number: int) -> None:
        try:
            ask(introspection, f"token{number}")
        except Unavailable as error:
            results.append(error.why)

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(one, range(20)))
    at_once = sum("One request at a time" in why for why in results)
    assert len(results) == 20
    assert endpoint.questions == MOST_SILENT + 20 - at_once
    assert at_once > 0

    endpoint.respond = None
    assert isinstance(ask(introspection, "again"), Accepted)
    with ThreadPoolExecutor(20) as pool:
        assert all(isinstance(verdict, Accepted) for verdict in pool.map(lambda number: ask(introspection, f"next{number}"), range(20)))


def _answering_all_but(odd: Callable[[Connection, Received], None]) -> Callable[[Connection, Received], None]:
    """Answer that tokens are active, except those that begin with "odd"."""

    def respond(connection: Connection, request: Received) -> None:
        if b"=odd" in request.content:
            odd(connection, request)
        else:
            connection.send(response(json.dumps(ACTIVE)))

    return respond


UNANSWERED: dict[str, Callable[[Connection, Received], None]] = {
    "silence": lambda connection, _: connection.hang(),
    "slow": lambda connection, _: connection.drip(b"x", first=response(b"", content_length="99999")),
    "closes": lambda _connection, _request: None,
    "400": answering("", 400),
    "401": answering("", 401),
    "404": answering("", 404),
    "500": answering("", 500),
}


@pytest.mark.long
def test_one_token_is_no_outage_for_others(endpoint: Endpoint) -> None:
    """A client repeats a token that the server has no answer for: it gets its outage each time, and nobody else gets one."""
    for row, odd in UNANSWERED.items():
        endpoint.respond = _answering_all_but(odd)
        introspection = checker(endpoint, fetcher=Fetcher(timeout=1))
        for number in range(2):
            with noting(row, number), pytest.raises(Unavailable):
                ask(introspection, "odd")
        before = endpoint.questions
        under_way = threading.Thread(target=_outage, args=(introspection, "odd"))
        under_way.start()
        while endpoint.questions == before:
            threading.Event().wait(0.01)
        for number in range(20):
            with noting(row, number):
                assert isinstance(ask(introspection, f"good{number}"), Accepted)
        under_way.join()


def _outage(introspection: Introspection, token: str) -> None:
    with pytest.raises(Unavailable):
        ask(introspection, token)


def test_a_token_without_an_answer_holds_one_caller_at_a_time(endpoint: Endpoint) -> None:
    """A client repeats a token that the server is silent about, many times at once: one question is asked, and nobody waits for it."""
    endpoint.respond = _answering_all_but(UNANSWERED["closes"])
    introspection = checker(endpoint)
    _outage(introspection, "odd")
    endpoint.gate, before = threading.Event(), endpoint.questions
    under_way = threading.Thread(target=_outage, args=(introspection, "odd"))
    under_way.start()
    while endpoint.questions == before:
        threading.Event().wait(0.01)
    for world in WORLDS:
        for _ in range(10):
            with pytest.raises(Unavailable, match="silent about this token") as refused:
                ask(introspection, "odd", world)
            assert refused.value.retry_after
    assert under_way.is_alive()
    assert endpoint.questions == before + 1
    endpoint.gate.set()
    under_way.join()
    endpoint.respond = None
    assert isinstance(ask(introspection, "odd"), Accepted)
    assert not introspection._unanswered


@pytest.mark.long
@each("world", ["sync", "asyncio"])
def test_made_up_tokens_are_no_outage_for_accepted_ones(world: str) -> None:
    """Clients send as many tokens as they like that the server is silent about: a token that was accepted before is asked about at once."""
    endpoint = Endpoint()
    endpoint.respond = _answering_all_but(UNANSWERED["silence"])
    with endpoint.server, ThreadPoolExecutor(300) as pool:
        introspection = checker(endpoint, fetcher=Fetcher(timeout=2))
        for number in range(3):
            assert isinstance(ask(introspection, f"good{number}", world), Accepted)
        flood = [pool.submit(_outage, introspection, f"odd{number}") for number in range(300)]
        new = introspection._flights["new"]
        while new.running < new._limit:
            threading.Event().wait(0.01)
        for _ in range(3):
            for number in range(3):
                assert isinstance(ask(introspection, f"good{number}", world), Accepted)
        for one in flood:
            one.result(30)  # those that waited for longer than a question may take are refused
        # One that is refused since is new again.
        endpoint.respond, endpoint.answer = None, {"active": False}
        assert isinstance(ask(introspection, "good0", world), Refused)
        assert len(introspection._once_accepted) == 2


def view(token: str = "abc") -> RequestView:
    """A request with a token."""
    return RequestView(method="GET", target="/orders", headers=[("Authorization", f"Bearer {token}")])


def test_R7662_4_1_an_answer_is_not_used_beyond_its_end(endpoint: Endpoint) -> None:
    """A cached answer ends with `exp`, and after 60 seconds at the latest; a clock that is set back ends it too."""
    clock = FixedClock(NOW)
    guard = Guard(Bearer(checker(endpoint, clock=clock)), clock=clock)  # by the leeway it would count for a minute more
    for exp, until in ((NOW + 10, NOW + 10), (NOW + 3600, NOW + 60), (None, NOW + 60)):
        endpoint.answer = {name: value for name, value in {**ACTIVE, "exp": exp}.items() if value is not None}
        token = f"token-{exp}"
        clock.set(NOW)
        before = endpoint.questions
        for moment in (NOW, NOW + 1, until - 1):
            clock.set(moment)
            assert guard.decide(view(token)).granted
        assert endpoint.questions == before + 1
        endpoint.answer = {"active": False}
        clock.set(until + 1)
        assert not guard.decide(view(token)).granted
        assert endpoint.questions == before + 2
        clock.set(NOW - 10)
        assert not guard.decide(view(token)).granted


def test_R7662_4_2_refusals_are_kept_briefly_and_within_a_bound(endpoint: Endpoint) -> None:
    """A wrong token is asked about once in five seconds; random ones fill no memory, and a token is kept as a keyed digest alone."""
    clock = FixedClock(NOW)
    introspection = checker(endpoint, clock=clock)
    endpoint.answer = {"active": False}
    for second in range(10):
        clock.set(NOW + second)
        assert isinstance(ask(introspection), Refused)
    assert endpoint.questions == 2
    clock.set(NOW - 3600)
    assert isinstance(ask(introspection), Refused)
    assert endpoint.questions == 3
    introspection._refused = type(introspection._refused)(5)
    for number in range(20):
        ask(introspection, f"random{number}")
    assert len(introspection._refused) == 5
    assert not any(b"random" in key for key in introspection._refused)
    # Revoked at the server: refused within a minute.
    endpoint.answer = ACTIVE
    clock.set(NOW)
    guard = Guard(Bearer(checker(endpoint, clock=clock)), clock=clock)
    assert guard.decide(view()).granted
    endpoint.answer = {"active": False}
    clock.set(NOW + 60)
    assert not guard.decide(view()).granted


def test_R7662_4_3_callers_at_once_share_a_question(endpoint: Endpoint) -> None:
    """200 requests with one token cause one question: in threads, on asyncio and on trio. A failure is shared, and not kept."""
    endpoint.gate = threading.Event()
    introspection = checker(endpoint)
    flights = introspection._flights["new"]._flights
    with ThreadPoolExecutor(200) as pool:
        verdicts = pool.map(lambda _: ask(introspection), range(200))
        while sum(len(flight.members) for flight in list(flights.values())) < 200:
            threading.Event().wait(0.01)
        endpoint.gate.set()
        assert all(isinstance(verdict, Accepted) for verdict in verdicts)
    assert endpoint.questions == 1

    async def crowd(introspection: Introspection) -> None:
        async def one() -> None:
            assert isinstance(await introspection.acheck(BearerToken("abc")), Accepted)

        async with anyio.create_task_group() as tasks:
            for _ in range(200):
                tasks.start_soon(one)

    for number, world in enumerate(("asyncio", "trio"), 2):
        with noting(world):
            anyio.run(crowd, checker(endpoint), backend=world)
            assert endpoint.questions == number


def test_made_up_tokens_ask_a_bounded_number_of_questions_at_once(endpoint: Endpoint) -> None:
    """Each token is a question of its own. Beyond the bound callers wait, and beyond that they are refused at once: 503."""
    endpoint.gate = threading.Event()
    introspection = checker(endpoint)
    flight = introspection._flights["new"]
    most, queue = flight._limit, flight._most_waiting
    with ThreadPoolExecutor(int(most) + queue) as pool:
        asked = [pool.submit(ask, introspection, f"made-up-{number}") for number in range(int(most) + queue)]
        while not flight.is_full:
            threading.Event().wait(0.01)
        with pytest.raises(Overloaded):
            ask(introspection, "one-more")
        assert flight.running == most < 40 / 2  # threads of an event loop, for two lanes
        endpoint.gate.set()
        for one in asked:
            one.result()


def test_a_caller_who_leaves_takes_nobody_along(endpoint: Endpoint) -> None:
    """A client that disconnects ends its own question; the next caller with the same token asks again and is answered."""

    async def leaving(introspection: Introspection) -> None:
        with anyio.move_on_after(0.1):
            await introspection.acheck(BearerToken("abc"))

    for world in ("asyncio", "trio"):
        introspection = checker(endpoint)
        endpoint.gate = threading.Event()
        anyio.run(leaving, introspection, backend=world)
        endpoint.gate.set()
        with noting(world):
            assert isinstance(ask(introspection), Accepted)


@each("token", ["", "a b", "ü", "a\n", "\ud800", "=", "a" * 16_385, "a,b", '"a"'])
def test_what_is_no_token_is_not_asked_about(token: str) -> None:
    """Text that no Authorization field could hold is refused before anything is sent."""
    made = Endpoint()
    with made.server:
        assert ask(checker(made), token) == Refused(Reason.INVALID_CREDENTIALS)
    assert made.questions == 0


def test_it_is_the_last_part_of_any_of(endpoint: Endpoint) -> None:
    """Beside tokens of a store it gets what the store's format does not match; in front of anything it is a mistake."""
    own = OpaqueTokens(MemoryStore(), clock=FixedClock(NOW))
    made = own.create("robot")
    either = AnyOf(own, checker(endpoint))
    assert isinstance(either.check(BearerToken(made.token)), Accepted)
    assert endpoint.questions == 0
    assert isinstance(either.check(BearerToken("abc")), Accepted)
    assert endpoint.questions == 1
    with pytest.raises(ConfigurationError, match="Introspection has no recognises"):
        AnyOf(checker(endpoint), own)


def test_scopes_decide_in_the_guard(endpoint: Endpoint) -> None:
    """A token without a scope is 403 `insufficient_scope`, and not an invalid one."""
    guard = Guard(Bearer(checker(endpoint)), rules={"/orders": scope("orders:delete")}, clock=FixedClock(NOW))
    refusal = guard.refuse(guard.decide(view()), view())
    assert refusal.status == 403
    assert 'error="insufficient_scope"' in dict(refusal.headers)["WWW-Authenticate"]


@each("world", ["asyncio", "trio"])
def test_clients_of_the_application_are_taken(world: str) -> None:
    """A sync client is asked in a thread, and an async one on its event loop."""
    made = Endpoint()

    async def by_async(introspection: Introspection) -> None:
        assert isinstance(await introspection.acheck(BearerToken("abc")), Accepted)

    async def all_of_it() -> None:
        with httpx2.Client(trust_env=False) as client:
            await by_async(checker(made, fetcher=Fetcher(client=client)))
        async with httpx2.AsyncClient(trust_env=False) as client:
            await by_async(checker(made, fetcher=Fetcher(client=client)))

    with made.server:
        anyio.run(all_of_it, backend=world)
    assert made.questions == 2


def test_an_async_client_needs_an_event_loop() -> None:
    """With an async client a checker is refused where a WSGI adapter is made, in any combination, and not at the first request."""

    async def loop() -> None:
        async with httpx2.AsyncClient(trust_env=False) as client:
            fetcher = Fetcher(client=client)
            asking = Introspection("https://id.example.com/i", "api", "s3cret", issuer=ISSUER, audience=None, fetcher=fetcher)
            one, other = (JWT(issuer=f"{ISSUER}/{name}", audience="a", fetcher=fetcher) for name in "ab")
            for made in (asking, one, JWT.any_of(one, other), AnyOf(one, asking)):
                GuardMiddleware(application, Guard(Bearer(made)), mount="")
                with pytest.raises(ConfigurationError, match="can only be awaited"):
                    WSGIMiddleware(application, Guard(Bearer(made)), mount="")

    anyio.run(loop)
    fetcher = Fetcher()
    WSGIMiddleware(application, Guard(Bearer(JWT(issuer=ISSUER, audience="a", fetcher=fetcher))), mount="")


def application(*_: Any) -> Any:
    """An application that nobody asks."""


@each(
    ("given", "options", "words"),
    [
        ((), {}, "client_id and client_secret, or token"),
        (("api", "s3cret"), {"token": "abc"}, "takes the place"),
        (("api", ""), {}, "client_secret"),
        (("api", "s3cret\n"), {}, "client_secret"),
        (("api", 7), {}, "client_secret"),
        (("", "s3cret"), {}, "client_id"),
        ((7, "s3cret"), {}, "client_id"),
        ((), {"token": "s3cret s3cret"}, "token"),
        ((), {"token": ""}, "token"),
        (("api", "s3cret"), {"issuer": ""}, "issuer"),
        (("api", "s3cret"), {"issuer": 7}, "issuer"),
        (("api", "s3cret"), {"audience": []}, "audience"),
        (("api", "s3cret"), {"audience": 7}, "audience"),
        (("api", "s3cret"), {"claims": {"roles": "x"}}, "claims"),
        (("api", "s3cret"), {"leeway": 301}, "leeway"),
        (("api", "s3cret"), {"remember_for": 61}, "remember_for"),
        (("api", "s3cret"), {"fetcher": 7}, "fetcher"),
        (("api", "s3cret"), {"clock": 7}, "clock"),
    ],
)
def test_arguments_are_checked(given: tuple[Any, ...], options: dict[str, Any], words: str) -> None:
    """A mistake is found at construction, and the message names the argument and shows no secret."""
    with pytest.raises(ConfigurationError, match=words) as refused:
        Introspection("https://id.example.com/introspect", *given, **{"issuer": ISSUER, "audience": AUDIENCE, **options})
    assert "s3cret" not in str(refused.value)


def test_its_repr_shows_no_secret() -> None:
    """The repr is for operators."""
    made = Introspection("https://id.example.com/introspect?k=s3cret", "api", "s3cret", issuer=ISSUER, audience=None)
    assert repr(made) == "Introspection('https://id.example.com/introspect')"
