"""No secret shows: one marker is put into every place where a secret can be, and looked for in everything that prints."""

from __future__ import annotations

import logging
import traceback
from base64 import b64encode
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache, partial
from itertools import product
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from tests.support.core import Recorder, argon2_hash, ask, bcrypt_hash
from tests.support.each import each
from tests.support.secrets import HOLDS, SECRET, SPELLINGS, found_in, leaks
from watchword import (
    Accepted,
    APIKey,
    APIKeyCredentials,
    Basic,
    BasicCredentials,
    Bearer,
    BearerToken,
    Evidence,
    Firewall,
    Granted,
    Guard,
    Operation,
    Principal,
    Reason,
    Refused,
    RequestView,
    Scheme,
    Unavailable,
    authenticated,
    optional,
    public,
    role,
)
from watchword.authorization.context import EvaluationContext
from watchword.checkers import Tokens, Users, adapt, nonblocking, verify_password
from watchword.clock import SystemClock
from watchword.grammar import (
    Authorization,
    Challenge,
    decode_base64,
    parse_authorization,
    parse_byte_sequence,
    parse_challenges,
)
from watchword.guard.forwarding import forwarding
from watchword.observe import to_ocsf

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from watchword import AuthEvent
    from watchword.operation import Steps

FORM = ("Content-Type", "application/x-www-form-urlencoded")


def base64(text: str) -> str:
    """Encode."""
    return b64encode(text.encode()).decode()


# Everything that may stand in an Authorization field and hold a secret: well-formed, damaged, under no scheme and under a foreign one.
FIELDS = [
    f"Basic {base64(f'ann:{SECRET}')}",
    f"Basic {base64(f'{SECRET}:{SECRET}')}",
    f"Basic {base64(SECRET)}",
    f"Basic {base64(f'ann:{SECRET}')}=",
    f"Basic {base64(f'a:{SECRET}').rstrip('=')}!",
    f"Basic {b64encode(f'ann:{SECRET}'.encode() + bytes([255])).decode()}",
    f"Basic {b64encode(f'ann:{SECRET}'.encode() + bytes([0])).decode()}",
    f"Basic {SECRET}",
    f'Basic username="ann", password="{SECRET}"',
    f"Bearer {SECRET}",
    f"Bearer {SECRET} {SECRET}",
    f"Bearer {SECRET},{SECRET}",
    f'Bearer token="{SECRET}"',
    f"Bearer {SECRET}\xff",
    f"ApiKey {SECRET}",
    f"ApiKey {SECRET}=1",
    f"Negotiate {SECRET}",
    f"{SECRET} {SECRET}",
    f"{SECRET}",
    f"{SECRET}=",
    f" {SECRET},",
    f"{SECRET}\t{SECRET}",
    f'Digest response="{SECRET}", response="{SECRET}"',
    f'Digest response="{SECRET}',
    f'Digest {SECRET}="x"',
    SECRET * 600,
]
VIEWS: dict[str, Callable[[], RequestView]] = {
    **{f"Authorization: {value[:40]!r}": partial(ask, "/", ("Authorization", value)) for value in FIELDS},
    "two fields": lambda: ask("/", ("Authorization", f"Bearer {SECRET}"), ("Authorization", f"Bearer {SECRET}")),
    "octets": lambda: RequestView("GET", "/", [(b"authorization", f"Bearer {SECRET}".encode())]),
    "octets that are no text": lambda: RequestView("GET", "/", [(b"x-api-key", SECRET.encode() + b"\xff")]),
    "key": lambda: ask("/", ("X-API-Key", SECRET)),
    "two keys": lambda: ask("/", ("X-API-Key", SECRET), ("X-API-Key", SECRET)),
    "joined keys": lambda: ask("/", ("X-API-Key", f"{SECRET},{SECRET}")),
    "key that is no octets": lambda: ask("/", ("X-API-Key", f"{SECRET}\u20ac")),
    "twin": lambda: ask("/", ("X_API_Key", SECRET)),
    "cookie": lambda: ask("/", ("Cookie", f"a={SECRET}; key={SECRET}")),
    "two cookies": lambda: ask("/", ("Cookie", f"key={SECRET}; key={SECRET}")),
    "broken cookie": lambda: ask("/", ("Cookie", f"key={SECRET}\xff")),
    "token in the query": lambda: ask(f"/?access_token={SECRET}"),
    "escaped in the query": lambda: ask(f"/?access_token={''.join(f'%{octet:02x}' for octet in SECRET.encode())}"),
    "key in the query": lambda: ask(f"/?api_key={SECRET}&other={SECRET}"),
    "two in the query": lambda: ask(f"/?access_token={SECRET}&access_token={SECRET}"),
    "broken in the query": lambda: ask(f"/?access_token={quote(SECRET + ' ')}"),
    "control in the query": lambda: ask(f"/?access_token={SECRET}\x01"),
    "form": lambda: ask("/", FORM, method="POST", content=f"access_token={SECRET}".encode()),
    "two in a form": lambda: ask("/", FORM, method="POST", content=f"access_token={SECRET}&access_token={SECRET}".encode()),
    "long form": lambda: ask("/", FORM, method="POST", content=f"access_token={SECRET}".encode() * 5000),
    "everywhere": lambda: ask(
        f"/?access_token={SECRET}", ("Authorization", f"Bearer {SECRET}"), ("X-API-Key", SECRET), ("Cookie", f"key={SECRET}")
    ),
    "other fields": lambda: ask(
        "/", ("User-Agent", SECRET), ("X-Request-Id", f"{SECRET}!"), ("Accept", SECRET), ("Remote-User", SECRET), ("Referer", SECRET)
    ),
    "websocket": lambda: ask("/", ("Cookie", f"key={SECRET}"), ("Origin", "https://evil.example"), ("Host", "x"), kind="websocket"),
}

CHECKERS: dict[str, Callable[[], Any]] = {
    "table": lambda: Tokens({SECRET: Principal("ann", claims={"access_token": SECRET})}),
    "users": lambda: Users({"ann": argon2_hash(SECRET), "bob": bcrypt_hash(SECRET.encode())}),
    "refused": lambda: Recorder(Refused(Reason.REVOKED)),
    "accepted": lambda: Recorder(Accepted(Principal("ann", claims={"a": SECRET}, evidence=Evidence(expires_at=1)))),
    "outage": lambda: Recorder(Unavailable("down")),
    "wrong answer": lambda: nonblocking(lambda credentials: SECRET),
    "wrong answer, as credentials": lambda: nonblocking(lambda credentials: credentials),
    "function": lambda: lambda credentials: None,
}


EVENTS: list[AuthEvent] = []
"""What the guards told of."""


@cache
def guards(name: str) -> tuple[Guard, ...]:
    """Return guards that treat whom the checker knows in every way there is."""
    check = CHECKERS[name]()
    # Each scheme is given a checker that takes its credentials.
    tokens = Recorder(None) if name == "users" else check
    users = Recorder(None) if name == "table" else check
    schemes = Basic(users, realm="x"), Bearer(tokens, form=True, query=True), APIKey(tokens, query="api_key", cookie="key")
    lenient = Firewall(off=["repeated_field", "field_alias", "control"])
    return (
        Guard(*schemes, default=authenticated, on_event=EVENTS.append),
        Guard(*schemes, default=optional, strip_credentials=True, firewall=lenient, on_event=EVENTS.append),
        Guard(*schemes, default=role("root").hidden(), require_tls=True, on_event=EVENTS.append),
        Guard(*schemes, default=public, on_event=EVENTS.append),
    )


class Kept(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record."""
        self.records.append(record)


@pytest.fixture
def kept() -> Iterator[list[logging.LogRecord]]:
    """Keep every record of every logger."""
    handler = Kept()
    root, own = logging.getLogger(), logging.getLogger("watchword")
    levels = root.level, own.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    own.setLevel(logging.DEBUG)
    yield handler.records
    root.removeHandler(handler)
    root.setLevel(levels[0])
    own.setLevel(levels[1])


def printed(error: Exception) -> list[object]:
    """Return an error with all that is printed about it."""
    return [error, "".join(traceback.format_exception(error))]


def raised(work: Callable[[], object]) -> list[object]:
    """Return what it raises, with all that is printed about it, or what it returns."""
    try:
        return [work()]
    except Exception as error:  # noqa: BLE001 - whatever it is, it must not show the secret
        return printed(error)


def assert_silent(*things: object) -> None:
    """Fail where one of them, or a part of one, prints the secret."""
    assert [leak for thing in things for leak in leaks(thing)] == []


@pytest.mark.sampled(4)
@pytest.mark.parametrize("view", VIEWS)
def test_no_decision_shows_a_secret(view: str, kept: list[logging.LogRecord]) -> None:
    """Neither decision, view, explanation, response, what is handed over, nor the log: whatever was sent and whatever came of it."""
    for checker, guard in ((name, guard) for name in CHECKERS for guard in guards(name)):
        asked = VIEWS[view]()
        try:
            decision = guard.decide(asked)
        except TypeError as error:
            assert checker.startswith("wrong answer")
            assert_silent(*printed(error), asked)
            continue
        assert_silent(decision, asked, guard.explain(asked), forwarding(guard.policy, asked))
        if isinstance(decision, Granted):
            continue
        for accept in ("application/problem+json", "text/html", "text/plain"):
            refusal = guard.refuse(decision, ask("/", ("Accept", accept)))
            assert_silent(refusal, refusal.body.decode(), *(f"{name}: {value}" for name, value in refusal.headers))
        guard.refuse(decision, asked)
    assert_silent(kept)


def test_no_event_shows_a_secret() -> None:
    """Neither as it is printed, as a mapping, nor as a SIEM gets it; there is an event for each decision, and each kind of refusal."""
    EVENTS.clear()
    asked = 0
    for make, checker in product(VIEWS.values(), CHECKERS):
        for guard in guards(checker):
            with suppress(TypeError):
                guard.decide(make())
                asked += 1
    assert asked == len(EVENTS)
    assert {event.decision for event in EVENTS} >= {"granted", "challenged", "forbidden", "malformed", "failed"}
    told = [f"{event!r} {asdict(event)} {event.as_dict()} {to_ocsf(event)}" for event in EVENTS]
    assert [text for text in told if found_in(text)] == []
    EVENTS.clear()


@pytest.mark.parametrize("checker", CHECKERS)
def test_no_guard_keeps_a_secret(checker: str) -> None:
    """After all these requests nothing that the guard remembers, and nothing that it was made of, shows one."""
    for guard in guards(checker):
        for make in VIEWS.values():
            raised(partial(guard.decide, make()))
        assert_silent(guard)


@pytest.mark.parametrize("checker", ["users", "function"])
def test_no_step_shows_a_secret(checker: str) -> None:
    """Half-way through, a debugger prints the generator, its operation, and all their local variables."""
    stopped = 0
    for make, guard in product(VIEWS.values(), guards(checker)):
        steps = guard.steps(make())
        try:
            operation = next(steps)
        except StopIteration:
            continue
        stopped += 1
        assert_silent(operation, operation.run, operation.arun, steps)
        steps.close()
    assert stopped


@dataclass(frozen=True)
class _Contexts:
    context: EvaluationContext


VALUES: dict[str, Callable[[], object]] = {
    "BasicCredentials": lambda: BasicCredentials(SECRET, SECRET),
    "BearerToken": lambda: BearerToken(SECRET),
    "APIKeyCredentials": lambda: APIKeyCredentials(SECRET, "cookie"),
    "Authorization": lambda: Authorization("Basic", SECRET),
    "Authorization with parameters": lambda: Authorization("Digest", params={"response": SECRET}),
    "parsed": lambda: parse_authorization(f'Digest response="{SECRET}", x={SECRET}'),
    "Principal": lambda: Principal("ann", claims={"token": SECRET, "nested": {"token": SECRET}}),
    "Accepted": lambda: Accepted(Principal("ann", claims={"token": SECRET})),
    "Granted": lambda: Granted(Principal("ann", claims={"token": SECRET}), "/"),
    "RequestView": VIEWS["everywhere"],
    "EvaluationContext": lambda: _Contexts(EvaluationContext(VIEWS["everywhere"](), SystemClock(), Principal("ann", claims={"t": SECRET}))),
    "Tokens": CHECKERS["table"],
    "Users": CHECKERS["users"],
    "Basic": lambda: Basic(CHECKERS["users"](), realm="x"),
    "Bearer": lambda: Bearer(CHECKERS["table"](), form=True, query=True),
    "APIKey": lambda: APIKey(CHECKERS["table"](), query="k", cookie="c"),
    "adapted": lambda: [adapt(CHECKERS["table"]()), adapt(CHECKERS["users"]())],
    "Operation": lambda: next(CHECKERS["users"]().flow(BasicCredentials("ann", SECRET))),
}


@each("name", VALUES)
def test_no_value_shows_a_secret(name: str) -> None:
    """Neither alone nor inside of anything, all the way down."""
    value = VALUES[name]()
    assert_silent(value, [value], {"x": value}, (value, value))


MISTAKES: dict[str, Callable[[], object]] = {
    "a line in place of a user": lambda: Users({f"ann:{SECRET}": argon2_hash("x")}),
    "a password in place of a hash": lambda: Users({"ann": SECRET}),
    "a broken Argon2 hash": lambda: Users({"ann": f"$argon2id$v=19$m=64,t=1,p=1${SECRET}"}),
    "a broken bcrypt hash": lambda: Users({"ann": f"$2b$12${SECRET}"}),
    "a token that cannot be sent": lambda: Tokens({f"{SECRET}\n": Principal("ann")}),
    "a token for nobody": lambda: Tokens({SECRET: None}),  # type: ignore[dict-item]  # the mistake itself
    "a token for a token": lambda: Tokens({"x": SECRET}),  # type: ignore[dict-item]  # the mistake itself
    "a token for credentials": lambda: Tokens({"x": BearerToken(SECRET)}),  # type: ignore[dict-item]  # the mistake itself
    "a table of one token": lambda: Tokens(SECRET),  # type: ignore[arg-type]  # the mistake itself
    "credentials that cannot be sent": lambda: Authorization("Basic", f"{SECRET} "),
    "parameters that cannot be sent": lambda: Authorization("Digest", params={"response": f"{SECRET}\n"}),
    "a parameter that is no text": lambda: Authorization("Digest", params={"response": SECRET.encode()}),  # type: ignore[arg-type]
    "a challenge that cannot be sent": lambda: Challenge("Basic", token68=f"{SECRET} "),
    "a parameter of a challenge": lambda: Challenge("Basic", {"realm": f"{SECRET}\n"}),
    "an accepted secret": lambda: Accepted(SECRET),  # type: ignore[arg-type]  # the mistake itself
    "an id of octets": lambda: Principal(SECRET.encode()),  # type: ignore[arg-type]  # the mistake itself
    "a checker that is a secret": lambda: adapt(SECRET),
    "a table that is a mapping": lambda: adapt({SECRET: "ann"}),
    "a scheme that is a secret": lambda: Guard(SECRET),  # type: ignore[arg-type]  # the mistake itself
}


@each("name", MISTAKES)
def test_no_mistake_shows_a_secret(name: str) -> None:
    """Messages for developers end in logs as well; neither they, what caused them, nor their traceback holds the secret."""
    found = raised(MISTAKES[name])
    assert isinstance(found[0], Exception)
    assert_silent(*found)


PARSERS: dict[str, Callable[[Any], object]] = {
    "parse_authorization": parse_authorization,
    "parse_challenges": parse_challenges,
    "parse_byte_sequence": parse_byte_sequence,
    "decode_base64": decode_base64,
}


@pytest.mark.parametrize("name", PARSERS)
def test_no_grammar_error_shows_a_secret(name: str) -> None:
    """A parser says what it expected and where, and not what it got."""
    for value in [*FIELDS, f"{SECRET}\u20ac", f":{SECRET}:", f":{base64(SECRET)}", f"Basic {SECRET}\ud800"]:
        found = raised(partial(PARSERS[name], value))
        if isinstance(found[0], Exception):
            assert_silent(*found)


@pytest.mark.parametrize(
    "scheme",
    [
        Basic(Recorder(), realm="x"),
        Basic(Recorder(), realm="x", fallback="latin-1"),
        Bearer(Recorder(), form=True, query=True),
        APIKey(Recorder(), query="api_key", cookie="key"),
    ],
    ids=["basic", "latin-1", "bearer", "apikey"],
)
def test_no_scheme_shows_a_secret(scheme: Scheme[Any]) -> None:
    """Used alone, without a guard that would catch its errors."""
    for make in VIEWS.values():
        asked = make()
        assert_silent(*raised(partial(scheme.extract, asked)))


def test_verifying_shows_no_secret() -> None:
    """A hash that cannot be read raises nothing, whatever it is."""
    for stored in (SECRET, f"$argon2id${SECRET}", f"$2b$12${SECRET}", argon2_hash(SECRET)):
        assert_silent(*raised(partial(verify_password, stored, SECRET)))


@pytest.mark.parametrize("name", SPELLINGS)
def test_the_secret_is_recognised_in_every_spelling(name: str) -> None:
    """The walk would find it: in text, in octets, in attributes, in exceptions and in what caused them."""
    spelling = SPELLINGS[name]
    assert len(spelling) >= 12
    assert name in found_in(f"xx{spelling}yy")

    @dataclass
    class Open:
        inner: object

    error = ValueError("outer")
    error.__context__ = KeyError(spelling)
    for thing in (spelling, spelling.encode(), [spelling], {spelling: 1}, {1: spelling}, Open((spelling,)), error, Operation(lambda: None)):
        assert any(leaks(thing)) is not isinstance(thing, Operation)


@pytest.mark.parametrize("shift", range(6))
def test_the_secret_is_recognised_inside_base64(shift: int) -> None:
    """Wherever in the text it stood that was encoded."""
    assert found_in(base64("x" * shift + SECRET + "y" * shift))


def test_what_holds_secrets_is_known() -> None:
    """The list of attributes names what there is: each of them does hold the secret in some value here."""
    held = {
        (type(value).__name__, name)
        for value in [
            BasicCredentials(SECRET, SECRET),
            BearerToken(SECRET),
            APIKeyCredentials(SECRET),
            Authorization("a", SECRET),
            Authorization("a", params={"a": SECRET}),
            Principal("a", claims={"a": SECRET}),
            _asked(),
            _handed_over(),
        ]
        for name in (name for kind, name in HOLDS if kind == type(value).__name__)
        if found_in(repr(dict(getattr(value, name) or {}) if name in {"params", "claims"} else getattr(value, name)))
    }
    assert held | {("Authorization", "params")} == HOLDS


def _asked() -> RequestView:
    view = ask(f"/?access_token={SECRET}", ("Authorization", f"{SECRET} {SECRET}"), content=SECRET.encode())
    guard = Guard(Bearer(Recorder()))
    assert not guard.decide(view).granted
    return view


def _handed_over() -> Any:
    guard = Guard(APIKey(Recorder(), query="k", cookie="key"), strip_credentials=True)
    view = ask(f"/?other={SECRET}", ("Cookie", f"key=1; other={SECRET}"))
    view.scan(guard.policy.index)
    return forwarding(guard.policy, view)


def test_steps_are_walked() -> None:
    """A generator that keeps the secret in a variable would be found."""

    def steps() -> Steps[None]:
        local = [SECRET]
        yield Operation(lambda: None)
        assert local

    running = steps()
    next(running)
    assert any(leaks(running))
    running.close()
