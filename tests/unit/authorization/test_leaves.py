"""Tests the value of each built-in requirement for each kind of caller, and the arguments that each one refuses."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.each import each
from tests.support.requirements import NOW
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
from watchword.authorization.needs import IDENTITY, HoldScope, LoginWithin, ReachAcr, UseFactor, Via
from watchword.authorization.value import NO, PENDING, YES, Unknown, Value, needs
from watchword.testing import FixedClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from watchword.authorization.needs import Need

VIEW = RequestView("GET", "/x", client="10.0.0.1")
DOWN = Unknown(frozenset({"the store does not answer"}), 5)

HOLDS = Principal(
    "ann",
    roles=["admin"],
    scopes=["a", "b"],
    permissions=["p", "q"],
    claims={"friend": True},
    evidence=Evidence("Bearer", auth_time=NOW - 10, acr="gold", factors=frozenset({"otp", "pin"})),
)
LACKS = Principal("bob", roles=["guest"], scopes=["c"], permissions=["r"], evidence=Evidence("Basic"))


def is_friend(principal: Principal) -> bool:
    """Tell whether the claims name a friend; False for an anonymous caller."""
    return principal.claims.get("friend") is True


def is_no_friend(principal: Principal) -> bool:
    """Tell whether the claims name no friend; True for an anonymous caller."""
    return principal.claims.get("friend") is not True


def is_get(request: RequestView) -> bool:
    """Tell whether the method is GET."""
    return request.method == "GET"


def value(requirement: Requirement, principal: Principal | None = None, unchecked: Unknown | None = None, now: float = NOW) -> Value:
    """Return the value of a requirement for a request from 10.0.0.1."""
    return requirement.evaluate(EvaluationContext(VIEW, FixedClock(now), principal, unchecked))


def need(*some: Need) -> Value:
    """Return NEEDS with one alternative."""
    return needs(frozenset(some))


# requirement; credentials not checked yet; anonymous; a principal that holds it; one that lacks it; credentials that could not be checked
TABLE: list[tuple[Requirement, Value, Value, Value, Value | None, Value]] = [
    (public, YES, YES, YES, None, YES),
    (optional, PENDING, YES, YES, None, DOWN),
    (authenticated, PENDING, need(IDENTITY), YES, None, DOWN),
    (role("admin", "root"), PENDING, need(IDENTITY), YES, NO, DOWN),
    (permission("p", "q"), PENDING, need(IDENTITY), YES, NO, DOWN),
    (scope("a"), PENDING, need(IDENTITY, HoldScope("a")), YES, need(HoldScope("a")), DOWN),
    (scope("a", "b"), PENDING, need(IDENTITY, HoldScope("a"), HoldScope("b")), YES, need(HoldScope("a"), HoldScope("b")), DOWN),
    (fresh(300), PENDING, need(IDENTITY, LoginWithin(300)), YES, need(LoginWithin(300)), DOWN),
    (acr("gold", "top"), PENDING, need(IDENTITY, ReachAcr(("gold", "top"))), YES, need(ReachAcr(("gold", "top"))), DOWN),
    (factor("otp"), PENDING, need(IDENTITY, UseFactor("otp")), YES, need(UseFactor("otp")), DOWN),
    (
        factor("otp", "pin"),
        PENDING,
        need(IDENTITY, UseFactor("otp"), UseFactor("pin")),
        YES,
        need(UseFactor("otp"), UseFactor("pin")),
        DOWN,
    ),
    (via("Bearer"), PENDING, need(IDENTITY, Via(frozenset({"bearer"}))), YES, need(Via(frozenset({"bearer"}))), DOWN),
    (network("10.0.0.0/8"), YES, YES, YES, YES, YES),
    (network("192.0.2.0/24"), NO, NO, NO, NO, NO),
    (nobody, NO, NO, NO, NO, NO),
    # Not NO for an anonymous caller: the predicate may accept a known one, so the answer is 401.
    (where(is_friend), PENDING, need(IDENTITY), YES, NO, DOWN),
    (~where(is_no_friend), PENDING, need(IDENTITY), YES, NO, DOWN),
    (~where(is_friend), PENDING, YES, NO, YES, DOWN),
    (where(is_get, request_only=True), YES, YES, YES, YES, YES),
    (~where(is_get, request_only=True), NO, NO, NO, NO, NO),
]


@each(("requirement", "before", "anonymous", "holds", "lacks", "unchecked"), TABLE)
def test_the_table_of_leaves(
    requirement: Requirement, before: Value, anonymous: Value, holds: Value, lacks: Value | None, unchecked: Value
) -> None:
    """Each leaf has the value that the design gives it, for each kind of caller."""
    assert value(requirement) == before
    assert value(requirement, ANONYMOUS) == anonymous
    assert value(requirement, HOLDS) == holds
    assert lacks is None or value(requirement, LACKS) == lacks
    assert value(requirement, None, DOWN) == unchecked


@pytest.mark.parametrize("empty", [role(), scope(), permission(), via(), acr(), factor(), network()], ids=str)
def test_an_empty_set_of_names_denies(empty: Requirement) -> None:
    """An empty list of names gives NO to every caller, because no credential could change it (threats S7)."""
    assert [value(empty, principal) for principal in (ANONYMOUS, HOLDS, LACKS)] == [NO, NO, NO]
    assert str(empty).endswith("()")


@pytest.mark.parametrize("requirement", [scope("a"), role("admin"), permission("p"), acr("gold"), factor("otp")], ids=str)
def test_names_are_compared_exactly(requirement: Requirement) -> None:
    """Neither letter case nor a part of a name counts (RFC 6749 §3.3)."""
    near = Principal(
        "eve",
        roles=["ADMIN", "adm", "admin "],
        scopes=["A", "aa", "a:b"],
        permissions=["P", "pp"],
        evidence=Evidence("Bearer", acr="Gold", factors=frozenset({"OTP", "otp2"})),
    )
    assert value(requirement, near) is not YES


def test_all_names_or_any_name() -> None:
    """`scope`, `permission` and `factor` demand all of their names; `role`, `via` and `acr` demand one."""
    some = Principal("eve", roles=["b"], scopes=["b"], permissions=["b"], evidence=Evidence("Basic", acr="b", factors=frozenset({"b"})))
    assert [value(all_of("a", "b"), some) is YES for all_of in (scope, permission, factor)] == [False] * 3
    assert [value(any_of, some) for any_of in (role("a", "b"), via("Bearer", "Basic"), acr("a", "b"))] == [YES] * 3


@pytest.mark.parametrize("requirement", [via("Bearer"), fresh(300), acr("gold"), factor("otp")], ids=str)
def test_missing_evidence_meets_nothing(requirement: Requirement) -> None:
    """A principal without evidence, or with evidence that says nothing, meets no requirement about it (RFC 9470 §6)."""
    for evidence in (None, Evidence()):
        assert value(requirement, Principal("ann", evidence=evidence)) is not YES


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_scheme_names_have_no_letter_case(scheme: str) -> None:
    """RFC 9110 §11.1: scheme names are compared without regard to letter case, on both sides."""
    for came_by in ("Bearer", "bearer"):
        assert value(via(scheme), Principal("ann", evidence=Evidence(came_by))) is YES


@pytest.mark.parametrize(
    ("age", "met"),
    [
        (0, True),
        (299, True),
        (300, True),
        (300.5, False),
        (301, False),
        (86_400, False),
        (-1, True),
        (-60, True),
        (-60.5, False),
        (-61, False),
    ],
)
def test_a_login_is_fresh_up_to_its_age(age: float, met: bool) -> None:  # noqa: FBT001 - a parameter
    """`fresh(300)` is met 300 seconds after the login and not 301. The issuer's clock may be a minute ahead."""
    assert (value(fresh(300), Principal("ann", evidence=Evidence(auth_time=NOW - age))) is YES) is met


def test_an_age_of_zero_demands_a_login_in_this_second() -> None:
    """`fresh(0)` is met by a login now, and not by one a second ago."""
    assert value(fresh(0), Principal("ann", evidence=Evidence(auth_time=NOW))) is YES
    assert value(fresh(0), Principal("ann", evidence=Evidence(auth_time=NOW - 1))) == need(LoginWithin(0))


@pytest.mark.parametrize(
    "stated",
    [None, "1700000000", "", True, False, math.nan, math.inf, -math.inf, 10**400, -(10**400), [NOW], complex(NOW)],
    ids=lambda stated: repr(stated)[:12],
)
def test_a_malformed_login_time_counts_as_missing(stated: Any) -> None:
    """Text, booleans, NaN, infinities and huge numbers do not meet the requirement, and raise nothing."""
    ann = Principal("ann", evidence=Evidence(auth_time=stated))
    assert value(fresh(300), ann) == need(LoginWithin(300))
    assert value(fresh(300), ann, now=0) == need(LoginWithin(300))


def test_a_login_at_the_epoch_counts() -> None:
    """Second 0 is a time like any other."""
    assert value(fresh(300), Principal("ann", evidence=Evidence(auth_time=0)), now=300) is YES


@pytest.mark.parametrize("max_age", [-1, 1.5, "300", None, True, math.nan])
def test_an_age_is_a_whole_number_of_seconds(max_age: Any) -> None:
    """`max_age` is sent in the challenge, where it is digits (RFC 9470 §3)."""
    with pytest.raises(ConfigurationError, match=r"fresh\(max_age=\.\.\.\) must be a whole number of seconds \(RFC 9470 §3\), 0 or more"):
        fresh(max_age)


@pytest.mark.parametrize("name", ["a", "orders:read", "!", "#", "[", "]", "~", "https://x/y?z=1,2", "a.b/c"])
def test_scope_tokens(name: str) -> None:
    """Any printable ASCII but space, quote and backslash makes a scope-token (RFC 6749 §3.3)."""
    assert value(scope(name), Principal("ann", scopes=[name])) is YES


@pytest.mark.parametrize("name", ['a"b', "a\\b", "a\tb", "a\nb", "é", "a\x7fb", "a\x00b", " "])
def test_a_malformed_scope_is_refused(name: str) -> None:
    """Neither the scope of a token nor a challenge can hold such a name."""
    for make in (scope, lambda name: Principal("ann", scopes=[name])):
        with pytest.raises(ConfigurationError, match=r"must be a scope token \(RFC 6749 §3\.3\)"):
            make(name)


def test_scopes_in_one_string_are_refused_with_what_to_write() -> None:
    """`scope("a b")` names one scope that no token can carry; the message lists the two."""
    for make in (scope, lambda name: Principal("ann", scopes=[name])):
        with pytest.raises(ConfigurationError, match=r"got 'orders:read orders:write'. Give 2 scopes: orders:read, orders:write\.$"):
            make("orders:read orders:write")


@each("make", [role, scope, permission, via, acr, factor])
@each("name", ["", None, 7, b"a", ["a"], ("a", "b"), {"a"}])
def test_names_are_strings_that_are_not_empty(make: Callable[..., Requirement], name: Any) -> None:
    """A list in place of names, an empty name and a name that is not a string are refused; the message shows the value."""
    with pytest.raises(ConfigurationError, match=r"\(\.\.\.\) must be a collection of names, each a non-empty string, got"):
        make(name)


@pytest.mark.parametrize("name", ["Bear er", "Basic,", "é", "a/b", '"Basic"'])
def test_via_takes_scheme_names(name: str) -> None:
    """A scheme name is a token (RFC 9110 §11.1)."""
    with pytest.raises(ConfigurationError, match=r"must name schemes such as \"Bearer\""):
        via(name)


@pytest.mark.parametrize("value_", ["a b", 'a"b', "é", "a\nb"])
def test_acr_values_that_a_challenge_cannot_hold_are_refused(value_: str) -> None:
    """Spaces separate the values of `acr_values` (RFC 9470 §3)."""
    with pytest.raises(ConfigurationError, match=r"acr\(\.\.\.\) must name values without spaces, quotes and backslashes \(RFC 9470 §3\)"):
        acr(value_)


@pytest.mark.parametrize(
    ("requirement", "reason"),
    [
        (scope("a"), Reason.INSUFFICIENT_SCOPE),
        (role("a"), Reason.MISSING_ROLE),
        (permission("a"), Reason.MISSING_PERMISSION),
        (fresh(1), Reason.STEP_UP_REQUIRED),
        (acr("a"), Reason.STEP_UP_REQUIRED),
        (factor("a"), Reason.STEP_UP_REQUIRED),
        (network("10.0.0.0/8"), Reason.NETWORK_DENIED),
        (nobody, Reason.DENIED),
        (where(is_friend), Reason.DENIED),
    ],
    ids=str,
)
def test_each_leaf_has_its_reason(requirement: Requirement, reason: Reason) -> None:
    """The reason names the kind of requirement that was not met."""
    assert requirement.denial_reason(EvaluationContext(VIEW, FixedClock(NOW), LACKS)) is reason


def test_a_role_is_neither_a_scope_nor_a_permission() -> None:
    """The same name as another kind does not count."""
    assert value(scope("x") | permission("x"), Principal("ann", roles=["x"])) is not YES
    assert value(role("x") | permission("x"), Principal("ann", scopes=["x"])) is not YES
