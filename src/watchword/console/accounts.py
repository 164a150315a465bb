"""Lists accounts, and adds, disables, enables and unlocks them. A password is made here and shown once: nobody types one."""

from __future__ import annotations

from itertools import islice
from secrets import token_urlsafe
from typing import TYPE_CHECKING, Any, Final

from watchword.console.changes import note_change
from watchword.console.forms import SentForms, form, grant_fields, grants_of, search_form, secret_page, text_field
from watchword.console.layout import PAGE_LENGTH, page, table, when
from watchword.console.markup import Child, Markup, link, tag
from watchword.console.messages import BadRequest, see_other
from watchword.console.permissions import ACCOUNTS_READ, ACCOUNTS_WRITE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from watchword.checkers import Accounts
    from watchword.clock import Clock
    from watchword.console.messages import Answer, Asked, Response
    from watchword.stores.ports import AccountRecord

_PASSWORD_OCTETS: Final = 18  # of randomness: 24 characters


class AccountPages:
    """The pages about accounts.

    Args:
        accounts: manages them.
        clock: tells the time.
        sent: remembers which forms were sent.
    """

    def __init__(self, accounts: Accounts, clock: Clock, sent: SentForms) -> None:
        self._accounts = accounts
        self._clock = clock
        self._sent = sent

    def pages(self) -> Iterator[tuple[str, str, str, Answer]]:
        """Yield method, path, permission and answer of each page."""
        yield "GET", "/accounts", ACCOUNTS_READ, self._list
        yield "POST", "/accounts/add", ACCOUNTS_WRITE, self._add
        yield "POST", "/accounts/password", ACCOUNTS_WRITE, self._set_password
        for name, done, change in (
            ("disable", "disabled the account", self._accounts.disable),
            ("enable", "enabled the account", self._accounts.enable),
            ("unlock", "unlocked the account", self._accounts.unlock),
        ):
            yield "POST", f"/accounts/{name}", ACCOUNTS_WRITE, self._changing(done, change)

    def _list(self, asked: Asked) -> Response:
        wanted = asked.query.get("find", "")
        after = asked.query.get("after", "")
        found = [self._accounts.get(wanted)] if wanted else list(islice(self._accounts.list(after=after), PAGE_LENGTH + 1))
        shown, may_write = found[:PAGE_LENGTH], ACCOUNTS_WRITE in asked.may
        columns = ["id", "login names", "state", "roles, scopes, permissions", "last login (UTC)", *(["change"] if may_write else [])]
        rows = [self._row(asked, account, may_write=may_write) for account in shown]
        further = link(asked.base, "/accounts", after=shown[-1].id) if len(found) > PAGE_LENGTH else None
        return page(
            asked,
            "/accounts",
            "Accounts",
            search_form(asked, "/accounts", "find", "Login name or id"),
            table("Accounts, by id", columns, rows, empty="There is no further account."),
            tag("p", tag("a", "Further accounts", href=further)) if further is not None else None,
            _adding(asked) if may_write else None,
        )

    def _row(self, asked: Asked, account: AccountRecord, *, may_write: bool) -> list[Child]:
        locked = account.locked_until is not None and account.locked_until > self._clock.now()
        states: list[Child] = [
            "disabled" if account.disabled else None,
            ["locked until ", when(account.locked_until)] if locked else None,
            "without a password" if account.password_hash is None else None,
        ]
        row: list[Child] = [
            tag("code", account.id),
            ", ".join(account.names),
            [tag("div", state) for state in states if state is not None] or "active",
            [tag("div", ", ".join(sorted(names))) for names in (account.roles, account.scopes, account.permissions) if names],
            when(account.last_login_at) or "never",
        ]
        # By a name, which no two accounts share; the id of one account may be a name of another.
        which = {"name": account.names[0], "id": account.id}
        actions = [
            form(asked, "/accounts/enable", "Enable", row=True, **which)
            if account.disabled
            else form(asked, "/accounts/disable", "Disable", row=True, **which),
            form(asked, "/accounts/unlock", "Unlock", row=True, **which) if locked else None,
            form(asked, "/accounts/password", "New password", row=True, **which),
        ]
        return [*row, actions] if may_write else row

    def _add(self, asked: Asked) -> Response:
        self._sent.take(asked)
        password = token_urlsafe(_PASSWORD_OCTETS)
        grants: dict[str, Any] = grants_of(asked)
        account = self._accounts.add(asked.form.get("name", ""), password, **grants)
        note_change(asked, "added the account", account.id)
        return secret_page(asked, "/accounts", "Account added", what="password", secret=password, whose=account.id)

    def _set_password(self, asked: Asked) -> Response:
        account = self._named(asked)
        password = token_urlsafe(_PASSWORD_OCTETS)
        self._accounts.set_password(account.names[0], password)
        note_change(asked, "set a new password of the account", account.id)
        return secret_page(asked, "/accounts", "Password set", what="password", secret=password, whose=account.id)

    def _changing(self, done: str, change: Callable[[str], AccountRecord]) -> Answer:
        def answer(asked: Asked) -> Response:
            account = change(self._named(asked).names[0])
            note_change(asked, done, account.id)
            return see_other(link(asked.base, "/accounts", find=account.names[0]))

        return answer

    def _named(self, asked: Asked) -> AccountRecord:
        self._sent.take(asked)
        account = self._accounts.get(asked.form.get("name", ""))
        if account.id != asked.form.get("id"):
            raise BadRequest("That login name belongs to another account by now. Look the account up again.", 409)
        return account


def _adding(asked: Asked) -> Markup:
    fields = [text_field("name", "Login name", required=True), *grant_fields()]
    return tag("section", tag("h2", "Add an account"), form(asked, "/accounts/add", "Add the account", *fields))


__all__ = ["AccountPages"]
