"""A scheme of one's own: tickets, as in `Authorization: Ticket id="A7", code="4711"`.

Run it:
    pip install watchword
    python own_scheme.py

Everything beside the two classes comes with the guard: the 400 for a field that breaks the grammar or came twice, the 401 with a
challenge for each scheme, the firewall, the rules, `explain`. It prints what becomes of four requests.
"""

from __future__ import annotations

from dataclasses import dataclass
from hmac import compare_digest

from watchword import Basic, Credentials, CredentialsError, Guard, Principal, RequestView, Scheme
from watchword.checkers import nonblocking


# The scheme starts here.
@dataclass(frozen=True, slots=True, repr=False)  # repr=False: a secret does not print
class TicketCredentials(Credentials):
    id: str
    code: str


class Ticket(Scheme[TicketCredentials]):
    name = "Ticket"

    def extract(self, view: RequestView) -> TicketCredentials | None:
        sent = view.authorization
        if sent is None or sent.scheme.lower() != "ticket":
            return None  # nothing for this scheme
        given = sent.params or {}
        if given.keys() != {"id", "code"}:
            raise CredentialsError("the parameters id and code")  # 401, with the challenge
        return TicketCredentials(given["id"], given["code"])


# The scheme ends here. Its challenge is `Ticket realm="..."`; a scheme that has more to say overrides `challenge`.


CODES = {"A7": "4711", "B2": "0815"}


@nonblocking  # a look-up in a dictionary: no worker thread is needed
def check_ticket(ticket: TicketCredentials) -> Principal | None:
    # Bytes, because compare_digest raises for text that is not ASCII, and a client may send such text.
    known, shown = CODES.get(ticket.id, "").encode(), ticket.code.encode("utf-8", "surrogatepass")
    return Principal(f"ticket {ticket.id}") if known and compare_digest(known, shown) else None


def check_user(_: object) -> None:
    """Refuse everybody; here only so that a second scheme is offered."""


guard = Guard(Ticket(check_ticket, realm="theatre"), Basic(check_user, realm="theatre"))

if __name__ == "__main__":
    for sent in ('Ticket id="A7", code="4711"', 'Ticket id="A7", code="1234"', 'Ticket id="A7"', "Ticket"):
        print(f"--- Authorization: {sent}")
        print(guard.explain(RequestView("GET", "/stalls", [("Authorization", sent)], "192.0.2.7")), end="\n\n")
