"""Tests the seven properties of the algebra of decisions, and what follows from them."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.requirements import (
    ANY_WAY,
    APART,
    BY_SCHEME,
    CLOCK,
    CURABLE,
    NAMES,
    OUTAGES,
    PERFECT,
    SIMPLE,
    WITH_OUTAGES,
    Door,
    anywhere,
    callers,
    calls_of,
    contexts,
    cured,
    first_pass,
    is_nobody,
    is_owner,
    known,
    opposite_of,
    requests,
    requirements,
    unchecked,
    value_for,
)
from watchword import ANONYMOUS, Evidence, Principal, RequestView, authenticated, fresh, network, role, scope, via, where
from watchword.authorization.context import EvaluationContext
from watchword.authorization.needs import IDENTITY, STEP_UP, HoldScope, Via
from watchword.authorization.requirement import AllOf, Hidden, Not, OneOf, Requirement
from watchword.authorization.value import NO, PENDING, YES, Needs, Unknown, both, either, needs, opposite
from watchword.decision import Challenged, Failed, Forbidden, Granted
from watchword.decision import Hidden as HiddenDecision

if TYPE_CHECKING:
    from watchword.authorization.needs import Alternative
    from watchword.authorization.value import Value
    from watchword.guard.explain import Branch

any_requirement = requirements(WITH_OUTAGES)

GET = RequestView("GET", "/x", client="192.0.2.7")


def at_most(one: Value, other: Value) -> bool:
    """Whether a value is not greater than another; of two NEEDS, the one that asks for no less is not greater."""
    if isinstance(one, Needs) and isinstance(other, Needs):
        return all(any(less <= more for less in other.cures) for more in one.cures)
    return one.rank <= other.rank


@given(any_requirement, any_requirement, anywhere)
def test_property_1_adding_a_requirement_never_widens_access(a: Requirement, b: Requirement, context: EvaluationContext) -> None:
    """`a & b` is never greater than `a` or `b`, cures included, in any context; nor is `a | b` smaller."""
    less, more = (a & b).evaluate(context), (a | b).evaluate(context)
    for alone in (a.evaluate(context), b.evaluate(context)):
        assert at_most(less, alone)
        assert at_most(alone, more)


@given(any_requirement, any_requirement, anywhere)
@example(OUTAGES[1], role("a"), EvaluationContext(RequestView("GET", "/x"), CLOCK))
def test_property_2_and_or_are_commutative(a: Requirement, b: Requirement, context: EvaluationContext) -> None:
    """The order in which two requirements are written makes no difference to the value, cures included."""
    assert (a & b).evaluate(context) == (b & a).evaluate(context)
    assert (a | b).evaluate(context) == (b | a).evaluate(context)


@given(any_requirement, any_requirement, any_requirement, anywhere)
def test_property_2_and_or_are_associative(a: Requirement, b: Requirement, c: Requirement, context: EvaluationContext) -> None:
    """Brackets make no difference: neither to what is flattened, nor to what `.hidden()` keeps apart, nor to the values."""
    left, right = ((a & b).hidden() & c).evaluate(context), (a & (b & c).hidden()).evaluate(context)
    assert left == right == (a & b & c).evaluate(context)
    left, right = ((a | b).hidden() | c).evaluate(context), (a | (b | c).hidden()).evaluate(context)
    assert left == right == (a | b | c).evaluate(context)


@given(any_requirement, anywhere)
def test_property_2_and_or_are_idempotent(a: Requirement, context: EvaluationContext) -> None:
    """A part that occurs twice changes nothing, cures included."""
    assert (a & a).evaluate(context) == (a | a).evaluate(context) == a.evaluate(context)


@given(any_requirement, any_requirement, any_requirement, anywhere)
def test_property_2_each_distributes_over_the_other(a: Requirement, b: Requirement, c: Requirement, context: EvaluationContext) -> None:
    """`a & (b | c)` is `a & b | a & c`, and `a | b & c` is `(a | b) & (a | c)`, cures included; each absorbs the other."""
    assert (a & (b | c)).evaluate(context) == (a & b | a & c).evaluate(context)
    assert (a | b & c).evaluate(context) == ((a | b) & (a | c)).evaluate(context)
    assert (a & (a | b)).evaluate(context) == (a | a & b).evaluate(context) == a.evaluate(context)


@given(any_requirement, contexts(known))
def test_property_3_a_double_opposite_grants_a_known_caller_the_same(a: Requirement, context: EvaluationContext) -> None:
    """`~~a` grants a known caller exactly when `a` does, and `~a` exactly when `a` is refused for certain."""
    once = opposite_of(a)
    value = a.evaluate(context)
    assert ((~once).evaluate(context) is YES) == (value is YES)
    assert (once.evaluate(context) is YES) == (value is NO or isinstance(value, Needs))


@given(requirements(SIMPLE) | requirements(CURABLE), requests)
def test_property_4_every_cure_of_an_anonymous_caller_is_sound(a: Requirement, request: RequestView) -> None:
    """A caller with the needs of any one alternative, and nothing else that credentials show, is let in."""
    bare = Principal("paula", roles=PERFECT.roles, permissions=PERFECT.permissions, claims=PERFECT.claims)
    for alternative in cures_of(a, request, ANONYMOUS):
        assert value_for(a, request, cured(bare, alternative)) is YES


@given(requirements(SIMPLE) | requirements(CURABLE), requests, known)
def test_property_4_every_cure_of_a_known_caller_is_sound(a: Requirement, request: RequestView, principal: Principal) -> None:
    """A known caller who supplies the needs of any one alternative, and changes nothing else, is let in."""
    for alternative in cures_of(a, request, principal):
        assert value_for(a, request, cured(principal, alternative)) is YES


def cures_of(a: Requirement, request: RequestView, principal: Principal) -> tuple[Alternative, ...]:
    """Return what would let a caller in."""
    value = value_for(a, request, principal)
    return value.cures if isinstance(value, Needs) else ()


@given(requirements(APART), requests)
def test_property_4_and_5_an_anonymous_caller_is_challenged_if_and_only_if_some_caller_passes(a: Requirement, request: RequestView) -> None:
    """NEEDS means that the caller with everything is let in, and NO that this caller is not; with `~` anywhere."""
    value, best = value_for(a, request, ANONYMOUS), value_for(a, request, PERFECT)
    assert value is YES or isinstance(value, Needs) is (best is YES)


@given(requirements(ANY_WAY), requests, known)
@example(~(where(is_nobody) | network("10.0.0.0/8")), RequestView("GET", "/x"), PERFECT)
@example(~(where(is_owner) & where(is_nobody)), RequestView("GET", "/x"), PERFECT)
def test_property_5_no_for_an_anonymous_caller_is_no_for_every_caller(a: Requirement, request: RequestView, principal: Principal) -> None:
    """If any caller is let in, an anonymous one never gets NO, with any names and negations."""
    if value_for(a, request, ANONYMOUS) is NO:
        assert value_for(a, request, principal) is not YES


@given(requirements(ANY_WAY), first_pass, callers)
def test_property_6_the_first_pass_is_right_for_every_caller(a: Requirement, context: EvaluationContext, principal: Principal) -> None:
    """YES and NO of the first pass hold for every caller; nothing stays pending on the second."""
    before, after = a.evaluate(context), value_for(a, context.request, principal)
    assert before in {YES, NO, PENDING}
    assert after is not PENDING
    if before is YES:
        assert after is YES
    if before is NO:
        assert after is not YES


@given(requirements(ANY_WAY), unchecked, callers)
def test_property_6_an_identity_that_could_not_be_checked_never_becomes_access(
    a: Requirement, context: EvaluationContext, principal: Principal
) -> None:
    """While the identity is UNKNOWN, access is granted only where every caller has it, and nothing is a challenge."""
    value, before = a.evaluate(context), a.evaluate(EvaluationContext(context.request, CLOCK))
    assert value == (before if before in {YES, NO} else Unknown(frozenset()))
    if value is YES:
        assert value_for(a, context.request, principal) is YES


@given(requirements(WITH_OUTAGES), contexts())
def test_property_6_an_unavailable_predicate_never_grants_access(a: Requirement, context: EvaluationContext) -> None:
    """A grant or refusal during the outage is the same for any answer of the predicates."""
    value = a.evaluate(context)
    for answer in (True, False):
        told = answered(a, answer=answer).evaluate(context)
        if value is YES:
            assert told is YES
        if value is NO:
            assert told is not YES


def answered(requirement: Requirement, *, answer: bool) -> Requirement:
    """Return the requirement with every predicate that cannot tell replaced by one that says this."""

    def say(facts: object) -> bool:
        return answer

    if isinstance(requirement, (AllOf, OneOf)):
        return type(requirement)(tuple(answered(part, answer=answer) for part in requirement.parts))
    if isinstance(requirement, Not):
        return ~answered(requirement.part, answer=answer)
    if isinstance(requirement, Hidden):
        return answered(requirement.part, answer=answer).hidden()
    for cannot_tell in OUTAGES:
        for leaf, put in ((cannot_tell, where(say, request_only=True)), (~cannot_tell, ~where(say, request_only=True))):
            if requirement == leaf:
                return put
    return requirement


@given(requirements(WITH_OUTAGES), requests, st.one_of(st.none(), callers))
@example(authenticated & OUTAGES[0], GET, PERFECT)
@example(network("10.0.0.0/8") & role("admin").hidden(), GET, None)
@example(via("Bearer"), GET, Principal("bob", evidence=Evidence("Basic")))
def test_property_7_explain_recomputes_the_same_value_at_every_node(
    a: Requirement, request: RequestView, principal: Principal | None
) -> None:
    """Each node of `explain`'s tree shows its part of the rule as it is written, with the value it had when it was decided."""
    door = Door({"/x": a})
    view = door.view(principal, request)
    explanation = door.guard.explain(view)
    tree = explanation.tree
    assert tree is not None
    context = as_decided(a, view, principal)
    check_tree(tree, a, context)
    assert isinstance(explanation.decision, decisions_of(tree.value))


def as_decided(a: Requirement, view: RequestView, principal: Principal | None) -> EvaluationContext:
    """Return the context in which the guard decides at last."""
    before = a.evaluate(EvaluationContext(view, CLOCK))
    if before is YES or (before is NO and ".hidden()" not in str(a)):
        return EvaluationContext(view, CLOCK)
    scheme = "Bearer" if principal is None or principal.evidence is None else principal.evidence.scheme
    accepted = a.accepted_schemes()
    if not accepted and ".hidden()" in str(a):
        accepted = None  # nobody would be identified, and 403 would show a known caller what is hidden
    if (accepted is not None and scheme.lower() not in accepted) or principal is ANONYMOUS:
        return EvaluationContext(view, CLOCK, ANONYMOUS)
    if principal is None:
        return EvaluationContext(view, CLOCK, None, Unknown(frozenset()))
    return EvaluationContext(view, CLOCK, principal.with_evidence(principal.evidence or Evidence(scheme)))


def check_tree(node: Branch, part: Requirement, context: EvaluationContext) -> None:
    """Compare a node with what it stands for, and with what its own parts combine to."""
    assert node.text == str(part)
    assert node.value == part.evaluate(context)
    assert len(node.parts) == len(part.parts)
    inner = [each.value for each in node.parts]
    if isinstance(part, AllOf):
        assert node.value == reduce(both, inner)
    elif isinstance(part, OneOf):
        assert node.value == reduce(either, inner)
    elif isinstance(part, Hidden):
        assert [node.value] == inner
    elif isinstance(part, Not):
        anonymous = context.principal is ANONYMOUS and inner == [YES]
        assert node.value == opposite(inner[0]) or (anonymous and node.value == needs(frozenset({IDENTITY})))
    for each, below in zip(node.parts, part.parts, strict=True):
        check_tree(each, below, context)


def decisions_of(value: Value) -> tuple[type, ...]:
    """Return the decisions that a value may become."""
    if value is YES:
        return (Granted,)
    if isinstance(value, Unknown):
        return (Failed,)
    return (Forbidden, HiddenDecision) if value is NO else (Challenged, Forbidden, HiddenDecision)


@given(requirements(NAMES) | requirements(ANY_WAY, 2), contexts())
@example(role("admin") | authenticated, EvaluationContext(RequestView("GET", "/x"), CLOCK, ANONYMOUS))
def test_the_fast_check_equals_evaluation(a: Requirement, context: EvaluationContext) -> None:
    """For every requirement that has one, every caller and every request."""
    fast_check = a.fast_check()
    assert context.principal is not None
    if fast_check is not None:
        assert fast_check(context.principal) is (a.evaluate(context) is YES)


@given(requirements(NAMES), contexts())
def test_requirements_on_names_have_a_fast_check(a: Requirement, context: EvaluationContext) -> None:
    """Roles, scopes, permissions and `authenticated`, in any combination."""
    fast_check = a.fast_check()
    assert context.principal is not None
    if "scope()" in str(a) or "permission()" in str(a):
        assert fast_check is None or fast_check(context.principal) is (a.evaluate(context) is YES)
    else:
        assert fast_check is not None
        assert fast_check(context.principal) is (a.evaluate(context) is YES)


@given(requirements(ANY_WAY), contexts(known))
def test_a_known_caller_never_needs_an_identity(a: Requirement, context: EvaluationContext) -> None:
    """The cures of a known caller never hold IDENTITY, and those of an anonymous one always do."""
    value, nobody = a.evaluate(context), value_for(a, context.request, ANONYMOUS)
    assert not isinstance(value, Needs) or not any(IDENTITY in cure for cure in value.cures)
    assert not isinstance(nobody, Needs) or all(IDENTITY in cure for cure in nobody.cures)


@given(requirements(BY_SCHEME), contexts())
def test_a_scheme_that_is_not_accepted_never_meets_the_requirement(a: Requirement, context: EvaluationContext) -> None:
    """No caller by a scheme outside `accepted_schemes` is let in."""
    accepted, principal = a.accepted_schemes(), context.principal
    evidence = None if principal is None else principal.evidence
    if accepted is not None and (evidence is None or evidence.scheme.lower() not in accepted):
        assert a.evaluate(context) is not YES


# What follows for the guard.


@given(requirements(WITH_OUTAGES), requirements(WITH_OUTAGES), requests, st.one_of(st.none(), callers))
def test_a_guard_never_grants_more_because_a_requirement_was_added(
    a: Requirement, b: Requirement, request: RequestView, principal: Principal | None
) -> None:
    """A caller who is let in under `a & b` is let in under `a` (threats N2)."""
    if Door({"/x": a & b}).decide(principal, request).granted:
        assert Door({"/x": a}).decide(principal, request).granted


@given(requirements(APART), requests)
def test_an_anonymous_caller_gets_401_if_and_only_if_some_credentials_would_be_let_in(a: Requirement, request: RequestView) -> None:
    """Some credentials turn each 401 without credentials into access; for other refusals, none do."""
    door = Door({"/x": a})
    decision = door.decide(ANONYMOUS, request)
    pool = [PERFECT, Principal("norm"), *(cured(Principal("newcomer"), cure) for cure in cures_of(a, request, ANONYMOUS))]
    could = any(door.decide(principal, request).granted for principal in pool)
    assert decision.granted or isinstance(decision, Challenged) is could
    assert isinstance(decision, (Granted, Challenged, Forbidden))


@given(requirements(SIMPLE) | requirements(CURABLE), requests, known)
@example(scope("read") & fresh(300) | scope("write"), GET, Principal("bob"))
@example(scope("read") & scope("write") | fresh(300), GET, Principal("bob"))
def test_a_known_caller_gets_401_if_and_only_if_another_login_helps(a: Requirement, request: RequestView, principal: Principal) -> None:
    """A newer, stronger or other login would be let in; a missing scope alone is 403."""
    door = Door({"/x": a})
    decision = door.decide(principal, request)
    context = as_decided(a, door.view(principal, request), principal)
    value = a.evaluate(context)
    if not isinstance(value, Needs):
        assert not isinstance(decision, Challenged)
    elif context.principal is ANONYMOUS:
        assert isinstance(decision, Challenged)  # he came by a scheme that counts for nothing here
    else:
        least = min(value.cures, key=len)
        assert isinstance(decision, Challenged) is any(isinstance(need, (Via, *STEP_UP)) for need in least)
        assert isinstance(decision, Challenged) or all(isinstance(need, HoldScope) for need in least)
        assert door.decide(cured(principal, least), request).granted


@given(
    st.dictionaries(st.sampled_from(["/", "/a", "/a/b", "/b/{x}", "/b/**", "POST /a", "GET /c"]), requirements(APART, 2), max_size=4),
    requirements(APART, 2),
    st.sampled_from(["/new", "/new/**", "GET /new/{x}", "/a/new/**"]),
    st.sampled_from(["/", "/a", "/a/b", "/b", "/b/b", "/b/b/b", "/c", "/renew", "/new-ish", "/x/new", "/anew/x"]),
    requests,
    callers,
)
def test_a_rule_for_a_path_changes_nothing_elsewhere(
    rules: dict[str, Requirement], added: Requirement, place: str, target: str, request: RequestView, principal: Principal
) -> None:
    """Whatever is required below one path, decisions about every other path stay what they were."""
    before = Door(rules).decide(principal, request, target)
    after = Door({**rules, place: added}).decide(principal, request, target)
    assert repr(before) == repr(after)


def test_thirty_nested_alternations_are_decided() -> None:
    """A rule nested thirty deep is accepted, and answered: 401, then 403 with what is missing, then access."""
    door = Door({"/x": nested(30)})
    request = RequestView("GET", "/x")
    assert isinstance(door.decide(ANONYMOUS, request), Challenged)
    missing = door.decide(Principal("bob"), request)
    assert isinstance(missing, Forbidden | HiddenDecision)
    everything = [f"{letter}{level}" for letter in "abc" for level in range(30)]
    assert door.decide(Principal("ann", scopes=everything), request).granted


@pytest.mark.long
def test_the_cost_of_nested_alternations_is_bounded() -> None:
    """The cost grows at most with the square of the size of the requirement, never exponentially."""
    small, large = (cost_of(nested(depth)) for depth in (8, 16))
    assert large < 6 * small


def nested(depth: int) -> Requirement:
    """Return alternations within conjunctions within alternations, each with other scopes."""
    a: Requirement = scope("s")
    for level in range(depth):
        a = (a | scope(f"a{level}")) & (scope(f"b{level}") | scope(f"c{level}")).hidden()
    return a


def cost_of(a: Requirement) -> int:
    """Return how many calls of functions it takes to do everything with a requirement that is done with one."""
    door = Door({"/x": a, "/y": ~(a & role("x"))})
    view = RequestView("GET", "/x")
    bob = Principal("bob", evidence=Evidence("Bearer"))

    def everything() -> None:
        Door({"/x": a})
        for principal in (ANONYMOUS, bob):
            context = EvaluationContext(view, CLOCK, principal)
            for each in (a, ~(a & role("x"))):
                each.evaluate(context)
                each.denial_reason(context)
                each.hides(context)
            door.decide(principal, view)
            door.decide(principal, view, "/y")
        str(door.guard.explain(door.view(ANONYMOUS, view)))
        hash(a)

    return calls_of(everything)
