"""Tests that a custom scheme of at most forty lines works with the rest of the library."""

from __future__ import annotations

import inspect
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.support.core import ANN, Recorder, ask, values
from watchword import (
    Basic,
    Challenged,
    Credentials,
    CredentialsError,
    Firewall,
    Granted,
    Guard,
    Malformed,
    Principal,
    Reason,
    RequestView,
    Scheme,
    authenticated,
    role,
    via,
)
from watchword.grammar import Challenge
from watchword.guard.forwarding import forwarding
from watchword.schemes.base import NO_PARAMS, ChallengeParams

if TYPE_CHECKING:
    from watchword.credentials import Carrier


@dataclass(frozen=True, slots=True, repr=False)
class TicketCredentials(Credentials):
    """The number of a ticket."""

    number: str

    @property
    def carrier(self) -> Carrier:
        """A header of its own."""
        return "header"


class Ticket(Scheme[TicketCredentials]):
    """`X-Ticket: <digits>`, sold at the door."""

    name = "Ticket"
    fields = ("x-ticket",)

    def extract(self, view: RequestView) -> TicketCredentials | None:
        """Return the number of the ticket."""
        value = view.field("x-ticket")
        if value is None:
            return None
        if not (value.isascii() and value.isdecimal()):
            raise CredentialsError("a number")
        return TicketCredentials(value)

    def challenge(self, params: ChallengeParams = NO_PARAMS) -> Challenge:
        """Say where tickets are sold."""
        return Challenge(self.name, {"realm": self.realm, "sold_at": "the door"})


def check(credentials: TicketCredentials) -> Principal | None:
    """Let the holder of ticket 7 in."""
    return Principal("guest", roles={"guest"}) if credentials.number == "7" else None


def test_a_custom_scheme_is_short() -> None:
    """At most forty lines, with its credentials."""
    assert len((inspect.getsource(TicketCredentials) + inspect.getsource(Ticket)).splitlines()) <= 40


@pytest.fixture
def guard() -> Guard:
    """Return a guard that takes passwords and tickets."""
    rules = {"/bar": role("guest"), "/vip": role("vip"), "/door": via("Ticket"), "/office": via("Basic")}
    return Guard(Ticket(check, realm="club"), Basic(Recorder(ANN), realm="club"), rules=rules)


def test_a_valid_ticket_grants_access(guard: Guard) -> None:
    """The principal names the scheme, and the response is private."""
    for path in ("/", "/bar", "/door"):
        decision = guard.decide(ask(path, ("X-Ticket", "7")))
        assert isinstance(decision, Granted)
        assert (decision.principal.id, decision.scheme) == ("guest", "Ticket")
        assert decision.principal.evidence is not None
        assert decision.principal.evidence.scheme == "Ticket"
        assert decision.cache.cache_control == "private"


def test_a_401_has_its_challenge(guard: Guard) -> None:
    """After the well-known schemes (D22)."""
    view = ask("/bar")
    assert values(guard.refuse(guard.decide(view), view), "WWW-Authenticate") == [
        'Basic realm="club", charset="UTF-8"',
        'Ticket realm="club", sold_at="the door"',
    ]


def test_a_false_ticket_is_refused(guard: Guard) -> None:
    """401 for a well-formed ticket and for a malformed one; the number is in neither response."""
    for value, reason in (("98765", Reason.INVALID_CREDENTIALS), ("eight", Reason.MALFORMED_CREDENTIALS)):
        decision = guard.decide(ask("/bar", ("X-Ticket", value)))
        assert isinstance(decision, Challenged)
        assert (decision.reason, decision.scheme) == (reason, "Ticket")
        assert value not in repr(decision)


def test_a_missing_right_is_forbidden(guard: Guard) -> None:
    """403, as for every scheme. Where only passwords count, a ticket counts as absent."""
    view = ask("/vip", ("X-Ticket", "7"))
    refusal = guard.refuse(guard.decide(view), view)
    assert (refusal.status, json.loads(refusal.body)["reason"]) == (403, "missing_role")
    decision = guard.decide(ask("/office", ("X-Ticket", "7")))
    assert isinstance(decision, Challenged)
    assert [challenge.scheme for challenge in decision.challenges] == ["Basic"]


@pytest.mark.parametrize(
    "headers",
    [
        (("X-Ticket", "7"), ("X-Ticket", "7")),
        (("X-Ticket", "7,7"),),
        (("X_Ticket", "7"),),
        (("X-Ticket", "7" * 9000),),
        (("X-Ticket", "7"), ("Authorization", "Basic YTpi")),
    ],
    ids=["twice", "joined", "twin", "too long", "two schemes"],
)
def test_the_firewall_checks_its_field(guard: Guard, headers: tuple[tuple[str, str], ...]) -> None:
    """The firewall reads `fields`."""
    assert isinstance(guard.decide(ask("/bar", *headers)), Malformed)


def test_explain_names_scheme_field_and_checker(guard: Guard) -> None:
    """The number of the ticket is not in it."""
    text = str(guard.explain(ask("/bar", ("X-Ticket", "7"))))
    assert "credentials: x-ticket (1 octets)" in text
    assert "checker check (Ticket): accepted Principal('guest'" in text
    refused = str(guard.explain(ask("/bar", ("X-Ticket", "12345"))))
    assert "WWW-Authenticate: Ticket realm" in refused
    assert "12345" not in refused


def test_strip_credentials_removes_its_field() -> None:
    """`strip_credentials` reads `fields` too."""
    guard = Guard(Ticket(check), default=authenticated, strip_credentials=True, firewall=Firewall())
    view = ask("/", ("X-Ticket", "7"))
    guard.decide(view)
    assert "x-ticket" in forwarding(guard.policy, view).fields
