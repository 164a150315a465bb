"""Accounts that remember answer as accounts that do not, and both as a few lines say that they should."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.core import bcrypt_hash
from tests.support.drive import ByASGI, ByWSGI
from tests.support.logins import NOW, CountingHasher, bytes_of, guarded, log_in
from watchword import Accepted, BasicCredentials, Reason, Refused
from watchword.checkers import Accounts
from watchword.errors import AlreadyExists, NotFound
from watchword.stores.memory import MemoryStore
from watchword.testing import FixedClock

MAX_AGE = 1000.0
HASHER = CountingHasher()
OLD = {word: bcrypt_hash(word.encode()) for word in ("one", "two")}

names = st.sampled_from(["ann", "bob"])
words = st.sampled_from(["one", "two"])
login = st.tuples(
    st.just("login"), st.sampled_from(["ann", "bob", "bob", "nobody", "alias of ann"]), st.sampled_from(["one", "one", "two", "x", ""])
)
operations = st.one_of(
    st.tuples(st.just("add"), names, words),
    st.tuples(st.just("import"), names, words),
    st.tuples(st.just("set_password"), names, words),
    st.tuples(st.sampled_from(["disable", "enable", "unlock", "remove"]), names),
    st.tuples(st.just("lock"), names, st.sampled_from([-50.0, 0.0, 1.0, 100.0])),
)
steps = st.tuples(st.just("step"), st.sampled_from([-1000.0, -100.0, -1.0, 0.0, 1.0, 61.0, 100.0, 301.0, 999.0, 1000.0]))
sequences = st.lists(st.one_of(login, login, login, operations, steps), max_size=30)


@dataclass
class Modelled:
    """One account, as it should be."""

    word: str
    changed_at: float
    disabled: bool = False
    locked_until: float = 0.0


class Model:
    """What accounts promise, in a few lines."""

    def __init__(self) -> None:
        self.accounts: dict[str, Modelled] = {}

    def login(self, now: float, name: str, word: str) -> Reason | None:
        """Return why somebody is refused; None: he is let in."""
        account = self.accounts.get("ann" if name == "alias of ann" else name)
        if account is None:
            return Reason.UNKNOWN_IDENTITY
        if account.word != word:
            return Reason.WRONG_SECRET
        if account.disabled:
            return Reason.DISABLED
        if now < account.locked_until:
            return Reason.LOCKED
        return Reason.PASSWORD_EXPIRED if now >= account.changed_at + MAX_AGE else None

    def change(self, what: str, name: str, now: float, argument: Any) -> None:
        """Do what an operator does."""
        account = self.accounts.get(name)
        if what in {"add", "import"}:
            if account is None:
                self.accounts[name] = Modelled(argument, now)
        elif account is None:
            return
        elif what == "remove":
            del self.accounts[name]
        elif what == "set_password":
            account.word, account.changed_at = argument, now
        elif what == "lock":
            account.locked_until = now + argument
        elif what == "unlock":
            account.locked_until = 0.0
        else:
            account.disabled = what == "disable"


def change(accounts: Accounts, what: str, name: str, now: float, argument: Any) -> None:
    """Do what an operator does, and let be what cannot be done."""
    aliases = ["alias of ann"] if name == "ann" else []
    try:
        if what == "add":
            accounts.add(name, argument, names=aliases)
        elif what == "import":
            accounts.add(name, password_hash=OLD[argument], names=aliases)
        elif what == "set_password":
            accounts.set_password(name, argument)
        elif what == "lock":
            accounts.lock(name, now + argument)
        else:
            getattr(accounts, what)(name)
    except (AlreadyExists, NotFound):
        return


def both(store: MemoryStore, clock: FixedClock) -> tuple[Accounts, Accounts]:
    """Return accounts that remember, and accounts that do not, over one store."""
    options: dict[str, Any] = {"hasher": HASHER, "clock": clock, "max_age": MAX_AGE}
    return Accounts(store, **options), Accounts(store, remember=0, **options)


@given(sequence=sequences)
def test_verdicts_with_memory_are_those_without_and_those_of_the_model(sequence: list[tuple[Any, ...]]) -> None:
    """For any sequence of logins, changes and steps of the clock, forward and back: the same verdict, principal and reason."""
    clock, model = FixedClock(NOW), Model()
    remembering, plain = both(MemoryStore(), clock)
    for number, (what, *arguments) in enumerate(sequence):
        if what == "step":
            clock.advance(arguments[0])
        elif what == "login":
            expected = model.login(clock.now(), *arguments)
            verdicts = [accounts.check(BasicCredentials(*arguments)) for accounts in (remembering, remembering, plain)]
            for verdict in verdicts:
                assert verdict == verdicts[0]
                assert verdict == Refused(expected) if expected is not None else isinstance(verdict, Accepted)
        else:
            name, argument = (*arguments, None)[:2]
            model.change(what, name, clock.now(), argument)
            # Whoever makes the change: the one that remembers, or another one beside it.
            change((remembering, plain)[number % 2], what, name, clock.now(), argument)


@pytest.mark.parametrize("driver", [ByASGI, ByWSGI])
@given(sequence=sequences)
def test_a_client_gets_the_same_octets_with_every_memory_and_with_none(driver: Any, sequence: list[tuple[Any, ...]]) -> None:
    """Behind guards with and without a cache: status, headers and body are equal, hot and cold, and 200 where the model says so."""
    clock, model = FixedClock(NOW), Model()
    remembering, plain = both(MemoryStore(), clock)
    hot, cold = driver(guarded(remembering, clock=clock)), driver(guarded(plain, clock=clock, remember=0))
    for number, (what, *arguments) in enumerate(sequence):
        if what == "step":
            clock.advance(arguments[0])
        elif what == "login":
            answers = [send(log_in(*arguments)) for send in (hot, hot, hot, cold)]
            assert len({repr(bytes_of(answer)) for answer in answers}) == 1
            assert len({answer.principal for answer in answers}) == 1
            assert (answers[0].status == 200) is (model.login(clock.now(), *arguments) is None)
        else:
            name, argument = (*arguments, None)[:2]
            model.change(what, name, clock.now(), argument)
            change((remembering, plain)[number % 2], what, name, clock.now(), argument)


def test_the_memories_are_used() -> None:
    """What the properties compare are two ways: the hot one verifies once, the cold one every time."""
    clock = FixedClock(NOW)
    remembering, plain = both(MemoryStore(), clock)
    remembering.add("ann", "one")
    hot, cold = ByWSGI(guarded(remembering, clock=clock)), ByWSGI(guarded(plain, clock=clock, remember=0))
    for send, verified in ((hot, 1), (cold, 5)):
        HASHER.take()
        assert [send(log_in("ann", "one")).status for _ in range(5)] == [200] * 5
        assert len(HASHER.take()) == verified
