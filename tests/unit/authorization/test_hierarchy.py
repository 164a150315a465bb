"""Tests what scopes imply: the table, and what follows from it for requirements."""

from __future__ import annotations

from itertools import chain, combinations
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.each import each
from tests.support.hierarchies import NAMES, closed_by_hand, hierarchies
from watchword import ANONYMOUS, ConfigurationError, Evidence, Principal, RequestView, Requirement, public, role, scope, via, where
from watchword.authorization import HoldScope
from watchword.authorization.context import EvaluationContext
from watchword.authorization.hierarchy import ScopeHierarchy
from watchword.authorization.needs import IDENTITY
from watchword.authorization.requirement import AllOf, OneOf, leaves
from watchword.authorization.rules import Rules
from watchword.authorization.value import YES, Needs
from watchword.authorization.ways import Way, ways
from watchword.authorization.worlds import can_be_met, implies, is_satisfiable
from watchword.testing import FixedClock

if TYPE_CHECKING:
    from collections.abc import Iterable

ORDERS = ScopeHierarchy({"orders:admin": ["orders:write", "orders:export"], "orders:write": ["orders:read"]})
SCHEMES = frozenset({"bearer"})
GET = RequestView("GET", "/x")


@each(
    ("table", "message"),
    [
        (["a"], r"Guard\(scope_implies=\.\.\.\) must be a mapping of scopes to lists of scopes, got \['a'\]. Write {\"orders:admin\": "),
        ({1: ["a"]}, "must have scopes as keys, got 1"),
        ({"a b": ["c"]}, r"a key of Guard\(scope_implies=...\) must be a scope token \(RFC 6749 §3.3\), got 'a b'. Give 2 scopes: a, b."),
        ({"": ["c"]}, "a key of .* must be a scope token .*, got ''"),
        ({"a": ["b", 'c"']}, r"Guard\(scope_implies=...\)\['a'\] must be a scope token .*, got 'c\"'. Use printable ASCII without spaces"),
        ({"a": "read"}, r"Guard\(scope_implies=...\)\['a'\] must be a collection of names, not one string, got 'read'. Write \['read'\]"),
        ({"a": ["b", ""]}, "each a non-empty string"),
        ({"a": [1]}, "each a non-empty string"),
        ({"a": None}, "must be a collection of names"),
        ({"a": []}, r"Guard\(scope_implies=...\)\['a'\] must name a scope, got none. Name what it implies, or remove 'a'."),
        ({"a": ["a"]}, "must have no cycle, got a -> a. Remove one of these implications."),
        ({"a": ["b"], "b": ["a"]}, "must have no cycle, got (a -> b -> a|b -> a -> b)"),
        (
            {"x": ["a"], "a": ["b"], "b": ["d", "c"], "c": ["a"]},
            "must have no cycle, got (a -> b -> c -> a|b -> c -> a -> b|c -> a -> b -> c)",
        ),
    ],
)
def test_a_table_that_cannot_be_meant_is_an_error_that_names_the_fix(table: Any, message: str) -> None:
    """A cycle, a malformed scope, an empty list and one string in place of a list are refused at construction."""
    with pytest.raises(ConfigurationError, match=message):
        ScopeHierarchy(table)


@given(hierarchies)
def test_what_is_implied_is_transitive(hierarchy: ScopeHierarchy) -> None:
    """The closure is what following the table step by step reaches, whatever the order of its rows, and closing twice adds nothing."""
    for names in subsets():
        closed = hierarchy.closure(names)
        assert closed == closed_by_hand(hierarchy.table, names)
        assert hierarchy.closure(closed) == closed
        assert ScopeHierarchy(dict(reversed(hierarchy.table.items()))).closure(names) == closed
        largest = frozenset(hierarchy.largest(sorted(names)))
        assert hierarchy.closure(largest) == closed
        assert not any(one in hierarchy.implied(largest - {one}) for one in largest)


def test_a_chain_of_ten_thousand_scopes_is_no_recursion() -> None:
    """The depth of a table is not bounded by the stack."""
    chain_of = ScopeHierarchy({"s0": ["s1"], **{f"t{number}": [f"t{number + 1}"] for number in range(999)}})
    assert len(chain_of.closure(frozenset({"t0"}))) == 1000


@each(
    ("requirement", "text"),
    [
        (scope("orders:admin"), 'scope("orders:admin")'),
        ((scope("orders:admin") & role("a")).hidden() | ~via("Bearer"), '(scope("orders:admin") & role("a")).hidden() | ~via("Bearer")'),
    ],
)
def test_a_bound_requirement_is_printed_as_it_is_written(requirement: Requirement, text: str) -> None:
    """What is implied shows in no text, and role and scheme stay what they are."""
    assert str(requirement.bound_to(ORDERS)) == text


def needs_of(requirement: Requirement, principal: Principal) -> list[frozenset[Any]]:
    """Return the alternatives that a requirement needs of a caller."""
    value = requirement.bound_to(ORDERS).evaluate(EvaluationContext(GET, FixedClock(0), principal))
    assert isinstance(value, Needs)
    return [frozenset(need.name if isinstance(need, HoldScope) else need for need in one) for one in value.cures]


def test_of_two_alternatives_the_one_with_the_narrower_scope_is_kept() -> None:
    """Whoever may ask for `orders:read` is not told to ask for `orders:admin`, whichever is written first."""
    bob = Principal("bob", evidence=Evidence("Bearer"))
    for one in (scope("orders:admin") | scope("orders:read"), scope("orders:read") | scope("orders:write") | scope("orders:admin")):
        assert needs_of(one, bob) == [{"orders:read"}]
        assert needs_of(one, ANONYMOUS) == [{IDENTITY, "orders:read"}]
    both = scope("orders:admin") & scope("orders:read")
    assert needs_of(both, bob) == [{"orders:admin", "orders:write", "orders:export", "orders:read"}]


def test_a_scope_that_a_predicate_answers_with_implies_others_as_well() -> None:
    """`where(...)` may answer with a scope: the alternative of a narrower one is kept there too, under `~~` as well."""

    def may_administer(principal: Principal) -> bool | HoldScope:
        return principal.has_scope("orders:admin") or HoldScope("orders:admin")

    bob = Principal("bob", evidence=Evidence("Bearer"))
    for one in (where(may_administer), ~~where(may_administer)):
        assert needs_of(one | scope("orders:read"), bob) == [{"orders:read"}]
        assert needs_of(one | scope("orders:read"), ANONYMOUS) == [{IDENTITY, "orders:read"}]
        assert needs_of(one & scope("orders:read"), bob) == [{"orders:admin", "orders:write", "orders:export", "orders:read"}]


@each(
    ("requirement", "expected"),
    [
        (scope("orders:admin") & ~scope("orders:read"), False),
        (scope("orders:admin") & ~scope("orders:read", "other"), True),
        (scope("orders:read") & ~scope("orders:admin"), True),
        (scope("orders:admin") & (role("a") | ~scope("orders:write")) & ~role("a"), False),
        (scope("orders:write", "orders:export") & ~scope("orders:admin"), True),
    ],
)
def test_a_requirement_that_excludes_what_it_implies_can_never_be_met(requirement: Requirement, *, expected: bool) -> None:
    """Nobody holds `orders:admin` without `orders:read`: such a rule is an error at construction, and so is a view's demand."""
    rules = Rules({}, public, SCHEMES, ORDERS)
    assert is_satisfiable(requirement) is True
    assert rules.can_be_met(requirement) is expected
    assert can_be_met(rules.bound(requirement)) is expected
    if expected:
        Rules({"/x": requirement}, public, SCHEMES, ORDERS)
        rules.narrowed(rules.default, requirement)
        return
    with pytest.raises(ConfigurationError, match=r"the requirement of '/x' can never be met"):
        Rules({"/x": requirement}, public, SCHEMES, ORDERS)
    with pytest.raises(ConfigurationError, match=r"can never be met|no scheme of this guard can meet"):
        rules.narrowed(rules.default, requirement)


@each(
    ("requirement", "expected"),
    [
        (scope("orders:admin") | scope("orders:read"), [("orders:read",)]),
        (scope("orders:read") & scope("orders:admin"), [("orders:admin",)]),
        (scope("orders:read", "orders:admin", "other"), [("orders:admin", "other")]),
        (scope("orders:export") & scope("orders:write") & scope("orders:read"), [("orders:export", "orders:write")]),
    ],
)
def test_documents_name_the_largest_scopes(requirement: Requirement, expected: list[tuple[str, ...]]) -> None:
    """A client that reads `security` of an OpenAPI document asks for no scope that another one implies."""
    found = ways(requirement.bound_to(ORDERS), SCHEMES)
    assert [way.scopes for way in found] == expected
    assert all(isinstance(way, Way) and way.schemes == SCHEMES for way in found)


# Against an oracle: all sets of scopes that somebody could have been issued.


def subsets() -> list[frozenset[str]]:
    """Return all sets of names, the small ones first."""
    return [frozenset(some) for some in chain.from_iterable(combinations(NAMES, size) for size in range(len(NAMES) + 1))]


@st.composite
def of_scopes(draw: st.DrawFn, depth: int = 3, *, negated: bool = True) -> Requirement:
    """Return random requirements on scopes alone."""
    kind = draw(st.sampled_from(["leaf", "and", "or", *(["not"] if negated else [])])) if depth else "leaf"
    if kind in {"and", "or"}:
        parts = draw(st.lists(of_scopes(depth - 1, negated=negated), min_size=2, max_size=3))
        return AllOf(tuple(parts)) if kind == "and" else OneOf(tuple(parts))
    if kind == "not":
        return ~draw(of_scopes(depth - 1, negated=negated))
    return scope(*draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=2)))


def meets(requirement: Requirement, held: Iterable[str]) -> bool:
    """Tell whether a caller who holds these scopes, and no others, meets the requirement."""
    principal = Principal("kim", scopes=held, evidence=Evidence("Bearer"))
    return requirement.evaluate(EvaluationContext(GET, FixedClock(0), principal)) is YES


@given(hierarchies, of_scopes(negated=False))
def test_what_is_needed_are_the_smallest_closed_sets_that_suffice(hierarchy: ScopeHierarchy, a: Requirement) -> None:
    """Neither is one missing, nor is a broader scope asked for where a narrower one does; documents list the same sets."""
    bound = a.bound_to(hierarchy)
    enough = [closed for closed in {hierarchy.closure(issued) for issued in subsets()} if meets(a, closed)]
    smallest = {one for one in enough if not any(other < one for other in enough)}
    value = bound.evaluate(EvaluationContext(GET, FixedClock(0), ANONYMOUS))
    assert isinstance(value, Needs)
    assert {frozenset(need.name for need in one if isinstance(need, HoldScope)) for one in value.cures} == smallest
    assert {hierarchy.closure(frozenset(way.scopes)) for way in ways(bound, SCHEMES)} == smallest
    for way in ways(bound, SCHEMES):
        assert hierarchy.largest(way.scopes) == list(way.scopes)


@given(hierarchies, of_scopes(), of_scopes())
def test_what_can_be_met_and_what_follows_is_told_of_closed_sets(hierarchy: ScopeHierarchy, a: Requirement, b: Requirement) -> None:
    """A requirement can be met if some issued set meets it, closed; another follows from it if all of these meet that too."""
    held = [hierarchy.closure(issued) for issued in subsets()]
    met = [closed for closed in held if meets(a, closed)]
    if len({*leaves(a)}) <= 10:  # of longer ones it does not tell
        assert is_satisfiable(a.bound_to(hierarchy)) is bool(met)
    assert can_be_met(a.bound_to(hierarchy)) is bool(met)
    assert implies(a.bound_to(hierarchy), b.bound_to(hierarchy)) is all(meets(b, closed) for closed in met)
