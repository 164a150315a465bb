"""Tests the values of requirements and their combination."""

from __future__ import annotations

import copy
import pickle
from itertools import product
from typing import TYPE_CHECKING

import pytest

from tests.support.each import each
from watchword.authorization.needs import IDENTITY, HoldScope, LoginWithin, UseFactor
from watchword.authorization.value import MOST_ALTERNATIVES, NO, PENDING, YES, Needs, Unknown, Value, both, either, needs, opposite

if TYPE_CHECKING:
    from collections.abc import Callable

WHO, A, B, C = frozenset({IDENTITY}), frozenset({HoldScope("a")}), frozenset({HoldScope("b")}), frozenset({HoldScope("c")})
NEEDS = needs(WHO)
UNKNOWN = Unknown(frozenset({"down"}), 5)
ASCENDING: list[Value] = [NO, NEEDS, UNKNOWN, PENDING, YES]


@each(("a", "b"), list(product(range(5), repeat=2)))
def test_and_takes_the_smaller_and_or_the_greater(a: int, b: int) -> None:
    """NO < NEEDS < UNKNOWN < YES; PENDING, which stands beside UNKNOWN on the first pass only, decides as little."""
    assert both(ASCENDING[a], ASCENDING[b]) == ASCENDING[min(a, b)]
    assert either(ASCENDING[a], ASCENDING[b]) == ASCENDING[max(a, b)]


def test_two_needs_under_and_give_every_pair_united() -> None:
    """`(a | b) & (c | authenticated)` can be met in four ways."""
    assert both(needs(A, B), needs(C, WHO)) == needs(A | C, A | WHO, B | C, B | WHO)


def test_two_needs_under_or_give_all_alternatives() -> None:
    """`a | (b & c)` can be met in two ways, the first written first."""
    assert either(needs(A), needs(B | C)).cures == (A, B | C)  # type: ignore[union-attr]  # NEEDS


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ((A, A), (A,)),
        ((A, A | B), (A,)),
        ((A | B, A), (A,)),
        ((A | B, C, B), (C, B)),
        ((A | B, B | C, A | B | C), (A | B, B | C)),
        ((A | B, A | C, A), (A,)),
        ((B, A), (B, A)),
    ],
)
def test_an_alternative_that_contains_another_is_dropped(
    given: tuple[frozenset[HoldScope], ...], kept: tuple[frozenset[HoldScope], ...]
) -> None:
    """Cures are a minimal disjunctive normal form; what is kept stays in the order of the requirement."""
    assert needs(*given).cures == kept


def test_needs_are_equal_whatever_the_order() -> None:
    """Which alternative is offered first is advice; two values with the same alternatives are the same value."""
    assert needs(A, B) == needs(B, A)
    assert hash(needs(A, B)) == hash(needs(B, A))
    assert needs(A, B) != needs(A)
    assert needs(A) != A


def test_unknowns_are_equal_whatever_the_cause() -> None:
    """That it cannot be told is the value; why is for the operator."""
    assert Unknown(frozenset({"a"}), 1) == Unknown(frozenset({"b"}))
    assert hash(Unknown(frozenset({"a"}), 1)) == hash(Unknown(frozenset()))


@pytest.mark.parametrize("join", [both, either])
@pytest.mark.parametrize(("first", "second", "longest"), [(3, 8, 8), (8, 3, 8), (None, 4, 4), (4, None, 4), (None, None, None)])
def test_two_unknowns_keep_all_causes_and_the_longer_wait(
    join: Callable[[Value, Value], Value], first: int | None, second: int | None, longest: int | None
) -> None:
    """A new try needs both, so the client gets the longer wait and the operator both causes."""
    joined = join(Unknown(frozenset({"a"}), first), Unknown(frozenset({"b"}), second))
    assert isinstance(joined, Unknown)
    assert joined.causes == frozenset({"a", "b"})
    assert joined.retry_after == longest


@pytest.mark.parametrize(
    ("value", "turned"),
    [
        (YES, NO),
        (NO, YES),
        (UNKNOWN, UNKNOWN),
        (PENDING, PENDING),
        (needs(WHO), needs(WHO)),
        (needs(WHO | A, WHO | B), needs(WHO)),
        (needs(A), YES),
        (needs(A, WHO), YES),
    ],
)
def test_the_opposite(value: Value, turned: Value) -> None:
    """YES and NO change places; a need for an identity stays; a known caller who lacks a fact meets the opposite."""
    assert opposite(value) == turned


def test_identity_would_help_where_every_alternative_asks_for_it() -> None:
    """An anonymous caller lacks an identity in every alternative, a known one in none."""
    assert needs(WHO | A, WHO | B).identity_would_help
    assert not needs(A, B).identity_would_help


def test_the_number_of_alternatives_is_bounded() -> None:
    """A product of many alternatives stays bounded, and the kept ones belong to the product."""
    left = needs(*(frozenset({HoldScope(f"a{at}")}) for at in range(100)))
    right = needs(*(frozenset({HoldScope(f"b{at}")}) for at in range(100)))
    assert len(left.cures) == MOST_ALTERNATIVES
    product_of_both = both(left, right)
    assert isinstance(product_of_both, Needs)
    assert len(product_of_both.cures) == MOST_ALTERNATIVES
    assert all(len(cure) == 2 for cure in product_of_both.cures)


def test_a_small_alternative_replaces_larger_ones() -> None:
    """The bound drops the last alternatives, but one that larger ones contain makes room for itself."""
    many = [frozenset({HoldScope(f"a{at}"), HoldScope("b")}) for at in range(MOST_ALTERNATIVES)]
    assert needs(*many, B).cures == (B,)
    assert needs(*many, A).cures == tuple(many)


@pytest.mark.parametrize("value", [NO, YES, PENDING], ids=repr)
def test_constants_survive_copying_and_pickling(value: Value) -> None:
    """They are compared by identity."""
    assert copy.copy(value) is copy.deepcopy(value) is pickle.loads(pickle.dumps(value)) is value  # noqa: S301 - made here


@pytest.mark.parametrize(("value", "text"), [(NO, "NO"), (YES, "YES"), (PENDING, "PENDING")])
def test_constants_print_as_they_are_named(value: Value, text: str) -> None:
    """A tree of values in a message reads like the design."""
    assert repr(value) == text


def test_needs_print_their_alternatives() -> None:
    """A value in a failed assertion says what was needed."""
    assert "LoginWithin(max_age=5)" in repr(needs(frozenset({LoginWithin(5), UseFactor("otp")})))
