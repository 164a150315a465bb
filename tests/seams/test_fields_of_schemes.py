"""Two schemes read one header field: it may come as both of them allow, and be as long as either of them allows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support.drive import ByASGI, ByWSGI
from tests.support.each import each
from tests.support.wire import Request
from watchword import BearerToken, Guard, Principal, Scheme
from watchword.checkers import nonblocking
from watchword.field import Field

if TYPE_CHECKING:
    from watchword import RequestView


@nonblocking
def check(token: BearerToken) -> Principal:
    """Accept every ticket: what is tested is which of them are looked at."""
    return Principal("ann")


def ticket(letter: str, field: Field) -> Scheme[BearerToken]:
    """Return a scheme that takes the tickets which begin with a letter, in `X-Ticket`."""

    class Ticket(Scheme[BearerToken]):
        name = f"Ticket-{letter}"
        credentials = BearerToken
        fields = {"x-ticket": field}  # noqa: RUF012 - read once

        def extract(self, view: RequestView) -> BearerToken | None:
            sent = view.field("x-ticket")
            return BearerToken("ticket") if sent is not None and sent.startswith(letter) else None

    return Ticket(check)


PLAIN, LISTED, REPEATED = Field(), Field(list=True), Field(repeat=True)
ONE, JOINED, TWO = ("a=1",), ("a=1, b=2",), ("a=1", "a=2")
LONG, LONGER = ("a" * 300,), ("a" * 301,)


@each(
    ("one", "other", "lines", "status"),
    [
        *((one, other, ONE, 200) for one in (PLAIN, LISTED, REPEATED) for other in (PLAIN, LISTED, REPEATED)),
        # What one of them takes for a list, the other would take for one ticket that a proxy has joined of two (RFC 9110 §5.2).
        *((LISTED, PLAIN, lines, 400) for lines in (JOINED, TWO)),
        *((REPEATED, PLAIN, lines, 400) for lines in (JOINED, TWO)),
        *((LISTED, REPEATED, lines, 400) for lines in (JOINED, TWO)),
        *((both, both, lines, 200) for both in (LISTED, REPEATED) for lines in (JOINED, TWO)),
        # A ticket of the one may be longer than those of the other are.
        *((Field(limit=100), Field(limit=300), lines, status) for lines, status in ((LONG, 200), (LONGER, 431))),
        *((Field(limit=300, repeat=True), Field(limit=100), lines, status) for lines, status in ((LONG, 200), (LONGER, 431), (TWO, 400))),
    ],
)
def test_a_field_of_two_schemes_may_come_as_both_allow(one: Field, other: Field, lines: tuple[str, ...], status: int) -> None:
    """Whichever of the two is named first, and through both interfaces."""
    request = Request(headers=tuple(("X-Ticket", line) for line in lines))
    drivers: tuple[Any, ...] = (ByASGI, ByWSGI)
    for driver in drivers:
        for first, second in ((one, other), (other, one)):
            answer = driver(Guard(ticket("a", first), ticket("b", second)))(request)
            assert (answer.status, answer.called) == (status, status == 200)
