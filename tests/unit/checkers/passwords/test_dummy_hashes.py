"""What an unknown name is verified against."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from watchword import ConfigurationError
from watchword.checkers.passwords import DummyHashes

KEY = bytes(range(32))
NAMES = [f"name{number}" for number in range(10_000)]


def test_a_name_always_gets_the_same_decoy() -> None:
    """In another object, with the samples in another order, in another process with the same key."""
    one, other = DummyHashes({"a": 3, "b": 2, "c": 1}, KEY), DummyHashes({"c": 1, "b": 2, "a": 3}, KEY)
    assert [one.for_name(name) for name in NAMES[:500]] == [other.for_name(name) for name in NAMES[:500]]
    # So that it stays across releases as well: the names were drawn once.
    assert [one.for_name(name) for name in ("ann", "bob", "eve", "zoë", "\ud800", "")] == [
        other.for_name(name) for name in ("ann", "bob", "eve", "zoë", "\ud800", "")
    ]


def test_names_are_spread_by_weight() -> None:
    """As the known ones are: 60 in 100 accounts have the one format, 30 the next, 10 the last (W2)."""
    dummies = DummyHashes({"bcrypt": 60, "argon2": 30, "scrypt": 10}, KEY)
    counted = Counter(dummies.for_name(name) for name in NAMES)
    assert abs(counted["bcrypt"] - 6000) < 200
    assert abs(counted["argon2"] - 3000) < 200
    assert abs(counted["scrypt"] - 1000) < 200


def test_another_key_spreads_them_in_another_way() -> None:
    """Nobody outside can tell which dummy hash a name gets."""
    one, other = DummyHashes({"a": 1, "b": 1}, KEY), DummyHashes({"a": 1, "b": 1}, KEY[::-1])
    same = sum(one.for_name(name) == other.for_name(name) for name in NAMES)
    assert abs(same - 5000) < 250


def test_one_account_more_moves_few_names() -> None:
    """A name whose cost changed from one day to the next would show itself to be unknown."""
    one, other = DummyHashes({"a": 500, "b": 500}, KEY), DummyHashes({"a": 501, "b": 500}, KEY)
    assert sum(one.for_name(name) != other.for_name(name) for name in NAMES) < 50


def test_the_smallest_weight_is_reached_and_the_only_sample_too() -> None:
    """Both ends of the line."""
    assert {DummyHashes({"a": 1, "b": 98, "c": 1}, KEY).for_name(name) for name in NAMES} == {"a", "b", "c"}
    assert {DummyHashes({"a": 1}, KEY).for_name(name) for name in NAMES} == {"a"}


@pytest.mark.parametrize(
    ("samples", "key", "message"),
    [
        ({}, KEY, "at least one hash"),
        ({"a": 0}, KEY, "1 or more"),
        ({"a": 1, "b": -1}, KEY, "1 or more"),
        ({"a": 0.5}, KEY, "whole number"),
        ({"a": 1}, b"", "16 to 64 random octets"),
        ({"a": 1}, bytes(15), "16 to 64 random octets"),
        ({"a": 1}, bytes(65), "16 to 64 random octets"),
        ({"a": 1}, "k" * 32, "16 to 64 random octets"),
    ],
)
def test_what_cannot_be_right_is_a_mistake(samples: Any, key: Any, message: str) -> None:
    """Found at construction (N10)."""
    with pytest.raises(ConfigurationError, match=message):
        DummyHashes(samples, key)


def test_decoys_print_neither_hash_nor_key() -> None:
    """Samples are the hashes of accounts."""
    assert repr(DummyHashes({"$argon2id$secret": 1}, KEY)) == "DummyHashes(1 samples)"
