"""Names for secrets, and a bound on what is remembered of them."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchword.cache import Bounded, KeyedDigest

fields = st.lists(st.binary(max_size=6) | st.sampled_from([b"", b":", b"1:", b"1:a", b"0:", b"a", b"11:"]), max_size=4)
DIGEST = KeyedDigest()


@given(fields, fields)
def test_equal_fields_have_equal_digests_and_no_others_have(one: list[bytes], other: list[bytes]) -> None:
    """Whatever is in the fields, and however many there are: two sets of them never run together (C1)."""
    assert (DIGEST.of(*one) == DIGEST.of(*other)) is (one == other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((b"ab", b"c"), (b"a", b"bc")),
        ((b"abc",), (b"abc", b"")),
        ((b"",), ()),
        ((b"a", b"b"), (b"a1:b",)),
        ((b"1:a",), (b"a",)),
        ((b"x" * 10,), (b"x" * 9, b"x")),
    ],
)
def test_where_a_field_ends_counts(one: tuple[bytes, ...], other: tuple[bytes, ...]) -> None:
    """The cases that are told of Okta (C1), and those that the length prefix itself could make."""
    assert DIGEST.of(*one) != DIGEST.of(*other)


def test_each_object_has_a_key_of_its_own() -> None:
    """So nobody can compute a digest elsewhere, and two memories do not know each other's."""
    assert KeyedDigest().of(b"s3cret") != KeyedDigest().of(b"s3cret")
    assert KeyedDigest().of_one(b"s3cret") != KeyedDigest().of_one(b"s3cret")


@given(st.binary(max_size=20))
def test_a_digest_has_32_octets_and_none_of_what_it_names(field: bytes) -> None:
    """Of one field or several; the two ways are each true to themselves."""
    digest = KeyedDigest()
    for found in (digest.of(field), digest.of_one(field)):
        assert len(found) == 32
        assert len(field) < 4 or field not in found
    assert digest.of(field) == digest.of(field)
    assert digest.of_one(field) == digest.of_one(field)
    assert digest.of_one(field) != digest.of_one(field + b"x")


def test_the_key_is_not_printed() -> None:
    """Nor is anything else."""
    assert repr(KeyedDigest()) == "KeyedDigest()"


def test_digests_may_be_asked_for_in_threads() -> None:
    """No state is shared between two calls."""
    digest = KeyedDigest()
    expected = [digest.of(b"%d" % number) for number in range(200)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda number: digest.of(b"%d" % number), range(200))) == expected


def test_the_oldest_is_forgotten_first() -> None:
    """The bound holds, and what came last stays."""
    kept: Bounded[bytes, int] = Bounded(3)
    for number in range(5):
        kept.keep(b"%d" % number, number)
    assert dict(kept) == {b"2": 2, b"3": 3, b"4": 4}


def test_what_is_kept_again_counts_as_new() -> None:
    """It is replaced, nothing else is forgotten for it, and it is the last to go."""
    kept: Bounded[bytes, int] = Bounded(2)
    kept.keep(b"a", 1)
    kept.keep(b"b", 2)
    kept.keep(b"a", 3)
    assert dict(kept) == {b"b": 2, b"a": 3}
    kept.keep(b"c", 4)
    assert dict(kept) == {b"a": 3, b"c": 4}


@pytest.mark.parametrize("most", [0, -1])
def test_a_bound_of_none_keeps_nothing(most: int) -> None:
    """And does not hang over it."""
    kept: Bounded[bytes, int] = Bounded(most)
    kept.keep(b"a", 1)
    assert len(kept) == 0


@given(st.integers(1, 5), st.lists(st.tuples(st.binary(max_size=1), st.integers()), max_size=40))
def test_it_holds_the_latest_distinct_keys(most: int, entries: list[tuple[bytes, int]]) -> None:
    """For any sequence: as a list would that is cut at the bound."""
    kept: Bounded[bytes, int] = Bounded(most)
    model: list[tuple[bytes, int]] = []
    for key, value in entries:
        kept.keep(key, value)
        model = [entry for entry in model if entry[0] != key][-most:]
        model = [*model, (key, value)][-most:]
    assert list(kept.items()) == model


def test_threads_that_fill_it_at_once_keep_the_bound() -> None:
    """Eight of them, a thousand entries each: no exception, and never more than the bound and one for each that was adding."""
    kept: Bounded[bytes, int] = Bounded(10)
    together = threading.Barrier(8)

    def fill(thread: int) -> int:
        together.wait()
        longest = 0
        for number in range(1000):
            kept.keep(b"%d %d" % (thread, number), number)
            longest = max(longest, len(kept))
        return longest

    with ThreadPoolExecutor(8) as pool:
        assert max(pool.map(fill, range(8))) <= 18
    kept.keep(b"last", 1)
    assert len(kept) == 10


def test_its_repr_counts() -> None:
    """How full it is, and nothing of what is in it."""
    kept: Bounded[bytes, str] = Bounded(2)
    kept.keep(b"a", "s3cret")
    assert repr(kept) == "Bounded(1 of 2)"
