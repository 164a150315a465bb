"""Tests the ways to meet a requirement, as documents list them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import assume, given

from tests.support.each import each
from tests.support.requirements import SIMPLE, Door, known, requests, requirements
from watchword import Principal, Requirement, authenticated, network, nobody, optional, permission, public, role, scope, via, where
from watchword.authorization.requirement import leaves
from watchword.authorization.ways import Way, ways

if TYPE_CHECKING:
    from watchword import RequestView

ALL = frozenset({"basic", "bearer", "apikey"})
ANYONE = Way()


def is_late(request: RequestView) -> bool:
    """Tell something about the request."""
    return False


@each(
    ("requirement", "expected"),
    [
        (public, [ANYONE]),
        (nobody, []),
        (scope(), []),
        (optional, [Way(ALL), ANYONE]),
        (authenticated, [Way(ALL)]),
        (scope("a", "b"), [Way(ALL, ("a", "b"))]),
        (role("a", "b"), [Way(ALL, (), ("a",)), Way(ALL, (), ("b",))]),
        (permission("print"), [Way(ALL)]),
        (via("Bearer"), [Way(frozenset({"bearer"}))]),
        (via("Digest"), []),
        (~via("Basic"), [Way(ALL - {"basic"})]),
        (~role("banned"), [Way(ALL)]),
        (network("10.0.0.0/8"), [ANYONE]),
        (~network("10.0.0.0/8"), [ANYONE]),
        (where(is_late, request_only=True), [ANYONE]),
        (scope("a") & role("r") & scope("a", "b"), [Way(ALL, ("a", "b"), ("r",))]),
        (scope("a") | role("r"), [Way(ALL, ("a",)), Way(ALL, (), ("r",))]),
        (scope("a") | scope("a", "b"), [Way(ALL, ("a",))]),
        (scope("a", "b") | scope("a"), [Way(ALL, ("a",))]),
        (authenticated & optional, [Way(ALL)]),
        (optional & network("10.0.0.0/8"), [Way(ALL), ANYONE]),
        (network("10.0.0.0/8") | role("r"), [ANYONE, Way(ALL, (), ("r",))]),
        (~(role("r") | network("10.0.0.0/8")), [Way(ALL)]),
        (~(role("r") & network("10.0.0.0/8")), [Way(ALL), ANYONE]),
        (via("Bearer") & via("Basic"), []),
        (role("r").hidden() & scope("a").from_any_origin(), [Way(ALL, ("a",), ("r",))]),
    ],
)
def test_the_ways_to_meet_a_requirement(requirement: Requirement, expected: list[Way]) -> None:
    """Schemes, scopes and roles, each way once, the anonymous one included."""
    assert list(ways(requirement, ALL)) == expected


def test_ways_that_multiply_are_bounded() -> None:
    """A requirement of 3 to the power of 9 ways lists 32."""
    requirement = authenticated
    for number in range(9):
        requirement &= role(*(f"{number}{letter}" for letter in "abc"))
    assert len(ways(requirement, ALL)) == 32


@given(requirements(SIMPLE), known, requests)
def test_a_caller_who_is_let_in_meets_one_of_the_ways(requirement: Requirement, caller: Principal, request: RequestView) -> None:
    """A document names a way for each caller: one who comes by one of its schemes, with its scopes and roles."""
    assume(len({*leaves(requirement)}) < 8)
    door = Door({"/x": requirement})
    decision = door.decide(caller, request)
    assume(decision.granted)
    scheme = "bearer" if caller.evidence is None else caller.evidence.scheme.lower()
    assert any(
        not way.schemes or (scheme in way.schemes and caller.scopes >= {*way.scopes} and caller.roles >= {*way.roles})
        for way in ways(requirement, ALL)
    )
