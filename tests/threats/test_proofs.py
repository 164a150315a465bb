"""What was proven counts, once and for whoever proved it: rows S2 and T9."""

# ruff: noqa: N802 - a test carries the id of its row
from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from tests.support.drive import ByASGI, basic, bearer
from tests.support.wire import Request
from watchword import (
    Accepted,
    APIKey,
    APIKeyCredentials,
    Basic,
    BasicCredentials,
    Bearer,
    BearerToken,
    Guard,
    Operation,
    Principal,
    Reason,
    Refused,
    Unavailable,
    Verdict,
    optional,
)
from watchword.checkers import Accounts, APIKeys, OpaqueTokens, PasswordHasher
from watchword.stores import MemoryStore, SQLStore
from watchword.testing import FixedClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

NOW = 1_700_000_000.0
CHEAP = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MemoryStore | SQLStore]:
    """Return a store, in memory and in a file."""
    if request.param == "memory":
        yield MemoryStore()
        return
    with SQLStore(f"sqlite:///{tmp_path / 'auth.db'}") as made:
        yield made


def together(work: Callable[[int], object], number: int) -> list[object]:
    """Do something in so many threads at once; return what each got."""
    barrier = threading.Barrier(number)
    got: list[object] = []

    def one(mine: int) -> None:
        barrier.wait()
        got.append(work(mine))

    threads = [threading.Thread(target=one, args=(mine,)) for mine in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return got


def test_S2_a_token_is_redeemed_once(store: MemoryStore | SQLStore) -> None:
    """Of twenty simultaneous calls with a single-use token one is accepted, and none afterwards."""
    tokens = OpaqueTokens(store)
    issued = tokens.create("ann")
    verdicts = together(lambda _: tokens.redeem(issued.token), 20)
    assert sum(isinstance(verdict, Accepted) for verdict in verdicts) == 1
    assert sum(verdict == Refused(Reason.REVOKED) for verdict in verdicts) == 19
    assert tokens.redeem(issued.token) == Refused(Reason.REVOKED)
    assert tokens.check(BearerToken(issued.token)) == Refused(Reason.REVOKED)


@pytest.mark.anyio
async def test_S2_a_token_is_redeemed_once_on_an_event_loop(tmp_path: Path) -> None:
    """The same among tasks."""
    with SQLStore(f"sqlite:///{tmp_path / 'auth.db'}") as made:
        tokens = OpaqueTokens(made)
        issued = tokens.create("ann")
        verdicts: list[Verdict] = []

        async def redeem() -> None:
            verdicts.append(await tokens.aredeem(issued.token))

        async with anyio.create_task_group() as group:
            for _ in range(10):
                group.start_soon(redeem)
        assert [verdict.principal.id for verdict in verdicts if isinstance(verdict, Accepted)] == ["ann"]


def test_S2_a_token_is_revoked_before_it_is_accepted() -> None:
    """If the store fails while it revokes the token, the token is not accepted."""

    class Failing(MemoryStore):
        def revoke_token(self, id: str, at: float) -> bool:  # noqa: A002 - the name in the protocol
            raise Unavailable("no room")

    tokens = OpaqueTokens(Failing())
    issued = tokens.create("ann")
    with pytest.raises(Unavailable):
        tokens.redeem(issued.token)


@pytest.mark.parametrize("wrong", ["", "wwt_", "x" * 9000, "wwt_\ud800"])
def test_S2_a_malformed_token_is_not_redeemed(wrong: str) -> None:
    """A malformed or expired token is refused, and nothing is revoked."""
    clock = FixedClock(NOW)
    tokens = OpaqueTokens(MemoryStore(), clock=clock)
    assert tokens.redeem(wrong) == Refused(Reason.UNKNOWN_IDENTITY)
    issued = tokens.create("ann", expires_in=10)
    clock.set(NOW + 10)
    assert tokens.redeem(issued.token) == Refused(Reason.EXPIRED)


def test_S2_a_key_is_replaced_once(store: MemoryStore | SQLStore) -> None:
    """Of ten simultaneous rotations of one key one succeeds, so no second key exists."""
    keys = APIKeys(store)
    made = keys.create("robot")

    def rotate(_: int) -> object:
        try:
            return keys.rotate(made.record.id)
        except ValueError:
            return None

    got = [one for one in together(rotate, 10) if one is not None]
    assert len(got) == 1
    assert len(list(keys.list("robot"))) == 2


def test_S2_a_revocation_that_races_with_a_login_counts_for_the_next_one(store: MemoryStore | SQLStore) -> None:
    """Whatever a check read before the revocation is not repeated after it: the mark was taken before the reading."""
    tokens = OpaqueTokens(store)
    issued = tokens.create("ann")
    steps = tokens.flow(BearerToken(issued.token))
    # The token is read, and revoked before the answer is used.
    verdict: Verdict | None = None
    try:
        operation: Operation[Any] = next(steps)
        record = operation.run()
        tokens.revoke(issued.token)
        steps.send(record)
    except StopIteration as end:
        verdict = end.value
    if isinstance(verdict, Accepted) and store.blocking:
        assert verdict.lease is not None
        assert not verdict.lease.is_current()
    tokens.revoke(issued.token)
    assert tokens.check(BearerToken(issued.token)) == Refused(Reason.REVOKED)


def test_T9_the_principal_is_that_of_the_accepted_evidence(through: Any) -> None:
    """The decision carries the principal of this verdict, not one that a checker looked at before."""

    class Remembering:
        """What went wrong elsewhere: the last key that was tried is kept beside the answer."""

        def __init__(self) -> None:
            self.last = ""

        def check(self, credentials: BearerToken) -> Verdict:
            self.last = credentials.token
            return Accepted(Principal("ann")) if credentials.token == "ann" else Refused(Reason.REVOKED)

    checker = Remembering()
    send = through(Guard(Bearer(checker), rules={"/": optional}))
    assert send(Request(target="/", headers=(bearer("ann"),))).seen.principal.id == "ann"
    refused = send(Request(target="/", headers=(bearer("root"),)))
    assert (checker.last, refused.status, refused.called) == ("root", 401, False)
    assert not send(Request(target="/")).seen.principal.is_authenticated


def test_T9_checkers_get_credentials_and_nothing_to_write_to() -> None:
    """What a checker is called with is an immutable value of the credentials: no request, no scope, no guard."""
    seen: list[object] = []

    def check(credentials: object) -> None:
        seen.append(credentials)

    guard = Guard(Basic(check, realm="r"), Bearer(check), APIKey(check))
    for field in (basic("ann", "x"), bearer("t"), ("X-API-Key", "k")):
        from watchword import RequestView

        guard.decide(RequestView(method="GET", target="/", headers=[field]))
    assert [type(one) for one in seen] == [BasicCredentials, BearerToken, APIKeyCredentials]
    for one, name in zip(seen, ("password", "token", "key"), strict=True):
        with pytest.raises(AttributeError):
            setattr(one, name, "other")


@pytest.mark.anyio
async def test_T9_simultaneous_checks_do_not_mix_callers_up() -> None:
    """Fifty callers, checked at the same time, are each identified as themselves; equal passwords and hashes change nothing."""
    store = MemoryStore()
    accounts = Accounts(store, hasher=CHEAP)
    shared = CHEAP.hash("same")
    for number in range(50):
        accounts.add(f"user-{number}", password_hash=shared)
    guard = Guard(Basic(accounts, realm="r"))
    got: dict[str, str] = {}

    async def come(name: str) -> None:
        # A driver each, for a driver keeps what its one application saw last.
        answer = await ByASGI(guard).awaited(Request(target="/me", headers=(basic(name, "same"),)))
        got[name] = answer.seen.principal.id if answer.seen else ""

    async with anyio.create_task_group() as group:
        for number in range(50):
            group.start_soon(come, f"user-{number}")
    assert got == {f"user-{number}": f"user-{number}" for number in range(50)}
