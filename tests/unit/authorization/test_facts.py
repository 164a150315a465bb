"""Tests `network` and `where`."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.each import each
from tests.support.requirements import CLOCK, calls_of
from watchword import ANONYMOUS, ConfigurationError, Evidence, Principal, RequestView, Requirement, Unavailable, network, where
from watchword.authorization.context import EvaluationContext
from watchword.authorization.needs import IDENTITY, LoginWithin, UseFactor
from watchword.authorization.value import NO, PENDING, YES, Unknown, Value, needs

ANN, BOB = Principal("ann"), Principal("bob")


def asked_from(client: str | None, requirement: Requirement) -> bool:
    """Whether a request from this peer meets a requirement; the identity makes no difference."""
    view = RequestView("GET", "/x", client=client)
    values = {requirement.evaluate(EvaluationContext(view, CLOCK, principal)) for principal in (None, ANONYMOUS, ANN)}
    assert values in ({YES}, {NO})
    return values == {YES}


def value(requirement: Requirement, principal: Principal | None = ANN, method: str = "GET") -> Value:
    """Return the value of a requirement."""
    return requirement.evaluate(EvaluationContext(RequestView(method, "/x", client="192.0.2.7"), CLOCK, principal))


@each(
    ("cidrs", "client", "inside"),
    [
        (["10.0.0.0/8"], "10.255.255.255", True),
        (["10.0.0.0/8"], "11.0.0.0", False),
        (["10.0.0.0/8"], "9.255.255.255", False),
        (["192.0.2.7"], "192.0.2.7", True),
        (["192.0.2.7"], "192.0.2.8", False),
        (["192.0.2.7/32", "10.0.0.0/8"], "10.1.2.3", True),
        (["0.0.0.0/0"], "255.255.255.255", True),
        (["0.0.0.0/0"], "::1", False),
        (["::/0"], "::1", True),
        (["::/0"], "10.0.0.1", False),
        (["2001:db8::/32"], "2001:db8:ffff::1", True),
        (["2001:db8::/32"], "2001:db9::", False),
        (["2001:DB8::/32"], "2001:0db8:0:0::1", True),
        (["::1"], "::1", True),
        (["10.0.0.0/8"], "::ffff:10.1.2.3", True),
        (["10.0.0.0/8"], "::ffff:a01:203", True),
        (["::ffff:10.0.0.0/104"], "10.1.2.3", True),
        (["::ffff:10.0.0.0/104"], "::ffff:10.1.2.3", True),
        (["::ffff:10.0.0.0/104"], "11.0.0.0", False),
        (["::ffff:0:0/96"], "203.0.113.9", True),
        (["::ffff:0:0/96"], "2001:db8::1", False),
        (["fe80::/10"], "fe80::1%eth0", True),
        (["fe80::/10"], "fe80::1", True),
        (["::10.0.0.0/104"], "10.0.0.1", False),
    ],
)
def test_networks_of_both_versions(cidrs: list[str], client: str, inside: bool) -> None:  # noqa: FBT001 - a parameter
    """IPv4 and IPv6 with their edges; mapped addresses count as IPv4, and zones are dropped."""
    assert asked_from(client, network(*cidrs)) is inside
    assert asked_from(client, ~network(*cidrs)) is not inside


@pytest.mark.parametrize(
    "client", [None, "", "unix:", "localhost", "/run/app.sock", "10.0.0.1:8000", "[::1]", "010.0.0.1", "10.0.0", "1e3"]
)
def test_a_malformed_peer_address_lies_in_no_network(client: str | None) -> None:
    """An unknown address lies in no network, not even in 0.0.0.0/0."""
    assert not asked_from(client, network("0.0.0.0/0", "::/0", "10.0.0.0/8"))


@each(
    ("cidr", "why"),
    [
        ("10.0.0.1/8", "has host bits set"),
        ("10.0.0.0/33", "does not appear to be an IPv4 or IPv6 network"),
        ("10.0.0.0/-1", "does not appear to be"),
        ("10.0.0", "does not appear to be"),
        ("example.com", "does not appear to be"),
        ("", "does not appear to be"),
        (" 10.0.0.0/8", "does not appear to be"),
        ("fe80::%eth0/64", "Zones are not compared"),
        (5, "A network is a string"),
        (True, "A network is a string"),
        (b"\x0a\x00\x00\x01", "A network is a string"),
        (["10.0.0.0/8"], "A network is a string"),
        (("10.0.0.0", 8), "A network is a string"),
        (ip_network("10.0.0.0/8"), "A network is a string"),
        (None, "A network is a string"),
    ],
)
def test_a_malformed_network_is_rejected_at_construction(cidr: Any, why: str) -> None:
    """The message shows what was given and what is wrong with it."""
    with pytest.raises(ConfigurationError, match=r"^network\(\.\.\.\) must name networks such as \"10.0.0.0/8\", got .*" + why):
        network(cidr)


addresses = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6))
networks = st.builds(
    lambda address, length: ip_network((address, min(length, address.max_prefixlen)), strict=False), addresses, st.integers(0, 128)
)


@given(st.lists(networks, max_size=8), addresses)
def test_the_lookup_equals_the_standard_library(given_networks: list[Any], address: Any) -> None:
    """For any networks, the lookup by prefix length gives the answer of `ipaddress` for each network."""
    mapped = getattr(address, "ipv4_mapped", None)
    expected = any((mapped or address) in each for each in given_networks)
    inside = asked_from(str(address), network(*map(str, given_networks)))
    if any(each.version == 6 and each.prefixlen >= 96 and each.network_address.ipv4_mapped for each in given_networks):
        assert inside or not expected  # networks of mapped addresses hold the IPv4 addresses
    else:
        assert inside is expected


def test_thousands_of_networks_cost_no_more_than_one() -> None:
    """A lookup asks once for each prefix length that occurs, however many networks there are."""
    few = network("10.0.0.0/24", "10.9.0.0/16")
    many = network(*(f"10.{a}.{b}.0/24" for a in range(8) for b in range(250)), *(f"11.{a}.0.0/16" for a in range(250)))
    view = RequestView("GET", "/x", client="192.0.2.7")
    context = EvaluationContext(view, CLOCK, ANN)
    few.evaluate(context)  # parses the address, once per request
    assert calls_of(lambda: many.evaluate(context)) == calls_of(lambda: few.evaluate(context))
    assert asked_from("10.7.249.255", many)
    assert asked_from("11.249.1.1", many)
    assert not asked_from("10.8.0.0", many)


def test_a_network_prints_what_was_written() -> None:
    """The text is that of the rule, not that of the parsed network."""
    assert str(network("2001:DB8::/32", "10.0.0.1")) == 'network("2001:DB8::/32", "10.0.0.1")'


# where(...)


def of_principal(principal: Principal) -> bool:
    """Whether it is ann."""
    return principal.id == "ann"


def of_both(principal: Principal, request: RequestView) -> bool:
    """Whether it is ann who gets."""
    return principal.id == "ann" and request.method == "GET"


def of_request(request: RequestView) -> bool:
    """Whether it is a GET."""
    return request.method == "GET"


class Office:
    """A predicate that is an object."""

    def __init__(self, *members: str) -> None:
        self.members = members

    def __call__(self, principal: Principal) -> bool:
        """Whether it is a member."""
        return principal.id in self.members

    def has(self, principal: Principal) -> bool:
        """Whether it is a member."""
        return principal.id in self.members


PREDICATES: list[tuple[Any, str]] = [
    (of_principal, "of_principal"),
    (of_both, "of_both"),
    (lambda principal: principal.id == "ann", "<lambda>"),
    (lambda principal, flag=True: flag and principal.id == "ann", "<lambda>"),
    (lambda principal=None, request=None: request is None and principal.id == "ann", "<lambda>"),
    (lambda *facts: len(facts) == 1 and facts[0].id == "ann", "<lambda>"),
    (lambda principal, request, *more: principal.id == "ann" and request.method == "GET" and not more, "<lambda>"),
    (lambda principal, *, strict=True: strict and principal.id == "ann", "<lambda>"),
    (Office("ann"), "Office"),
    (Office("ann").has, "has"),
    (functools.partial(of_both, request=RequestView("GET", "/")), "partial"),
    (functools.partial(lambda name, principal: principal.id == name, "ann"), "partial"),
]


@pytest.mark.parametrize(("predicate", "name"), PREDICATES, ids=[f"{name}{at}" for at, (_, name) in enumerate(PREDICATES)])
def test_a_predicate_gets_as_many_arguments_as_it_takes(predicate: Any, name: str) -> None:
    """The principal, or the principal and the request; arguments with defaults are not passed. Its name is shown."""
    requirement = where(predicate)
    assert value(requirement, ANN) is YES
    assert value(requirement, BOB) is NO
    assert str(requirement) == f'where("{name}")'
    assert str(~where(predicate, name="a friend")) == '~where("a friend")'


def test_a_predicate_about_the_request_gets_the_request_alone() -> None:
    """It decides for every caller, on the first pass too."""
    requirement = where(of_request, request_only=True)
    for principal in (None, ANONYMOUS, ANN):
        assert value(requirement, principal) is YES
        assert value(requirement, principal, "POST") is NO
        assert value(~requirement, principal, "POST") is YES


def test_a_builtin_without_a_signature_gets_the_principal() -> None:
    """Some functions written in C have no readable signature."""

    class Unreadable(Office):
        __signature__ = "unknown"

    assert value(where(bool)) is YES
    assert value(where(Unreadable("ann")), BOB) is NO


@pytest.mark.parametrize(
    ("predicate", "request_only", "why"),
    [
        (lambda: True, False, "must take the principal, or the principal and the request, got a function of 0 positional arguments"),
        (lambda a, b, c: True, False, "got a function of 3 positional arguments"),
        (lambda a, b: True, True, "must take the request, got a function of 2 positional arguments"),
        (lambda: True, True, "must take the request, got a function of 0"),
        (lambda principal, *, db: True, False, r"gets positional arguments only. Give db=\.\.\. a default"),
        (True, False, "must be a function, got True"),
        (None, False, "must be a function, got None"),
        ("is_friend", False, "must be a function, got 'is_friend'"),
    ],
)
def test_a_predicate_that_cannot_be_called_is_refused_at_construction(predicate: Any, request_only: bool, why: str) -> None:  # noqa: FBT001 - a parameter
    """The message says what it takes and what it should take."""
    with pytest.raises(ConfigurationError, match=why):
        where(predicate, request_only=request_only)


async def slowly(principal: Principal) -> bool:
    """Answer, some time."""
    return True


class Slow:
    """An object that answers some time."""

    async def __call__(self, principal: Principal) -> bool:
        """Answer, some time."""
        return True


@pytest.mark.parametrize("predicate", [slowly, Slow(), functools.partial(slowly)], ids=["function", "object", "partial"])
def test_an_async_predicate_is_refused_at_construction(predicate: Any) -> None:
    """Evaluation awaits nothing, and a coroutine would be true."""
    with pytest.raises(ConfigurationError, match=r"where\(predicate\) must be a plain function"):
        where(predicate)


def test_a_coroutine_is_refused() -> None:
    """A predicate that returns a coroutine raises, and the coroutine is closed."""
    with pytest.raises(TypeError, match=r"the predicate of where\(\"<lambda>\"\) must return True, False or a need, got coroutine"):
        value(where(lambda principal: slowly(principal)))  # type: ignore[arg-type,return-value]  # noqa: PLW0108 - what is tested


@each("answer", [None, 1, 0, "yes", "", [], [True], ...])
@each("principal", [ANN, ANONYMOUS])
def test_only_true_and_false_count(answer: Any, principal: Principal) -> None:
    """Any other value is a TypeError that names the predicate."""
    for requirement in (
        where(lambda principal: answer),
        ~where(lambda principal: answer),
        where(lambda request: answer, request_only=True),
    ):
        with pytest.raises(TypeError, match="must return True"):
            value(requirement, principal)


def test_an_exception_of_a_predicate_propagates() -> None:
    """It is neither a refusal nor an outage."""
    with pytest.raises(ZeroDivisionError):
        value(where(lambda principal: 1 // 0 == 0))


def test_an_unavailable_predicate_is_unknown() -> None:
    """`Unavailable` gives UNKNOWN with its cause and its wait, under `~` too."""

    def ask(facts: object) -> bool:
        raise Unavailable("the policy engine does not answer", retry_after=7)

    for requirement in (where(ask), ~where(ask), where(ask, request_only=True)):
        for principal in (ANN, ANONYMOUS):
            answer = value(requirement, principal)
            assert isinstance(answer, Unknown)
            assert (answer.causes, answer.retry_after) == (frozenset({"the policy engine does not answer"}), 7)
    assert value(where(ask), None) is PENDING
    assert value(where(ask, request_only=True), None) == Unknown(frozenset())


def test_a_predicate_may_return_a_need() -> None:
    """The need gives NEEDS; an anonymous caller also needs an identity."""

    def used_token(principal: Principal) -> Any:
        return (principal.evidence is not None and "hwk" in principal.evidence.factors) or UseFactor("hwk")

    token_user = Principal("zoe", evidence=Evidence(factors=frozenset({"hwk"})))
    assert value(where(used_token), token_user) is YES
    assert value(where(used_token), ANN) == needs(frozenset({UseFactor("hwk")}))
    assert value(where(used_token), ANONYMOUS) == needs(frozenset({IDENTITY, UseFactor("hwk")}))
    # Who lacks it now, lacks it; who is anonymous has not shown that he does.
    assert value(~where(used_token), ANN) is YES
    assert value(~where(used_token), ANONYMOUS) == needs(frozenset({IDENTITY}))
    assert value(~where(used_token), token_user) is NO


def test_a_known_caller_never_needs_to_log_in() -> None:
    """A predicate that returns IDENTITY for a known caller has refused."""
    requirement = where(lambda principal: principal.id == "ann" or IDENTITY)
    assert value(requirement, BOB) is NO
    assert value(~requirement, BOB) is YES
    assert value(requirement, ANONYMOUS) == needs(frozenset({IDENTITY}))


def test_a_predicate_about_the_request_cannot_ask_for_a_login() -> None:
    """Its answer does not depend on the caller, so it may not return a need."""
    with pytest.raises(TypeError, match="must return True or False, because no login could change the request, got LoginWithin"):
        value(where(lambda request: LoginWithin(5), request_only=True))


def test_predicates_are_compared_and_hashed() -> None:
    """The same function gives equal requirements; one that cannot be hashed is refused, with the fix."""
    assert where(of_principal) == where(of_principal)
    assert where(of_principal) != where(of_principal, name="other")
    assert where(of_principal) != ~where(of_principal)
    assert ~~where(of_principal) == where(of_principal)

    @dataclass
    class Member:
        group: str

        def __call__(self, principal: Principal) -> bool:
            return True

    with pytest.raises(ConfigurationError, match=r"Member defines __eq__ without __hash__\. Freeze the dataclass"):
        where(Member("a"))
