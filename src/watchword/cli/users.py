"""Implements `watchword user`: manages accounts that log in by name and password."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from watchword.cli.asking import confirm, new_password, read_secret
from watchword.cli.failures import Section
from watchword.cli.opening import accounts_of, find_account, list_accounts, opened
from watchword.cli.output import answer, show_facts, show_table
from watchword.cli.params import Duration, Moment, Name, case_option, clock, grants, repeated, store_options, weak_option
from watchword.cli.shapes import account_facts
from watchword.errors import AlreadyExists, NotFound

if TYPE_CHECKING:
    from collections.abc import Iterable

    from watchword.checkers import Accounts
    from watchword.stores.ports import AccountRecord

_COLUMNS = ("id", "names", "state", "roles", "scopes", "permissions", "last_login_at")
_CHANGED = {"name": "names", "role": "roles", "scope": "scopes", "permission": "permissions"}

_name = click.argument("name", type=Name())


@click.group(cls=Section)
def user() -> None:
    """Accounts that log in by name and password."""


@user.command()
@_name
@click.option("--id", "id_", type=Name(), help="The id of its principal, which stays for good.  [default: the name]")
@repeated("--name", "names", "One more name by which it logs in. May be repeated.")
@grants
@click.option("--no-password", is_flag=True, help="No password lets it in until one is set.")
@click.option("--hash-stdin", is_flag=True, help="Read the hash of the password from standard input, in place of the password.")
@weak_option
@case_option
@store_options
def add(
    *,
    name: str,
    id_: str | None,
    names: tuple[str, ...],
    url: str,
    no_password: bool,
    hash_stdin: bool,
    weak: bool,
    ignore_case: bool,
    as_json: bool,
    **granted: Any,  # noqa: ANN401 - options
) -> None:
    """Add an account. Its password is asked for, or read from standard input."""
    if no_password and hash_stdin:
        raise click.UsageError("--no-password and --hash-stdin exclude each other. Leave one out")
    with opened(url) as store:
        accounts = accounts_of(store, ignore_case=ignore_case)
        _refuse_taken(accounts, name, *names)  # before a password is asked for
        password = hash_ = None
        if hash_stdin:
            hash_ = read_secret("the hash")
        elif not no_password:
            password = new_password((name, id_ or name, *names), weak=weak)
        added = accounts.add(name, password, id=id_, names=names, password_hash=hash_, **granted)
    _answer(added, "added {!r}", as_json=as_json)


@user.command("list")
@store_options
def list_(url: str, *, as_json: bool) -> None:
    """List all accounts, by id."""
    now = clock().now()
    with opened(url) as store:
        facts = [account_facts(account, now) for account in list_accounts(store)]
    show_table(_COLUMNS, facts, "there are no accounts", as_json=as_json)


@user.command()
@_name
@store_options
def show(name: str, url: str, *, as_json: bool) -> None:
    """Show one account, by any of its names or by its id."""
    with opened(url) as store:
        account = find_account(store, name)
    if account is None:
        raise NotFound(f"there is no account {name!r}")
    show_facts(account_facts(account, clock().now()), as_json=as_json)


@user.command()
@_name
@weak_option
@store_options
def passwd(name: str, url: str, *, weak: bool, as_json: bool) -> None:
    """Set a password, which is asked for, or read from standard input.

    Keys and tokens of the account stay: `watchword token revoke-all` ends them.
    """
    with opened(url) as store:
        accounts = accounts_of(store)
        account = accounts.get(name)
        # Not by its id: that may be a name of another account.
        changed = accounts.set_password(name, new_password((account.id, *account.names), weak=weak))
    _answer(changed, "{!r} has a new password", as_json=as_json)


@user.command()
@_name
@repeated("--add-name", "add_name", "One more name by which it logs in. May be repeated.")
@repeated("--remove-name", "remove_name", "A name by which it logs in no more. May be repeated.")
@repeated("--add-role", "add_role", "May be repeated, as all that follow.")
@repeated("--remove-role", "remove_role")
@repeated("--add-scope", "add_scope")
@repeated("--remove-scope", "remove_scope")
@repeated("--add-permission", "add_permission")
@repeated("--remove-permission", "remove_permission")
@case_option
@store_options
def change(name: str, url: str, *, ignore_case: bool, as_json: bool, **given: tuple[str, ...]) -> None:
    """Change the names, roles, scopes and permissions of an account."""
    if not any(given.values()):
        raise click.UsageError("no change was given. Use --add-role, --remove-role and the like")
    with opened(url) as store:
        accounts = accounts_of(store, ignore_case=ignore_case)
        account = accounts.get(name)
        changes = {
            field: _changed(field, getattr(account, field), given[f"add_{one}"], given[f"remove_{one}"])
            for one, field in _CHANGED.items()
            if given[f"add_{one}"] or given[f"remove_{one}"]
        }
        changed = accounts.change(name, **changes)
    _answer(changed, "changed {!r}", as_json=as_json)


def _add_command(name: str, text: str, description: str) -> None:
    """Add a command that calls the method of `Accounts` of the same name."""

    @user.command(name, help=description)
    @_name
    @store_options
    def call(url: str, *, as_json: bool, **named: str) -> None:
        with opened(url) as store:
            changed = getattr(accounts_of(store), name)(**named)
        _answer(changed, text, as_json=as_json)


_add_command(
    "disable",
    "{!r} is disabled: its password, keys and tokens are refused",
    "Disable an account until it is enabled: its password, keys and tokens.",
)
_add_command("enable", "{!r} is enabled", "Enable a disabled account again, with its keys and tokens.")
_add_command("unlock", "{!r} is not locked", "Unlock a locked account.")


@user.command()
@_name
@click.option("--for", "length", type=Duration(), metavar="DURATION", help="How long: 1h, 30m, 7d.")
@click.option("--until", type=Moment(), metavar="TIME", help="In place of --for: until when.")
@store_options
def lock(name: str, length: float | None, until: float | None, url: str, *, as_json: bool) -> None:
    """Refuse the password of an account for a while; its keys and tokens stay."""
    if (length is None) == (until is None):
        raise click.UsageError("lock takes one of --for and --until. Give a duration such as --for 1h")
    if length == 0:
        raise click.UsageError("--for 0s locks nothing. Give a duration such as --for 1h; `watchword user unlock` unlocks")
    end = clock().now() + length if length is not None else until
    with opened(url) as store:
        changed = accounts_of(store).lock(name, end or 0.0)
    _answer(changed, "{!r} is locked", as_json=as_json)


@user.command()
@_name
@click.option("--yes", is_flag=True, help="Do not ask.")
@store_options
def remove(name: str, url: str, *, yes: bool, as_json: bool) -> None:
    """Remove an account, and revoke all of its keys and tokens."""
    with opened(url) as store:
        accounts = accounts_of(store)
        account = accounts.get(name)
        confirm(f"Remove the account {account.id!r} for good, and revoke its keys and tokens?", yes=yes)
        removed = accounts.remove(name)
    _answer(removed, "removed {!r}; its keys and tokens are revoked", as_json=as_json)


def _changed(field: str, held: Iterable[str], more: tuple[str, ...], fewer: tuple[str, ...]) -> list[str]:
    held = list(held)
    for name in fewer:
        if name not in held:
            raise NotFound(f"{name!r} is not one of its {field}: {', '.join(sorted(held)) or 'it has none'}")
    return [name for name in (*held, *more) if name not in fewer]


def _refuse_taken(accounts: Accounts, *names: str) -> None:
    for name in names:
        try:
            accounts.get(name)
        except NotFound:
            continue
        raise AlreadyExists(f"there is an account {name!r} already: `watchword user passwd` sets its password")


def _answer(account: AccountRecord, text: str, *, as_json: bool) -> None:
    answer(account_facts(account, clock().now()), text.format(account.id), as_json=as_json)
