"""Lists keys and tokens, and issues and revokes them. A new one is shown once, in the answer, and kept nowhere."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from watchword.checkers.issued import why_invalid
from watchword.console.changes import note_change
from watchword.console.forms import DAY, SentForms, days_field, days_of, form, grant_fields, grants_of, search_form, secret_page, text_field
from watchword.console.layout import PAGE_LENGTH, page, table, when
from watchword.console.markup import Child, Markup, link, tag
from watchword.console.messages import BadRequest, see_other
from watchword.console.permissions import SECRETS_READ, SECRETS_WRITE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from watchword.clock import Clock
    from watchword.console.messages import Answer, Asked, Response
    from watchword.stores.ports import Issued

_DAYS: Final = 90


@dataclass(frozen=True, slots=True)
class Kind:
    """The differences between keys and tokens.

    Args:
        what: the name of the secret.
        path: of the list.
        attribute: of what `create` returns, which holds the secret.
    """

    what: str
    path: str
    attribute: str


KEYS: Final = Kind("key", "/keys", "key")
TOKENS: Final = Kind("token", "/tokens", "token")


class IssuedPages:
    """The pages about one kind of secret.

    Args:
        manager: an `APIKeys` or an `OpaqueTokens`.
        kind: which.
        clock: tells the time.
        sent: remembers which forms were sent.
    """

    def __init__(self, manager: Any, kind: Kind, clock: Clock, sent: SentForms) -> None:  # noqa: ANN401 - of either kind
        self._manager = manager
        self._kind = kind
        self._clock = clock
        self._sent = sent

    def pages(self) -> Iterator[tuple[str, str, str, Answer]]:
        """Yield method, path, permission and answer of each page."""
        yield "GET", self._kind.path, SECRETS_READ, self._list
        yield "POST", f"{self._kind.path}/create", SECRETS_WRITE, self._create
        yield "POST", f"{self._kind.path}/revoke", SECRETS_WRITE, self._revoke

    def _list(self, asked: Asked) -> Response:
        what, path, owner = self._kind.what, self._kind.path, asked.query.get("owner", "")
        found = list(islice(self._manager.list(owner or None, after=asked.query.get("after", "")), PAGE_LENGTH + 1))
        shown, may_write = found[:PAGE_LENGTH], SECRETS_WRITE in asked.may
        columns = ["id", "owner", "note", "state", "roles, scopes, permissions", "created (UTC)", "last use (UTC)"]
        rows = [self._row(asked, record, may_write=may_write) for record in shown]
        further = link(asked.base, path, owner=owner, after=shown[-1].id) if len(found) > PAGE_LENGTH else None
        return page(
            asked,
            path,
            f"{what.capitalize()}s",
            search_form(asked, path, "owner", "Owner"),
            table(
                f"{what.capitalize()}s, by id", [*columns, *(["change"] if may_write else [])], rows, empty=f"There is no further {what}."
            ),
            tag("p", tag("a", f"Further {what}s", href=further)) if further is not None else None,
            self._creating(asked, owner) if may_write else None,
        )

    def _row(self, asked: Asked, record: Issued, *, may_write: bool) -> list[Child]:
        reason = why_invalid(record, self._clock.now())
        ends: list[Child] = ["valid until ", when(record.expires_at)] if record.expires_at is not None else ["valid"]
        row: list[Child] = [
            tag("code", record.id),
            record.owner,
            record.label,
            ends if reason is None else reason.value,
            [tag("div", ", ".join(sorted(names))) for names in (record.roles, record.scopes, record.permissions) if names],
            when(record.created_at),
            when(record.last_used_at),
        ]
        if not may_write:
            return row
        return [*row, form(asked, f"{self._kind.path}/revoke", "Revoke", row=True, id=record.id) if record.revoked_at is None else None]

    def _create(self, asked: Asked) -> Response:
        self._sent.take(asked)
        owner, kind = asked.form.get("owner", ""), asked.form.get("kind", "user")
        made = self._manager.create(
            owner,
            label=asked.form.get("label", ""),
            kind=kind,
            expires_at=self._clock.now() + days_of(asked.form) * DAY,
            **grants_of(asked),
        )
        note_change(asked, f"issued the {self._kind.what}, for {made.record.owner}", made.record.id)
        title, secret = f"{self._kind.what.capitalize()} issued", getattr(made, self._kind.attribute)
        return secret_page(asked, self._kind.path, title, what=self._kind.what, secret=secret, whose=made.record.owner)

    def _revoke(self, asked: Asked) -> Response:
        self._sent.take(asked)
        wanted = asked.form.get("id", "")
        if not self._manager.revoke(wanted):
            raise BadRequest(f"There is no such {self._kind.what}, or it was revoked before.", 409)
        note_change(asked, f"revoked the {self._kind.what}", wanted)
        return see_other(link(asked.base, self._kind.path))

    def _creating(self, asked: Asked, owner: str) -> Markup:
        who = tag("select", tag("option", "a person", value="user"), tag("option", "a program", value="client"), name="kind")
        fields = [
            text_field("owner", "Owner: the id of the account or program", required=True, value=owner),
            text_field("label", "Note: where it is used"),
            tag("label", "It acts for ", who),
            *grant_fields(),
            days_field(_DAYS, "Valid for days"),
        ]
        title = f"Issue a {self._kind.what}"
        return tag("section", tag("h2", title), form(asked, f"{self._kind.path}/create", title, *fields))


__all__ = ["KEYS", "TOKENS", "IssuedPages", "Kind"]
