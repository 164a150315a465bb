"""Tests what follows from requirements, against their evaluation for random callers and requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given

from tests.support.each import each
from tests.support.requirements import ANY_WAY, callers, is_get, is_owner, requests, requirements, value_for
from watchword import (
    ANONYMOUS,
    Principal,
    RequestView,
    Requirement,
    acr,
    authenticated,
    factor,
    fresh,
    network,
    nobody,
    optional,
    permission,
    public,
    role,
    scope,
    via,
    where,
)
from watchword.authorization.requirement import AllOf
from watchword.authorization.value import YES
from watchword.authorization.worlds import admits_anonymous, can_be_met, implies, is_open

if TYPE_CHECKING:
    from watchword.authorization.context import EvaluationContext
    from watchword.authorization.value import Value

A, B, HERE = role("a"), role("b"), network("10.0.0.0/8")
MANY = AllOf(tuple(role(f"r{number}") for number in range(20)))


class Odd(Requirement):
    """A requirement of one's own."""

    def evaluate(self, context: EvaluationContext) -> Value:
        """Return YES."""
        return YES


ODD = Odd()

FOLLOWS: list[tuple[Requirement, Requirement]] = [
    (A, A),
    (A, public),
    (A, optional),
    (public, optional),
    (optional, public),
    (A, authenticated),
    (~A, authenticated),
    (fresh(9), authenticated),
    (A & HERE, A),
    (HERE & A, A),
    (A, A | B),
    (role("a"), role("a", "b")),
    (scope("x", "y"), scope("x")),
    (permission("x", "y"), permission("x")),
    (factor("x", "y"), factor("x")),
    (acr("x"), acr("x", "y")),
    (via("Basic"), via("basic", "Bearer")),
    (via("Basic"), ~via("Bearer")),
    (fresh(300), fresh(600)),
    (network("10.1.0.0/16"), HERE),
    (network("10.0.0.0/9", "10.128.0.0/9"), HERE),
    (HERE, network("10.0.0.0/9", "10.128.0.0/9")),
    (network("2001:db8::1"), network("2001:db8::/32")),
    (nobody, A),
    (A & ~A, B),
    (role(), B),
    ((A | B) & ~A, B),
    (A & (B | HERE), (A & B) | (A & HERE)),
    (A.hidden(), A),
    (A, A.from_any_origin()),
    (where(is_owner), where(is_owner) | A),
    (where(is_get, request_only=True) & A, where(is_get, request_only=True)),
    (ODD & A, ODD),
    (MANY & A, MANY),  # too long to try, and a part of the other
]

FOLLOWS_NOT: list[tuple[Requirement, Requirement]] = [
    (public, A),
    (optional, authenticated),
    (authenticated, A),
    (A, B),
    (A, ~B),
    (A | B, A),
    (role("a", "b"), role("a")),
    (scope("x"), scope("x", "y")),
    (fresh(600), fresh(300)),
    (via("Basic", "Bearer"), via("Basic")),
    (acr("x", "y"), acr("x")),
    (HERE, network("10.1.0.0/16")),
    (HERE, network("10.0.0.0/9")),
    (network("10.0.0.0/9"), network("10.128.0.0/9")),
    (HERE, authenticated),
    (~HERE, HERE),
    (public, where(is_owner)),
    (where(is_owner), authenticated),  # a predicate may be true of anonymous callers
    (where(is_owner), ~where(is_owner)),
    (ODD, A),
    (A, ODD),
]


@each(("one", "other"), FOLLOWS)
def test_what_follows(one: Requirement, other: Requirement) -> None:
    """A requirement that is met only by callers who meet another one implies that."""
    assert implies(one, other) is True


@each(("one", "other"), FOLLOWS_NOT)
def test_what_does_not_follow(one: Requirement, other: Requirement) -> None:
    """A requirement that is met by some caller who does not meet another one does not imply that."""
    assert implies(one, other) is False


def test_the_schemes_of_a_guard_count() -> None:
    """Where callers come by one scheme, every caller comes by it."""
    assert implies(authenticated, via("Basic"), frozenset({"basic"})) is True
    assert implies(authenticated, via("Basic"), frozenset({"basic", "bearer"})) is False


def test_a_requirement_that_is_too_long_is_not_told() -> None:
    """The answer for more names than can be tried is that it is not known, and never a yes or a no."""
    assert implies(MANY, ~A & ~B) is None
    assert can_be_met(MANY) is is_open(MANY) is admits_anonymous(MANY) is None


@given(requirements(ANY_WAY), requirements(ANY_WAY, depth=2), requests, callers)
@example(~~(optional | A), authenticated, RequestView("GET"), ANONYMOUS)
@example(where(is_owner), where(is_owner) & optional, RequestView("GET"), Principal("ann"))
def test_each_answer_holds_for_every_caller(one: Requirement, other: Requirement, request: RequestView, who: Principal) -> None:
    """No caller and no request contradicts what is said of a requirement."""
    met = value_for(one, request, who) is YES
    if met and implies(one, other):
        assert value_for(other, request, who) is YES
    if implies(one, one & other):
        assert value_for(one & other, request, who) is value_for(one, request, who) or not met
    if can_be_met(one) is False:
        assert not met
    if not who.is_authenticated:
        assert met or is_open(one) is not True
        assert not met or admits_anonymous(one) is not False


@pytest.mark.parametrize(
    ("requirement", "opened", "admitted"),
    [
        (public, True, True),
        (optional | A, True, True),
        (HERE, False, True),
        (HERE | authenticated, False, True),
        (authenticated, False, False),
        (A | ~A, False, False),
        (nobody, False, False),
    ],
    ids=str,
)
def test_anonymous_callers(requirement: Requirement, *, opened: bool, admitted: bool) -> None:
    """Anonymous callers pass always, from some addresses, or never."""
    assert (is_open(requirement), admits_anonymous(requirement)) == (opened, admitted)
