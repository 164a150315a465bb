"""Tests that the seven properties of the algebra hold where scopes imply others, and what follows for challenges."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hypothesis import assume, example, given, reject
from hypothesis import strategies as st

from tests.properties import test_algebra as algebra
from tests.support.hierarchies import NAMES, hierarchies
from tests.support.requirements import (
    ANY_WAY,
    APART,
    CURABLE,
    NOW,
    PERFECT,
    SIMPLE,
    WITH_OUTAGES,
    Door,
    anywhere,
    callers,
    contexts,
    first_pass,
    known,
    requests,
    requirements,
    unchecked,
    value_for,
)
from tests.support.requirements import NAMES as BY_NAME
from watchword import Bearer, ConfigurationError, Evidence, Guard, Principal, RequestView, Requirement, role, scope, via
from watchword.authorization.context import EvaluationContext
from watchword.authorization.hierarchy import ScopeHierarchy
from watchword.authorization.requirement import AllOf, OneOf
from watchword.authorization.value import YES
from watchword.checkers import nonblocking
from watchword.decision import Challenged, Forbidden, Granted
from watchword.testing import FixedClock

if TYPE_CHECKING:
    from collections.abc import Callable

NO_HIERARCHY = ScopeHierarchy({})


def closed(principal: Principal, hierarchy: ScopeHierarchy) -> Principal:
    """Return a caller as a guard with this hierarchy accepts him."""
    if not principal.is_authenticated:
        return principal
    return principal.with_evidence(principal.evidence or Evidence("Bearer"), hierarchy.closure(principal.scopes))


def closed_in(context: EvaluationContext, hierarchy: ScopeHierarchy) -> EvaluationContext:
    """Return a context whose caller is accepted so."""
    return context if context.principal is None else replace(context, principal=closed(context.principal, hierarchy))


def holds(test: Callable[..., None], hierarchy: ScopeHierarchy, *drawn: Any) -> None:
    """Run a property of the algebra with requirements, callers and contexts of one hierarchy."""

    def under(one: Any) -> Any:
        if isinstance(one, Principal):
            return closed(one, hierarchy)
        if isinstance(one, EvaluationContext):
            return closed_in(one, hierarchy)
        return one.bound_to(hierarchy) if isinstance(one, Requirement) else one

    test.hypothesis.inner_test(*map(under, drawn))  # type: ignore[attr-defined]


any_requirement = requirements(WITH_OUTAGES)


@given(hierarchies, any_requirement, any_requirement, any_requirement, anywhere)
def test_properties_1_and_2_hold(h: ScopeHierarchy, a: Requirement, b: Requirement, c: Requirement, context: EvaluationContext) -> None:
    """Adding a requirement never widens access; `&` and `|` form a distributive lattice, cures included."""
    holds(algebra.test_property_1_adding_a_requirement_never_widens_access, h, a, b, context)
    holds(algebra.test_property_2_and_or_are_commutative, h, a, b, context)
    holds(algebra.test_property_2_and_or_are_associative, h, a, b, c, context)
    holds(algebra.test_property_2_and_or_are_idempotent, h, a, context)
    holds(algebra.test_property_2_each_distributes_over_the_other, h, a, b, c, context)


@given(hierarchies, any_requirement, contexts(known))
def test_property_3_holds(h: ScopeHierarchy, a: Requirement, context: EvaluationContext) -> None:
    """`~~a` grants a known caller exactly when `a` does."""
    holds(algebra.test_property_3_a_double_opposite_grants_a_known_caller_the_same, h, a, context)


@given(hierarchies, requirements(SIMPLE) | requirements(CURABLE), requests, known)
def test_property_4_holds(h: ScopeHierarchy, a: Requirement, request: RequestView, principal: Principal) -> None:
    """Every cure is sound, of an anonymous caller and of a known one.

    A scope that must not be held, and that another one implies, is no fact that stands for itself: a cure with the other one would break
    what is met. As two names that exclude each other, such requirements are left out.
    """
    assume(not h.implied(set(NAMES) - {"trial"}) & {"trial"})
    holds(algebra.test_property_4_every_cure_of_an_anonymous_caller_is_sound, h, a, request)
    holds(algebra.test_property_4_every_cure_of_a_known_caller_is_sound, h, a, request, principal)


@given(hierarchies, requirements(APART), requests)
def test_properties_4_and_5_hold(h: ScopeHierarchy, a: Requirement, request: RequestView) -> None:
    """An anonymous caller is challenged if and only if some caller passes."""
    assume(not h.implied(PERFECT.scopes) & {"trial"})
    holds(algebra.test_property_4_and_5_an_anonymous_caller_is_challenged_if_and_only_if_some_caller_passes, h, a, request)


@given(hierarchies, requirements(ANY_WAY), requests, known)
def test_property_5_holds(h: ScopeHierarchy, a: Requirement, request: RequestView, principal: Principal) -> None:
    """NO for an anonymous caller is NO for every caller."""
    holds(algebra.test_property_5_no_for_an_anonymous_caller_is_no_for_every_caller, h, a, request, principal)


@given(hierarchies, requirements(ANY_WAY), requirements(WITH_OUTAGES), first_pass, unchecked, contexts(), callers)
def test_property_6_holds(
    h: ScopeHierarchy,
    a: Requirement,
    b: Requirement,
    before: EvaluationContext,
    outage: EvaluationContext,
    context: EvaluationContext,
    principal: Principal,
) -> None:
    """The first pass is right for every caller, and what is not known never becomes access."""
    holds(algebra.test_property_6_the_first_pass_is_right_for_every_caller, h, a, before, principal)
    holds(algebra.test_property_6_an_identity_that_could_not_be_checked_never_becomes_access, h, a, outage, principal)
    holds(algebra.test_property_6_an_unavailable_predicate_never_grants_access, h, b, context)


@example(NO_HIERARCHY, via() & role("editor").hidden(), RequestView("GET", "/x"), Principal("ann", evidence=Evidence("Bearer")))
@given(hierarchies, any_requirement, requests, known)
def test_property_7_holds(h: ScopeHierarchy, a: Requirement, request: RequestView, principal: Principal) -> None:
    """`explain` recomputes to the same value at every node, of the caller with all that his scopes imply."""
    door = Door({"/x": a}, scope_implies=h.table)
    view = door.view(principal, request)
    tree = door.guard.explain(view).tree
    assert tree is not None
    bound = a.bound_to(h)
    algebra.check_tree(tree, bound, closed_in(algebra.as_decided(bound, view, principal), h))


@given(hierarchies, requirements(BY_NAME), contexts(known))
def test_the_fast_check_equals_evaluation(h: ScopeHierarchy, a: Requirement, context: EvaluationContext) -> None:
    """For every caller whose scopes are closed."""
    holds(algebra.test_the_fast_check_equals_evaluation, h, a, context)


# What a guard answers.

_ISSUED: dict[str, frozenset[str]] = {}


@nonblocking
def _check(credentials: Any) -> Principal:
    return Principal("kim", scopes=_ISSUED["scopes"])


@st.composite
def of_scopes(draw: st.DrawFn, depth: int = 3) -> Requirement:
    """Return random requirements on scopes alone, without `~`."""
    if not depth or draw(st.booleans()):
        return scope(*draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3)))
    parts = tuple(draw(st.lists(of_scopes(depth - 1), min_size=2, max_size=3)))
    return AllOf(parts) if draw(st.booleans()) else OneOf(parts)


@given(hierarchies | st.just(NO_HIERARCHY), of_scopes(), st.frozensets(st.sampled_from(NAMES)))
@example(NO_HIERARCHY, scope("read", "write") & scope("list"), frozenset({"read", "list"}))
@example(NO_HIERARCHY, scope("read", "write", "all") & scope("list") | scope("write", "list", "read"), frozenset({"read", "list"}))
@example(ScopeHierarchy({"all": ["read"]}), scope("all") & scope("list"), frozenset({"read", "list"}))
def test_one_challenge_names_all_that_an_operation_needs(h: ScopeHierarchy, a: Requirement, issued: frozenset[str]) -> None:
    """Decision D63: a token with the scopes of the challenge, and no others, is let in; none of them is implied by another one.

    So no client swaps one token for another for ever, and none asks for more names than it needs.
    """
    guard = Guard(Bearer(_check, realm="r"), rules={"/x": a}, clock=FixedClock(NOW), scope_implies=h.table)
    view = RequestView("GET", "/x", [("Authorization", "Bearer t")])
    _ISSUED["scopes"] = issued
    decision = guard.decide(view)
    met = value_for(a, view, Principal("kim", scopes=h.closure(issued))) is YES
    assert isinstance(decision, Granted if met else Forbidden)
    assert decision.principal.scopes == h.closure(issued)
    anonymous = guard.decide(RequestView("GET", "/x"))
    assert isinstance(anonymous, Challenged)
    for refused in (decision, anonymous):
        if isinstance(refused, Granted):
            continue
        named = dict(refused.challenges[0].params).get("scope", "").split()
        if refused is anonymous and not named:
            continue  # alternatives that do not agree
        assert named
        assert h.largest(named) == named
        _ISSUED["scopes"] = frozenset(named)
        assert guard.decide(view).granted


@given(hierarchies, requirements(BY_NAME, 2), requirements(BY_NAME, 2), known, requests)
def test_a_view_that_is_reached_later_is_decided_alike(
    h: ScopeHierarchy, rule: Requirement, demand: Requirement, principal: Principal, request: RequestView
) -> None:
    """Where `decide(view)` grants, `authorize` has the status of `decide(view, requirement)`, with the challenges of it."""
    door = Door({"/x": rule}, scope_implies=h.table)
    view = door.view(principal, request)
    first = door.guard.decide(view)
    assume(first.granted)
    try:
        at_once = door.guard.decide(view, demand)
    except ConfigurationError:
        reject()
    later = door.guard.authorize(first, view, demand)
    assert type(later) is type(at_once)
    assert getattr(later, "challenges", ()) == getattr(at_once, "challenges", ())
