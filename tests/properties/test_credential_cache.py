"""With the cache every decision is what it is without: for any sequence of requests, changes, revocations and steps of the clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import argon2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.drive import Answer, ByASGI, ByWSGI
from tests.support.wire import Request, basic, bearer
from watchword import APIKey, Basic, Bearer, Guard, NotFound, authenticated, optional, role, scope
from watchword.checkers import Accounts, APIKeys, OpaqueTokens, PasswordHasher
from watchword.stores import MemoryStore, SQLStore
from watchword.testing import FixedClock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NOW = 1_700_000_000.0
CHEAP = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
HASHES = {word: CHEAP.hash(word) for word in ("first", "second")}
OLD = argon2.PasswordHasher(time_cost=1, memory_cost=32, parallelism=1).hash("first")

RULES = {"/": optional, "/orders": scope("orders:read"), "/admin": role("admin"), "/me": authenticated}

Store: TypeAlias = "MemoryStore | SQLStore"


@dataclass(frozen=True)
class Service:
    """One store, and a guard over it."""

    guard: Guard
    accounts: Accounts
    keys: APIKeys
    tokens: OpaqueTokens


def service(store: Store, clock: FixedClock, *, cache: bool) -> Service:
    """Make a guard over a store, with everything that remembers or without any of it."""
    remember = 10_000 if cache else 0
    accounts = Accounts(store, hasher=CHEAP, clock=clock, max_age=130.0, remember=remember, remember_for=100.0)
    keys, tokens = APIKeys(store, clock=clock), OpaqueTokens(store, clock=clock)
    schemes = Basic(accounts, realm="r"), Bearer(tokens), APIKey(keys)
    guard = Guard(*schemes, rules=RULES, clock=clock, request_id=lambda: "id", remember=remember, remember_for=100.0)
    return Service(guard, accounts, keys, tokens)


def furnish(made: Service) -> dict[str, tuple[str, str]]:
    """Fill the store; return the credential fields that count, by name."""
    made.accounts.add("ann", roles=["admin"], scopes=["orders:read"], password_hash=HASHES["first"])
    made.accounts.add("bob", names=["bobby"], password_hash=OLD)
    key = made.keys.create("ann", scopes=["orders:read"], expires_at=NOW + 200)
    later = made.keys.create("bob", not_before=NOW + 60, expires_at=NOW + 400)
    near = made.keys.create("robot", networks=["10.0.0.0/8"])
    token = made.tokens.create("ann", scopes=["orders:read"], expires_in=150.0)
    return {
        "ann first": basic("ann", "first"),
        "ann second": basic("ann", "second"),
        "bob": basic("bob", "first"),
        "bobby": basic("bobby", "first"),
        "nobody": basic("nobody", "first"),
        "key": ("X-API-Key", key.key),
        "later": ("X-API-Key", later.key),
        "near": ("X-API-Key", near.key),
        "near, in Authorization": ("Authorization", f"ApiKey {near.key}"),
        "token": bearer(token.token),
        "false token": bearer(token.token[:-1] + "!"),
    }


def _if_there(change: Callable[[], object]) -> None:
    try:
        change()
    except NotFound:
        return  # it was removed before


def _set_hash(made: Service, word: str) -> None:
    _if_there(lambda: made.accounts.set_password("ann", word))


CHANGES: dict[str, Callable[[Service], object]] = {
    "first password": lambda made: _set_hash(made, "first"),
    "second password": lambda made: _set_hash(made, "second"),
    "disable": lambda made: _if_there(lambda: made.accounts.disable("ann")),
    "enable": lambda made: _if_there(lambda: made.accounts.enable("ann")),
    "lock": lambda made: _if_there(lambda: made.accounts.lock("bob", NOW + 80)),
    "unlock": lambda made: _if_there(lambda: made.accounts.unlock("bob")),
    "take the role": lambda made: _if_there(lambda: made.accounts.change("ann", roles=[])),
    "give the role": lambda made: _if_there(lambda: made.accounts.change("ann", roles=["admin"])),
    "take a name": lambda made: _if_there(lambda: made.accounts.change("bob", names=["bob"])),
    "remove": lambda made: _if_there(lambda: made.accounts.remove("bob")),
    "revoke a key": lambda made: made.keys.revoke(next(key.id for key in made.keys.list("ann"))),
    "revoke all of ann": lambda made: made.tokens.revoke_all("ann"),
    "revoke all of robot": lambda made: made.keys.revoke_all("robot"),
    "rotate": lambda made: made.keys.rotate(next(key.id for key in made.keys.list("robot") if key.replaced_by is None), overlap=30.0),
}
NAMES = [
    "ann first",
    "ann second",
    "bob",
    "bobby",
    "nobody",
    "key",
    "later",
    "near",
    "near, in Authorization",
    "token",
    "false token",
]

asked = st.tuples(
    st.just("ask"),
    st.sampled_from(NAMES),
    st.sampled_from([*RULES, "/me?x=1"]),
    st.sampled_from(["10.0.0.1", "192.0.2.7"]),
)
changed = st.tuples(st.just("change"), st.sampled_from(sorted(CHANGES)))
stepped = st.tuples(st.just("step"), st.sampled_from([-120.0, -10.0, 1.0, 30.0, 70.0, 200.0]))
sequences = st.lists(st.one_of(asked, asked, asked, changed, stepped), min_size=4, max_size=30)


def comparable(answer: Answer) -> tuple[object, ...]:
    """Return everything of an answer that a memory could have changed."""
    return answer.status, answer.headers, answer.body, answer.seen and (answer.seen.principal, answer.seen.principal.evidence)


def play(driver: Any, store: Store, sequence: list[tuple[Any, ...]]) -> None:
    """Play a sequence before two guards over one store, one of which remembers nothing."""
    clock = FixedClock(NOW)
    made, plain = service(store, clock, cache=True), service(store, clock, cache=False)
    fields = furnish(made)
    with_memo, without = driver(made.guard), driver(plain.guard)
    for what, *arguments in sequence:
        if what == "ask":
            name, target, client = arguments
            request = Request(target=target, headers=(fields[name],), client=client)
            # Twice with the cache, so that what was remembered speaks.
            answers = [comparable(with_memo(request)), comparable(with_memo(request)), comparable(without(request))]
            assert answers[0] == answers[2]
            assert answers[1] == answers[2]
        elif what == "change":
            if arguments[0] == "rotate" and not [key for key in made.keys.list("robot") if _can_rotate(key, clock)]:
                continue
            CHANGES[arguments[0]](made)
        else:
            clock.set(clock.now() + arguments[0])


def _can_rotate(key: Any, clock: FixedClock) -> bool:
    return key.replaced_by is None and key.revoked_at is None and (key.expires_at is None or clock.now() < key.expires_at)


@pytest.mark.parametrize("driver", [ByASGI, ByWSGI])
@given(sequence=sequences)
def test_the_cache_changes_no_decision(driver: Any, sequence: list[tuple[Any, ...]]) -> None:
    """Password changes, locks, lost roles, revocations, rotations, expiry and a clock that steps back count with the next request."""
    play(driver, MemoryStore(), sequence)


@pytest.mark.sampled(5)
@pytest.mark.parametrize("driver", [ByASGI, ByWSGI])
@pytest.mark.parametrize("step", [13.0, 30.0, 65.0, 70.0, -10.0])
def test_time_alone_changes_no_decision(driver: Any, step: float) -> None:
    """Everybody asks again and again while the clock goes on: through every expiry, and back."""
    everybody = [("ask", name, "/me", "10.0.0.1") for name in NAMES]
    steps = [("step", step)] * (3 if step < 0 else 32 if step == 13.0 else 8)
    play(driver, MemoryStore(), [("change", "lock"), *everybody, *(event for one in steps for event in (one, *everybody))])


@settings(max_examples=settings().max_examples // 3)
@given(sequence=sequences)
def test_the_cache_changes_no_decision_over_a_database(sequence: list[tuple[Any, ...]]) -> None:
    """The same where the store has to be asked."""
    with SQLStore("sqlite://") as store:
        play(ByWSGI, store, sequence)


@pytest.mark.parametrize("driver", [ByASGI, ByWSGI])
def test_what_another_process_changes_counts_within_the_bound(driver: Any, tmp_path: Path) -> None:
    """A second store on the database stands for another process: after `staleness` seconds the cache lets nobody in whom it revoked."""
    url = f"sqlite:///{tmp_path / 'auth.db'}"
    clock, stale = FixedClock(NOW), FixedClock(0)
    with SQLStore(url, staleness=2.0, clock=stale) as here, SQLStore(url) as elsewhere:
        made, other = service(here, clock, cache=True), service(elsewhere, clock, cache=True)
        fields = furnish(made)
        send = driver(made.guard)
        requests = {name: Request(target="/me", headers=(fields[name],)) for name in ("ann first", "key", "token", "bob")}
        assert [send(request).status for request in requests.values()] == [200] * 4
        other.accounts.set_password("ann", "second")
        other.keys.revoke_all("ann")
        other.accounts.disable("bob")
        stale.advance(2.0)
        assert [send(request).status for request in requests.values()] == [401] * 4


def test_the_memo_is_used() -> None:
    """Asked again, the store and the hasher are not: so the properties above compare two ways."""
    computed: list[str] = []

    class Counting(PasswordHasher):
        def verify(self, hash: str, password: str | bytes) -> bool:  # noqa: A002 - the name of the argument
            computed.append("verify")
            return super().verify(hash, password)

    class Asked(MemoryStore):
        def find_account(self, name: str, *, fold_case: bool = False) -> Any:
            computed.append("find_account")
            return super().find_account(name, fold_case=fold_case)

    store = Asked()
    accounts = Accounts(store, hasher=Counting(time_cost=1, memory_cost=64))
    accounts.add("ann", "first")
    for driver in (ByASGI, ByWSGI):
        send = driver(Guard(Basic(accounts, realm="r")))
        computed.clear()
        for target in ("/x", "/x", "/x?y=1", "/z"):
            assert send(Request(target=target, headers=(basic("ann", "first"),))).status == 200
        # The second guard has a cache of its own; that the password matches the hash the checker remembers.
        assert computed == (["find_account", "verify"] if driver is ByASGI else ["find_account"])
