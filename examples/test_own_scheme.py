"""Tests of own_scheme.py: the contracts that a guard requires of a scheme and of a checker.

Run it:
    pip install watchword pytest
    pytest test_own_scheme.py
"""

from own_scheme import Ticket, TicketCredentials, check_ticket

from watchword import RequestView
from watchword.testing import CheckerContract, SchemeContract


class TestTicket(SchemeContract):
    credentials = TicketCredentials("A7", "4711")
    secrets = ("code",)

    def scheme(self, checker: object) -> Ticket:
        return Ticket(checker, realm="theatre")

    def request(self) -> RequestView:
        return RequestView("GET", "/stalls", [("Authorization", 'Ticket id="A7", code="4711"')])


class TestTickets(CheckerContract):
    accepted = TicketCredentials("A7", "4711")
    refused = TicketCredentials("A7", "1234")
    identity = "ticket A7"
    secrets = ("code",)

    def checker(self) -> object:
        return check_ticket
