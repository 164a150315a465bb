"""The way of a request to its decision: the order of things, and that all ways of asking give one answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.core import ANN, Recorder, argon2_hash, ask, values
from tests.support.wire import basic, bearer
from watchword import (
    ALWAYS,
    ANONYMOUS,
    Accepted,
    APIKey,
    Basic,
    Bearer,
    BearerToken,
    Challenged,
    ConfigurationError,
    Credentials,
    CredentialsError,
    Decision,
    Evidence,
    Failed,
    Forbidden,
    Granted,
    Guard,
    Malformed,
    Operation,
    Principal,
    Reason,
    Refused,
    RequestView,
    Scheme,
    Unavailable,
    authenticated,
    fresh,
    network,
    nobody,
    optional,
    public,
    role,
    scope,
    via,
    where,
)
from watchword.checkers import Tokens, Users
from watchword.decision import Decided
from watchword.operation import arun, run
from watchword.testing import FixedClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from watchword.operation import Steps

CLOCK = FixedClock(1_700_000_000)
LATE = Principal("late", evidence=Evidence(auth_time=CLOCK.now() - 10_000))
ENDED = Principal("ended", evidence=Evidence(expires_at=CLOCK.now()))
PASSWORDS = Users({"ann": argon2_hash("s3cret")}, principals={"ann": ANN})
TOKENS = Tokens({"ann": ANN, "late": LATE, "ended": ENDED})


def down(credentials: Any) -> Principal | None:
    """Answer no one."""
    raise Unavailable("down", retry_after=2)


RULES = {
    "/public": public,
    "/optional": optional,
    "/nobody": nobody,
    "/admin": role("admin"),
    "/root": role("root"),
    "/hidden": role("root").hidden(),
    "/read": scope("orders:read"),
    "/write": scope("orders:write"),
    "/fresh": fresh(60),
    "/near": network("192.0.2.0/24"),
    "/far": network("10.0.0.0/8") & authenticated,
    "/either": network("10.0.0.0/8") | role("admin"),
    "/bearer": via("Bearer"),
    "/where": where(lambda who: who.id == "ann", name="ann"),
}
HEADERS: dict[str, tuple[tuple[str, str], ...]] = {
    "nothing": (),
    "password": (basic("ann", "s3cret"),),
    "wrong password": (basic("ann", "x"),),
    "token": (bearer("ann"),),
    "late token": (bearer("late"),),
    "ended token": (bearer("ended"),),
    "false token": (bearer("x"),),
    "broken": (("Authorization", "Basic"),),
    "damaged": (("Authorization", "Basic %"),),
    "unknown scheme": (("Authorization", "Negotiate abc"),),
    "key": (("X-API-Key", "k"),),
    "two": (bearer("ann"), ("X-API-Key", "k")),
    "twice": (bearer("ann"), bearer("ann")),
}


@pytest.fixture(scope="module")
def guard() -> Guard:
    """Return a guard of all three schemes, of which the keys cannot be checked."""
    return Guard(Basic(PASSWORDS, realm="x"), Bearer(TOKENS), APIKey(down), rules=RULES, clock=CLOCK)


@pytest.mark.anyio
@pytest.mark.parametrize("path", RULES)
async def test_every_way_of_asking_gives_the_same_answer(guard: Guard, path: str) -> None:
    """`decide`, `adecide`, `steps` under either driver, `start`, and once more: one brain."""
    for name, headers in HEADERS.items():
        first = guard.decide(ask(path, *headers))
        begun = guard.start(ask(path, *headers))
        answers: list[Decision] = [
            guard.decide(ask(path, *headers)),
            await guard.adecide(ask(path, *headers)),
            run(guard.steps(ask(path, *headers))),
            await arun(guard.steps(ask(path, *headers))),
            begun if isinstance(begun, Decided) else run(begun),
            guard.decide(RequestView("GET", path, [(name.encode(), value.encode()) for name, value in headers], "192.0.2.7")),
            guard.explain(ask(path, *headers)).decision,
            (await guard.aexplain(ask(path, *headers))).decision,
        ]
        assert all(first == answer for answer in answers), (name, answers)


def test_a_view_may_be_asked_about_again() -> None:
    """Deciding leaves no trace on it that changes the next decision, by this guard or another."""
    one, other = Guard(Bearer(TOKENS)), Guard(APIKey(Tokens({"k": ANN})))
    view = ask("/", bearer("ann"), ("X-API-Key", "k"))
    for _ in range(2):
        assert one.decide(view).principal == ANN.with_evidence(Evidence("Bearer"))
        assert other.decide(view).principal == ANN.with_evidence(Evidence("ApiKey"))


# The order of things


def test_the_firewall_is_first() -> None:
    """What can be read in two ways is refused before rules and checkers, even where everybody may."""
    checker = Recorder(ANN)
    decision = Guard(Bearer(checker), default=public).decide(ask("/a/../b", bearer("t")))
    assert isinstance(decision, Malformed)
    assert checker.asked == []


def test_public_looks_at_nothing() -> None:
    """Not at credentials, true, false, broken or doubled in one field; the caller is nobody in particular."""
    checker = Recorder(Unavailable("down"))
    guard = Guard(Bearer(checker), default=public)
    for headers in ((), (bearer("t"),), (("Authorization", "Bearer"),), (("Authorization", "\xff"),)):
        decision = guard.decide(ask("/", *headers))
        assert isinstance(decision, Granted)
        assert (decision.principal, decision.scheme) == (ANONYMOUS, "")
    assert checker.asked == []


@pytest.mark.parametrize("rule", [nobody, role("admin") & network("10.0.0.0/8")], ids=str)
def test_what_nobody_can_do_is_forbidden_unasked(rule: Any) -> None:
    """403 at once: no password is hashed for a request that can never pass."""
    checker = Recorder(ANN)
    guard = Guard(Basic(checker, realm="x"), default=rule)
    for headers in ((), (basic("ann", "s3cret"),)):
        decision = guard.decide(ask("/", *headers))
        assert isinstance(decision, Forbidden)
        assert decision.challenges == ()
    assert checker.asked == []


def test_a_preflight_is_decided_like_every_options() -> None:
    """Its fields are those of any client, so they open nothing (D57); a rule for OPTIONS decides about it, and a caller is known."""
    guard = Guard(Bearer(Recorder(ANN)), rules={"OPTIONS /open": public, "GET /open": public}, default=authenticated)
    preflight = (("Origin", "https://app.example"), ("Access-Control-Request-Method", "PUT"))
    assert isinstance(guard.decide(ask("/x", *preflight, method="OPTIONS")), Challenged)
    assert guard.decide(ask("/x", *preflight, bearer("t"), method="OPTIONS")).principal.id == "ann"
    assert guard.decide(ask("/open", *preflight, method="OPTIONS")).granted
    assert isinstance(guard.decide(ask("//x", *preflight, method="OPTIONS")), Malformed)


@pytest.mark.parametrize(
    "headers", [(), (("Authorization", "Negotiate abc"),), (("Cookie", "a=b"),), (("Authorization", "Basic"),), (("Authorization", ""),)]
)
def test_a_checker_is_never_asked_without_credentials(headers: tuple[tuple[str, str], ...]) -> None:
    """N1: there is no call with two empty strings that a careless checker takes for somebody."""
    checker = Recorder(ANN)
    guard = Guard(Basic(checker, realm="x"), Bearer(checker), APIKey(checker), default=optional)
    guard.decide(ask("/", *headers))
    assert checker.asked == []


def test_credentials_that_the_rule_does_not_take_count_as_absent() -> None:
    """`via`: they are not checked, and the schemes that it names are asked for."""
    checker = Recorder(ANN)
    decision = Guard(Basic(checker, realm="x"), Bearer(checker), default=via("Bearer")).decide(ask("/", basic("ann", "s3cret")))
    assert isinstance(decision, Challenged)
    assert [challenge.scheme for challenge in decision.challenges] == ["Bearer"]
    assert checker.asked == []


@pytest.mark.parametrize(
    "rule", [authenticated, optional, network("192.0.2.0/24") & authenticated, role("nobody") | authenticated], ids=str
)
def test_false_credentials_are_refused_wherever_they_are_looked_at(rule: Any) -> None:
    """No fallback to anonymous, and none to another scheme."""
    decision = Guard(Bearer(TOKENS), APIKey(TOKENS), default=rule).decide(ask("/", bearer("x")))
    assert isinstance(decision, Challenged)
    assert decision.reason is Reason.UNKNOWN_IDENTITY


# Outages


@pytest.mark.parametrize(
    ("rule", "granted"),
    [
        (authenticated, False),
        (optional, False),
        (role("admin"), False),
        (~role("banned"), False),
        (network("192.0.2.0/24") & authenticated, False),
        (network("10.0.0.0/8") | authenticated, False),
        (network("192.0.2.0/24") | authenticated, True),
    ],
    ids=str,
)
def test_an_outage_is_neither_access_nor_a_wrong_password(rule: Any, *, granted: bool) -> None:
    """503, unless another side of the rule is met without knowing who it is."""
    decision = Guard(APIKey(down), default=rule).decide(ask("/", ("X-API-Key", "k")))
    assert isinstance(decision, Granted if granted else Failed)
    if isinstance(decision, Failed):
        assert (decision.retry_after, decision.detail, decision.principal) == (2, "down", ANONYMOUS)
    else:
        assert decision.principal is ANONYMOUS


def test_an_outage_without_a_time_is_tried_again_soon() -> None:
    """Retry-After is always there."""
    checker = Recorder(Unavailable("down"))
    decision = Guard(APIKey(checker)).decide(ask("/", ("X-API-Key", "k")))
    assert isinstance(decision, Failed)
    assert decision.retry_after == 5


# Evidence


@pytest.mark.parametrize(
    "given", [ANN, Accepted(ANN), ANN.with_evidence(Evidence("Basic")), ANN.with_evidence(Evidence("", auth_time=1.0))], ids=repr
)
def test_the_scheme_is_filled_in_by_the_guard(given: Any) -> None:
    """`via` does not depend on what a checker claims; what else it states is kept."""
    decision = Guard(Basic(Recorder(), realm="x"), Bearer(Recorder(given)), default=via("Bearer")).decide(ask("/", bearer("t")))
    assert isinstance(decision, Granted)
    assert decision.principal.evidence is not None
    assert decision.principal.evidence.scheme == decision.scheme == "Bearer"
    stated = given.principal.evidence if isinstance(given, Accepted) else given.evidence
    assert decision.principal.evidence.auth_time == (None if stated is None else stated.auth_time)


def test_evidence_ends_on_time() -> None:
    """From the second on that it names, it is refused as expired, whatever the checker says."""
    clock = FixedClock(99)
    guard = Guard(Bearer(Tokens({"t": Principal("ann", evidence=Evidence(expires_at=100))})), clock=clock)
    for now, granted in ((99, True), (99.999, True), (100, False), (101, False), (99, True)):
        clock.set(now)
        assert guard.decide(ask("/", bearer("t"))).granted is granted


# Schemes of one's own


@dataclass(frozen=True, slots=True)
class Paper(Credentials):
    """A paper that does not say how it travelled."""

    text: str


class Letter(Scheme[Any]):
    """A scheme with a field of its own, whose credentials say `authorization` because nobody told them otherwise."""

    name = "Letter"
    fields = ("x-letter",)

    def __init__(self, checker: object, make: Callable[[str], Credentials]) -> None:
        super().__init__(checker)
        self._make = make

    def extract(self, view: RequestView) -> Credentials | None:
        """Return what was written."""
        value = view.field("x-letter")
        return None if value is None else self._make(value)


@pytest.mark.parametrize(
    ("checker", "make"), [(Recorder(ANN), Paper), (Tokens({"hello": ANN}), BearerToken)], ids=["own credentials", "a table of tokens"]
)
def test_a_scheme_with_a_field_of_its_own_is_private(checker: object, make: Any) -> None:
    """Caches know nothing of its field (RFC 9111 §3.5), whatever its credentials say of themselves; also with a ready-made table."""
    guard = Guard(Letter(checker, make))
    for _ in range(2):
        decision = guard.decide(ask("/", ("X-Letter", "hello")))
        assert isinstance(decision, Granted)
        assert decision.cache.cache_control == "private"


def test_a_proxy_may_have_a_table() -> None:
    """A checker that always answers the same objects works behind Proxy-Authorization as well."""
    guard = Guard(Basic(Recorder(Accepted(ANN, ALWAYS)), realm="x"), proxy=True)
    name, value = basic("ann", "s3cret")
    decision = guard.decide(ask("/", (f"Proxy-{name}", value)))
    assert isinstance(decision, Granted)
    assert decision.principal.id == "ann"
    view = ask("/", (name, value))
    refusal = guard.refuse(guard.decide(view), view)
    assert (refusal.status, len(values(refusal, "Proxy-Authenticate"))) == (407, 1)


def test_an_error_of_extract_that_is_none_of_ours_propagates() -> None:
    """A bug in a scheme is a bug."""

    def wrong(text: str) -> Credentials:
        raise LookupError(text)

    with pytest.raises(LookupError):
        Guard(Letter(Recorder(ANN), wrong)).decide(ask("/", ("X-Letter", "x")))


@pytest.mark.parametrize(("bad_request", "kind"), [(True, Malformed), (False, Challenged)])
def test_a_scheme_says_whether_the_request_is_at_fault(kind: type[Malformed | Challenged], *, bad_request: bool) -> None:
    """400 or 401, with its own reason and its own words (D2)."""

    def wrong(text: str) -> Credentials:
        raise CredentialsError("a letter with a stamp", reason=Reason.MALFORMED_CREDENTIALS, bad_request=bad_request)

    decision = Guard(Letter(Recorder(ANN), wrong)).decide(ask("/", ("X-Letter", "x")))
    assert isinstance(decision, kind)
    assert (decision.scheme, decision.detail) == ("Letter", "Letter: expected a letter with a stamp")


def test_steps_may_take_several_operations() -> None:
    """A flow asks as often as it needs to; the guard passes each on."""

    def flow(credentials: Any) -> Steps[Principal | None]:
        first = yield Operation(lambda: 1)
        second = yield Operation(lambda: first + 1)
        return Principal(f"number {first + second}")

    steps = Guard(Bearer(flow)).steps(ask("/", bearer("t")))
    assert next(steps).run() == 1
    assert steps.send(1).run() == 2
    with pytest.raises(StopIteration) as end:
        steps.send(2)
    assert end.value.value.principal.id == "number 3"


def test_what_needs_no_operation_is_decided_at_once() -> None:
    """`start` gives the decision itself, and a generator only where there is something to wait for."""
    guard = Guard(Basic(PASSWORDS, realm="x"), Bearer(TOKENS), rules={"/public": public})
    for view in (ask("/public"), ask("/"), ask("/", bearer("ann")), ask("/", bearer("x")), ask("//")):
        assert not hasattr(guard.start(view), "send")
    assert hasattr(guard.start(ask("/", basic("ann", "s3cret"))), "send")


def test_what_is_remembered_of_targets_is_bounded() -> None:
    """However many paths a client makes up; and long ones are not remembered at all."""
    guard = Guard(Bearer(TOKENS))
    for number in range(5_000):
        guard.decide(ask(f"/{number}"))
    assert len(guard.fast_path.targets) <= 2048
    before = len(guard.fast_path.targets)
    guard.decide(ask("/" + "a" * 300))
    assert len(guard.fast_path.targets) == before


@pytest.mark.long
def test_what_is_remembered_of_callers_is_bounded_and_no_secret() -> None:
    """Only those who were let in, under a keyed digest."""
    guard = Guard(Bearer(Tokens({f"s3cret-{number}": ANN for number in range(10_050)})))
    for number in range(10_050):
        assert guard.decide(ask("/", bearer(f"s3cret-{number}"))).granted
        assert not guard.decide(ask("/", bearer(f"false-{number}"))).granted
    remembered = guard.fast_path._cache.facts
    assert len(remembered) <= 10_000
    assert "s3cret" not in repr(remembered)


def test_refused_credentials_are_named_for_what_they_are() -> None:
    """The operator's reason is the checker's; the client's is not."""
    decision = Guard(Bearer(Recorder(Refused(Reason.REVOKED)))).decide(ask("/", bearer("t")))
    assert isinstance(decision, Challenged)
    assert (decision.reason, decision.disclosed, decision.scheme) == (Reason.REVOKED, Reason.INVALID_CREDENTIALS, "Bearer")
    assert decision.principal is ANONYMOUS


def test_an_async_checker_without_a_loop_is_no_decision() -> None:
    """The message names the way out."""

    async def check(credentials: object) -> Principal:
        return ANN

    with pytest.raises(ConfigurationError, match="adecide"):
        Guard(Bearer(check)).decide(ask("/", bearer("t")))
