"""Random requirements, callers and requests, for the properties of the algebra.

What stands in a rule plain and what stands in it negated are different names: `scope("read")` and `~scope("trial")`. So for a
given request a requirement can be met if and only if `PERFECT` meets it, who holds all that is wanted and nothing that is not.
`ANY_WAY` mixes the two.
"""

from __future__ import annotations

import gc
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from hypothesis import reject
from hypothesis import strategies as st

from watchword import (
    ANONYMOUS,
    APIKey,
    Basic,
    Bearer,
    ConfigurationError,
    Evidence,
    Guard,
    Principal,
    Reason,
    RequestView,
    Requirement,
    Unavailable,
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
from watchword.authorization.needs import HoldScope, Identity, LoginWithin, Need, ReachAcr, UseFactor, Via
from watchword.authorization.requirement import AllOf, OneOf
from watchword.authorization.value import Unknown
from watchword.checkers import nonblocking
from watchword.testing import FixedClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import FrameType

    from watchword.authorization.value import Value

Strategy: TypeAlias = st.SearchStrategy[Requirement]

NOW = 1_700_000_000
CLOCK = FixedClock(NOW)


# Predicates: of a principal, of a principal and the request, of the request alone.


def is_owner(principal: Principal) -> bool:
    """Tell whether the claims name an owner; False for an anonymous caller."""
    return principal.claims.get("owner") is True


def is_suspended(principal: Principal) -> bool:
    """Tell whether the claims name a suspension; False for an anonymous caller."""
    return principal.claims.get("suspended") is True


def is_nobody(principal: Principal) -> bool:
    """Tell whether the caller is anonymous."""
    return not principal.is_authenticated


def may_write_here(principal: Principal, request: RequestView) -> bool:
    """Tell whether the caller may send a request of this method."""
    return request.method == "GET" or principal.claims.get("owner") is True


def used_token(principal: Principal) -> bool | Need:
    """Whether a hardware token was used; if not, it would help."""
    return (principal.evidence is not None and "hwk" in principal.evidence.factors) or UseFactor("hwk")


def is_get(request: RequestView) -> bool:
    """Whether the request is a GET."""
    return request.method == "GET"


def ask_directory(principal: Principal) -> bool:
    """Raise: the directory does not answer."""
    raise Unavailable("the directory does not answer", retry_after=7)


def ask_weather(request: RequestView) -> bool:
    """Raise, for every request."""
    raise Unavailable("the weather service does not answer")


SAID_OF_REQUEST: list[Requirement] = [
    network("192.0.2.0/24"),
    network("10.0.0.0/8", "2001:db8::/32"),
    network("0.0.0.0/0", "::/0"),
    network(),
    where(is_get, request_only=True),
]
CONSTANTS: list[Requirement] = [public, nobody, optional, authenticated]
EMPTY: list[Requirement] = [role(), scope(), permission(), via(), acr(), factor()]
OUTAGES: list[Requirement] = [where(ask_directory), where(ask_weather, request_only=True)]

# What a rule demands; `PERFECT` has all of it. Every `via` names Bearer and every `acr` gold, so that one caller can.
HELD_NAMES: list[Requirement] = [
    role("admin"),
    role("editor", "admin"),
    scope("read"),
    scope("write"),
    scope("read", "list"),
    permission("print"),
    permission("print", "scan"),
]
HELD: list[Requirement] = [
    *HELD_NAMES,
    via("Bearer"),
    via("basic", "BEARER"),
    fresh(300),
    fresh(3600),
    acr("gold"),
    acr("silver", "gold"),
    factor("otp"),
    factor("otp", "pin"),
    where(is_owner),
    where(may_write_here),
    where(used_token),
]

# What a rule excludes; `PERFECT` has none of it.
LACKED_NAMES: list[Requirement] = [role("banned"), role("guest", "banned"), scope("trial"), permission("frozen")]
LACKED: list[Requirement] = [
    *LACKED_NAMES,
    via("ApiKey"),
    fresh(10),
    acr("bronze"),
    factor("sms"),
    where(is_suspended),
    where(is_nobody),
]


@dataclass(frozen=True)
class Words:
    """What random requirements are made of.

    Args:
        plain: leaves that stand plain, or under an even number of `~`.
        negated: leaves that stand under an odd number of `~`.
        outright: leaves that stand under no `~` at all: constants and empty sets, of which `~` is refused.
        deep: whether `~` may stand before more than one leaf.
    """

    plain: tuple[Requirement, ...]
    negated: tuple[Requirement, ...]
    outright: tuple[Requirement, ...] = (*CONSTANTS, *EMPTY)
    deep: bool = True

    def __or__(self, more: Iterable[Requirement]) -> Words:
        """Return these and more, to stand anywhere."""
        return replace(self, plain=(*self.plain, *more), negated=(*self.negated, *more))


APART = Words((*HELD, *SAID_OF_REQUEST), (*LACKED, *SAID_OF_REQUEST))
"""What is wanted plain, what is not wanted negated."""

SIMPLE = replace(APART, deep=False)
"""The same, with `~` before single leaves only."""

CURABLE = replace(SIMPLE, plain=tuple(leaf for leaf in HELD if leaf.reason is not Reason.MISSING_ROLE), outright=())
"""The same, of what credentials can show."""

BY_SCHEME = Words(
    (via("Bearer"), via("basic"), via("ApiKey", "Bearer"), via("BASIC", "apikey"), role("admin")), (via("Basic"),), (via(), optional)
)
"""What is met by callers of some schemes only."""

ANY_WAY = APART | (*HELD, *LACKED)
"""Everything both ways, so that many requirements cannot be met."""

WITH_OUTAGES = ANY_WAY | OUTAGES
"""The same, and predicates that cannot tell."""

NAMES = Words((*HELD_NAMES, *LACKED_NAMES), (*HELD_NAMES, *LACKED_NAMES), (authenticated, *EMPTY[:3]))
"""What one set operation tells."""


@st.composite
def requirements(draw: st.DrawFn, words: Words = WITH_OUTAGES, depth: int = 4, tildes: int = 0) -> Requirement:
    """Return random requirements.

    Args:
        draw: draws.
        words: what they are made of.
        depth: how deep they are nested at most.
        tildes: under how many `~` they will stand.
    """
    kind = draw(st.sampled_from(["leaf", "and", "or", "not", "hidden"])) if depth else "leaf"
    if kind in {"and", "or"}:
        parts = tuple(draw(st.lists(requirements(words, depth - 1, tildes), min_size=2, max_size=3)))
        return AllOf(parts) if kind == "and" else OneOf(parts)
    if kind == "hidden":
        return draw(requirements(words, depth - 1, tildes)).hidden()
    if kind == "not":
        return ~draw(requirements(words, depth - 1 if words.deep else 0, tildes + 1))
    leaves = words.negated if tildes % 2 else words.plain
    return draw(st.sampled_from(leaves if tildes else (*leaves, *words.outright)))


def evidence(scheme: str = "Bearer", auth_time: float | None = None, acr: str | None = None, factors: Iterable[str] = ()) -> Evidence:
    """Return evidence."""
    return Evidence(scheme, auth_time, acr, frozenset(factors))


PERFECT = Principal(
    "paula",
    roles=["admin", "editor"],
    scopes=["read", "write", "list"],
    permissions=["print", "scan"],
    claims={"owner": True},
    evidence=evidence("Bearer", NOW - 50, "gold", ["otp", "pin", "hwk"]),
)
"""A caller who holds everything: admitted wherever some caller is."""


def some(names: Iterable[str]) -> st.SearchStrategy[frozenset[str]]:
    """Return sets of some of the names."""
    return st.frozensets(st.sampled_from(sorted(names)), max_size=3)


evidences = st.builds(
    evidence,
    scheme=st.sampled_from(["Basic", "Bearer", "ApiKey"]),
    auth_time=st.sampled_from([None, NOW, NOW - 5, NOW - 50, NOW - 300, NOW - 301, NOW - 4000, NOW + 30, NOW + 61]),
    acr=st.sampled_from([None, "gold", "silver", "bronze"]),
    factors=some(["otp", "pin", "hwk", "sms"]),
)
known = st.one_of(
    st.builds(
        Principal,
        st.just("kim"),
        roles=some(["admin", "editor", "banned", "guest"]),
        scopes=some(["read", "write", "list", "trial"]),
        permissions=some(["print", "scan", "frozen"]),
        claims=st.fixed_dictionaries({}, optional={"owner": st.booleans(), "suspended": st.booleans()}),
        evidence=evidences | st.none(),
    ),
    st.just(PERFECT),
)
"""Known callers, with and without evidence."""

callers = st.one_of(st.just(ANONYMOUS), known)
"""Callers who are certain, the anonymous one included."""

requests = st.builds(
    RequestView,
    st.sampled_from(["GET", "POST"]),
    st.just("/x"),
    client=st.sampled_from(["192.0.2.7", "10.0.0.1", "::ffff:10.0.0.1", "2001:db8::1", "203.0.113.9", "fe80::1%eth0", None, "unix:"]),
)
"""Requests from networks that rules name, from others, and from nowhere."""

UNCHECKED = Unknown(frozenset({"the store does not answer"}), 3)
"""Why an identity could not be checked."""


def contexts(who: st.SearchStrategy[Principal] = callers) -> st.SearchStrategy[EvaluationContext]:
    """Return contexts of the second pass: the caller is known, or certainly anonymous."""
    return st.builds(lambda request, principal: EvaluationContext(request, CLOCK, principal), requests, who)


first_pass = st.builds(lambda request: EvaluationContext(request, CLOCK), requests)
"""Contexts of the first pass, before the credentials are checked."""

unchecked = st.builds(lambda request: EvaluationContext(request, CLOCK, None, UNCHECKED), requests)
"""Situations in which it could not be found out who asks."""

anywhere = st.one_of(contexts(), first_pass, unchecked)
"""All contexts."""


def value_for(requirement: Requirement, request: RequestView, principal: Principal) -> Value:
    """Return the value of a requirement for a caller who is certain."""
    return requirement.evaluate(EvaluationContext(request, CLOCK, principal))


def cured(principal: Principal, needs: Iterable[Need]) -> Principal:
    """Return a principal with these needs supplied, and nothing else changed."""
    scopes, found = set(principal.scopes), principal.evidence or Evidence("Bearer")
    for need in needs:
        match need:
            case Identity():
                pass
            case Via():
                found = replace(found, scheme="Bearer" if "bearer" in need.schemes else min(need.schemes))
            case HoldScope():
                scopes.add(need.name)
            case LoginWithin():
                found = replace(found, auth_time=NOW - min(50, need.max_age))
            case ReachAcr():
                found = replace(found, acr="gold" if "gold" in need.values else need.values[0])
            case UseFactor():
                found = replace(found, factors=found.factors | {need.kind})
    return Principal(
        principal.id or "newcomer",
        roles=principal.roles,
        scopes=scopes,
        permissions=principal.permissions,
        claims=principal.claims,
        evidence=found,
    )


def opposite_of(requirement: Requirement) -> Requirement:
    """Return the opposite of a requirement; a test whose example has none is told to try another."""
    try:
        return ~requirement
    except ConfigurationError:
        reject()


class Door:
    """A guard whose checkers accept whoever stands before it, or cannot tell.

    Args:
        rules: its rules; a table that is refused makes the test try another example.
        settings: what else a guard takes.
    """

    def __init__(self, rules: dict[str, Requirement], **settings: Any) -> None:
        self._before: Principal | None = None

        @nonblocking
        def check(credentials: object) -> Principal:
            if self._before is None:
                raise Unavailable("the store does not answer", retry_after=3)
            return self._before

        try:
            self.guard = Guard(
                Basic(check, realm="r"), Bearer(check, realm="r"), APIKey(check, realm="r"), rules=rules, clock=CLOCK, **settings
            )
        except ConfigurationError:
            reject()

    def view(self, principal: Principal | None, request: RequestView, target: str = "/x") -> RequestView:
        """Return the request as this caller sends it: with credentials of the scheme by which he is known, if he is.

        Args:
            principal: the caller; None: the checkers cannot tell.
            request: the rest.
            target: what is asked for.
        """
        self._before = principal
        scheme = "Bearer" if principal is None or principal.evidence is None else principal.evidence.scheme
        sent = {
            "Basic": ("Authorization", "Basic YTpi"),
            "Bearer": ("Authorization", "Bearer token"),
            "ApiKey": ("X-API-Key", "key"),
        }[scheme]
        headers = [sent] if principal is None or principal.is_authenticated else []
        return RequestView(request.method, target, headers, client=request.client)

    def decide(self, principal: Principal | None, request: RequestView, target: str = "/x") -> Any:
        """Return the decision about what this caller asks for."""
        return self.guard.decide(self.view(principal, request, target))


def calls_of(work: Callable[[], object]) -> int:
    """Return how many functions are called while something is done: a cost that does not depend on the machine."""
    calls = 0

    def note(frame: FrameType, event: str, arg: object) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    before, collects = sys.getprofile(), gc.isenabled()
    gc.disable()  # a collection calls what others have registered for it
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
        if collects:
            gc.enable()
    return calls
