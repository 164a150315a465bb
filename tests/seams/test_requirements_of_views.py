"""A requirement that comes with the call, and one that comes later in the same request: what framework adapters stand on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.core import ask
from tests.support.wire import basic, bearer
from watchword import (
    ALWAYS,
    Accepted,
    AuthEvent,
    Basic,
    Bearer,
    Challenged,
    ConfigurationError,
    Evidence,
    Forbidden,
    Granted,
    Guard,
    Hidden,
    Operation,
    Principal,
    Reason,
    Requirement,
    Unavailable,
    authenticated,
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
from watchword.authorization.rules import MOST_COMBINED
from watchword.authorization.value import YES
from watchword.checkers import nonblocking
from watchword.testing import FixedClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from watchword import BearerToken, RequestView
    from watchword.authorization.context import EvaluationContext
    from watchword.authorization.value import Value
    from watchword.operation import Steps
    from watchword.verdict import Verdict

PEOPLE = {
    "ann": Principal("ann", roles={"admin"}, scopes={"read", "write"}, evidence=Evidence(expires_at=2_000)),
    "bob": Principal("bob", scopes={"read"}, evidence=Evidence(networks=("192.0.2.0/24",))),
    "cid": Principal("cid"),
}


class Lease:
    """Ends when it is told to."""

    def __init__(self) -> None:
        self.ended = False

    def is_current(self) -> bool:
        """Tell whether it has ended."""
        return not self.ended


class Checker:
    """Counts how often it is asked."""

    def __init__(self, lease: Any = ALWAYS) -> None:
        self.asked = 0
        self.lease = lease

    def flow(self, credentials: BearerToken) -> Steps[Verdict | None]:
        """Answer after one step."""
        self.asked += 1
        name = credentials.token
        yield Operation(lambda: None)
        if name == "down":
            raise Unavailable("the store does not answer")
        return Accepted(PEOPLE[name], lease=self.lease) if name in PEOPLE else None


RULES: dict[str, Requirement] = {
    "/public": public,
    "/optional": optional,
    "/known": authenticated,
    "/near": network("192.0.2.0/24") | role("admin"),
    "/far": network("10.0.0.0/8") | scope("read"),
}
DEMANDS = [
    authenticated,
    role("admin"),
    scope("read"),
    scope("write") & role("admin"),
    permission("x"),
    network("192.0.2.0/24"),
    network("10.0.0.0/8") | scope("read"),
    optional,
    nobody,
    ~role("admin"),
    where(lambda principal: principal.id != "bob", name="not_bob"),
    role("admin").hidden(),
]


def made(checker: Checker | None = None, **settings: Any) -> Guard:
    """Make a guard."""
    return Guard(Bearer(checker or Checker()), rules=RULES, clock=FixedClock(1_000), **settings)


@given(st.sampled_from(sorted(RULES)), st.sampled_from(DEMANDS), st.sampled_from(["", "ann", "bob", "cid", "no", "down"]))
def test_a_view_reached_later_gets_the_answer_of_a_requirement_given_at_once(path: str, demand: Requirement, who: str) -> None:
    """Where `decide(view)` grants, `authorize` has the kind and the reason of `decide(view, r)`; where it refuses, that stands."""
    headers = (bearer(who),) if who else ()
    guard = made()
    first = guard.decide(ask(path, *headers))
    view = ask(path, *headers)
    later = guard.authorize(guard.decide(view), view, demand)
    at_once = made().decide(ask(path, *headers), demand)
    if first.granted:
        assert (type(later), later.reason) == (type(at_once), at_once.reason)
    else:
        assert type(later) is type(first)


BY_SCHEME = [
    via("basic"),
    via("basic").hidden(),
    via("basic").hidden() & scope("read"),
    (via("basic") & scope("read")).hidden(),
    via("basic").hidden() | scope("write"),
    ~via("basic").hidden(),
    nobody.hidden(),
]


@pytest.mark.parametrize("rule", [via("bearer"), via("basic", "bearer"), authenticated, optional, public, authenticated.hidden()], ids=str)
@pytest.mark.parametrize("demand", BY_SCHEME, ids=str)
def test_a_view_by_another_scheme_gets_the_same_answer_later_and_at_once(rule: Requirement, demand: Requirement) -> None:
    """Also where the rule and the view have no scheme in common: a hidden view is 404 to the caller whom its rule lets in."""
    guard = Guard(Bearer(Checker()), Basic(lambda sent: PEOPLE.get(sent.username), realm="r"), rules={"/**": rule})
    for headers in ((), (bearer("cid"),), (bearer("no"),), (basic("cid", "x"),)):
        first = guard.decide(ask("/x", *headers))
        if first.granted:
            at_once = guard.decide(ask("/x", *headers), demand)
            later = guard.authorize(first, ask("/x", *headers), demand)
            assert (type(later), later.reason) == (type(at_once), at_once.reason), headers


@pytest.mark.parametrize("rule", [authenticated, via("bearer"), optional, scope("read"), nobody], ids=str)
@pytest.mark.parametrize("demand", [role("admin").hidden(), scope("write").hidden(), via("basic").hidden(), network().hidden()], ids=str)
def test_a_hidden_view_leaves_no_trace_in_the_refusals_of_its_rule(rule: Requirement, demand: Requirement) -> None:
    """A caller whom the rule refuses gets the same challenges as for a path at which nothing is."""
    guard = Guard(Bearer(Checker()), Basic(lambda sent: PEOPLE.get(sent.username), realm="r"), rules={"/**": rule})
    for headers in ((), (bearer("no"),), (bearer("down"),), (bearer("cid"),)):
        missing = guard.decide(ask("/x", *headers))
        if not missing.granted:
            assert guard.decide(ask("/x", *headers), demand) == missing


def test_a_hidden_view_by_another_scheme_than_its_rule_is_not_there() -> None:
    """A known caller gets 404, as for what is missing. Without `hidden()` it is 403."""
    guard = Guard(Bearer(Checker()), Basic(lambda sent: None, realm="r"), rules={"/**": via("bearer")})
    assert isinstance(guard.decide(ask("/x", bearer("cid")), via("basic").hidden()), Hidden)
    assert isinstance(guard.decide(ask("/x", bearer("cid")), via("basic")), Forbidden)


@pytest.mark.parametrize("path", ["/public", "/optional", "/near"])
def test_credentials_are_looked_at_as_soon_as_a_view_needs_somebody(path: str) -> None:
    """Whatever the rule lets pass, the requirement of the view must be met too."""
    guard = made()
    assert isinstance(guard.decide(ask(path), role("admin")), Challenged)
    assert isinstance(guard.decide(ask(path, bearer("cid")), role("admin")), Forbidden)
    granted = guard.decide(ask(path, bearer("ann")), role("admin"))
    assert isinstance(granted, Granted)
    assert granted.principal.id == "ann"


@pytest.mark.parametrize("path", sorted(RULES))
def test_no_request_is_authenticated_twice(path: str) -> None:
    """The checker is asked once, however many views ask, and without a cache too."""
    checker = Checker(lease=None)
    guard = made(checker, remember=0)
    view = ask(path, bearer("ann"))
    decision = guard.decide(view)
    for demand in (authenticated, role("admin"), scope("read"), permission("x")):
        decision = guard.authorize(decision, view, demand) if decision.granted else decision
    assert checker.asked == 1


def test_an_outage_is_kept_as_well() -> None:
    """The store is not asked again for each view of the same request."""
    checker = Checker()
    guard = made(checker)
    view = ask("/near", bearer("down"))
    decision = guard.authorize(guard.decide(view), view, role("admin") | network("192.0.2.0/24"))
    assert decision.granted
    refused = guard.authorize(guard.authorize(guard.decide(view), view, optional), view, role("admin"))
    assert refused.reason is Reason.UNAVAILABLE


def test_what_has_lapsed_is_verified_again() -> None:
    """A socket may be open for days: expiry, the network and the lease are looked at each time."""
    lease, checker = Lease(), Checker()
    checker.lease = lease
    clock = FixedClock(1_000)
    guard = Guard(Bearer(checker), rules=RULES, clock=clock, remember=0)
    view = ask("/known", bearer("ann"))
    decision = guard.decide(view)
    assert guard.authorize(decision, view, role("admin")).granted
    lease.ended = True
    assert guard.authorize(decision, view, role("admin")).granted
    assert checker.asked == 2
    clock.advance(1_500)
    assert guard.authorize(decision, view, role("admin")).reason is Reason.EXPIRED


def test_a_requirement_that_is_made_for_each_request_fills_no_memory() -> None:
    """Compiled pairs are kept boundedly."""
    guard = made()
    for number in range(MOST_COMBINED + 50):
        guard.decide(ask("/known", bearer("ann")), where(lambda principal, number=number: number >= 0, name="each"))
    assert len(guard.policy.rules._narrowed) <= MOST_COMBINED


def test_a_requirement_that_is_none_is_a_mistake() -> None:
    """It is found when it is used, and grants nothing."""
    with pytest.raises(ConfigurationError, match="must have a requirement"):
        made().decide(ask("/known"), "admin")  # type: ignore[arg-type]  # the mistake itself


def test_a_decision_that_was_made_by_hand_is_no_ground() -> None:
    """Nobody knows which rule it met."""
    with pytest.raises(ValueError, match="got one without a route"):
        made().authorize(Granted(Principal("ann"), "/known"), ask("/known"), role("admin"))


def requires(guard: Guard, requirement: Requirement) -> Callable[[Callable[[Principal], str]], Callable[[RequestView, Any], str]]:
    """Mark a view, as a framework's decorator does."""

    def marked(view: Callable[[Principal], str]) -> Callable[[RequestView, Any], str]:
        def called(request: RequestView, decision: Any) -> str:
            decision = guard.authorize(decision, request, requirement)
            return view(decision.principal) if decision.granted else str(guard.refuse(decision, request).status)

        return called

    return marked


def test_a_decorator_is_three_lines() -> None:
    """Like Flask's: the middleware decides by the rule, the decorator about the view."""
    guard = made()

    @requires(guard, role("admin"))
    def page(who: Principal) -> str:
        return who.id

    answers = []
    for headers in ((), (bearer("cid"),), (bearer("ann"),)):
        request = ask("/public", *headers)
        answers.append(page(request, guard.decide(request)))
    assert answers == ["401", "403", "ann"]


@pytest.mark.parametrize(
    ("path", "who", "demand", "says"),
    [
        ("/known", "", scope("write"), 'scope="write"'),
        ("/known", "wrong", scope("write"), 'scope="write"'),
        ("/writers", "bob", scope("read"), 'scope="read write"'),
        ("/writers", "", scope("read"), 'scope="read write"'),
        ("/known", "", scope("write").hidden(), None),
        ("/known", "", nobody, None),
        ("/known", "", role("admin"), None),
    ],
)
def test_a_rule_that_refuses_names_the_scopes_of_the_view(path: str, who: str, demand: Requirement, says: str | None) -> None:
    """Status and reason stay those of the rule, and nothing is verified again. A hidden view is not told of."""
    checker = Checker()
    guard = Guard(Bearer(checker), rules={**RULES, "/writers": scope("write")}, clock=FixedClock(1_000))
    view = ask(path, *((bearer(who),) if who else ()))
    decision = guard.decide(view)
    asked = checker.asked
    named = guard.with_demand(decision, view, demand)
    assert (type(named), named.reason, checker.asked) == (type(decision), decision.reason, asked)
    said = dict(guard.refuse(named, view).headers)["WWW-Authenticate"]
    assert says in said if says else said == dict(guard.refuse(decision, view).headers)["WWW-Authenticate"]


@pytest.mark.parametrize("path", ["/known", "/public", "/far"])
def test_what_is_no_refusal_of_the_rule_stays(path: str) -> None:
    """A grant, an outage and a refusal without challenges are not changed."""
    guard = made()
    for who in ("ann", "down", "bob"):
        view = ask(path, bearer(who))
        decision = guard.decide(view)
        if not isinstance(decision, Forbidden) or not decision.challenges:
            assert guard.with_demand(decision, view, scope("write")) is decision


def test_an_adapter_emits_one_event_for_the_decision_that_stands() -> None:
    """`start` and `start_authorize` tell nobody; `conclude` does, once."""
    events: list[AuthEvent] = []
    guard = made(on_event=events.append)
    view = ask("/public")
    decision = guard.start(view)
    assert isinstance(decision, Granted)
    later = guard.start_authorize(decision, view, role("admin"))
    assert isinstance(later, Challenged)
    guard.conclude(later, view)
    assert [(event.decision, event.route, event.requirement) for event in events] == [("challenged", "/public", 'role("admin")')]


def test_a_pair_of_rule_and_requirement_is_compiled_once() -> None:
    """Decisions carry the route: the same one for each request."""
    guard = made()
    routes = [guard.decide(ask("/known", bearer("ann")), role("admin")).route for _ in range(3)]
    view = ask("/known", bearer("ann"))
    routes.append(guard.authorize(guard.decide(view), view, role("admin")).route)
    assert all(route is routes[0] for route in routes)


def test_a_view_is_no_exemption_from_the_cross_site_test() -> None:
    """One route may be open to pages of other origins; a view in it that is not is kept from them."""
    guard = Guard(Basic(lambda c: Principal("ann"), realm="x"), rules={"/hook": authenticated.from_any_origin()})
    headers = (basic("ann", "x"), ("Origin", "https://evil.example"), ("Host", "shop.example"))
    view = ask("/hook", *headers, method="POST")
    decision = guard.decide(view)
    assert decision.granted
    assert guard.authorize(decision, view, authenticated.from_any_origin()).granted
    assert guard.authorize(decision, view, authenticated).reason is Reason.CROSS_SITE
    assert guard.decide(ask("/hook", *headers, method="POST"), authenticated).reason is Reason.CROSS_SITE


def test_what_ends_during_the_request_is_looked_at_without_a_lease_too() -> None:
    """The checker gave none, so that nothing says when to ask it again; the evidence has ended all the same."""
    clock, checker = FixedClock(1_000), Checker(lease=None)
    guard = Guard(Bearer(checker), rules=RULES, clock=clock)
    view = ask("/known", bearer("ann"))
    decision = guard.decide(view)
    clock.advance(1_500)
    assert guard.authorize(decision, view, role("admin")).reason is Reason.EXPIRED
    assert checker.asked == 1


class Degraded(Requirement):
    """Lets everybody read while the store is away."""

    __slots__ = ()

    def evaluate(self, context: EvaluationContext) -> Value:
        """Return YES in an outage."""
        return YES if context.unchecked is not None else authenticated.evaluate(context)


def test_who_passed_in_an_outage_is_still_unknown_to_a_view() -> None:
    """503, never 401 and never access; and the store is not asked a second time."""
    checker = Checker()
    guard = Guard(Bearer(checker), rules={"/read": Degraded()})
    view = ask("/read", bearer("down"))
    decision = guard.decide(view)
    assert decision.granted
    assert guard.authorize(decision, view, role("admin")).reason is Reason.UNAVAILABLE
    assert guard.authorize(decision, view, Degraded()).granted
    assert checker.asked == 1


@pytest.mark.parametrize("demand", [authenticated, role("none")])
def test_what_the_first_decision_said_and_left_to_do_goes_on(demand: Requirement) -> None:
    """A view replaces the decision, and neither its fields nor its work is lost."""
    done: list[str] = []

    @nonblocking
    def check(token: BearerToken) -> Accepted:
        return Accepted(Principal("ann"), headers=(("DPoP-Nonce", "n"),), after_response=Operation(lambda: done.append("ann")))

    guard = Guard(Bearer(check))
    view = ask("/", bearer("t"))
    decision = guard.authorize(guard.decide(view), view, demand)
    assert decision.headers == (("DPoP-Nonce", "n"),)
    guard.finish(decision)
    assert done == ["ann"]
