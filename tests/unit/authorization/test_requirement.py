from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given

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
from watchword.authorization.needs import IDENTITY
from watchword.authorization.requirement import AllOf, EvaluationContext, Hidden, Not, OneOf, leaves
from watchword.authorization.value import NO, PENDING, YES, Unknown, needs

if TYPE_CHECKING:
    from collections.abc import Callable

ADMIN, AUDITOR, BANNED = role("admin"), role("auditor"), role("banned")
HERE, ELSEWHERE = network("10.0.0.0/8"), network("192.0.2.0/24")

ANN = Principal("ann", roles=["admin"], evidence=Evidence("Bearer"))
BOB = Principal("bob", roles=["banned"])
VIEW = RequestView("GET", "/x", client="10.0.0.1")


def seen(principal: Principal | None = None, unchecked: Unknown | None = None) -> EvaluationContext:
    """Return the context in which this caller asks from 10.0.0.1."""
    return EvaluationContext(VIEW, CLOCK, principal, unchecked)


def is_friend(principal: Principal) -> bool:
    """Whether it is a friend."""
    return principal.id == "ann"


@pytest.mark.parametrize(
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
    ids=str,
)
def test_a_requirement_prints_as_it_is_written(requirement: Requirement, text: str) -> None:
    """`str` gives the expression that makes the requirement, with no bracket too few or too many."""
    assert str(requirement) == text


WORDS: dict[str, Any] = {
    "acr": acr, "authenticated": authenticated, "factor": factor, "fresh": fresh, "network": network, "nobody": nobody,
    "optional": optional, "permission": permission, "public": public, "role": role, "scope": scope, "via": via,
}  # fmt: skip


@given(requirements(ANY_WAY))
def test_what_is_printed_makes_an_equal_requirement(requirement: Requirement) -> None:
    """Evaluating `str(requirement)` as Python gives the requirement back, predicates looked up by their name."""
    predicates = {leaf.name: leaf if leaf.wanted else ~leaf for leaf in leaves(requirement) if hasattr(leaf, "predicate")}  # type: ignore[attr-defined]  # a Where
    again = eval(str(requirement), {}, WORDS | {"where": predicates.get})  # noqa: S307 - printed here
    assert again == requirement
    assert str(again) == str(requirement)


@pytest.mark.parametrize(
    "wrong",
    [lambda: ADMIN and HERE, lambda: ADMIN or HERE, lambda: not ADMIN, lambda: "open" if ADMIN else "shut", lambda: bool(ADMIN)],
    ids=["and", "or", "not", "if", "bool"],
)
def test_words_do_not_combine_requirements(wrong: Callable[[], object]) -> None:
    """`a and b` would be `b` alone, a door left open: it is an error that names the operators to use."""
    with pytest.raises(TypeError, match=r"combine with &, \| and ~, not with and, or and not \(here: role\(\"admin\"\)\)"):
        wrong()


@pytest.mark.parametrize("other", [True, None, "role", {"admin"}, print], ids=repr)
def test_a_requirement_combines_with_requirements_only(other: Any) -> None:
    """Nothing else is taken for one, on either side."""
    ways: list[Callable[[], object]] = [lambda: ADMIN & other, lambda: other & ADMIN, lambda: ADMIN | other, lambda: other | ADMIN]
    for combine in ways:
        with pytest.raises(TypeError):
            combine()


def test_requirements_are_values() -> None:
    """They are equal by content, hashable, members of sets and keys of mappings, and survive copying and pickling."""
    a, b = (role("admin") & ~network("10.0.0.0/8")).hidden(), (role("admin") & ~network("10.0.0.0/8")).hidden()
    assert a == b
    assert {a: 1}[b] == 1
    assert a in {b, ADMIN}
    assert len({a, b, role("admin"), scope("admin"), permission("admin")}) == 4
    assert copy.deepcopy(a) == pickle.loads(pickle.dumps(a)) == a  # noqa: S301 - made here


def test_connectives_with_the_same_parts_differ() -> None:
    """`a & b` is not `a | b`, `a` is not `~a`, and what is hidden is not what is not."""
    assert len({ADMIN & HERE, ADMIN | HERE, ADMIN, ~ADMIN, ADMIN.hidden(), HERE & ADMIN}) == 6


@pytest.mark.parametrize(
    "requirement", [ADMIN, ADMIN & HERE, ADMIN | HERE, ~ADMIN, ADMIN.hidden(), HERE, authenticated, where(is_friend)], ids=str
)
def test_requirements_cannot_be_changed(requirement: Any) -> None:
    """No attribute can be set once a requirement is made: not those it has, and no others."""
    for name in ("parts", "part", "names", "cidrs", "predicate", "reason", "anything"):
        with pytest.raises((AttributeError, TypeError)):
            setattr(requirement, name, ())


@pytest.mark.parametrize("connective", [AllOf, OneOf])
def test_an_empty_connective_is_an_error(connective: type[AllOf | OneOf]) -> None:
    """An `&` of nothing would be met by everybody, so it cannot be made."""
    with pytest.raises(ConfigurationError, match=rf"{connective.__name__}\(\) must have a part. Name a requirement"):
        connective(())


def test_chains_are_flat() -> None:
    """`a & b & c` has three parts, however it is bracketed; another connective or `.hidden()` keeps its own."""
    assert (ADMIN & HERE & BANNED).parts == ((ADMIN & (HERE & BANNED)).parts) == (ADMIN, HERE, BANNED)
    assert (ADMIN | (HERE | BANNED)).parts == (ADMIN, HERE, BANNED)
    assert (ADMIN & (HERE | BANNED)).parts == (ADMIN, HERE | BANNED)
    assert (ADMIN & (HERE & BANNED).hidden()).parts == (ADMIN, (HERE & BANNED).hidden())


@pytest.mark.parametrize(
    ("constant", "meant"), [(public, "nobody"), (nobody, "public"), (optional, "nobody"), (authenticated, "nobody")], ids=str
)
def test_the_opposite_of_a_constant_is_an_error(constant: Requirement, meant: str) -> None:
    """`~public` is `nobody` in disguise, and `~authenticated` can be met by nobody: the message says what to write."""
    ways: list[Callable[[], object]] = [lambda: ~constant, lambda: ~constant.hidden(), lambda: Not(constant)]
    for written in ways:
        with pytest.raises(ConfigurationError, match=rf"^~{constant} is constant\. Write {meant}\.$"):
            written()


@pytest.mark.parametrize("empty", [role(), scope(), permission(), via(), acr(), factor()], ids=str)
def test_the_opposite_of_an_empty_set_is_an_error(empty: Requirement) -> None:
    """An empty list of what is excluded would let everybody in; so it is an error under `~`, however deep it stands."""
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
    """`~network(*BLOCKED)` with nothing blocked is what it says; `network()` alone still lets nobody in (threats S7)."""
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
    """For ann, an admin without scopes who asks from 10.0.0.1."""
    assert requirement.evaluate(seen(ANN)) == value


def test_nothing_further_is_asked_once_the_answer_is_certain() -> None:
    """Behind a NO in `&`, and behind a YES in `|`, no predicate is called."""
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
def test_without_an_identity_only_what_is_certain_is_told(requirement: Requirement, first: object, down: object) -> None:
    """On the first pass all that depends on identity is pending; in an outage it is UNKNOWN; the rest decides as ever."""
    assert requirement.evaluate(seen()) == first
    assert requirement.evaluate(seen(unchecked=Unknown(frozenset({"down"})))) == down


def test_a_role_that_is_excluded_must_be_shown_to_be_lacking() -> None:
    """`~role("banned")` asks an anonymous caller who it is: a banned one is not let in by sending no credentials."""
    assert (~BANNED).evaluate(seen(ANONYMOUS)) == needs(frozenset({IDENTITY}))
    assert (~(BANNED & HERE)).evaluate(seen(ANONYMOUS)) == needs(frozenset({IDENTITY}))
    assert (~BANNED).evaluate(seen(BOB)) is NO


def test_a_predicate_that_holds_for_anonymous_callers_only_asks_for_a_login_when_negated() -> None:
    """A negated predicate that holds for an anonymous caller may not hold for a known one: 401, not 403."""
    anonymous = where(lambda principal: not principal.is_authenticated, name="anonymous")
    for requirement in (~anonymous, ~(anonymous | ELSEWHERE), ~(anonymous & optional), ~(anonymous.hidden() | ELSEWHERE)):
        assert requirement.evaluate(seen(ANONYMOUS)) == needs(frozenset({IDENTITY}))
        assert requirement.evaluate(seen(ANN)) is YES
    # What is true of everybody stays NO: no login could change that.
    for hopeless in (~(optional & HERE), ~(anonymous | HERE), ~(authenticated | optional | ELSEWHERE)):
        assert hopeless.evaluate(seen(ANONYMOUS)) is NO
        assert hopeless.evaluate(seen(ANN)) is NO


def test_hidden_is_said_once() -> None:
    """What is hidden already is not wrapped again."""
    assert ADMIN.hidden().hidden() == ADMIN.hidden()


def test_a_tilde_before_a_hidden_requirement_hides_the_opposite() -> None:
    """Python reads `~role("banned").hidden()` from the right; what is meant, and made, is the opposite, hidden."""
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
def test_a_refusal_is_hidden_where_a_part_that_is_not_met_asked_for_it(requirement: Requirement, hides: bool) -> None:  # noqa: FBT001 - a parameter
    """For ann, who is an admin: what she meets does not hide the rest."""
    assert requirement.hides(seen(ANN)) is hides


@pytest.mark.parametrize(
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
    ids=str,
)
def test_the_reason_is_that_of_the_part_in_the_way(requirement: Requirement, reason: Reason) -> None:
    """Of `&` the first part that is met least, of `|` the first that comes nearest; a `~` gives away nothing but the network."""
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
def test_the_schemes_by_which_alone_a_requirement_can_be_met(requirement: Requirement, accepted: set[str] | None) -> None:
    """Credentials of other schemes count as absent there, so only what is certain is left out."""
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
def test_what_one_set_operation_tells_has_a_quick_test(requirement: Requirement) -> None:
    """The common requirements are decided without evaluation; that the answers agree is a property."""
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
def test_what_depends_on_more_than_names_has_no_quick_test(requirement: Requirement) -> None:
    """Where the request, the clock or the evidence matters too, the requirement is evaluated."""
    assert requirement.fast_check() is None


def test_leaves_are_found_in_order() -> None:
    """The parts without parts, from left to right, however deep."""
    assert list(leaves((ADMIN & ~(HERE | BANNED)).hidden() | public)) == [ADMIN, HERE, BANNED, public]


def test_a_custom_requirement_must_define_evaluate() -> None:
    """There is no value by default: a class without `evaluate` is met by nobody, it is an error."""

    class Mine(Requirement):
        pass

    with pytest.raises(TypeError, match=r"Mine has no evaluate\(\)"):
        Mine().evaluate(seen(ANN))


def test_a_custom_requirement_combines_like_the_others() -> None:
    """A subclass with `evaluate` is all it takes."""

    class Friday(Requirement):
        def evaluate(self, context: EvaluationContext) -> Any:
            return YES

        def __str__(self) -> str:
            return "friday"

    requirement = (Friday() & ADMIN).hidden() | ~Friday()
    assert requirement.evaluate(seen(ANN)) is YES
    assert str(requirement) == '(friday & role("admin")).hidden() | ~friday'
    assert isinstance(requirement.parts[0], Hidden)
