"""Tests requirements and their connectives: printing, combining, evaluation, reasons, hiding and fast checks."""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given

from tests.support.each import each
from tests.support.requirements import ANY_WAY, CLOCK, requirements
from watchword import (
    ANONYMOUS,
    ConfigurationError,
    Evidence,
    Principal,
    Reason,
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
from watchword.authorization.context import EvaluationContext
from watchword.authorization.needs import IDENTITY
from watchword.authorization.requirement import AllOf, Hidden, Not, OneOf, leaves
from watchword.authorization.value import NO, PENDING, YES, Unknown, needs

if TYPE_CHECKING:
    from collections.abc import Callable

ADMIN, AUDITOR, BANNED = role("admin"), role("auditor"), role("banned")
HERE, ELSEWHERE = network("10.0.0.0/8"), network("192.0.2.0/24")

ANN = Principal("ann", roles=["admin"], evidence=Evidence("Bearer"))
BOB = Principal("bob", roles=["banned"])
VIEW = RequestView("GET", "/x", client="10.0.0.1")


def seen(principal: Principal | None = None, unchecked: Unknown | None = None) -> EvaluationContext:
    """Return the context of a request by this caller from 10.0.0.1."""
    return EvaluationContext(VIEW, CLOCK, principal, unchecked)


def is_friend(principal: Principal) -> bool:
    """Tell whether the principal is ann."""
    return principal.id == "ann"


@each(
    ("requirement", "text"),
    [
        (role("admin") & network("10.0.0.0/8"), 'role("admin") & network("10.0.0.0/8")'),
        (scope("orders:write") & ~network("203.0.113.0/24"), 'scope("orders:write") & ~network("203.0.113.0/24")'),
        (ADMIN | AUDITOR & HERE, 'role("admin") | role("auditor") & network("10.0.0.0/8")'),
        ((ADMIN | AUDITOR) & HERE, '(role("admin") | role("auditor")) & network("10.0.0.0/8")'),
        (HERE & (ADMIN | AUDITOR & authenticated), 'network("10.0.0.0/8") & (role("admin") | role("auditor") & authenticated)'),
        (~(ADMIN | AUDITOR), '~(role("admin") | role("auditor"))'),
        (~(ADMIN & AUDITOR), '~(role("admin") & role("auditor"))'),
        (~~ADMIN, '~~role("admin")'),
        (ADMIN.hidden(), 'role("admin").hidden()'),
        ((ADMIN & HERE).hidden(), '(role("admin") & network("10.0.0.0/8")).hidden()'),
        (ADMIN.hidden() & HERE, 'role("admin").hidden() & network("10.0.0.0/8")'),
        ((~ADMIN).hidden(), '(~role("admin")).hidden()'),
        (role("a", "b") & scope("x", "y") & permission("p"), 'role("a", "b") & scope("x", "y") & permission("p")'),
        (
            via("Bearer") | fresh(300) | acr("gold", "silver") | factor("otp"),
            'via("Bearer") | fresh(300) | acr("gold", "silver") | factor("otp")',
        ),
        (where(is_friend) & ~where(is_friend, name="enemy"), 'where("is_friend") & ~where("enemy")'),
        (role('a"b\\c'), 'role("a\\"b\\\\c")'),
        (public | nobody | optional | authenticated, "public | nobody | optional | authenticated"),
        (role() & network(), "role() & network()"),
    ],
)
def test_a_requirement_prints_as_python(requirement: Requirement, text: str) -> None:
    """`str` gives the expression that makes the requirement, with exactly the brackets that it needs."""
    assert str(requirement) == text


WORDS: dict[str, Any] = {
    "acr": acr, "authenticated": authenticated, "factor": factor, "fresh": fresh, "network": network, "nobody": nobody,
    "optional": optional, "permission": permission, "public": public, "role": role, "scope": scope, "via": via,
}  # fmt: skip


@given(requirements(ANY_WAY))
def test_the_printed_expression_evaluates_to_an_equal_requirement(requirement: Requirement) -> None:
    """Evaluating `str(requirement)` as Python gives the requirement back; predicates are looked up by name."""
    predicates = {leaf.name: leaf if leaf.wanted else ~leaf for leaf in leaves(requirement) if hasattr(leaf, "predicate")}  # type: ignore[attr-defined]  # a Where
    again = eval(str(requirement), {}, WORDS | {"where": predicates.get})  # noqa: S307 - printed here
    assert again == requirement
    assert str(again) == str(requirement)


@pytest.mark.parametrize(
    "wrong",
    [lambda: ADMIN and HERE, lambda: ADMIN or HERE, lambda: not ADMIN, lambda: "open" if ADMIN else "shut", lambda: bool(ADMIN)],
    ids=["and", "or", "not", "if", "bool"],
)
def test_a_requirement_has_no_truth_value(wrong: Callable[[], object]) -> None:
    """`a and b` would be `b` alone, so it is an error that names the operators to use."""
    with pytest.raises(TypeError, match=r"^the requirement role\(\"admin\"\) has no truth value\. Combine requirements with &, \| and ~"):
        wrong()


@pytest.mark.parametrize("other", [True, None, "role", {"admin"}, print], ids=repr)
def test_a_requirement_combines_with_requirements_only(other: Any) -> None:
    """Any other operand is a TypeError, on either side."""
    ways: list[Callable[[], object]] = [lambda: ADMIN & other, lambda: other & ADMIN, lambda: ADMIN | other, lambda: other | ADMIN]
    for combine in ways:
        with pytest.raises(TypeError):
            combine()


def test_requirements_are_values() -> None:
    """Requirements are equal by content and hashable, and survive copying and pickling."""
    a, b = (role("admin") & ~network("10.0.0.0/8")).hidden(), (role("admin") & ~network("10.0.0.0/8")).hidden()
    assert a == b
    assert {a: 1}[b] == 1
    assert a in {b, ADMIN}
    assert len({a, b, role("admin"), scope("admin"), permission("admin")}) == 4
    assert copy.deepcopy(a) == pickle.loads(pickle.dumps(a)) == a  # noqa: S301 - made here


def test_connectives_with_the_same_parts_differ() -> None:
    """`a & b`, `a | b`, `a`, `~a` and `a.hidden()` are all different."""
    assert len({ADMIN & HERE, ADMIN | HERE, ADMIN, ~ADMIN, ADMIN.hidden(), HERE & ADMIN}) == 6


@pytest.mark.parametrize(
    "requirement", [ADMIN, ADMIN & HERE, ADMIN | HERE, ~ADMIN, ADMIN.hidden(), HERE, authenticated, where(is_friend)], ids=str
)
def test_requirements_cannot_be_changed(requirement: Any) -> None:
    """No attribute of a requirement can be set."""
    for name in ("parts", "part", "names", "cidrs", "predicate", "reason", "anything"):
        with pytest.raises((AttributeError, TypeError)):
            setattr(requirement, name, ())


@pytest.mark.parametrize("connective", [AllOf, OneOf])
def test_an_empty_connective_is_an_error(connective: type[AllOf | OneOf]) -> None:
    """An `&` without parts would admit every caller, so it cannot be made."""
    with pytest.raises(ConfigurationError, match=rf"{connective.__name__}\(\) must have a part. Name a requirement"):
        connective(())


def test_chains_are_flat() -> None:
    """`a & b & c` has three parts, however it is bracketed. Another connective and `.hidden()` keep their own parts."""
    assert (ADMIN & HERE & BANNED).parts == ((ADMIN & (HERE & BANNED)).parts) == (ADMIN, HERE, BANNED)
    assert (ADMIN | (HERE | BANNED)).parts == (ADMIN, HERE, BANNED)
    assert (ADMIN & (HERE | BANNED)).parts == (ADMIN, HERE | BANNED)
    assert (ADMIN & (HERE & BANNED).hidden()).parts == (ADMIN, (HERE & BANNED).hidden())


@pytest.mark.parametrize(
    ("constant", "meant"), [(public, "nobody"), (nobody, "public"), (optional, "nobody"), (authenticated, "nobody")], ids=str
)
def test_the_opposite_of_a_constant_is_an_error(constant: Requirement, meant: str) -> None:
    """`~public` equals `nobody`, and no caller meets `~authenticated`: the message says what to write."""
    ways: list[Callable[[], object]] = [lambda: ~constant, lambda: ~constant.hidden(), lambda: Not(constant)]
    for written in ways:
        with pytest.raises(ConfigurationError, match=rf"^~{constant} is constant\. Write {meant}\.$"):
            written()


@pytest.mark.parametrize("empty", [role(), scope(), permission(), via(), acr(), factor()], ids=str)
def test_the_opposite_of_an_empty_set_is_an_error(empty: Requirement) -> None:
    """An empty list of exclusions would admit every caller, so it is an error under `~`, at any depth."""
    ways: list[Callable[[], object]] = [
        lambda: ~empty,
        lambda: ~empty.hidden(),
        lambda: ~(empty & authenticated),
        lambda: ~(BANNED | empty),
        lambda: ~(BANNED | (HERE & empty.hidden())),
    ]
    for written in ways:
        with pytest.raises(ConfigurationError, match=r"would admit every caller: \w+\(\) names nothing. Name what is excluded"):
            written()


def test_an_empty_list_of_blocked_networks_blocks_no_caller() -> None:
    """An empty block list is valid: `~network()` admits every caller. `network()` admits none (threats S7)."""
    assert (~network()).evaluate(seen(ANN)) is YES
    assert network().evaluate(seen(ANN)) is NO


@pytest.mark.parametrize(
    ("requirement", "value"),
    [
        (ADMIN & HERE, YES),
        (ADMIN & ELSEWHERE, NO),
        (ADMIN & scope("s"), scope("s").evaluate(seen(ANN))),
        (BANNED | HERE, YES),
        (BANNED | ELSEWHERE, NO),
        (BANNED | scope("s"), scope("s").evaluate(seen(ANN))),
        (~BANNED, YES),
        (~ADMIN, NO),
        (~scope("s"), YES),
        (~(ADMIN & ELSEWHERE), YES),
        (ADMIN.hidden(), YES),
        (BANNED.hidden(), NO),
    ],
    ids=str,
)
def test_connectives_take_the_smaller_the_greater_and_the_opposite(requirement: Requirement, value: object) -> None:
    """The caller is ann, an admin without scopes, from 10.0.0.1."""
    assert requirement.evaluate(seen(ANN)) == value


def test_evaluation_stops_once_the_value_is_certain() -> None:
    """No predicate is called after a NO in `&`, or after a YES in `|`."""
    asked: list[str] = []

    def ask(principal: Principal) -> bool:
        asked.append(principal.id)
        return True

    assert (ELSEWHERE & where(ask)).evaluate(seen(ANN)) is NO
    assert (HERE | where(ask)).evaluate(seen(ANN)) is YES
    assert asked == []
    assert (HERE & where(ask)).evaluate(seen(ANN)) is YES
    assert asked == ["ann"]


@pytest.mark.parametrize(
    ("requirement", "first", "down"),
    [
        (ADMIN, PENDING, Unknown(frozenset())),
        (ADMIN & ELSEWHERE, NO, NO),
        (ADMIN & HERE, PENDING, Unknown(frozenset())),
        (ADMIN | HERE, YES, YES),
        (ADMIN | ELSEWHERE, PENDING, Unknown(frozenset())),
        (~ADMIN, PENDING, Unknown(frozenset())),
        (~(ADMIN & ELSEWHERE), YES, YES),
        (ADMIN.hidden() & public, PENDING, Unknown(frozenset())),
    ],
    ids=str,
)
def test_the_value_without_an_identity(requirement: Requirement, first: object, down: object) -> None:
    """A requirement on the principal is PENDING before the credentials are checked, and UNKNOWN where they could not be."""
    assert requirement.evaluate(seen()) == first
    assert requirement.evaluate(seen(unchecked=Unknown(frozenset({"down"})))) == down


def test_an_excluded_role_asks_an_anonymous_caller_to_log_in() -> None:
    """A banned caller who sends no credentials does not pass `~role("banned")`."""
    assert (~BANNED).evaluate(seen(ANONYMOUS)) == needs(frozenset({IDENTITY}))
    assert (~(BANNED & HERE)).evaluate(seen(ANONYMOUS)) == needs(frozenset({IDENTITY}))
    assert (~BANNED).evaluate(seen(BOB)) is NO


def test_a_negated_predicate_asks_an_anonymous_caller_to_log_in() -> None:
    """A predicate that is True for an anonymous caller may be False for a known one: 401, not 403."""
    anonymous = where(lambda principal: not principal.is_authenticated, name="anonymous")
    for requirement in (~anonymous, ~(anonymous | ELSEWHERE), ~(anonymous & optional), ~(anonymous.hidden() | ELSEWHERE)):
        assert requirement.evaluate(seen(ANONYMOUS)) == needs(frozenset({IDENTITY}))
        assert requirement.evaluate(seen(ANN)) is YES
    # Parts that are met by every caller stay NO under `~`: no login could change that.
    for hopeless in (~(optional & HERE), ~(anonymous | HERE), ~(authenticated | optional | ELSEWHERE)):
        assert hopeless.evaluate(seen(ANONYMOUS)) is NO
        assert hopeless.evaluate(seen(ANN)) is NO


def test_hidden_twice_equals_hidden_once() -> None:
    """A hidden requirement is not wrapped again."""
    assert ADMIN.hidden().hidden() == ADMIN.hidden()


def test_a_tilde_before_a_hidden_requirement_hides_the_opposite() -> None:
    """Python applies the tilde last in `~role("banned").hidden()`; the result is `(~role("banned")).hidden()`."""
    requirement = ~BANNED.hidden()
    assert requirement == (~BANNED).hidden()
    assert requirement.evaluate(seen(BOB)) is NO
    assert requirement.hides(seen(BOB))
    assert not requirement.hides(seen(ANN))


@pytest.mark.parametrize(
    ("requirement", "hides"),
    [
        (BANNED, False),
        (BANNED.hidden(), True),
        (ADMIN.hidden() & BANNED, False),
        (ADMIN & BANNED.hidden(), True),
        ((ADMIN & BANNED).hidden(), True),
        (BANNED.hidden() | ELSEWHERE, True),
        (BANNED & (ELSEWHERE | BANNED.hidden()), True),
    ],
    ids=str,
)
def test_a_refusal_is_hidden_where_an_unmet_part_is_hidden(requirement: Requirement, hides: bool) -> None:  # noqa: FBT001 - a parameter
    """The caller is ann, an admin: a hidden part that she meets does not hide the others."""
    assert requirement.hides(seen(ANN)) is hides


@each(
    ("requirement", "reason"),
    [
        (BANNED, Reason.MISSING_ROLE),
        (permission("p"), Reason.MISSING_PERMISSION),
        (ELSEWHERE, Reason.NETWORK_DENIED),
        (nobody, Reason.DENIED),
        (where(lambda principal: False, name="never"), Reason.DENIED),
        (ADMIN & ELSEWHERE, Reason.NETWORK_DENIED),
        (ELSEWHERE & BANNED, Reason.NETWORK_DENIED),
        (BANNED & ELSEWHERE, Reason.MISSING_ROLE),
        (scope("s") & BANNED, Reason.MISSING_ROLE),
        (BANNED | ELSEWHERE, Reason.MISSING_ROLE),
        (BANNED.hidden(), Reason.MISSING_ROLE),
        (~ADMIN, Reason.DENIED),
        (~HERE, Reason.NETWORK_DENIED),
        (~(ADMIN & HERE), Reason.DENIED),
        (~(HERE & ADMIN), Reason.NETWORK_DENIED),
        (~(BANNED | HERE), Reason.NETWORK_DENIED),
        (~(HERE | ADMIN), Reason.NETWORK_DENIED),
    ],
)
def test_the_reason_is_that_of_the_deciding_part(requirement: Requirement, reason: Reason) -> None:
    """`&` takes the part with the smallest value, `|` the part with the greatest; `~` gives `network_denied` or `denied`."""
    assert requirement.evaluate(seen(ANN)) is NO
    assert requirement.denial_reason(seen(ANN)) is reason


@pytest.mark.parametrize(
    ("requirement", "accepted"),
    [
        (ADMIN, None),
        (via("Bearer"), {"bearer"}),
        (via("Bearer", "BASIC"), {"bearer", "basic"}),
        (via("Bearer") & ADMIN, {"bearer"}),
        (via("Bearer", "Basic") & via("Basic", "ApiKey"), {"basic"}),
        (via("Bearer") | via("Basic"), {"bearer", "basic"}),
        (via("Bearer") | ADMIN, None),
        (via("Bearer").hidden(), {"bearer"}),
        (~via("Bearer"), None),
        (via("Bearer") & (via("Basic") | public), {"bearer"}),
    ],
    ids=lambda value: ",".join(sorted(value)) if isinstance(value, set) else str(value),
)
def test_the_schemes_that_a_requirement_accepts(requirement: Requirement, accepted: set[str] | None) -> None:
    """Credentials of any other scheme count as absent, so a scheme is left out only where it certainly cannot help."""
    assert requirement.accepted_schemes() == accepted


@pytest.mark.parametrize(
    "requirement",
    [
        authenticated,
        ADMIN,
        scope("s"),
        permission("p"),
        ADMIN & scope("s"),
        ADMIN & BANNED & scope("s"),
        ADMIN | BANNED,
        ~BANNED,
        ADMIN.hidden(),
    ],
    ids=str,
)
def test_requirements_on_names_have_a_fast_check(requirement: Requirement) -> None:
    """The fast check gives the same answer as evaluation (a property test covers the rest)."""
    fast_check = requirement.fast_check()
    assert fast_check is not None
    assert fast_check(ANN) is (requirement.evaluate(seen(ANN)) is YES)
    assert fast_check(ANONYMOUS) is False


@pytest.mark.parametrize(
    "requirement",
    [
        public,
        optional,
        nobody,
        HERE,
        fresh(1),
        acr("a"),
        factor("f"),
        via("Basic"),
        where(is_friend),
        ADMIN & HERE,
        ADMIN | HERE,
        ~HERE,
        HERE.hidden(),
    ],
    ids=str,
)
def test_requirements_on_more_than_names_have_no_fast_check(requirement: Requirement) -> None:
    """Where the request, the clock or the evidence matters, the requirement is evaluated."""
    assert requirement.fast_check() is None


def test_leaves_are_found_in_order() -> None:
    """`leaves` yields the parts that have no parts, from left to right, at any depth."""
    assert list(leaves((ADMIN & ~(HERE | BANNED)).hidden() | public)) == [ADMIN, HERE, BANNED, public]


def test_a_custom_requirement_must_define_evaluate() -> None:
    """There is no default value: evaluating a class without `evaluate` is an error."""

    class Mine(Requirement):
        pass

    with pytest.raises(TypeError, match=r"Mine must define evaluate\(\)"):
        Mine().evaluate(seen(ANN))


def test_a_custom_requirement_combines_like_the_others() -> None:
    """A subclass with `evaluate` combines, prints and hides."""

    class Friday(Requirement):
        def evaluate(self, context: EvaluationContext) -> Any:
            return YES

        def __str__(self) -> str:
            return "friday"

    requirement = (Friday() & ADMIN).hidden() | ~Friday()
    assert requirement.evaluate(seen(ANN)) is YES
    assert str(requirement) == '(friday & role("admin")).hidden() | ~friday'
    assert isinstance(requirement.parts[0], Hidden)
