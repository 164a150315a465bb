"""`watchword key`, beside what `test_issued` tries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from watchword import Accepted, APIKeyCredentials, Reason, Refused
from watchword.checkers import APIKeys

if TYPE_CHECKING:
    from tests.support.command import Inside


def show(inside: Inside, key: str, prefix: str = "ww") -> Accepted | Refused:
    """What the application says to whoever shows a key."""
    with inside.open() as store:
        return APIKeys(store, prefix=prefix, clock=inside.clock).check(APIKeyCredentials(key))


@pytest.mark.parametrize("prefix", ["ww", "acme_live"])
def test_rotation(ann: Inside, prefix: str) -> None:
    """Old and new key work side by side for the overlap, then the new one alone; it holds what the old one held."""
    old = ann.json("key", "create", "ann", "--scope", "a", "--prefix", prefix)
    new = ann.json("key", "rotate", old["id"], "--overlap", "2h", "--prefix", prefix)
    assert (new["replaces"], new["scopes"], new["owner"]) == (old["id"], ["a"], "ann")
    assert new["key"].startswith(f"{prefix}_")
    assert [isinstance(show(ann, key["key"], prefix), Accepted) for key in (old, new)] == [True, True]
    ann.clock.advance(7200)
    assert show(ann, old["key"], prefix) == Refused(Reason.EXPIRED)
    assert isinstance(show(ann, new["key"], prefix), Accepted)
    assert ann.error("key", "rotate", old["id"])[0] == "invalid"


def test_rotation_at_once_and_for_ever(ann: Inside) -> None:
    """Without an overlap the old key is over; --expires gives the new one a life of its own."""
    old = ann.json("key", "create", "ann")
    new = ann.json("key", "rotate", old["id"], "--overlap", "0s", "--expires", "never")
    assert new["expires_at"] is None
    assert show(ann, old["key"]) == Refused(Reason.REVOKED)


@pytest.mark.parametrize(
    "arguments",
    [("--network", "10.0.0.1/8"), ("--prefix", "1x"), ("--not-before", "2h", "--expires", "1h")],
)
def test_a_key_that_cannot_be(ann: Inside, arguments: tuple[str, ...]) -> None:
    """What cannot be right makes no key."""
    assert ann.error("key", "create", "ann", *arguments)[0] == "invalid"
    assert ann.json("key", "list") == []
