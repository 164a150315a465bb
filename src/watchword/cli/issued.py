"""Implements the options and commands that `watchword key` and `watchword token` share."""

from __future__ import annotations

from dataclasses import dataclass
from math import isinf
from typing import TYPE_CHECKING, Any

import click

from watchword.cli.asking import read_secret
from watchword.cli.failures import Failure
from watchword.cli.opening import find_account, holder, opened
from watchword.cli.output import answer, say, show_table, when
from watchword.cli.params import Handle, Moment, Name, clock, grants, store_options
from watchword.cli.shapes import issued_facts
from watchword.findings.escaping import printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from watchword.checkers.api_keys import NewKey
    from watchword.checkers.opaque_tokens import NewToken
    from watchword.stores import SQLStore


@dataclass(frozen=True, slots=True)
class Kind:
    """The differences between the commands for keys and those for tokens.

    Args:
        what: the name of the secret, in messages and in JSON.
        whose: the name of its owner: an argument, an option and a column.
        checker: the class in `watchword.checkers` that manages it.
        prefix: the default prefix of its secrets.
        columns: the columns of its list.
    """

    what: str
    whose: str
    checker: str
    prefix: str
    columns: tuple[str, ...]

    def manager(self, store: SQLStore, prefix: str | None = None) -> Any:  # noqa: ANN401 - of any kind
        """Return the checker of a store; without a prefix, that of the default one."""
        from watchword import checkers

        return getattr(checkers, self.checker)(store, prefix=prefix or self.prefix, clock=clock())

    def prefix_option(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Add the option `--prefix`."""
        help_ = f"The prefix of its {self.what}s: that of {self.checker}(prefix=...)."
        return click.option("--prefix", default=self.prefix, show_default=True, type=Name(), help=help_)(function)

    def create_options(self, label: str, expires: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Return a decorator that adds the options of `create`.

        Args:
            label: the use of labels, for their help.
            expires: the default of `--expires`.
        """
        is_client = f"{self.whose.upper()} is a program that acts for itself, even if there is such an account."
        until = f"Until when: {expires}, 2030-12-31, never."
        options: list[Callable[[Any], Any]] = [
            click.argument("owner", type=Name(), metavar=self.whose.upper()),
            click.option("--client", is_flag=True, help=is_client),
            click.option("--label", default="", type=Name(may_be_empty=True), help=f"A note for people: {label}."),
            grants,
            click.option("--expires", default=expires, show_default=True, type=Moment(never=True), metavar="TIME", help=until),
            self.prefix_option,
            store_options,
        ]

        def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
            for option in reversed(options):
                function = option(function)
            return function

        return decorate

    def create(
        self,
        owner: str,
        *,
        url: str,
        prefix: str,
        client: bool,
        expires: float,
        as_json: bool,
        **given: Any,  # noqa: ANN401 - options
    ) -> None:
        """Issue a secret for an account or a program, and show it.

        A name without an account stands for a program that acts for itself. A line on standard error says so: the name may be a typo.
        """
        with opened(url) as store:
            found = None if client else find_account(store, owner)
            if found is None and not client and not as_json:
                say(f"There is no account {printable(owner)}, so this stands for a program of that name. --client says so.", err=True)
            whose, kind = (owner, "client") if found is None else (found.id, "user")
            made = self.manager(store, prefix).create(whose, kind=kind, expires_at=finite(expires), **given)
            self.show_created(store, made, as_json=as_json)

    def show_created(self, store: SQLStore, made: NewKey | NewToken, *, as_json: bool, **facts: object) -> None:
        """Show a new secret on standard output, alone; as JSON, with its record and more facts.

        A secret that cannot be shown is revoked: its owner would never have it.
        """
        secret, record = str(getattr(made, self.what)), made.record
        try:
            answer({self.what: secret, **issued_facts(record, clock().now()), **facts}, secret, as_json=as_json)
        except (OSError, Failure) as error:
            self.manager(store).revoke(record.id)
            raise Failure(
                f"the new {self.what} {record.id} could not be written to standard output, so it was revoked", "output"
            ) from error
        if not as_json:
            ends = "it does not expire" if record.expires_at is None else f"it expires {when(record.expires_at)}"
            owner = printable(record.owner)
            say(f"The {self.what} {record.id} of {owner}; {ends}. It is shown this once, and cannot be shown again.", err=True)

    def add_list(self, group: click.Group) -> None:
        """Add the command `list` to a group."""
        what = self.what

        @group.command("list", help=f"List {what}s, by id. The {what}s themselves are not known.")
        @click.option(f"--{self.whose}", "owner", type=Name(), help=f"The {what}s of one account or program.")
        @store_options
        def list_(owner: str | None, url: str, *, as_json: bool) -> None:
            now = clock().now()
            with opened(url) as store:
                whose = None if owner is None else holder(store, owner)
                facts = [issued_facts(record, now) for record in self.manager(store).list(whose)]
            show_table(self.columns, facts, f"there are no {what}s", as_json=as_json)

    def add_revoke(self, group: click.Group) -> None:
        """Add the command `revoke` to a group."""

        @group.command(
            help=f"Revoke a {self.what}, by its id. Without ID the {self.what} itself is asked for, or read from standard input."
        )
        @click.argument("id", type=Handle(), required=False)
        @self.prefix_option
        @store_options
        def revoke(id: str | None, prefix: str, url: str, *, as_json: bool) -> None:  # noqa: A002 - the name in the help
            with opened(url) as store:
                self.revoke(store, id or read_secret(f"the {self.what}"), prefix, as_json=as_json)

    def revoke(self, store: SQLStore, id_or_secret: str, prefix: str, *, as_json: bool) -> None:
        """Revoke a secret, by its id or by itself.

        Raises:
            Failure: it is neither.
        """
        from watchword.checkers.key_format import is_id

        manager, id_ = self.manager(store, prefix), id_or_secret
        if not is_id(id_):
            # A key holds its id. A token does not, and is looked up by itself.
            recognised = manager.recognise(id_)
            if not recognised:
                raise Failure(f"that is not a {self.what} that begins with {prefix}_, or it was not copied whole", f"not_a_{self.what}")
            id_ = id_ if recognised is True else recognised
        record = manager.get(id_)
        fresh = record.revoked_at is None and manager.revoke(record.id)
        facts = issued_facts(manager.get(id_), clock().now())
        answer(facts, f"revoked {record.id}" if fresh else f"{record.id} was revoked before", as_json=as_json)


def finite(moment: float | None) -> float | None:
    """Return Unix seconds, or None for infinity: it never expires."""
    return None if moment is None or isinf(moment) else moment
