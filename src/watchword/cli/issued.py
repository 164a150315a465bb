"""Holds what `watchword key` and `watchword token` share: their options, and the commands create, list and revoke."""

from __future__ import annotations

from dataclasses import dataclass
from math import isinf
from typing import TYPE_CHECKING, Any

import click

from watchword.cli.asking import read_secret
from watchword.cli.failures import Failure
from watchword.cli.opening import find_account, holder, opened
from watchword.cli.output import printable, say, say_json, show_table, when
from watchword.cli.params import Handle, Moment, Name, clock, grants, json_option, store_option
from watchword.cli.shapes import issued_facts

if TYPE_CHECKING:
    from collections.abc import Callable

    from watchword.checkers.api_keys import NewKey
    from watchword.checkers.opaque_tokens import NewToken
    from watchword.stores import SQLStore


@dataclass(frozen=True, slots=True)
class Kind:
    """What tells the commands for keys from those for tokens.

    Args:
        what: what is issued. It stands in every message, and the secret stands under that name in JSON.
        whose: what its owner is called: an argument, an option and a column.
        checker: what manages it, in `watchword.checkers`.
        prefix: what its secrets begin with, unless the application says otherwise.
        columns: of its list.
    """

    what: str
    whose: str
    checker: str
    prefix: str
    columns: tuple[str, ...]

    def manager(self, store: SQLStore, prefix: str | None = None) -> Any:  # noqa: ANN401 - of any kind
        """Return what manages it.

        Args:
            store: the store.
            prefix: what its secrets begin with; None: the usual.
        """
        from watchword import checkers

        return getattr(checkers, self.checker)(store, prefix=prefix or self.prefix, clock=clock())

    def prefix_option(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Give a command the option `--prefix`."""
        help_ = f"What its {self.what}s begin with: that of {self.checker}(prefix=...)."
        return click.option("--prefix", default=self.prefix, show_default=True, type=Name(), help=help_)(function)

    def create_options(self, label: str, expires: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Return a decorator with the options of `create`.

        Args:
            label: what a label says.
            expires: when a new one expires unless said otherwise.
        """
        is_client = f"{self.whose.upper()} is a program that acts for itself, whatever accounts there are."
        until = f"Until when: {expires}, 2030-12-31, never."
        options: list[Callable[[Any], Any]] = [
            click.argument("owner", type=Name(), metavar=self.whose.upper()),
            click.option("--client", is_flag=True, help=is_client),
            click.option("--label", default="", type=Name(may_be_empty=True), help=f"A note for people: {label}."),
            grants,
            click.option("--expires", default=expires, show_default=True, type=Moment(never=True), metavar="TIME", help=until),
            self.prefix_option,
            store_option,
            json_option,
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

        A name that no account has is taken for a program that acts for itself; in case it was a slip, that is said.

        Args:
            owner: an account, by a name or its id; or a program.
            url: of the store.
            prefix: what the secret begins with.
            client: whether it is a program, whatever accounts there are.
            expires: Unix seconds, or infinity.
            as_json: whether one object is printed, and nothing is said.
            given: what else it is made with.
        """
        with opened(url) as store:
            found = None if client else find_account(store, owner)
            if found is None and not client and not as_json:
                say(f"There is no account {printable(owner)}, so this stands for a program of that name. --client says so.", err=True)
            whose, kind = (owner, "client") if found is None else (found.id, "user")
            made = self.manager(store, prefix).create(whose, kind=kind, expires_at=finite(expires), **given)
            self.show_created(store, made, as_json=as_json)

    def show_created(self, store: SQLStore, made: NewKey | NewToken, *, as_json: bool, **facts: object) -> None:
        """Show a new secret: on standard output, alone, this one time.

        Args:
            store: the store. What could not be shown is of no use to its owner, and is revoked.
            made: the key or token, and its record.
            as_json: whether it goes into one object with its facts.
            facts: what there is to know beside its record.
        """
        secret, record = str(getattr(made, self.what)), made.record
        try:
            if as_json:
                say_json({self.what: secret, **issued_facts(record, clock().now()), **facts})
            else:
                say(secret)
        except (OSError, Failure) as error:
            self.manager(store).revoke(record.id)
            raise Failure(
                f"the new {self.what} {record.id} could not be written to standard output, so it was revoked", "output"
            ) from error
        if not as_json:
            ends = "it does not expire" if record.expires_at is None else f"it expires {when(record.expires_at)}"
            owner = printable(record.owner)
            say(f"The {self.what} {record.id} of {owner}; {ends}. It is shown this once, and cannot be shown again.", err=True)

    def add_commands(self, group: click.Group) -> None:
        """Add the commands `list` and `revoke`, which are alike for all kinds.

        Args:
            group: the commands of this kind.
        """
        what = self.what

        @group.command("list", help=f"List {what}s, by id. The {what}s themselves are not known.")
        @click.option(f"--{self.whose}", "owner", type=Name(), help=f"The {what}s of one account or program.")
        @store_option
        @json_option
        def list_(owner: str | None, url: str, *, as_json: bool) -> None:
            now = clock().now()
            with opened(url) as store:
                whose = None if owner is None else holder(store, owner)
                facts = [issued_facts(record, now) for record in self.manager(store).list(whose)]
            if as_json:
                say_json(facts)
            else:
                show_table(self.columns, facts, f"there are no {what}s")

        @group.command(help=f"Revoke a {what}, by its id. Without ID the {what} itself is asked for, or read from standard input.")
        @click.argument("id", type=Handle(), required=False)
        @self.prefix_option
        @store_option
        @json_option
        def revoke(id: str | None, prefix: str, url: str, *, as_json: bool) -> None:  # noqa: A002 - the name in the help
            with opened(url) as store:
                manager = self.manager(store, prefix)
                if id is None:
                    secret = read_secret(f"the {what}")
                    # Of a key it is the id; a token names none, and is looked up by itself.
                    recognised = manager.recognise(secret)
                    if not recognised:
                        raise Failure(f"that is no {what} that begins with {prefix}_, or it was not copied whole", f"not_a_{what}")
                    id = secret if recognised is True else recognised  # noqa: A001 - as above
                record = manager.get(id)
                fresh = record.revoked_at is None and manager.revoke(record.id)
                facts = issued_facts(manager.get(id), clock().now())
            if as_json:
                say_json(facts)
            else:
                say(f"revoked {record.id}" if fresh else f"{record.id} was revoked before")


def finite(moment: float | None) -> float | None:
    """Return a time, or None for never.

    Args:
        moment: Unix seconds, or infinity.
    """
    return None if moment is None or isinf(moment) else moment
