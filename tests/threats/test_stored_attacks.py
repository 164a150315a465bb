"""Attacks on stored credentials that once got through, or nearly: what a hostile reader found after everything else held."""

from __future__ import annotations

from dataclasses import replace
from math import nan
from traceback import TracebackException
from typing import TYPE_CHECKING

import pytest

from tests.support.core import argon2_hash, ask, bcrypt_hash
from tests.support.logins import NOW, Desk, guarded
from tests.support.wire import basic
from watchword import Accepted, BasicCredentials, Evidence, Principal, Reason, Refused
from watchword.checkers import nonblocking
from watchword.stores.memory import MemoryStore
from watchword.testing import FixedClock
from watchword.verdict import ALWAYS

if TYPE_CHECKING:
    from watchword.stores.ports import AccountRecord


def test_another_letter_case_does_not_reveal_that_a_name_is_unknown() -> None:
    """Where case makes no difference, every spelling of an unknown name costs the same, as every spelling of a known one does."""
    desk = Desk(fold_case=True)
    for number in range(4):
        hash_ = bcrypt_hash(b"s3cret") if number % 2 else argon2_hash("s3cret")
        desk.accounts.add(f"user{number}", password_hash=hash_)
    desk.hasher.take()
    for number in range(20):
        for spelling in (f"nobody{number}", f"NOBODY{number}", f"Nobody{number}", f"noBODY{number}", f"nobodY{number}"):
            assert desk.accounts.check(BasicCredentials(spelling, "wrong")) == Refused(Reason.UNKNOWN_IDENTITY)
        costs = desk.hasher.take()
        assert (len(costs), len(set(costs))) == (5, 1), number


class Odd(MemoryStore):
    """A store of somebody else, or a table that was written to by hand: every account has these facts, whatever was kept."""

    def __init__(self, **facts: object) -> None:
        super().__init__()
        self.facts = facts

    def find_account(self, name: str, *, fold_case: bool = False) -> AccountRecord | None:
        """Return the account with these facts."""
        found = super().find_account(name, fold_case=fold_case)
        return None if found is None else replace(found, **self.facts)  # type: ignore[arg-type]  # odd on purpose


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"locked_until": nan}, Reason.LOCKED),
        ({"password_changed_at": nan}, Reason.PASSWORD_EXPIRED),
        ({"password_changed_at": None, "created_at": nan}, Reason.PASSWORD_EXPIRED),
    ],
)
def test_a_time_that_is_not_a_number_is_refused(facts: dict[str, object], reason: Reason) -> None:
    """PostgreSQL keeps NaN, which compares with nothing: an account that is locked until then is locked."""
    desk = Desk(store=Odd(**facts), max_age=60)
    desk.accounts.add("ann", "s3cret")
    assert desk.accounts.check(BasicCredentials("ann", "s3cret")) == Refused(reason)


def test_evidence_that_ends_at_no_number_has_ended() -> None:
    """A checker of one's own that computes with NaN opens no door for ever."""

    @nonblocking
    def check(credentials: BasicCredentials) -> Accepted:
        return Accepted(Principal("ann", evidence=Evidence(expires_at=nan)), lease=ALWAYS)

    guard = guarded(check, clock=FixedClock(NOW))
    view = ask("/", basic("ann", "x"))
    for _ in range(3):
        assert guard.decide(view).reason is Reason.EXPIRED
        # Nor by the fast path, which looks at nothing but the memory.
        sent = [(b"authorization", basic("ann", "x")[1].encode())]
        assert guard.fast_path.decide((view.method, view.path, view.raw_path, view.mount), sent) is None


class Broken(MemoryStore):
    """A store of somebody else, with a mistake in it."""

    def find_account(self, name: str, *, fold_case: bool = False) -> AccountRecord | None:
        """Raise what no store may."""
        raise ZeroDivisionError(name)


def test_no_exception_of_a_store_shows_a_password() -> None:
    """Their tools print the local variables of every frame, and call them by their names."""
    guard = guarded(Desk(store=Broken()).accounts)
    with pytest.raises(ZeroDivisionError) as raised:
        guard.decide(ask("/", basic("ann", "tr0ub4dor&3")))
    seen = TracebackException.from_exception(raised.value, capture_locals=True).stack
    frames = [frame for frame in seen if "/watchword/" in frame.filename]
    assert len(frames) > 3
    assert [frame.name for frame in frames if "tr0ub4dor&3" in str(frame.locals)] == []
