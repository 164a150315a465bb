"""What tokens alone do: end after a while, be revoked by themselves, and be forgotten. See `test_issued`."""

from __future__ import annotations

from hashlib import sha256
from math import inf, nan
from typing import Any

import pytest

from tests.support.issued import NOW, TOKENS, Desk
from watchword import ConfigurationError
from watchword.checkers.key_format import TokenFormat, make_id
from watchword.stores.ports import TokenRecord


def test_a_new_token_is_kept_as_it_was_asked_for() -> None:
    """Whatever was said about it, and when it was issued; its handle tells nothing about it."""
    desk = Desk(TOKENS)
    made = desk.checker.create("ann", label="ci", kind="client", roles={"r"}, scopes=("s",), permissions=iter(["p"]), expires_in=60)
    assert made.record == next(desk.checker.list())
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
    assert Desk(TOKENS).checker.create("ann", **given).record.expires_at == ends


MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "no time": ({"expires_in": 0}, "expires_in must be a number of seconds, more than 0"),
    "negative": ({"expires_in": -5}, "expires_in must be a number of seconds, more than 0"),
    "endless": ({"expires_in": inf}, "expires_in must be a number of seconds, more than 0, got inf"),
    "text": ({"expires_in": "60"}, "expires_in must be a number of seconds"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_token_that_cannot_be_right_is_not_issued(case: str) -> None:
    """The message says what is wrong; nothing reaches the store."""
    desk = Desk(TOKENS)
    given, message = MISTAKES[case]
    with pytest.raises(ConfigurationError, match=message):
        desk.checker.create(**{"subject": "ann", **given})
    assert list(desk.checker.list()) == []


def test_a_token_is_revoked_by_itself_or_by_its_handle() -> None:
    """Once; whatever else is given is False."""
    desk = Desk(TOKENS)
    one, two = desk.checker.create("ann"), desk.checker.create("ann")
    assert [desk.checker.revoke(one.token), desk.checker.revoke(one.token), desk.checker.revoke(one.record.id)] == [True, False, False]
    assert [desk.checker.revoke(two.record.id), desk.checker.revoke(two.token)] == [True, False]
    assert [record.revoked_at for record in desk.checker.list()] == [NOW, NOW]
    assert not desk.checker.revoke(TokenFormat("wwt").make().text)
    assert not desk.checker.revoke(make_id())


def test_only_handles_and_digests_reach_the_store() -> None:
    """A token of somebody else, a damaged one or a password, given by mistake: databases write what they were asked into logs."""
    desk = Desk(TOKENS)
    token = desk.create()[0]
    for text in (token[:-1], f" {token}", "correct horse", "", "\ud800", TokenFormat("other").make().text):
        assert not desk.checker.revoke(text)
    assert desk.store.asked == []
    assert desk.checker.get(token) == desk.checker.get(desk.checker.get(token).id)
    desk.checker.revoke(token)
    assert token not in repr(desk.store.asked)


def test_tokens_that_ended_are_forgotten() -> None:
    """By now or by another time; those that work stay."""
    desk = Desk(TOKENS)
    short, long, endless, dead = (desk.checker.create("ann", expires_in=seconds) for seconds in (10, 100, None, 100))
    desk.clock.advance(5)
    assert desk.checker.revoke(dead.token)
    assert desk.checker.purge() == 0
    desk.clock.advance(6)
    assert desk.checker.purge(NOW) == 0
    assert desk.checker.purge() == 2
    assert {record.id for record in desk.checker.list()} == {long.record.id, endless.record.id}
    assert [desk.works(made.token) for made in (short, long, endless, dead)] == [False, True, True, False]
    assert desk.checker.purge(NOW + 1000) == 0  # a time in the future counts as now
    assert desk.works(endless.token)
    for wrong in (nan, inf, "1", True):
        with pytest.raises(ConfigurationError, match="before must be Unix seconds, or None"):
            desk.checker.purge(wrong)
