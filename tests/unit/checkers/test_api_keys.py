"""API keys in a store: checked, made, rotated, revoked."""

from __future__ import annotations

import pickle
import threading
from dataclasses import FrozenInstanceError, replace
from hashlib import sha256
from math import inf, nan
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.core import ask
from tests.support.issued import CountingStore, ask_both_ways, near_misses, secret_of, shown
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
from watchword.checkers.api_keys import _NOTED, APIKeys, NewKey
from watchword.checkers.key_format import KeyFormat, _sealed, make_id
from watchword.errors import NotFound
from watchword.stores.memory import MemoryStore
from watchword.stores.ports import PAGE, AccountRecord, KeyRecord
from watchword.testing import CheckerContract, FixedClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from watchword.operation import Operation

NOW = 1_700_000_000.0
DAY = 86_400.0


class Desk:
    """Keys in a store that keeps count, by a clock that stands still.

    Args:
        blocking: what the store says about itself.
        options: of the checker.
    """

    def __init__(self, *, blocking: bool = False, **options: Any) -> None:
        self.clock = FixedClock(NOW)
        self.store = CountingStore(blocking=blocking)
        self.keys = APIKeys(self.store, clock=self.clock, **options)

    def disable(self, owner: str) -> None:
        """Shut the account of that id."""
        self.store.add_account(AccountRecord(id=owner, names=(), disabled=True))

    def accept(self, key: str) -> Accepted:
        """Return the verdict about a key that is good."""
        verdict = self.keys.check(APIKeyCredentials(key))
        assert isinstance(verdict, Accepted)
        return verdict


@pytest.fixture(params=[False, True], ids=["at once", "blocking"])
def desk(request: pytest.FixtureRequest) -> Desk:
    """Keys in a store that answers at once, and in one that may block."""
    return Desk(blocking=request.param)


def with_wrong_secret(key: str) -> str:
    """Return a key of the same id and of the right form, with the secret of another."""
    return _sealed(key[: -len(secret_of(key)) - 6] + secret_of(KeyFormat("ww").make().text))


# Keys of "ann" in every state.


def good(desk: Desk) -> str:
    """One that is good."""
    return desk.keys.create("ann", label="cron", roles=["admin"], scopes=["orders:read"], permissions=["orders.delete"]).key


def unknown(_desk: Desk) -> str:
    """One that no store has."""
    return KeyFormat("ww").make().text


def wrong(desk: Desk) -> str:
    """The id of one and the secret of none."""
    return with_wrong_secret(good(desk))


def revoked(desk: Desk) -> str:
    """Revoked."""
    made = desk.keys.create("ann")
    assert desk.keys.revoke(made.record.id)
    return made.key


def disabled(desk: Desk) -> str:
    """Good, but its owner is shut out."""
    desk.disable("ann")
    return good(desk)


def early(desk: Desk) -> str:
    """Not valid yet."""
    return desk.keys.create("ann", not_before=NOW + 1).key


def expired(desk: Desk) -> str:
    """Valid no more."""
    return desk.keys.create("ann", expires_at=NOW).key


def rotated_away(desk: Desk) -> str:
    """Replaced, and the overlap is over."""
    made = desk.keys.create("ann")
    desk.keys.rotate(made.record.id, overlap=10)
    desk.clock.advance(10)
    return made.key


def ended(desk: Desk) -> str:
    """Replaced without an overlap."""
    made = desk.keys.create("ann")
    desk.keys.rotate(made.record.id, overlap=0)
    return made.key


def everything_at_once(desk: Desk) -> str:
    """Revoked, its owner shut out, and not valid yet."""
    desk.disable("ann")
    made = desk.keys.create("ann", not_before=NOW + 5, expires_at=NOW + 6)
    assert desk.keys.revoke(made.record.id)
    return made.key


def disabled_and_early(desk: Desk) -> str:
    """Its owner shut out, and not valid yet."""
    desk.disable("ann")
    return early(desk)


def disabled_and_expired(desk: Desk) -> str:
    """Its owner shut out, and valid no more."""
    desk.disable("ann")
    return expired(desk)


def wrong_for_a_dead_key(desk: Desk) -> str:
    """The wrong secret for one that would be refused anyway."""
    return with_wrong_secret(everything_at_once(desk))


STATES: dict[Callable[[Desk], str], Reason] = {
    unknown: Reason.UNKNOWN_IDENTITY,
    wrong: Reason.WRONG_SECRET,
    revoked: Reason.REVOKED,
    disabled: Reason.DISABLED,
    early: Reason.NOT_YET_VALID,
    expired: Reason.EXPIRED,
    rotated_away: Reason.EXPIRED,
    ended: Reason.REVOKED,
    everything_at_once: Reason.REVOKED,
    disabled_and_early: Reason.DISABLED,
    disabled_and_expired: Reason.DISABLED,
    wrong_for_a_dead_key: Reason.WRONG_SECRET,
}
each_state = pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)


@pytest.mark.anyio
async def test_a_key_stands_for_its_owner(desk: Desk) -> None:
    """With what it was given, and the id of the key for the log; however it is carried and asked about."""
    made = desk.keys.create(
        "ann", kind="client", roles=["admin"], scopes=["a", "b"], permissions=["c"], networks=["10.0.0.0/8"], expires_at=NOW + 9
    )
    assert await ask_both_ways(desk.keys, made.key) == Accepted(
        Principal(
            "ann",
            kind="client",
            roles={"admin"},
            scopes={"a", "b"},
            permissions={"c"},
            claims={"key_id": made.record.id},
            evidence=Evidence(expires_at=NOW + 9, networks=("10.0.0.0/8",)),
        )
    )


@pytest.mark.anyio
async def test_a_plain_key_holds_nothing_and_counts_everywhere(desk: Desk) -> None:
    """No end, no networks: None, and not an empty set, which would let nobody in."""
    made = desk.keys.create("ann")
    assert await ask_both_ways(desk.keys, made.key) == Accepted(
        Principal("ann", claims={"key_id": made.record.id}, evidence=Evidence(expires_at=None, networks=None))
    )


@pytest.mark.anyio
@each_state
async def test_every_other_key_is_refused(desk: Desk, state: Callable[[Desk], str]) -> None:
    """With the reason for the operator. What became of a key is told only to whoever has its secret."""
    assert await ask_both_ways(desk.keys, state(desk)) == Refused(STATES[state])


@pytest.mark.anyio
@each_state
async def test_whatever_has_the_form_of_a_key_costs_one_lookup(desk: Desk, state: Callable[[Desk], str]) -> None:
    """Known or not: nothing can be told from the work."""
    for key in (state(desk), good(desk)):
        desk.store.asked.clear()
        desk.keys.check(APIKeyCredentials(key))
        await desk.keys.acheck(BearerToken(key))
        assert desk.store.asked == [("find_key", key.split("_")[1])] * 2


def test_what_has_not_the_form_of_a_key_is_not_looked_up() -> None:
    """Every slip of a good key is refused without a question to the store; exhaustively, for one key."""
    desk = Desk()
    key = good(desk)
    for miss in set(near_misses(key)) - {key}:
        assert desk.keys.check(APIKeyCredentials(miss)) == Refused(Reason.UNKNOWN_IDENTITY)
    assert desk.store.asked == []


@pytest.mark.parametrize("text", ["", "ww", "\ud800", "ww_\ud800", "x" * 100_000, "' OR 1=1 --", "ww_" + "0" * 16 + "_" + "0" * 33])
@pytest.mark.anyio
async def test_what_is_no_key_is_refused_and_raises_nothing(desk: Desk, text: str) -> None:
    """Whatever an anonymous caller sends."""
    assert await ask_both_ways(desk.keys, text) == Refused(Reason.UNKNOWN_IDENTITY)
    assert desk.store.asked == []


@pytest.mark.parametrize(
    ("begins", "ends", "now", "answer"),
    [
        (None, 10, 9.5, None),
        (None, 10, 10, Reason.EXPIRED),
        (None, 10, 11, Reason.EXPIRED),
        (5, None, 4.5, Reason.NOT_YET_VALID),
        (5, None, 5, None),
        (5, 10, 4, Reason.NOT_YET_VALID),
        (5, 10, 7, None),
        (5, 10, 10, Reason.EXPIRED),
    ],
)
def test_a_key_is_valid_from_its_beginning_until_its_end(begins: Any, ends: Any, now: float, answer: Reason | None) -> None:
    """The first moment is within, the last is not."""
    desk = Desk()
    made = desk.keys.create("ann", not_before=begins and NOW + begins, expires_at=ends and NOW + ends)
    desk.clock.set(NOW + now)
    verdict = desk.keys.check(APIKeyCredentials(made.key))
    assert (verdict.reason if isinstance(verdict, Refused) else None) == answer


@pytest.mark.parametrize("times", [{"not_before": nan}, {"expires_at": nan}, {"not_before": inf}, {"expires_at": -inf}])
def test_a_time_that_is_none_lets_nobody_in(times: Any) -> None:
    """Should a store hold one: whoever cannot tell whether a key is valid refuses it."""
    desk = Desk()
    made = KeyFormat("ww").make()
    desk.store._keys[made.id] = KeyRecord(id=made.id, digest=made.digest, owner="ann", **times)
    assert isinstance(desk.keys.check(APIKeyCredentials(made.text)), Refused)


def test_the_secret_of_one_key_opens_no_other() -> None:
    """A key is its id and its secret together."""
    desk = Desk()
    one, other = good(desk), good(desk)
    mixed = _sealed(f"ww_{one.split('_')[1]}_{secret_of(other)}")
    assert desk.keys.check(APIKeyCredentials(mixed)) == Refused(Reason.WRONG_SECRET)


def test_no_secret_opens_a_key_that_does_not_exist() -> None:
    """What is compared where there is no record is random, and never the same: nobody can show what it is the digest of."""
    assert len({Desk().keys._nobody for _ in range(10)}) == 10
    assert {len(Desk().keys._nobody) for _ in range(10)} == {32}


# Where the store is asked


@pytest.mark.anyio
@pytest.mark.parametrize("blocking", [False, True])
async def test_only_a_store_that_may_block_is_asked_in_a_worker_thread(blocking: bool) -> None:  # noqa: FBT001 - a parameter
    """A dictionary is looked into at once; a disk is never waited for on the event loop."""
    desk = Desk(blocking=blocking)
    key = good(desk)
    assert isinstance(await desk.keys.acheck(APIKeyCredentials(key)), Accepted)
    assert (desk.store.threads == [threading.main_thread()]) is not blocking
    assert len(desk.store.threads) == 1


def test_the_work_is_one_operation() -> None:
    """By hand: the revision is taken before anything is read."""
    desk = Desk(blocking=True)
    key = good(desk)
    steps = desk.keys.flow(APIKeyCredentials(key))
    operation = next(steps)
    assert desk.store.asked == []
    record = operation.run()
    desk.disable("ann")  # something changes meanwhile
    with pytest.raises(StopIteration) as end:
        steps.send(record)
    assert not end.value.value.lease.is_current()


@pytest.mark.anyio
async def test_an_outage_is_no_verdict(desk: Desk) -> None:
    """The key may be good: `Unavailable` goes through, to a 503; and what cannot be a key is refused all the same."""
    key = good(desk)
    desk.store.is_down = True
    for credentials in shown(key):
        with pytest.raises(Unavailable):
            desk.keys.check(credentials)
        with pytest.raises(Unavailable):
            await desk.keys.acheck(credentials)
    assert desk.keys.check(APIKeyCredentials(key[:-1])) == Refused(Reason.UNKNOWN_IDENTITY)
    desk.store.is_down = False
    assert isinstance(desk.keys.check(APIKeyCredentials(key)), Accepted)


# For how long an answer holds


@pytest.mark.parametrize(
    "change",
    [
        lambda desk, made: desk.keys.revoke(made.record.id),
        lambda desk, made: desk.keys.rotate(made.record.id),
        lambda desk, made: desk.keys.revoke_all("ann"),
        lambda desk, made: desk.disable("ann"),
        lambda desk, made: desk.clock.set(NOW + 100),
        lambda desk, made: desk.clock.set(NOW - 101),
    ],
    ids=["revoked", "rotated", "revoked with all", "disabled", "expired", "before its time again"],
)
def test_an_answer_holds_until_it_would_be_another(change: Callable[[Desk, NewKey], object]) -> None:
    """What the guard remembers is forgotten the moment the key, its owner or the time says otherwise."""
    desk = Desk()
    made = desk.keys.create("ann", not_before=NOW - 100, expires_at=NOW + 100)
    lease = desk.accept(made.key).lease
    assert lease is not None
    assert lease.is_current()
    desk.clock.set(NOW + 99)
    desk.store.note_key_use(made.record.id, NOW)
    assert lease.is_current()
    change(desk, made)
    assert not lease.is_current()


def test_an_answer_without_end_holds_for_ever() -> None:
    """At any time, as long as nothing changes."""
    desk = Desk()
    lease = desk.accept(good(desk)).lease
    assert lease is not None
    for time in (0, NOW * 100):
        desk.clock.set(time)
        assert lease.is_current()


# When a key was last used


def do(operation: Operation[Any] | None) -> None:
    """Do what is left to do, if there is anything."""
    if operation is not None:
        operation.run()


def last_used(desk: Desk, name: str) -> float | None:
    """Return when a key was last used, as the store has it."""
    return desk.keys.get(name).last_used_at


def test_the_use_of_a_key_is_noted_after_the_response() -> None:
    """Never while the request waits."""
    desk = Desk()
    made = desk.keys.create("ann")
    verdict = desk.accept(made.key)
    assert desk.store.times("note_key_use") == 0
    assert verdict.after_response is not None
    verdict.after_response.run()
    assert last_used(desk, made.record.id) == NOW


def test_the_use_of_a_key_is_noted_once_a_minute() -> None:
    """However often it is used; by what the store says, so that it is once a minute for all processes together."""
    desk = Desk()
    made = desk.keys.create("ann")
    for second in range(180):
        desk.clock.set(NOW + second)
        # Every request by a process that has just started.
        do(APIKeys(desk.store, clock=desk.clock).check(APIKeyCredentials(made.key)).after_response)  # type: ignore[union-attr]
    assert desk.store.times("note_key_use") == 3
    assert last_used(desk, made.record.id) == NOW + 120


@pytest.mark.parametrize("order", [1, -1], ids=["first first", "last first"])
def test_a_burst_of_uses_is_noted_once(order: int) -> None:
    """A hundred requests that were let in before the first note was taken leave one, whichever comes first."""
    desk = Desk()
    made = desk.keys.create("ann")
    left = []
    for _ in range(100):
        left.append(desk.accept(made.key).after_response)
        desk.clock.advance(0.1)
    for operation in left[::order]:
        do(operation)
    assert desk.store.times("note_key_use") == 1
    # And one that was read from the store before, but is answered now, has nothing left to do.
    stale = replace(desk.keys.get(made.record.id), last_used_at=None)
    assert desk.keys._note(stale, desk.clock.now()) is None


def test_a_burst_of_threads_notes_once() -> None:
    """Sixteen threads at the same moment: one does it, and none waits for it."""
    desk = Desk()
    made = desk.keys.create("ann")
    left = [desk.accept(made.key).after_response for _ in range(16)]
    together = threading.Barrier(16)

    def work(operation: Any) -> None:
        together.wait()
        operation.run()

    threads = [threading.Thread(target=work, args=(operation,)) for operation in left]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert desk.store.times("note_key_use") == 1


def test_while_one_thread_notes_no_other_waits() -> None:
    """A slow disk holds one thread and not all of them."""
    desk = Desk()
    made = desk.keys.create("ann")
    first, second = (desk.accept(made.key).after_response for _ in range(2))

    class Slow(CountingStore):
        def note_key_use(self, id: str, at: float) -> None:  # noqa: A002 - the name in the protocol
            super().note_key_use(id, at)
            do(second)  # meanwhile

    desk.store.__class__ = Slow
    do(first)
    assert desk.store.times("note_key_use") == 1


def test_a_note_that_failed_is_taken_with_the_next_use() -> None:
    """An outage after the response is somebody else's to report; nothing is taken for noted that is not."""
    desk = Desk()
    made = desk.keys.create("ann")
    left = desk.accept(made.key).after_response
    desk.store.is_down = True
    with pytest.raises(Unavailable):
        do(left)
    desk.store.is_down = False
    do(desk.accept(made.key).after_response)
    assert last_used(desk, made.record.id) == NOW


@pytest.mark.parametrize("used_every", [0, 10, 3600.0])
def test_how_often_a_use_is_noted_is_a_setting(used_every: float) -> None:
    """In seconds; 0 notes every use."""
    desk = Desk(used_every=used_every)
    made = desk.keys.create("ann")
    do(desk.accept(made.key).after_response)
    desk.clock.set(NOW + used_every - 0.5)
    do(desk.accept(made.key).after_response)
    assert desk.store.times("note_key_use") == 1
    for count in (2, 3) if not used_every else (2, 2):
        desk.clock.set(NOW + used_every)
        do(desk.accept(made.key).after_response)
        assert desk.store.times("note_key_use") == count


def test_a_clock_that_is_set_back_does_not_stop_the_notes_of_other_keys() -> None:
    """What was noted in a future that did not come is no reason to be silent, and a note of the store is never set back."""
    desk = Desk()
    made = desk.keys.create("ann")
    do(desk.accept(made.key).after_response)
    desk.clock.set(NOW - 1000)
    do(desk.accept(made.key).after_response)
    assert last_used(desk, made.record.id) == NOW
    stale = replace(desk.keys.get(made.record.id), last_used_at=None)
    assert desk.keys._note(stale, NOW - 1000) is not None


@pytest.mark.anyio
async def test_a_store_that_answers_at_once_needs_no_thread_for_the_note() -> None:
    """Awaited, it is done here; one that may block is left to the driver, which has threads."""
    for blocking in (False, True):
        desk = Desk(blocking=blocking)
        made = desk.keys.create("ann")
        after_response = desk.accept(made.key).after_response
        assert after_response is not None
        assert (after_response.arun is None) is blocking
        if after_response.arun is not None:
            await after_response.arun()
            assert last_used(desk, made.record.id) == NOW


def test_what_was_noted_is_remembered_within_bounds() -> None:
    """However many keys are used, no more than some thousands are in mind."""
    desk = Desk()
    for number in range(_NOTED + 100):
        do(desk.keys._note(KeyRecord(id=f"{number}", digest=b"", owner="ann"), NOW))
    assert len(desk.keys._noted) == _NOTED
    assert desk.keys._noting.get() == {}


@each_state
def test_a_refused_key_is_not_noted_as_used(state: Callable[[Desk], str]) -> None:
    """Whoever knows an id alone leaves no trace of use."""
    desk = Desk()
    assert isinstance(desk.keys.check(APIKeyCredentials(state(desk))), Refused)
    assert desk.store.times("note_key_use") == 0


# Behind a guard


def guard_of(desk: Desk) -> Guard:
    """Return a guard that takes keys in both ways."""
    return Guard(APIKey(desk.keys), Bearer(desk.keys), clock=desk.clock, request_id=lambda: "id")


HEADERS: dict[str, Callable[[str], tuple[str, str]]] = {
    "X-API-Key": lambda key: ("X-API-Key", key),
    "ApiKey": lambda key: ("Authorization", f"ApiKey {key}"),
    "Bearer": lambda key: ("Authorization", f"Bearer {key}"),
}
each_header = pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS.keys())


@pytest.mark.anyio
@each_header
async def test_a_guard_lets_the_owner_in(desk: Desk, header: Callable[[str], tuple[str, str]]) -> None:
    """By whichever scheme, and again, when it is remembered."""
    guard, key = guard_of(desk), good(desk)
    for _ in range(2):
        for decision in (guard.decide(ask("/", header(key))), await guard.adecide(ask("/", header(key)))):
            assert isinstance(decision, Granted)
            assert decision.principal.id == "ann"
            assert decision.principal.claims == {"key_id": key.split("_")[1]}


@pytest.mark.anyio
@each_header
@each_state
async def test_a_client_learns_nothing_from_a_refusal(desk: Desk, state: Callable[[Desk], str], header: Any) -> None:
    """401 and the same octets for unknown, wrong, revoked, disabled and not yet valid, and for what is no key at all (RKEY-3).

    That a key has expired is told under Bearer alone, whose clients can do something about it, and to whoever has the secret.
    """
    guard, key = guard_of(desk), state(desk)
    decisions = [guard.decide(ask("/", header(key))), await guard.adecide(ask("/", header(key)))]
    other = guard.decide(ask("/", header("x")))
    is_told = STATES[state] is Reason.EXPIRED and header is HEADERS["Bearer"]
    for decision in decisions:
        assert isinstance(decision, Challenged)
        assert decision.reason == STATES[state]
        assert decision.disclosed == (Reason.EXPIRED if is_told else Reason.INVALID_CREDENTIALS)
        refusal = guard.refuse(decision, ask("/", header(key)))
        assert refusal.status == 401
        assert (refusal == guard.refuse(other, ask("/", header("x")))) is not is_told


@each_header
def test_a_key_counts_from_its_networks_only(header: Callable[[str], tuple[str, str]]) -> None:
    """401 from elsewhere, which a thief cannot tell from any other; also when it is remembered, and the other way round."""
    desk = Desk()
    guard = guard_of(desk)
    key = desk.keys.create("ann", networks=["10.0.0.0/8", "2001:db8::/32"]).key
    refused = []
    inside = ["10.1.2.3", "2001:db8::1"]
    for client in ["192.0.2.7", inside[0], "192.0.2.7", inside[1], None, "2001:db9::1"]:
        view = ask("/", header(key), client=client)
        decision = guard.decide(view)
        assert decision.granted is (client in inside)
        if client not in inside:
            refused.append(guard.refuse(decision, view))
    view = ask("/", header("x"))
    refused.append(guard.refuse(guard.decide(view), view))
    assert all(refusal == refused[0] for refusal in refused)
    assert refused[0].status == 401


@each_header
def test_a_guard_forgets_a_key_at_once(header: Callable[[str], tuple[str, str]]) -> None:
    """Revoked in this process, it is refused by the next request, whatever is remembered."""
    desk = Desk()
    guard, made = guard_of(desk), desk.keys.create("ann")
    assert guard.decide(ask("/", header(made.key))).granted
    assert desk.keys.revoke(made.record.id)
    assert guard.decide(ask("/", header(made.key))).reason == Reason.REVOKED


@each_header
def test_an_outage_of_the_store_is_503(desk: Desk, header: Callable[[str], tuple[str, str]]) -> None:
    """Neither access nor 401."""
    guard, key = guard_of(desk), good(desk)
    desk.store.is_down = True
    decision = guard.decide(ask("/", header(key)))
    assert isinstance(decision, Failed)
    assert guard.refuse(decision, ask("/", header(key))).status == 503


# Making and managing


def test_a_new_key_is_kept_as_it_was_asked_for(desk: Desk) -> None:
    """Whatever was said about it, and when it was made."""
    made = desk.keys.create(
        "ann",
        label="nightly export",
        kind="client",
        roles={"r"},
        scopes=("s",),
        permissions=iter(["p"]),
        networks=["10.0.0.0/8", "192.0.2.7", "10.0.0.0/8", "::ffff:198.51.100.0/120"],
        not_before=NOW + 1,
        expires_at=int(NOW + 2),
    )
    record = made.record
    assert record == desk.keys.get(record.id) == next(desk.keys.list())
    assert replace(record, id="", digest=b"", version=0) == KeyRecord(
        id="",
        digest=b"",
        owner="ann",
        label="nightly export",
        kind="client",
        roles=frozenset({"r"}),
        scopes=frozenset({"s"}),
        permissions=frozenset({"p"}),
        networks=("10.0.0.0/8", "192.0.2.7/32", "198.51.100.0/24"),
        not_before=NOW + 1,
        expires_at=NOW + 2,
        created_at=NOW,
    )
    assert record.digest == sha256(secret_of(made.key).encode()).digest()
    assert made.key.split("_")[1] == record.id


MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "no owner": ({"owner": ""}, "the owner is not empty"),
    "owner None": ({"owner": None}, "the owner is a string, not NoneType"),
    "owner with a line end": ({"owner": "a\nb"}, r"the owner holds a control character or a lone surrogate: 'a\\nb'"),
    "owner with half a character": ({"owner": "\ud800"}, "lone surrogate"),
    "label None": ({"label": None}, "the label is a string, not NoneType"),
    "label with an escape": ({"label": "\x1b[2J"}, "the label holds a control character"),
    "label with a C1 control": ({"label": "\x9b2J"}, "the label holds a control character"),
    "kind": ({"kind": "robot"}, 'kind is "user" or "client", not \'robot\''),
    "kind as a list": ({"kind": ["user"]}, 'kind is "user" or "client"'),
    "scopes as a string": ({"scopes": "orders"}, r"scopes are a collection of names, such as \[\"orders\"\], not 'orders'"),
    "roles None": ({"roles": None}, "roles are a collection of names"),
    "an empty permission": ({"permissions": [""]}, "each of the permissions is not empty"),
    "a scope that is a number": ({"scopes": [7]}, "each of the scopes is a string, not int"),
    "networks as a string": ({"networks": "10.0.0.0/8"}, r"networks are a collection, such as \[\"10.0.0.0/8\"\]"),
    "networks None": ({"networks": None}, "networks are a collection"),
    "no network": ({"networks": ["10.0.0.0/8", "office"]}, "networks are such as \"10.0.0.0/8\", not 'office'"),
    "an empty network": ({"networks": [""]}, "networks are such as"),
    "a network with host bits": ({"networks": ["10.0.0.1/8"]}, "has host bits set"),
    "a network with a zone": ({"networks": ["fe80::%eth0/64"]}, "zones are not compared"),
    "a network that is a number": ({"networks": [10]}, "it is no string"),
    "networks in one string": ({"networks": ["10.0.0.0/8,192.0.2.0/24"]}, "networks are such as"),
    "not_before nan": ({"not_before": nan}, "not_before is Unix seconds, or None, not nan"),
    "expires_at inf": ({"expires_at": inf}, "expires_at is Unix seconds, or None, not inf"),
    "expires_at text": ({"expires_at": "2027-01-01"}, "expires_at is Unix seconds, or None, not '2027-01-01'"),
    "expires_at true": ({"expires_at": True}, "expires_at is Unix seconds"),
    "expires_at too large": ({"expires_at": 10**400}, "expires_at is Unix seconds"),
    "an end before the beginning": (
        {"not_before": NOW + 2, "expires_at": NOW + 1},
        r"not_before .* is earlier than expires_at .*",
    ),
    "an end at the beginning": ({"not_before": NOW, "expires_at": NOW}, "it would never be valid"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_key_that_cannot_be_right_is_not_made(case: str) -> None:
    """The message says what is wrong; nothing reaches the store."""
    desk = Desk()
    given, message = MISTAKES[case]
    with pytest.raises(ConfigurationError, match=message):
        desk.keys.create(**{"owner": "ann", **given})
    assert list(desk.keys.list()) == []


def test_which_characters_a_label_may_have() -> None:
    """Everything that a terminal shows and a database keeps: no control, no half of a character."""
    keys = Desk().keys
    for character in " ~\xa0\xe4\ud7ff\ue000\U0010ffff":
        assert keys.create("ann", label=f"a{character}b").record.label == f"a{character}b"
    for character in "\0\x1f\x7f\x80\x9f\ud800\udbff\udc00\udfff":
        with pytest.raises(ConfigurationError, match="the label holds a control character or a lone surrogate"):
            keys.create("ann", label=f"a{character}b")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"store": None}, r"APIKeys takes a store, such as watchword.stores.MemoryStore\(\) .*, not NoneType"),
        ({"store": "postgresql://ann:s3cret@db/auth"}, "APIKeys takes a store, .*, not str$"),
        ({"store": MemoryStore}, "APIKeys takes a store"),
        ({"used_every": -1}, "used_every is a number of seconds, 0 or more, not -1"),
        ({"used_every": nan}, "used_every is a number of seconds, not nan"),
        ({"used_every": "60"}, "used_every is a number of seconds, not '60'"),
        ({"prefix": "w-w"}, "a prefix is a letter"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_setting_that_cannot_be_right_is_a_mistake(given: dict[str, Any], message: str) -> None:
    """Found at construction; an address of a database, with its password, is not shown."""
    with pytest.raises(ConfigurationError, match=message) as caught:
        APIKeys(**{"store": MemoryStore(), **given})
    assert "s3cret" not in str(caught.value)


def test_keys_are_listed_by_owner_and_in_pages() -> None:
    """However many there are, each once, in the order of their ids."""
    desk = Desk()
    for number in range(PAGE + 5):
        made = KeyFormat("ww").make()
        desk.store.add_key(KeyRecord(id=made.id, digest=made.digest, owner="ann" if number % 2 else "bob"))
    listed = [record.id for record in desk.keys.list()]
    assert len(set(listed)) == len(listed) == PAGE + 5
    assert listed == sorted(listed)
    assert {record.owner for record in desk.keys.list("ann")} == {"ann"}
    assert len([*desk.keys.list("ann"), *desk.keys.list("bob")]) == PAGE + 5
    assert list(desk.keys.list("carl")) == []


def test_both_keys_work_while_they_overlap() -> None:
    """A day, if nothing else is said; then the old one has expired, and the new one works on."""
    desk = Desk()
    old = desk.keys.create("ann", scopes=["s"])
    new = desk.keys.rotate(old.record.id)
    assert new.key != old.key
    for moment, old_works in [(0, True), (DAY - 1, True), (DAY, False), (DAY * 400, False)]:
        desk.clock.set(NOW + moment)
        assert isinstance(desk.keys.check(APIKeyCredentials(old.key)), Accepted) is old_works
        assert isinstance(desk.keys.check(APIKeyCredentials(new.key)), Accepted)
    kept = desk.keys.get(old.record.id)
    assert (kept.replaced_by, kept.expires_at, kept.revoked_at) == (new.record.id, NOW + DAY, None)


def test_the_new_key_holds_what_the_old_one_held() -> None:
    """Everything but the secret, the id and the times."""
    desk = Desk()
    old = desk.keys.create(
        "ann", label="l", kind="client", roles=["r"], scopes=["s"], permissions=["p"], networks=["10.0.0.0/8"], not_before=NOW - 5
    )
    desk.keys.check(APIKeyCredentials(old.key))
    desk.store.note_key_use(old.record.id, NOW)
    new = desk.keys.rotate(old.record.id).record
    assert new.id != old.record.id
    assert new.digest != old.record.digest
    assert replace(new, id="", digest=b"", version=0) == replace(
        old.record, id="", digest=b"", version=0, not_before=None, created_at=NOW, last_used_at=None
    )
    assert desk.keys.get(new.id) == new


@pytest.mark.parametrize("made_for", [{}, {"not_before": NOW}], ids=["at once", "from a time on"])
def test_the_new_key_lives_as_long_as_the_old_one_was_made_for(made_for: Any) -> None:
    """Ninety days again, not what was left of them; and the old one does not outlive its own end."""
    desk = Desk()
    old = desk.keys.create("ann", expires_at=NOW + 90 * DAY, **made_for)
    desk.clock.advance(89.5 * DAY)
    new = desk.keys.rotate(old.record.id)
    assert new.record.expires_at == NOW + 179.5 * DAY
    assert desk.keys.get(old.record.id).expires_at == NOW + 90 * DAY
    # And the next one again.
    assert desk.keys.rotate(new.record.id).record.expires_at == NOW + 179.5 * DAY


def test_a_key_that_is_not_valid_yet_hands_its_beginning_on() -> None:
    """Rotation makes no key valid earlier than it was meant to be."""
    desk = Desk()
    old = desk.keys.create("ann", not_before=NOW + 100, expires_at=NOW + 300)
    new = desk.keys.rotate(old.record.id).record
    assert (new.not_before, new.expires_at) == (NOW + 100, NOW + 300)


@pytest.mark.parametrize("ends", [None, NOW + 7.0])
def test_the_new_key_may_be_given_another_end(ends: float | None) -> None:
    """Or none."""
    desk = Desk()
    old = desk.keys.create("ann", expires_at=NOW + 100)
    assert desk.keys.rotate(old.record.id, expires_at=ends).record.expires_at == ends


def test_without_an_overlap_the_old_key_ends_at_once() -> None:
    """Revoked, so that no clock that is slow lets it in for a moment more."""
    desk = Desk()
    guard, old = guard_of(desk), desk.keys.create("ann")
    assert guard.decide(ask("/", ("X-API-Key", old.key))).granted
    new = desk.keys.rotate(old.record.id, overlap=0)
    for _ in range(2):
        assert not guard.decide(ask("/", ("X-API-Key", old.key))).granted
        assert guard.decide(ask("/", ("X-API-Key", new.key))).granted
        desk.clock.advance(-3600)


ROTATION_MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "negative": ({"overlap": -1}, "overlap is a number of seconds, 0 or more"),
    "none": ({"overlap": None}, "overlap is a number of seconds"),
    "endless": ({"overlap": inf}, "overlap is a number of seconds, not inf"),
    "no time": ({"expires_at": nan}, "expires_at is Unix seconds"),
}


@pytest.mark.parametrize("case", ROTATION_MISTAKES)
def test_a_rotation_that_cannot_be_right_changes_nothing(case: str) -> None:
    """The old key stays as it is, and there is no new one."""
    desk = Desk()
    old = desk.keys.create("ann")
    given, message = ROTATION_MISTAKES[case]
    with pytest.raises(ConfigurationError, match=message):
        desk.keys.rotate(old.record.id, **given)
    assert list(desk.keys.list()) == [old.record]


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (revoked, "was revoked: it has no successor, create a new key"),
        (expired, "has expired: it has no successor, create a new key"),
        (ended, "was revoked"),
        (rotated_away, "was replaced by '[0-9A-Za-z]{16}' already: rotate that one"),
    ],
)
def test_a_key_that_has_ended_is_not_rotated(state: Callable[[Desk], str], message: str) -> None:
    """Whoever holds it must not get a new one for it."""
    desk = Desk()
    name = state(desk).split("_")[1]
    before = list(desk.keys.list())
    with pytest.raises(ConfigurationError, match=f"the API key '{name}' {message}"):
        desk.keys.rotate(name)
    assert list(desk.keys.list()) == before


class Racing(CountingStore):
    """A store in which somebody else is quicker, some times."""

    times_lost = 1

    def lose(self, key: KeyRecord) -> None:
        """Change the key before it is changed."""
        if self.times_lost:
            self.times_lost -= 1
            current = super().find_key(key.id)
            assert current is not None
            super().replace_key(replace(current, label=current.label + "!"))

    def replace_key(self, key: KeyRecord) -> KeyRecord | None:
        """Replace, too late."""
        self.lose(key)
        return super().replace_key(key)

    def rotate_key(self, old: KeyRecord, new: KeyRecord) -> KeyRecord | None:
        """Rotate, too late."""
        self.lose(old)
        return super().rotate_key(old, new)


def test_a_change_by_somebody_else_is_not_lost() -> None:
    """Revoking and rotating read again and keep what the other did."""
    store = Racing()
    keys = APIKeys(store, clock=FixedClock(NOW))
    made = keys.create("ann", label="l")
    new = keys.rotate(made.record.id)
    assert (new.record.label, keys.get(made.record.id).label) == ("l!", "l!")
    assert len(list(keys.list())) == 2
    store.times_lost = 3
    assert keys.revoke(made.record.id)
    assert keys.get(made.record.id).label == "l!!!!"
    assert keys.get(made.record.id).revoked_at == NOW


def test_a_change_that_is_always_too_late_is_an_outage() -> None:
    """It ends, and says that it is not done."""
    store = Racing()
    keys = APIKeys(store, clock=FixedClock(NOW))
    made = keys.create("ann")
    store.times_lost = 10**9
    with pytest.raises(Unavailable):
        keys.revoke(made.record.id)
    with pytest.raises(Unavailable):
        keys.rotate(made.record.id)
    assert len(list(keys.list())) == 1


def test_of_two_rotations_at_once_one_is_done() -> None:
    """Eight threads: one successor, and the others are told which key it is that has one."""
    desk = Desk()
    made = desk.keys.create("ann")
    together = threading.Barrier(8)
    done: list[object] = []

    def work() -> None:
        together.wait()
        try:
            done.append(desk.keys.rotate(made.record.id))
        except ConfigurationError as error:
            done.append(str(error))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    [new] = [one for one in done if isinstance(one, NewKey)]
    assert [one for one in done if one is not new] == [
        f"the API key {made.record.id!r} was replaced by {new.record.id!r} already: rotate that one"
    ] * 7
    assert len(list(desk.keys.list())) == 2


def test_revoking_tells_whether_it_did() -> None:
    """Once; a key that is not there, and what is no id, is False."""
    desk = Desk()
    made = desk.keys.create("ann")
    assert [desk.keys.revoke(name) for name in (made.record.id, made.record.id, make_id(), "", "x", "\ud800")] == [True] + [False] * 5
    assert desk.keys.get(made.record.id).revoked_at == NOW


def test_the_successor_outlives_a_revocation() -> None:
    """Each of the two is revoked for itself."""
    desk = Desk()
    old = desk.keys.create("ann")
    new = desk.keys.rotate(old.record.id)
    assert desk.keys.revoke(old.record.id)
    assert isinstance(desk.keys.check(APIKeyCredentials(new.key)), Accepted)
    assert desk.keys.check(APIKeyCredentials(old.key)) == Refused(Reason.REVOKED)


def test_all_keys_of_somebody_die_together() -> None:
    """And nobody else's."""
    desk = Desk()
    made = [desk.keys.create("ann").key for _ in range(3)]
    other = desk.keys.create("bob").key
    assert desk.keys.revoke_all("ann") == (3, 0)
    assert desk.keys.revoke_all("ann") == (0, 0)
    assert {desk.keys.check(APIKeyCredentials(key)) for key in made} == {Refused(Reason.REVOKED)}
    assert isinstance(desk.keys.check(APIKeyCredentials(other)), Accepted)
    with pytest.raises(ConfigurationError, match="the owner is not empty"):
        desk.keys.revoke_all("")


def test_what_is_not_there_is_not_found() -> None:
    """The message names an id, and nothing that may be a key."""
    desk = Desk()
    name, key = make_id(), good(desk)
    with pytest.raises(NotFound, match=f"there is no API key with the id '{name}'"):
        desk.keys.get(name)
    with pytest.raises(NotFound, match=name):
        desk.keys.rotate(name)
    for given in (key, secret_of(key), ""):
        for action in (desk.keys.get, desk.keys.rotate):
            with pytest.raises(NotFound, match=r"^that is not the id of an API key$"):
                action(given)


def test_a_key_that_is_given_in_place_of_an_id_does_not_reach_the_store() -> None:
    """Databases write what they were asked into errors and logs."""
    desk = Desk()
    key = good(desk)
    assert not desk.keys.revoke(key)
    for action in (desk.keys.get, desk.keys.rotate):
        with pytest.raises(NotFound):
            action(key)
    assert desk.store.asked == []


def test_a_key_is_recognised_without_a_lookup() -> None:
    """By whoever scans logs and repositories: there need be no such key."""
    desk = Desk()
    made = good(desk)
    stranger = KeyFormat("ww").make()
    assert desk.keys.recognise(made) == made.split("_")[1]
    assert desk.keys.recognise(stranger.text) == stranger.id
    for text in (made[:-1], f" {made}", made.encode(), None, "", APIKeys(desk.store, prefix="acme").create("ann").key):
        assert desk.keys.recognise(text) is None
    assert desk.store.asked == []


# Secrets


def held_by(thing: object) -> str:
    """Return everything that an object holds, whether it prints it or not."""
    return pickle.dumps({name: value for name, value in vars(thing).items() if name != "_lock"}, protocol=4).decode("latin-1")


def test_the_store_holds_no_key() -> None:
    """Everything that it has, and everything that it was asked, walked octet by octet: digests only."""
    desk = Desk(blocking=True)
    made = [desk.keys.create("ann"), desk.keys.create("ann")]
    made.append(desk.keys.rotate(made[0].record.id))
    for one in made:
        do(desk.accept(one.key).after_response)
        desk.keys.check(APIKeyCredentials(with_wrong_secret(one.key)))
    desk.store.threads.clear()
    everything = held_by(desk.store)
    for one in made:
        secret = secret_of(one.key)
        assert sha256(secret.encode()).digest().decode("latin-1") in everything
        assert all(part not in everything for part in (secret, secret[:12], secret[-12:], secret[::-1], secret.encode().hex()))


def test_nothing_prints_a_key() -> None:
    """Neither what is made, nor what is kept, nor the checker, its steps and its verdicts; and a new key cannot be changed."""
    desk = Desk(blocking=True)
    made = desk.keys.create("ann", label="l")
    steps = desk.keys.flow(APIKeyCredentials(made.key))
    operation = next(steps)
    verdict = desk.accept(made.key)
    printed = [made, made.record, desk.keys, steps, operation, operation.run, verdict, verdict.lease, verdict.after_response, desk.store]
    text = " ".join(f"{one!r} {one}" for one in printed)
    digest = made.record.digest
    for part in (secret_of(made.key), secret_of(made.key)[:8], repr(digest)[2:-1], digest.hex()):
        assert part not in text
    assert repr(desk.keys) == "APIKeys(prefix='ww')"
    with pytest.raises(FrozenInstanceError):
        made.key = "other"  # type: ignore[misc]  # the mistake itself


@each_state
def test_no_decision_and_no_log_line_holds_a_key(state: Callable[[Desk], str], caplog: pytest.LogCaptureFixture) -> None:
    """Whatever becomes of it: explained, refused or logged."""
    desk = Desk()
    guard, key = guard_of(desk), state(desk)
    caplog.set_level(0)
    view = ask("/", ("X-API-Key", key))
    decision = guard.decide(view)
    refusal = guard.refuse(decision, view)
    text = f"{decision!r} {refusal!r} {refusal.body!r} {guard.explain(view)} {caplog.text}"
    assert secret_of(key) not in text


def test_no_error_holds_a_key() -> None:
    """Of every method that could be given one by mistake."""
    desk = Desk()
    key = desk.keys.create("ann").key
    for mistake in (
        lambda: desk.keys.get(key),
        lambda: desk.keys.rotate(key),
        lambda: APIKeys(key),  # type: ignore[arg-type]  # the mistake itself
    ):
        with pytest.raises(WatchwordError) as caught:
            mistake()
        assert secret_of(key) not in f"{caught.value!r} {caught.value.__cause__!r} {caught.value.__context__!r}"


class TestContract(CheckerContract):
    desk = Desk()
    accepted = APIKeyCredentials(good(desk))
    refused = APIKeyCredentials(wrong(desk))
    identity = "ann"

    def checker(self) -> object:
        """The keys."""
        return self.desk.keys


class TestContractOfAStoreThatMayBlock(TestContract):
    desk = Desk(blocking=True)
    accepted: Any = BearerToken(good(desk))
    refused: Any = BearerToken(unknown(desk))
