"""Tests the search for requirements that no caller can meet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given

from tests.support.each import each
from tests.support.requirements import ANY_WAY, PERFECT, Door, calls_of, known, requests, requirements, value_for
from watchword import (
    ConfigurationError,
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
from watchword.authorization.requirement import AllOf, OneOf
from watchword.authorization.value import YES
from watchword.authorization.worlds import check_satisfiable

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

A, B, HERE = role("a"), role("b"), network("10.0.0.0/8")


def is_friend(principal: Principal) -> bool:
    """Whether it is a friend."""
    return principal.id == "ann"


HOPELESS: list[Requirement] = [
    A & ~A,
    A & B & ~A,
    ~(A | ~A),
    (A | B) & ~A & ~B,
    A & ~(A | B),
    (A & HERE) & ~HERE,
    (A & ~A) | (B & ~B),
    ~(optional | A),
    ~(authenticated | HERE),
    ~(public & optional),
    (A & ~A).hidden() & authenticated,
    where(is_friend) & ~where(is_friend),
    # one caller comes by one scheme, and has reached one class
    via("Basic") & via("Bearer"),
    via("Basic", "Bearer") & via("ApiKey"),
    via("Basic") & ~via("basic", "Bearer"),
    acr("gold") & acr("silver"),
    acr("gold") & ~acr("silver", "gold"),
    # who holds several names holds each of them
    scope("a", "b") & ~scope("a"),
    permission("a") & permission("b") & ~permission("a", "b"),
    factor("otp", "pin") & ~factor("pin"),
    role("a") & ~role("a", "b"),
    role("a", "b") & ~role("a") & ~role("b"),
    # who has logged in within a minute has logged in within an hour
    fresh(60) & ~fresh(3600),
    # an address in a network is in the wider one
    network("10.1.0.0/16") & ~network("10.0.0.0/8"),
    network("10.0.0.0/8") & network("192.0.2.0/24"),
]


@each("requirement", HOPELESS)
def test_an_unsatisfiable_requirement_is_refused(requirement: Requirement) -> None:
    """The message names the rule and the requirement, and what to write if it is meant."""
    with pytest.raises(ConfigurationError) as caught:
        check_satisfiable(requirement, "GET /x")
    assert str(caught.value) == f"the requirement of 'GET /x' can never be met: {requirement}. Write nobody to refuse every caller."


@each(
    "requirement",
    [
        public,
        optional,
        authenticated,
        A & ~B,
        ~(A & B),
        (A & ~A) | B,
        A & (~A | B),
        (A & HERE) | ~A,
        via("Basic", "Bearer") & via("BEARER", "ApiKey"),
        via("Basic") & via("basic"),
        via("Basic", "Bearer") & ~via("Basic"),
        ~via("Basic") & ~via("Bearer"),
        acr("gold", "silver") & acr("silver"),
        acr("gold", "silver") & ~acr("gold"),
        scope("a") & ~scope("a", "b"),
        scope("a") & ~permission("a") & ~role("a"),
        role("a", "b") & ~role("a"),
        factor("otp") & ~factor("otp", "pin"),
        fresh(3600) & ~fresh(60),
        fresh(60) & fresh(3600),
        where(is_friend) & ~where(is_friend, name="another"),
        where(is_friend) | ~where(is_friend),
    ],
)
def test_a_satisfiable_requirement_is_accepted(requirement: Requirement) -> None:
    """Parts that exclude each other's names only in part, or in another branch, are no mistake."""
    check_satisfiable(requirement, "/x")


@pytest.mark.parametrize("requirement", [nobody, nobody & A, role(), scope() & A & ~A, network() & authenticated], ids=str)
def test_nobody_and_empty_sets_are_accepted(requirement: Requirement) -> None:
    """`nobody` and empty sets close a route for a time, and their lists may be filled later."""
    check_satisfiable(requirement, "/x")


ANYTHING: SearchStrategy[Requirement] = requirements(ANY_WAY)


@given(ANYTHING, requests, known)
def test_nothing_that_anybody_meets_is_refused(requirement: Requirement, request: RequestView, principal: Principal) -> None:
    """If one caller is let in by a requirement, it is not refused as one that nobody can meet."""
    for caller in (principal, PERFECT):
        if value_for(requirement, request, caller) is YES:
            check_satisfiable(requirement, "/x")


def test_a_large_requirement_is_not_tried_out() -> None:
    """Beyond eleven names of which the answer is free, nothing is tried: construction does not hang, and access is decided all the same."""
    hopeless = AllOf(tuple(role(f"r{at}") for at in range(40))) & ~role("r0")
    check_satisfiable(hopeless, "/x")
    assert not Door({"/x": hopeless}).decide(Principal("ann", roles=["r0"]), RequestView("GET", "/x")).granted


def test_the_largest_requirement_that_is_tried_out_costs_a_bounded_number_of_tries() -> None:
    """Ten names are a thousand kinds of caller, each tried as known and as anonymous, whatever the requirement."""
    every = AllOf(tuple(OneOf((role(f"r{at}"), role(f"r{at + 1}"))) for at in range(9))) & ~OneOf(tuple(role(f"r{at}") for at in range(10)))

    def check() -> None:
        with pytest.raises(ConfigurationError):
            check_satisfiable(every, "/x")

    assert calls_of(check) < 1_500_000


def test_the_rule_is_named_where_a_guard_is_made() -> None:
    """The default is checked like every rule."""
    for rules, default in (({"/x": A & ~A}, authenticated), ({}, A & ~A)):
        with pytest.raises(ConfigurationError, match=f"the requirement of '{'/x' if rules else 'default'}' can never be met"):
            make(rules, default)


def make(rules: dict[str, Requirement], default: Requirement) -> object:
    """Make a table of rules."""
    from watchword.authorization.rules import Rules

    return Rules(rules, default)
