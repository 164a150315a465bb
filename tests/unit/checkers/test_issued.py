"""What keys and tokens have in common: how they are checked, made, listed and revoked, and that nothing of them is shown."""

from __future__ import annotations

import pickle
import threading
from dataclasses import FrozenInstanceError, dataclass, replace
from hashlib import sha256
from math import inf, nan
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from tests.support.core import ask
from tests.support.issued import HEADERS, KEYS, NOW, TOKENS, Desk, Kind, ask_both_ways, near_misses, shown
from watchword import (
    Accepted,
    APIKeyCredentials,
    BearerToken,
    Challenged,
    ConfigurationError,
    Evidence,
    Failed,
    Granted,
    Principal,
    Reason,
    Refused,
    Unavailable,
    WatchwordError,
)
from watchword.checkers import asking
from watchword.checkers.issued import IssuedChecker
from watchword.checkers.key_format import KeyFormat, TokenFormat, _sealed, make_id
from watchword.checkers.use_notes import UseNotes
from watchword.errors import NotFound
from watchword.stores.memory import MemoryStore
from watchword.stores.ports import PAGE, Issued
from watchword.testing import CheckerContract, FixedClock

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from watchword.operation import Operation, Steps

KINDS = [KEYS, TOKENS]
each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
each_store = pytest.mark.parametrize("blocking", [False, True], ids=["at once", "blocking"])
each_header = pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS.keys())


# What "ann" holds, in every state.


def good(desk: Desk) -> str:
    """One that is good."""
    return desk.create(label="cron", roles=["admin"], scopes=["orders:read"], permissions=["orders.delete"])[0]


def unknown(desk: Desk) -> str:
    """One that no store has."""
    return desk.kind.form.make().text


def wrong(desk: Desk) -> str:
    """The id of one key and the secret of none."""
    return with_wrong_secret(good(desk))


def with_wrong_secret(key: str) -> str:
    """Return a key of the same id and of the right form, with the secret of another."""
    return _sealed(key[:-33] + KeyFormat("ww").make().text[-33:-6])


def revoked(desk: Desk, **given: Any) -> str:
    """Revoked."""
    text, record = desk.create(**given)
    assert desk.checker.revoke(record.id)
    return text


def disabled(desk: Desk) -> str:
    """Good, but its owner is shut out."""
    desk.disable()
    return good(desk)


def early(desk: Desk) -> str:
    """Not valid yet."""
    return desk.create(not_before=NOW + 1)[0]


def expired(desk: Desk) -> str:
    """Valid no more."""
    return desk.create(expires_at=NOW)[0]


def rotated_away(desk: Desk) -> str:
    """Replaced, and the overlap is over."""
    text, record = desk.create()
    desk.checker.rotate(record.id, overlap=10)
    desk.clock.advance(10)
    return text


def ended(desk: Desk) -> str:
    """Replaced without an overlap."""
    text, record = desk.create()
    desk.checker.rotate(record.id, overlap=0)
    return text


def purged(desk: Desk) -> str:
    """Revoked and forgotten."""
    text = revoked(desk)
    desk.clock.advance(1)
    assert desk.checker.purge(NOW + 9) == 1
    return text


def everything_at_once(desk: Desk) -> str:
    """Revoked, its owner shut out, and at the wrong time."""
    desk.disable()
    return revoked(desk, **{"not_before": NOW + 5, "expires_at": NOW + 6} if desk.kind is KEYS else {"expires_at": NOW})


def disabled_and_early(desk: Desk) -> str:
    """Its owner shut out, and not valid yet."""
    desk.disable()
    return early(desk)


def disabled_and_expired(desk: Desk) -> str:
    """Its owner shut out, and valid no more."""
    desk.disable()
    return expired(desk)


def wrong_for_a_dead_key(desk: Desk) -> str:
    """The wrong secret for one that would be refused anyway."""
    return with_wrong_secret(everything_at_once(desk))


# State, reason, and whether it is one of keys alone or of tokens alone.
STATES: list[tuple[Callable[[Desk], str], Reason, list[Kind]]] = [
    (unknown, Reason.UNKNOWN_IDENTITY, KINDS),
    (wrong, Reason.WRONG_SECRET, [KEYS]),
    (purged, Reason.UNKNOWN_IDENTITY, [TOKENS]),
    (revoked, Reason.REVOKED, KINDS),
    (disabled, Reason.DISABLED, KINDS),
    (early, Reason.NOT_YET_VALID, [KEYS]),
    (expired, Reason.EXPIRED, KINDS),
    (rotated_away, Reason.EXPIRED, [KEYS]),
    (ended, Reason.REVOKED, [KEYS]),
    (everything_at_once, Reason.REVOKED, KINDS),
    (disabled_and_early, Reason.DISABLED, [KEYS]),
    (disabled_and_expired, Reason.DISABLED, KINDS),
    (wrong_for_a_dead_key, Reason.WRONG_SECRET, [KEYS]),
]
each_state = pytest.mark.parametrize(
    ("kind", "state", "reason"),
    [pytest.param(kind, state, reason, id=f"{kind.name}-{state.__name__}") for state, reason, kinds in STATES for kind in kinds],
)


# Checking


@pytest.mark.anyio
@each_kind
@each_store
async def test_it_stands_for_its_owner(kind: Kind, blocking: bool) -> None:  # noqa: FBT001 - a parameter
    """With what it was given, and its id for the log; however it is carried and asked about."""
    desk = Desk(kind, blocking=blocking)
    networks: dict[str, Any] = {"networks": ["10.0.0.0/8"]} if kind is KEYS else {}
    text, record = desk.create(kind="client", roles=["admin"], scopes=["a", "b"], permissions=["c"], expires_at=NOW + 9, **networks)
    assert await ask_both_ways(desk.checker, text) == Accepted(
        Principal(
            "ann",
            kind="client",
            roles={"admin"},
            scopes={"a", "b"},
            permissions={"c"},
            claims={f"{kind.name}_id": record.id},
            evidence=Evidence(expires_at=NOW + 9, networks=("10.0.0.0/8",) if networks else None),
        )
    )


@pytest.mark.anyio
@each_kind
async def test_a_plain_one_holds_nothing_and_counts_everywhere(kind: Kind) -> None:
    """No end, no networks: None, and not an empty set, which would let nobody in."""
    desk = Desk(kind)
    text, record = desk.create()
    assert await ask_both_ways(desk.checker, text) == Accepted(
        Principal("ann", claims={f"{kind.name}_id": record.id}, evidence=Evidence(expires_at=None, networks=None))
    )


@pytest.mark.anyio
@each_state
@each_store
async def test_every_other_one_is_refused(kind: Kind, state: Any, reason: Reason, blocking: bool) -> None:  # noqa: FBT001 - a parameter
    """With the reason for the operator. What became of it is told only to whoever has the secret. Nothing is noted as used."""
    desk = Desk(kind, blocking=blocking)
    assert await ask_both_ways(desk.checker, state(desk)) == Refused(reason)
    assert desk.store.times("note_key_use") == 0


@pytest.mark.anyio
@each_state
@each_store
async def test_whatever_has_the_form_costs_one_lookup(kind: Kind, state: Any, reason: Reason, blocking: bool) -> None:  # noqa: FBT001 - a parameter
    """Known or not: nothing can be told from the work."""
    desk = Desk(kind, blocking=blocking)
    for text in (state(desk), good(desk)):
        desk.store.asked.clear()
        desk.checker.check(APIKeyCredentials(text))
        await desk.checker.acheck(BearerToken(text))
        assert desk.store.asked == [(kind.lookup, kind.asked(text))] * 2


@each_kind
def test_what_has_not_the_form_is_not_looked_up(kind: Kind) -> None:
    """Every slip of a good one is refused without a question to the store; exhaustively, for one of each."""
    desk = Desk(kind)
    text = good(desk)
    for miss in set(near_misses(text)) - {text}:
        assert desk.checker.check(APIKeyCredentials(miss)) == Refused(Reason.UNKNOWN_IDENTITY)
    assert desk.store.asked == []


@pytest.mark.anyio
@each_kind
async def test_a_malformed_secret_is_refused_and_raises_nothing(kind: Kind) -> None:
    """Any text of an anonymous caller is refused without an exception."""
    prefix = kind.form.prefix
    for blocking in (False, True):
        desk = Desk(kind, blocking=blocking)
        for text in ("", prefix, "\ud800", f"{prefix}_\ud800", "x" * 100_000, "' OR 1=1 --", f"{prefix}_{'0' * 49}", "ww_" + "0" * 50):
            assert await ask_both_ways(desk.checker, text) == Refused(Reason.UNKNOWN_IDENTITY)
        assert desk.store.asked == []


@pytest.mark.parametrize(
    ("kind", "begins", "ends", "now", "answer"),
    [
        *((kind, None, 10, -1000, None) for kind in KINDS),
        *((kind, None, 10, 9.5, None) for kind in KINDS),
        *((kind, None, 10, 10, Reason.EXPIRED) for kind in KINDS),
        *((kind, None, 10, 11, Reason.EXPIRED) for kind in KINDS),
        (KEYS, 5, None, 4.5, Reason.NOT_YET_VALID),
        (KEYS, 5, None, 5, None),
        (KEYS, 5, 10, 4, Reason.NOT_YET_VALID),
        (KEYS, 5, 10, 7, None),
        (KEYS, 5, 10, 10, Reason.EXPIRED),
    ],
)
def test_it_is_valid_from_its_beginning_until_its_end(kind: Kind, begins: Any, ends: Any, now: float, answer: Reason | None) -> None:
    """The first moment is within, the last is not."""
    desk = Desk(kind)
    text, _ = desk.create(expires_at=ends and NOW + ends, **{"not_before": NOW + begins} if begins else {})
    desk.clock.set(NOW + now)
    verdict = desk.checker.check(APIKeyCredentials(text))
    assert (verdict.reason if isinstance(verdict, Refused) else None) == answer


@pytest.mark.parametrize(
    ("kind", "times"),
    [
        *((kind, {"expires_at": end}) for kind in KINDS for end in (nan, -inf)),
        *((KEYS, {"not_before": start}) for start in (nan, inf)),
    ],
)
def test_a_malformed_time_is_refused(kind: Kind, times: Any) -> None:
    """A record with such a time is refused: its validity cannot be told."""
    desk = Desk(kind)
    made = kind.form.make()
    record = kind.record(id=made.id, digest=made.digest, owner="ann", **times)
    desk.store._handles[made.digest] = made.id
    (desk.store._keys if kind is KEYS else desk.store._tokens)[made.id] = record
    assert isinstance(desk.checker.check(APIKeyCredentials(made.text)), Refused)


@each_kind
def test_no_secret_opens_what_does_not_exist(kind: Kind) -> None:
    """What is compared where there is no record is random, and never the same: nobody can show what it is the digest of."""
    made = {Desk(kind).checker._no_digest for _ in range(10)}
    assert (len(made), {len(digest) for digest in made}) == (10, {32})


@each_kind
def test_a_record_alone_opens_nothing(kind: Kind) -> None:
    """Whoever reads the store can show neither digest nor id."""
    desk = Desk(kind)
    _, record = desk.create()
    for text in (record.digest.hex(), record.id, f"{kind.form.prefix}_{record.id}", record.digest.decode("latin-1")):
        assert not desk.works(text)


# Where the store is asked


@pytest.mark.anyio
@each_kind
@each_store
async def test_only_a_store_that_may_block_is_asked_in_a_worker_thread(kind: Kind, blocking: bool) -> None:  # noqa: FBT001 - a parameter
    """A dictionary is looked into at once; a disk is never waited for on the event loop."""
    desk = Desk(kind, blocking=blocking)
    text = good(desk)
    assert isinstance(await desk.checker.acheck(APIKeyCredentials(text)), Accepted)
    assert (desk.store.threads == [threading.main_thread()]) is not blocking
    assert len(desk.store.threads) == 1


@each_kind
def test_the_work_is_one_operation(kind: Kind) -> None:
    """By hand: the revision is taken before anything is read, so what changes meanwhile ends what may be cached."""
    desk = Desk(kind, blocking=True)
    steps = desk.checker.flow(APIKeyCredentials(good(desk)))
    operation = next(steps)
    assert desk.store.asked == []
    record = operation.run()
    desk.disable()
    with pytest.raises(StopIteration) as end:
        steps.send(record)
    assert not end.value.value.lease.is_current()


@pytest.mark.anyio
@each_kind
@each_store
async def test_an_outage_is_no_verdict(kind: Kind, blocking: bool) -> None:  # noqa: FBT001 - a parameter
    """It may be good: `Unavailable` goes through, to a 503; and what cannot be one is refused all the same."""
    desk = Desk(kind, blocking=blocking)
    text = good(desk)
    desk.store.is_down = True
    for credentials in shown(text):
        with pytest.raises(Unavailable):
            desk.checker.check(credentials)
        with pytest.raises(Unavailable):
            await desk.checker.acheck(credentials)
    assert desk.checker.check(APIKeyCredentials(text[:-1])) == Refused(Reason.UNKNOWN_IDENTITY)
    desk.store.is_down = False
    assert desk.works(text)


# For how long an answer holds

CHANGES: dict[str, tuple[Callable[[Desk, str, Any], object], list[Kind]]] = {
    "revoked": (lambda desk, text, record: desk.checker.revoke(record.id), KINDS),
    "revoked by itself": (lambda desk, text, record: desk.checker.revoke(text), [TOKENS]),
    "rotated": (lambda desk, text, record: desk.checker.rotate(record.id), [KEYS]),
    "revoked with all": (lambda desk, text, record: desk.checker.revoke_all("ann"), KINDS),
    "disabled": (lambda desk, text, record: desk.disable(), KINDS),
    "expired": (lambda desk, text, record: desk.clock.set(NOW + 100), KINDS),
    "before its time again": (lambda desk, text, record: desk.clock.set(NOW - 101), [KEYS]),
}


@pytest.mark.parametrize(("change", "kind"), [(name, kind) for name, (_, kinds) in CHANGES.items() for kind in kinds])
def test_an_answer_holds_until_it_would_be_another(change: str, kind: Kind) -> None:
    """What the guard caches is void the moment the secret, its owner or the time says otherwise."""
    desk = Desk(kind)
    start: dict[str, Any] = {"not_before": NOW - 100} if kind is KEYS else {}
    text, record = desk.create(expires_at=NOW + 100, **start)
    lease = desk.accept(text).lease
    assert lease is not None
    for time in (NOW + 99, NOW - 100):
        desk.clock.set(time)
        assert lease.is_current()
    desk.store.note_key_use(record.id, NOW)
    desk.clock.set(NOW)
    assert lease.is_current()
    CHANGES[change][0](desk, text, record)
    assert not lease.is_current()


@each_kind
def test_an_answer_without_end_holds_for_ever(kind: Kind) -> None:
    """At any time, as long as nothing changes."""
    desk = Desk(kind)
    lease = desk.accept(good(desk)).lease
    assert lease is not None
    for time in (0, NOW * 100):
        desk.clock.set(time)
        assert lease.is_current()


# Behind a guard


@pytest.mark.anyio
@each_kind
@each_header
@each_store
async def test_a_guard_lets_the_owner_in(kind: Kind, header: Any, blocking: bool) -> None:  # noqa: FBT001 - a parameter
    """By whichever scheme, and again, when it is cached."""
    desk = Desk(kind, blocking=blocking)
    guard, (text, record) = desk.guard(), desk.create()
    for _ in range(2):
        for decision in (guard.decide(ask("/", header(text))), await guard.adecide(ask("/", header(text)))):
            assert isinstance(decision, Granted)
            assert decision.principal.id == "ann"
            assert decision.principal.claims == {f"{kind.name}_id": record.id}


@pytest.mark.anyio
@each_header
@each_state
async def test_a_client_learns_nothing_from_a_refusal(kind: Kind, state: Any, reason: Reason, header: Any) -> None:
    """401 and the same octets for unknown, wrong, revoked, disabled and not yet valid, and for what is no secret at all (RKEY-3).

    That it has expired is told under Bearer alone, whose clients can do something about it, and to whoever has the secret.
    """
    desk = Desk(kind)
    guard, text = desk.guard(), state(desk)
    decisions = [guard.decide(ask("/", header(text))), await guard.adecide(ask("/", header(text)))]
    other = guard.decide(ask("/", header("x")))
    is_told = reason is Reason.EXPIRED and header is HEADERS["Bearer"]
    for decision in decisions:
        assert isinstance(decision, Challenged)
        assert decision.reason == reason
        assert decision.disclosed == (Reason.EXPIRED if is_told else Reason.INVALID_CREDENTIALS)
        refusal = guard.refuse(decision, ask("/", header(text)))
        assert refusal.status == 401
        assert (refusal == guard.refuse(other, ask("/", header("x")))) is not is_told


@each_kind
@each_header
def test_a_guard_forgets_at_once(kind: Kind, header: Any) -> None:
    """Revoked or expired, it is refused by the next request, whatever is cached; a clock that is set back makes it good again."""
    desk = Desk(kind)
    guard, (text, record) = desk.guard(), desk.create(expires_at=NOW + 100)
    for time, reason in [(0, None), (99, None), (100, Reason.EXPIRED), (50, None)]:
        desk.clock.set(NOW + time)
        assert guard.decide(ask("/", header(text))).reason == reason
    assert desk.checker.revoke(record.id)
    assert guard.decide(ask("/", header(text))).reason == Reason.REVOKED


@each_kind
@each_header
def test_an_outage_of_the_store_is_503(kind: Kind, header: Any) -> None:
    """Neither access nor 401."""
    desk = Desk(kind)
    guard, text = desk.guard(), good(desk)
    desk.store.is_down = True
    decision = guard.decide(ask("/", header(text)))
    assert isinstance(decision, Failed)
    assert guard.refuse(decision, ask("/", header(text))).status == 503


# Making and managing

MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "no owner": ({"owner": ""}, "the {owner} must be a non-empty string"),
    "owner None": ({"owner": None}, "the {owner} must be a string, got None"),
    "owner with NUL": ({"owner": "a\0"}, "the {owner} must be without control characters"),
    "owner with a line end": ({"owner": "a\nb"}, r"the {owner} must be without control characters and lone surrogates, got 'a\\nb'"),
    "owner with half a character": ({"owner": "\ud800"}, "lone surrogate"),
    "label None": ({"label": None}, "the label must be a string, got None"),
    "label with a line end": ({"label": "\n"}, "the label must be without control characters"),
    "label with an escape": ({"label": "\x1b[2J"}, "the label must be without control characters"),
    "label with a C1 control": ({"label": "\x9b2J"}, "the label must be without control characters"),
    "kind": ({"kind": "robot"}, 'kind must be "user" or "client", got \'robot\''),
    "kind as a list": ({"kind": ["user"]}, 'kind must be "user" or "client"'),
    "scopes as a string": ({"scopes": "orders"}, r"scopes must be a collection of names, such as \[\"orders\"\], got 'orders'"),
    "roles None": ({"roles": None}, "roles must be a collection of names"),
    "a role None": ({"roles": [None]}, "each of the roles must be a string"),
    "an empty permission": ({"permissions": [""]}, "each of the permissions must be a non-empty string"),
    "a scope that is a number": ({"scopes": [7]}, "each of the scopes must be a string, got int"),
    "expires_at nan": ({"expires_at": nan}, "expires_at must be Unix seconds, or None, got nan"),
    "expires_at inf": ({"expires_at": inf}, "expires_at must be Unix seconds, or None, got inf"),
    "expires_at text": ({"expires_at": "2027-01-01"}, "expires_at must be Unix seconds, or None, got '2027-01-01'"),
    "expires_at true": ({"expires_at": True}, "expires_at must be Unix seconds"),
    "expires_at too large": ({"expires_at": 10**400}, "expires_at must be Unix seconds"),
}


@each_kind
@pytest.mark.parametrize("case", MISTAKES)
def test_what_cannot_be_right_is_not_made(kind: Kind, case: str) -> None:
    """The message says what is wrong; nothing reaches the store."""
    desk = Desk(kind)
    given, message = MISTAKES[case]
    with pytest.raises(ConfigurationError, match=message.replace("{owner}", kind.owner)):
        desk.create(**{"owner": "ann", **given})
    assert list(desk.checker.list()) == []


@each_kind
def test_which_characters_a_label_may_have(kind: Kind) -> None:
    """Everything that a terminal shows and a database keeps: no control, no half of a character."""
    desk = Desk(kind)
    for character in " ~\xa0\xe4\ud7ff\ue000\U0010ffff":
        assert desk.create(label=f"a{character}b")[1].label == f"a{character}b"
    for character in "\0\x1f\x7f\x80\x9f\ud800\udbff\udc00\udfff":
        with pytest.raises(ConfigurationError, match="the label must be without control characters and lone surrogates"):
            desk.create(label=f"a{character}b")


@each_kind
@pytest.mark.parametrize("store", [None, "postgresql://ann:s3cret@db/auth", MemoryStore, object()], ids=["none", "text", "class", "other"])
def test_an_invalid_store_is_rejected_at_construction(kind: Kind, store: Any) -> None:
    """Found at construction; an address of a database, with its password, is not shown."""
    message = rf'{kind.checker.__name__}\(store\) must be a store, such as .*MemoryStore\(\) or SQLStore\("sqlite:///auth.db"\), got \w+\.$'
    with pytest.raises(ConfigurationError, match=message) as caught:
        kind.checker(store)
    assert "s3cret" not in str(caught.value)


@each_kind
def test_a_prefix_that_cannot_be_one_is_a_mistake(kind: Kind) -> None:
    """And one that can be is what the secrets begin with."""
    with pytest.raises(ConfigurationError, match="prefix must be a letter"):
        Desk(kind, prefix="a-b")
    desk = Desk(kind, prefix="acme_live")
    assert desk.create()[0].startswith("acme_live_")
    assert repr(desk.checker) == f"{kind.checker.__name__}(prefix='acme_live')"


@each_kind
def test_they_are_listed_by_owner_and_in_pages(kind: Kind) -> None:
    """However many there are, each once, in the order of their ids."""
    desk = Desk(kind)
    for number in range(PAGE + 5):
        digest = sha256(str(number).encode()).digest()
        record = kind.record(id=f"{number * 7919 % 65536:04x}", digest=digest, owner="ann" if number % 2 else "bob")
        getattr(desk.store, f"add_{kind.name}")(record)
    listed = [record.id for record in desk.checker.list()]
    assert len(set(listed)) == len(listed) == PAGE + 5
    assert listed == sorted(listed)
    assert {record.owner for record in desk.checker.list("ann")} == {"ann"}
    assert len([*desk.checker.list("ann"), *desk.checker.list("bob")]) == PAGE + 5
    assert list(desk.checker.list("carl")) == []


@each_kind
def test_revoke_all_revokes_every_key_and_token_of_an_owner(kind: Kind) -> None:
    """Keys and tokens, cached or not, whichever of the two is asked to do it; and nobody else's."""
    desk, other = Desk(kind), Desk(TOKENS if kind is KEYS else KEYS)
    other.store, other.checker = desk.store, other.kind.checker(desk.store, clock=desk.clock)
    guards = {desk: desk.guard(), other: other.guard()}
    held = [(one, one.create()[0]) for one in (desk, desk, other)]
    others = [(one, one.create("bob")[0]) for one in (desk, other)]

    def reasons(given: list[tuple[Desk, str]]) -> set[Reason | None]:
        return {guards[one].decide(ask("/", ("X-API-Key", text))).reason for one, text in given}

    assert reasons(held + others) == {None}
    assert desk.checker.revoke_all("ann") == ((2, 1) if kind is KEYS else (1, 2))
    assert (reasons(held), reasons(others)) == ({Reason.REVOKED}, {None})
    assert desk.checker.revoke_all("ann") == (0, 0)
    with pytest.raises(ConfigurationError, match=f"the {kind.owner} must be a non-empty string"):
        desk.checker.revoke_all("")


@each_kind
def test_it_is_recognised_without_a_lookup(kind: Kind) -> None:
    """By whoever scans logs and repositories: there need be no such secret."""
    desk = Desk(kind)
    text, record = desk.create()
    assert desk.checker.recognise(text) == (record.id if kind is KEYS else True)
    assert desk.checker.recognise(unknown(desk))
    other = KeyFormat(kind.form.prefix if kind is TOKENS else "acme").make().text
    for odd in (text[:-1], f" {text}", text.encode(), None, "", other):
        assert not desk.checker.recognise(odd)
    assert desk.store.asked == []


# Another kind


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRecord(Issued):
    """A session of somebody who logged in."""

    what: ClassVar[str] = "session"

    last_used_at: float | None = None


class Sessions(IssuedChecker[SessionRecord, MemoryStore]):
    """Sessions in a dictionary, that end when they were not used for a minute."""

    def __init__(self, clock: FixedClock) -> None:
        super().__init__(MemoryStore(), TokenFormat("wws"), clock)
        self.kept: dict[bytes, SessionRecord] = {}
        self.uses = UseNotes(self._use, every=0, blocking=False)

    def start(self, subject: str) -> str:
        """Start one."""
        made = self._form.make()
        self.kept[made.digest] = SessionRecord(id=made.id, digest=made.digest, owner=subject, expires_at=self._clock.now() + 60)
        return made.text

    def _use(self, id: str, at: float) -> None:  # noqa: A002 - the name of the field
        for digest, record in self.kept.items():
            if record.id == id:
                self.kept[digest] = replace(record, last_used_at=at, expires_at=at + 60)

    def _look_up(self, id: str, digest: bytes) -> Steps[SessionRecord | None]:  # noqa: A002 - as above
        return asking.ask(self._store, lambda: self.kept.get(digest))

    def _page(self, owner: str | None, after: str) -> Sequence[SessionRecord]:
        return sorted((record for record in self.kept.values() if record.id > after), key=lambda record: record.id)

    def _after_response(self, record: SessionRecord) -> Operation[None] | None:
        return self.uses.after_response(record.id, record.last_used_at, self._clock.now())


def test_a_custom_kind_is_a_record_and_three_methods() -> None:
    """Sessions: found by their digest, used, ended by the time, and revoked, with every reason of a key or token."""
    clock = FixedClock(NOW)
    sessions = Sessions(clock)
    text = sessions.start("ann")
    for _ in range(3):
        clock.advance(50)
        verdict = sessions.check(BearerToken(text))
        assert isinstance(verdict, Accepted)
        assert verdict.principal.claims == {"session_id": next(sessions.list()).id}
        assert verdict.after_response is not None
        verdict.after_response.run()
    [(digest, record)] = sessions.kept.items()
    for changed, reason in [
        (replace(record, revoked_at=NOW), Reason.REVOKED),
        (replace(record, owner_disabled=True), Reason.DISABLED),
        (replace(record, expires_at=NOW), Reason.EXPIRED),
    ]:
        sessions.kept[digest] = changed
        assert sessions.check(BearerToken(text)) == Refused(reason)
    assert record.subjects == (f"session {record.id}", "account ann")


# Secrets


@each_kind
def test_what_is_not_there_is_not_found(kind: Kind) -> None:
    """The message names an id, and nothing that may be a secret."""
    desk = Desk(kind)
    text, record = desk.create()
    assert desk.checker.get(record.id) == record
    name = make_id()
    with pytest.raises(NotFound, match=rf"^there is no \w*\s?{kind.name} with the id '{name}'$"):
        desk.checker.get(name)
    desk.store.asked.clear()
    for given in (text[:-1], kind.secret(text), "", "correct horse", "\ud800", KeyFormat("other").make().text):
        with pytest.raises(NotFound, match=r"^(that is not the id of an API key|there is no such token)$"):
            desk.checker.get(given)
        assert not desk.checker.revoke(given)
    assert desk.store.asked == []  # databases write what they were asked into errors and logs


@each_kind
def test_the_store_holds_no_secret(kind: Kind) -> None:
    """Everything that it has, and everything that it was asked, walked octet by octet: digests only."""
    desk = Desk(kind)
    made = [good(desk), revoked(desk), expired(desk)]
    if kind is KEYS:
        made += [desk.checker.rotate(desk.create()[1].id).key]
        desk.checker.check(APIKeyCredentials(with_wrong_secret(made[0])))
    for text in made:
        desk.checker.check(APIKeyCredentials(text))
    desk.store.threads.clear()
    everything = pickle.dumps({name: value for name, value in vars(desk.store).items() if name != "_lock"}, protocol=4).decode("latin-1")
    for text in made:
        secret = kind.secret(text)
        assert sha256((secret if kind is KEYS else text).encode()).digest().decode("latin-1") in everything
        assert all(part not in everything for part in (secret, secret[:12], secret[-12:], secret[::-1], secret.encode().hex()))


@each_kind
def test_nothing_prints_a_secret(kind: Kind) -> None:
    """Neither what is made, nor what is kept, nor the checker, its steps and its verdicts; and a new one cannot be changed."""
    desk = Desk(kind, blocking=True)
    made = desk.checker.create("ann", label="l")
    text = getattr(made, kind.name)
    steps = desk.checker.flow(APIKeyCredentials(text))
    operation = next(steps)
    verdict = desk.accept(text)
    things = [made, made.record, desk.checker, steps, operation, operation.run, verdict, verdict.lease, verdict.after_response, desk.store]
    printed = " ".join(f"{one!r} {one}" for one in things)
    secret, digest = kind.secret(text), made.record.digest
    for part in (secret, secret[:8], secret[-8:], repr(digest)[2:-1], digest.hex()):
        assert part not in printed
    with pytest.raises(FrozenInstanceError):
        setattr(made, kind.name, "other")


@each_state
def test_no_decision_and_no_log_line_holds_a_secret(kind: Kind, state: Any, reason: Reason, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever becomes of it: explained, refused or logged."""
    desk = Desk(kind)
    guard, text = desk.guard(), state(desk)
    caplog.set_level(0)
    view = ask("/", ("X-API-Key", text))
    decision = guard.decide(view)
    refusal = guard.refuse(decision, view)
    shown_ = f"{decision!r} {refusal!r} {refusal.body!r} {guard.explain(view)} {caplog.text}"
    assert kind.secret(text) not in shown_


@each_kind
def test_no_error_holds_a_secret(kind: Kind) -> None:
    """Of every method that could be given one by mistake."""
    desk = Desk(kind)
    text = unknown(desk)
    mistakes: list[Callable[[], object]] = [lambda: desk.checker.get(text), lambda: kind.checker(text)]
    if kind is KEYS:
        mistakes.append(lambda: desk.checker.rotate(text))
    for mistake in mistakes:
        with pytest.raises(WatchwordError) as caught:
            mistake()
        assert kind.secret(text) not in f"{caught.value!r} {caught.value.__cause__!r} {caught.value.__context__!r}"


class TestContractOfKeys(CheckerContract):
    desk = Desk(KEYS)
    accepted: Any = APIKeyCredentials(good(desk))
    refused: Any = APIKeyCredentials(wrong(desk))
    identity = "ann"

    def checker(self) -> object:
        """The keys, or the tokens."""
        return self.desk.checker


class TestContractOfKeysThatMayBlock(TestContractOfKeys):
    desk = Desk(KEYS, blocking=True)
    accepted = BearerToken(good(desk))
    refused = BearerToken(unknown(desk))


class TestContractOfTokens(TestContractOfKeys):
    desk = Desk(TOKENS)
    accepted = BearerToken(good(desk))
    refused = BearerToken(revoked(desk))


class TestContractOfTokensThatMayBlock(TestContractOfKeys):
    desk = Desk(TOKENS, blocking=True)
    accepted = APIKeyCredentials(good(desk))
    refused = APIKeyCredentials(unknown(desk))
