"""Opaque bearer tokens in a store: issued, checked, revoked, purged."""

from __future__ import annotations

import pickle
import threading
from dataclasses import FrozenInstanceError
from hashlib import sha256
from math import inf, nan
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.core import ask
from tests.support.issued import CountingStore, ask_both_ways, near_misses, shown
from watchword import (
    Accepted,
    APIKey,
    APIKeyCredentials,
    Bearer,
    BearerToken,
    Challenged,
    ConfigurationError,
    Evidence,
    Failed,
    Granted,
    Guard,
    Principal,
    Reason,
    Refused,
    Unavailable,
    WatchwordError,
)
from watchword.checkers.api_keys import APIKeys
from watchword.checkers.key_format import TokenFormat, make_id
from watchword.checkers.opaque_tokens import NewToken, OpaqueTokens
from watchword.stores.memory import MemoryStore
from watchword.stores.ports import PAGE, AccountRecord, TokenRecord
from watchword.testing import CheckerContract, FixedClock

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = 1_700_000_000.0


class Desk:
    """Tokens in a store that keeps count, by a clock that stands still.

    Args:
        blocking: what the store says about itself.
    """

    def __init__(self, *, blocking: bool = False) -> None:
        self.clock = FixedClock(NOW)
        self.store = CountingStore(blocking=blocking)
        self.tokens = OpaqueTokens(self.store, clock=self.clock)

    def disable(self, subject: str) -> None:
        """Shut the account of that id."""
        self.store.add_account(AccountRecord(id=subject, names=(), disabled=True))

    def works(self, token: str) -> bool:
        """Tell whether a token is good."""
        return isinstance(self.tokens.check(BearerToken(token)), Accepted)


@pytest.fixture(params=[False, True], ids=["at once", "blocking"])
def desk(request: pytest.FixtureRequest) -> Desk:
    """Tokens in a store that answers at once, and in one that may block."""
    return Desk(blocking=request.param)


# Tokens of "ann" in every state.


def good(desk: Desk) -> str:
    """One that is good."""
    return desk.tokens.create("ann").token


def unknown(_desk: Desk) -> str:
    """One that no store has."""
    return TokenFormat("wwt").make().text


def purged(desk: Desk) -> str:
    """One that was revoked and forgotten."""
    token = revoked(desk)
    desk.clock.advance(1)
    assert desk.tokens.purge(NOW + 9) == 1
    return token


def revoked(desk: Desk) -> str:
    """Revoked."""
    token = good(desk)
    assert desk.tokens.revoke(token)
    return token


def disabled(desk: Desk) -> str:
    """Good, but its subject is shut out."""
    desk.disable("ann")
    return good(desk)


def expired(desk: Desk) -> str:
    """Valid no more."""
    return desk.tokens.create("ann", expires_at=NOW).token


def everything_at_once(desk: Desk) -> str:
    """Revoked, its subject shut out, and valid no more."""
    desk.disable("ann")
    token = expired(desk)
    assert desk.tokens.revoke(token)
    return token


def disabled_and_expired(desk: Desk) -> str:
    """Its subject shut out, and valid no more."""
    desk.disable("ann")
    return expired(desk)


STATES: dict[Callable[[Desk], str], Reason] = {
    unknown: Reason.UNKNOWN_IDENTITY,
    purged: Reason.UNKNOWN_IDENTITY,
    revoked: Reason.REVOKED,
    disabled: Reason.DISABLED,
    expired: Reason.EXPIRED,
    everything_at_once: Reason.REVOKED,
    disabled_and_expired: Reason.DISABLED,
}
each_state = pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)


@pytest.mark.anyio
async def test_a_token_stands_for_its_subject(desk: Desk) -> None:
    """With what it was given, and its handle for the log; however it is carried and asked about."""
    made = desk.tokens.create("ann", kind="client", roles=["r"], scopes=["a", "b"], permissions=["p"], expires_in=9)
    assert await ask_both_ways(desk.tokens, made.token) == Accepted(
        Principal(
            "ann",
            kind="client",
            roles={"r"},
            scopes={"a", "b"},
            permissions={"p"},
            claims={"token_id": made.record.id},
            evidence=Evidence(expires_at=NOW + 9),
        )
    )


@pytest.mark.anyio
@each_state
async def test_every_other_token_is_refused(desk: Desk, state: Callable[[Desk], str]) -> None:
    """With the reason for the operator."""
    assert await ask_both_ways(desk.tokens, state(desk)) == Refused(STATES[state])


@pytest.mark.anyio
@each_state
async def test_whatever_has_the_form_of_a_token_costs_one_lookup(desk: Desk, state: Callable[[Desk], str]) -> None:
    """By its digest, known or not."""
    for token in (state(desk), good(desk)):
        desk.store.asked.clear()
        desk.tokens.check(BearerToken(token))
        await desk.tokens.acheck(APIKeyCredentials(token))
        assert desk.store.asked == [("find_token", sha256(token.encode()).digest())] * 2


def test_what_has_not_the_form_of_a_token_is_not_looked_up() -> None:
    """Every slip of a good token is refused without a question to the store; exhaustively, for one token."""
    desk = Desk()
    token = good(desk)
    for miss in set(near_misses(token)) - {token}:
        assert desk.tokens.check(BearerToken(miss)) == Refused(Reason.UNKNOWN_IDENTITY)
    assert desk.store.asked == []


@pytest.mark.parametrize("text", ["", "wwt", "\ud800", "x" * 100_000, "wwt_" + "0" * 49])
@pytest.mark.anyio
async def test_what_is_no_token_is_refused_and_raises_nothing(desk: Desk, text: str) -> None:
    """Whatever an anonymous caller sends."""
    assert await ask_both_ways(desk.tokens, text) == Refused(Reason.UNKNOWN_IDENTITY)
    assert desk.store.asked == []


@pytest.mark.parametrize(("now", "works"), [(-1000, True), (0, True), (9.5, True), (10, False), (11, False)])
def test_a_token_is_valid_until_its_end(now: float, works: bool) -> None:  # noqa: FBT001 - a parameter
    """The last moment is not within."""
    desk = Desk()
    token = desk.tokens.create("ann", expires_in=10).token
    desk.clock.set(NOW + now)
    assert desk.works(token) is works


@pytest.mark.parametrize("end", [nan, -inf])
def test_an_end_that_is_none_lets_nobody_in(end: float) -> None:
    """Should a store hold one."""
    desk = Desk()
    made = TokenFormat("wwt").make()
    desk.store._handles[made.digest] = made.id
    desk.store._tokens[made.id] = TokenRecord(digest=made.digest, id=made.id, owner="ann", expires_at=end)
    assert desk.tokens.check(BearerToken(made.text)) == Refused(Reason.EXPIRED)


@pytest.mark.anyio
@pytest.mark.parametrize("blocking", [False, True])
async def test_only_a_store_that_may_block_is_asked_in_a_worker_thread(blocking: bool) -> None:  # noqa: FBT001 - a parameter
    """A dictionary is looked into at once; a disk is never waited for on the event loop."""
    desk = Desk(blocking=blocking)
    assert isinstance(await desk.tokens.acheck(BearerToken(good(desk))), Accepted)
    assert (desk.store.threads == [threading.main_thread()]) is not blocking
    assert len(desk.store.threads) == 1


def test_the_revision_is_taken_before_anything_is_read() -> None:
    """What changes while the store is asked ends what may be remembered."""
    desk = Desk(blocking=True)
    steps = desk.tokens.flow(BearerToken(good(desk)))
    record = next(steps).run()
    desk.disable("ann")
    with pytest.raises(StopIteration) as end:
        steps.send(record)
    assert not end.value.value.lease.is_current()


@pytest.mark.anyio
async def test_an_outage_is_no_verdict(desk: Desk) -> None:
    """The token may be good: `Unavailable` goes through, to a 503."""
    token = good(desk)
    desk.store.is_down = True
    for credentials in shown(token):
        with pytest.raises(Unavailable):
            desk.tokens.check(credentials)
        with pytest.raises(Unavailable):
            await desk.tokens.acheck(credentials)
    desk.store.is_down = False
    assert desk.works(token)


@pytest.mark.parametrize(
    "change",
    [
        lambda desk, made: desk.tokens.revoke(made.token),
        lambda desk, made: desk.tokens.revoke(made.record.id),
        lambda desk, made: desk.tokens.revoke_all("ann"),
        lambda desk, made: desk.disable("ann"),
        lambda desk, made: desk.clock.set(NOW + 100),
    ],
    ids=["revoked", "revoked by handle", "revoked with all", "disabled", "expired"],
)
def test_an_answer_holds_until_it_would_be_another(change: Callable[[Desk, NewToken], object]) -> None:
    """What the guard remembers is forgotten the moment the token, its subject or the time says otherwise."""
    desk = Desk()
    made = desk.tokens.create("ann", expires_in=100)
    verdict = desk.tokens.check(BearerToken(made.token))
    assert isinstance(verdict, Accepted)
    assert verdict.lease is not None
    for time in (NOW + 99, 0):
        desk.clock.set(time)
        assert verdict.lease.is_current()
    desk.clock.set(NOW)
    change(desk, made)
    assert not verdict.lease.is_current()


# Behind a guard


def guard_of(desk: Desk) -> Guard:
    """Return a guard that takes tokens in both ways."""
    return Guard(Bearer(desk.tokens), APIKey(desk.tokens), clock=desk.clock, request_id=lambda: "id")


HEADERS: dict[str, Callable[[str], tuple[str, str]]] = {
    "Bearer": lambda token: ("Authorization", f"Bearer {token}"),
    "ApiKey": lambda token: ("Authorization", f"ApiKey {token}"),
    "X-API-Key": lambda token: ("X-API-Key", token),
}
each_header = pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS.keys())


@pytest.mark.anyio
@each_header
async def test_a_guard_lets_the_subject_in(desk: Desk, header: Callable[[str], tuple[str, str]]) -> None:
    """By whichever scheme, and again, when it is remembered."""
    guard, made = guard_of(desk), desk.tokens.create("ann")
    for _ in range(2):
        for decision in (guard.decide(ask("/", header(made.token))), await guard.adecide(ask("/", header(made.token)))):
            assert isinstance(decision, Granted)
            assert decision.principal.id == "ann"
            assert decision.principal.claims == {"token_id": made.record.id}


@pytest.mark.anyio
@each_header
@each_state
async def test_a_client_learns_nothing_from_a_refusal(desk: Desk, state: Callable[[Desk], str], header: Any) -> None:
    """401 and the same octets for unknown, revoked and disabled, and for what is no token; expired is told under Bearer alone."""
    guard, token = guard_of(desk), state(desk)
    other = guard.decide(ask("/", header("x")))
    is_told = STATES[state] is Reason.EXPIRED and header is HEADERS["Bearer"]
    for decision in (guard.decide(ask("/", header(token))), await guard.adecide(ask("/", header(token)))):
        assert isinstance(decision, Challenged)
        assert decision.reason == STATES[state]
        assert decision.disclosed == (Reason.EXPIRED if is_told else Reason.INVALID_CREDENTIALS)
        refusal = guard.refuse(decision, ask("/", header(token)))
        assert refusal.status == 401
        assert (refusal == guard.refuse(other, ask("/", header("x")))) is not is_told


@each_header
def test_a_guard_forgets_a_token_at_once(header: Callable[[str], tuple[str, str]]) -> None:
    """Revoked or expired, it is refused by the next request, whatever is remembered; a clock that is set back makes it good again."""
    desk = Desk()
    guard, made = guard_of(desk), desk.tokens.create("ann", expires_in=100)
    for time, reason in [(0, None), (99, None), (100, Reason.EXPIRED), (50, None)]:
        desk.clock.set(NOW + time)
        assert guard.decide(ask("/", header(made.token))).reason == reason
    assert desk.tokens.revoke(made.token)
    assert guard.decide(ask("/", header(made.token))).reason == Reason.REVOKED


def test_an_outage_of_the_store_is_503(desk: Desk) -> None:
    """Neither access nor 401."""
    guard, token = guard_of(desk), good(desk)
    desk.store.is_down = True
    decision = guard.decide(ask("/", ("Authorization", f"Bearer {token}")))
    assert isinstance(decision, Failed)


# Issuing and managing


def test_a_new_token_is_kept_as_it_was_asked_for(desk: Desk) -> None:
    """Whatever was said about it, and when it was issued; its handle tells nothing about it."""
    made = desk.tokens.create("ann", label="ci", kind="client", roles={"r"}, scopes=("s",), permissions=iter(["p"]), expires_in=60)
    assert made.record == next(desk.tokens.list())
    assert made.record == TokenRecord(
        digest=sha256(made.token.encode()).digest(),
        id=made.record.id,
        owner="ann",
        label="ci",
        kind="client",
        roles=frozenset({"r"}),
        scopes=frozenset({"s"}),
        permissions=frozenset({"p"}),
        created_at=NOW,
        expires_at=NOW + 60,
    )
    assert made.record.id not in made.token


@pytest.mark.parametrize(
    ("given", "ends"),
    [
        ({}, NOW + 3600),
        ({"expires_in": None}, None),
        ({"expires_in": 0.5}, NOW + 0.5),
        ({"expires_at": NOW + 7}, NOW + 7),
        ({"expires_in": 60, "expires_at": NOW + 7}, NOW + 7),
        ({"expires_in": None, "expires_at": NOW + 7}, NOW + 7),
    ],
    ids=str,
)
def test_a_token_ends(given: dict[str, Any], ends: float | None) -> None:
    """After an hour, if nothing else is said: what never ends has to be asked for."""
    assert Desk().tokens.create("ann", **given).record.expires_at == ends


MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "no subject": ({"subject": ""}, "the subject is not empty"),
    "subject None": ({"subject": None}, "the subject is a string, not NoneType"),
    "subject with NUL": ({"subject": "a\0"}, "the subject holds a control character"),
    "label": ({"label": "\n"}, "the label holds a control character"),
    "kind": ({"kind": "robot"}, 'kind is "user" or "client"'),
    "scopes as a string": ({"scopes": "orders"}, "scopes are a collection of names"),
    "roles": ({"roles": [None]}, "each of the roles is a string"),
    "permissions": ({"permissions": [""]}, "each of the permissions is not empty"),
    "no time": ({"expires_in": 0}, "expires_in is more than 0"),
    "negative": ({"expires_in": -5}, "expires_in is a number of seconds, 0 or more"),
    "endless": ({"expires_in": inf}, "expires_in is a number of seconds, not inf"),
    "text": ({"expires_in": "60"}, "expires_in is a number of seconds"),
    "expires_at nan": ({"expires_at": nan}, "expires_at is Unix seconds"),
    "expires_at false": ({"expires_at": False}, "expires_at is Unix seconds"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_token_that_cannot_be_right_is_not_issued(case: str) -> None:
    """The message says what is wrong; nothing reaches the store."""
    desk = Desk()
    given, message = MISTAKES[case]
    with pytest.raises(ConfigurationError, match=message):
        desk.tokens.create(**{"subject": "ann", **given})
    assert list(desk.tokens.list()) == []


@pytest.mark.parametrize("store", [None, "postgresql://ann:s3cret@db/auth", MemoryStore, object()], ids=["none", "text", "class", "other"])
def test_a_store_that_is_none_is_a_mistake(store: Any) -> None:
    """Found at construction; an address of a database, with its password, is not shown."""
    with pytest.raises(ConfigurationError, match="OpaqueTokens takes a store, such as") as caught:
        OpaqueTokens(store)
    assert "s3cret" not in str(caught.value)


def test_a_prefix_that_cannot_be_one_is_a_mistake() -> None:
    """And one that can be is what the tokens begin with."""
    with pytest.raises(ConfigurationError, match="a prefix is a letter"):
        OpaqueTokens(MemoryStore(), prefix="a-b")
    tokens = OpaqueTokens(MemoryStore(), prefix="acme_live")
    assert tokens.create("ann").token.startswith("acme_live_")
    assert repr(tokens) == "OpaqueTokens(prefix='acme_live')"


def test_a_token_is_revoked_by_itself_or_by_its_handle() -> None:
    """Once; whatever else is given is False."""
    desk = Desk()
    one, two = desk.tokens.create("ann"), desk.tokens.create("ann")
    assert [desk.tokens.revoke(one.token), desk.tokens.revoke(one.token), desk.tokens.revoke(one.record.id)] == [True, False, False]
    assert [desk.tokens.revoke(two.record.id), desk.tokens.revoke(two.token)] == [True, False]
    assert [record.revoked_at for record in desk.tokens.list()] == [NOW, NOW]
    assert not desk.tokens.revoke(unknown(desk))
    assert not desk.tokens.revoke(make_id())


def test_only_handles_and_digests_reach_the_store() -> None:
    """A token of somebody else, a damaged one or a password, given by mistake: databases write what they were asked into logs."""
    desk = Desk()
    token = good(desk)
    for text in (token[:-1], f" {token}", "correct horse", "", "\ud800", TokenFormat("other").make().text):
        assert not desk.tokens.revoke(text)
    assert desk.store.asked == []
    desk.tokens.revoke(token)
    assert token not in repr(desk.store.asked)


def test_everything_that_a_compromised_account_holds_dies() -> None:
    """All its keys and all its tokens, and nobody else's; remembered or not."""
    desk = Desk()
    keys = APIKeys(desk.store, clock=desk.clock)
    guard = Guard(Bearer(desk.tokens), APIKey(keys), clock=desk.clock)
    headers = [HEADERS["Bearer"](desk.tokens.create("ann").token) for _ in range(2)]
    headers += [HEADERS["X-API-Key"](keys.create("ann").key) for _ in range(3)]
    others = [HEADERS["Bearer"](desk.tokens.create("bob").token), HEADERS["X-API-Key"](keys.create("bob").key)]
    assert all(guard.decide(ask("/", header)).granted for header in headers + others)
    assert desk.tokens.revoke_all("ann") == (3, 2)
    assert {guard.decide(ask("/", header)).reason for header in headers} == {Reason.REVOKED}
    assert all(guard.decide(ask("/", header)).granted for header in others)
    assert desk.tokens.revoke_all("ann") == (0, 0)
    with pytest.raises(ConfigurationError, match="the subject is not empty"):
        desk.tokens.revoke_all("")


def test_tokens_are_listed_by_subject_and_in_pages() -> None:
    """However many there are, each once, in the order of their handles."""
    desk = Desk()
    for number in range(PAGE + 5):
        made = TokenFormat("wwt").make()
        desk.store.add_token(TokenRecord(id=made.id, digest=made.digest, owner="ann" if number % 2 else "bob"))
    listed = [record.id for record in desk.tokens.list()]
    assert len(set(listed)) == len(listed) == PAGE + 5
    assert listed == sorted(listed)
    assert {record.subject for record in desk.tokens.list("ann")} == {"ann"}
    assert len([*desk.tokens.list("ann"), *desk.tokens.list("bob")]) == PAGE + 5
    assert list(desk.tokens.list("carl")) == []


def test_tokens_that_ended_are_forgotten() -> None:
    """By now or by another time; those that work stay."""
    desk = Desk()
    short, long, endless, dead = (desk.tokens.create("ann", expires_in=seconds) for seconds in (10, 100, None, 100))
    desk.clock.advance(5)
    assert desk.tokens.revoke(dead.token)
    assert desk.tokens.purge() == 0
    desk.clock.advance(6)
    assert desk.tokens.purge(NOW) == 0
    assert desk.tokens.purge() == 2
    assert {record.id for record in desk.tokens.list()} == {long.record.id, endless.record.id}
    assert [desk.works(made.token) for made in (short, long, endless, dead)] == [False, True, True, False]
    assert desk.tokens.purge(NOW + 1000) == 0  # a time in the future counts as now
    assert desk.works(endless.token)
    for wrong in (nan, inf, "1", True):
        with pytest.raises(ConfigurationError, match="before is Unix seconds, or None"):
            desk.tokens.purge(wrong)  # type: ignore[arg-type]  # the mistake itself


def test_a_token_is_recognised_without_a_lookup() -> None:
    """By whoever scans logs and repositories: there need be no such token."""
    desk = Desk()
    assert desk.tokens.recognise(good(desk))
    assert desk.tokens.recognise(unknown(desk))
    for text in (good(desk)[:-1], "", None, b"", APIKeys(desk.store, prefix="wwt").create("ann").key):
        assert not desk.tokens.recognise(text)
    assert desk.store.asked == []


# Secrets


def test_the_store_holds_no_token() -> None:
    """Everything that it has, and everything that it was asked, walked octet by octet: digests only."""
    desk = Desk()
    tokens = [good(desk), revoked(desk), expired(desk)]
    for token in tokens:
        desk.tokens.check(BearerToken(token))
    desk.store.threads.clear()
    everything = pickle.dumps({name: value for name, value in vars(desk.store).items() if name != "_lock"}, protocol=4).decode("latin-1")
    for token in tokens:
        secret = token.removeprefix("wwt_")
        assert sha256(token.encode()).digest().decode("latin-1") in everything
        assert all(part not in everything for part in (secret, secret[:12], secret[-12:], secret[::-1], secret.encode().hex()))


def test_nothing_prints_a_token() -> None:
    """Neither what is made, nor what is kept, nor the checker, its steps and its verdicts; and a new token cannot be changed."""
    desk = Desk(blocking=True)
    made = desk.tokens.create("ann", label="l")
    steps = desk.tokens.flow(BearerToken(made.token))
    operation = next(steps)
    verdict: Any = desk.tokens.check(BearerToken(made.token))
    text = " ".join(
        f"{one!r} {one}" for one in [made, made.record, desk.tokens, steps, operation, operation.run, verdict, verdict.lease, desk.store]
    )
    secret, digest = made.token.removeprefix("wwt_"), made.record.digest
    for part in (secret, secret[:8], secret[-8:], repr(digest)[2:-1], digest.hex()):
        assert part not in text
    with pytest.raises(FrozenInstanceError):
        made.token = "other"  # type: ignore[misc]  # the mistake itself


@each_state
def test_no_decision_and_no_log_line_holds_a_token(state: Callable[[Desk], str], caplog: pytest.LogCaptureFixture) -> None:
    """Whatever becomes of it: explained, refused or logged."""
    desk = Desk()
    guard, token = guard_of(desk), state(desk)
    caplog.set_level(0)
    view = ask("/", ("X-API-Key", token))
    decision = guard.decide(view)
    refusal = guard.refuse(decision, view)
    text = f"{decision!r} {refusal!r} {refusal.body!r} {guard.explain(view)} {caplog.text}"
    assert token.removeprefix("wwt_") not in text


def test_no_error_holds_a_token() -> None:
    """Of every method that could be given one by mistake."""
    token = good(Desk())
    with pytest.raises(WatchwordError) as caught:
        OpaqueTokens(token)  # type: ignore[arg-type]  # the mistake itself
    assert token not in f"{caught.value!r} {caught.value.__cause__!r} {caught.value.__context__!r}"


def test_a_record_alone_opens_nothing() -> None:
    """Whoever reads the store can show neither digest nor handle."""
    desk = Desk()
    record = desk.tokens.create("ann").record
    for text in (record.digest.hex(), record.id, f"wwt_{record.id}", record.digest.decode("latin-1")):
        assert not desk.works(text)


class TestContract(CheckerContract):
    desk = Desk()
    accepted = BearerToken(good(desk))
    refused = BearerToken(revoked(desk))
    identity = "ann"

    def checker(self) -> object:
        """The tokens."""
        return self.desk.tokens


class TestContractOfAStoreThatMayBlock(TestContract):
    desk = Desk(blocking=True)
    accepted: Any = APIKeyCredentials(good(desk))
    refused: Any = APIKeyCredentials(unknown(desk))
