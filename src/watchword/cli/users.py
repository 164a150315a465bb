"""Implements `watchword user`: manages accounts that log in by name and password."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from watchword.cli.asking import confirm, new_password, read_secret
from watchword.cli.failures import Section
from watchword.cli.opening import accounts_of, find_account, list_accounts, opened
from watchword.cli.output import say, say_json, show_facts, show_table
from watchword.cli.params import Duration, Moment, Name, clock, grants, json_option, store_option, weak_option
from watchword.cli.shapes import account_facts
from watchword.errors import AlreadyExists, NotFound

if TYPE_CHECKING:
    from collections.abc import Iterable

    from watchword.checkers import Accounts
    from watchword.stores.ports import AccountRecord

_COLUMNS = ("id", "names", "state", "roles", "scopes", "permissions", "last_login_at")

_name = click.argument("name", type=Name())
_ignore_case = click.option(
    "--ignore-case", is_flag=True, help="Names that differ in case alone are the same, as with Accounts(fold_case=True)."
)


@click.group(cls=Section)
def user() -> None:
    """Accounts that log in by name and password."""


@user.command()
@_name
@click.option("--id", "id_", type=Name(), help="The id of its principal, which stays for good.  [default: the name]")
@click.option("--name", "names", multiple=True, type=Name(), metavar="NAME", help="One more name by which it logs in. May be repeated.")
@grants
@click.option("--no-password", is_flag=True, help="No password lets it in until one is set.")
@click.option("--hash-stdin", is_flag=True, help="Read the hash of the password from standard input, in place of the password.")
@weak_option
@_ignore_case
@store_option
@json_option
def add(
    *,
    name: str,
    id_: str | None,
    names: tuple[str, ...],
    roles: tuple[str, ...],
    scopes: tuple[str, ...],
    permissions: tuple[str, ...],
    url: str,
    no_password: bool,
    hash_stdin: bool,
    weak: bool,
    ignore_case: bool,
    as_json: bool,
) -> None:
    """Add an account. Its password is asked for, or read from standard input."""
    if no_password and hash_stdin:
        raise click.UsageError("--no-password and --hash-stdin exclude each other")
    with opened(url) as store:
        accounts = accounts_of(store, ignore_case=ignore_case)
        _refuse_taken(accounts, name, *names)  # before a password is asked for
        password = hash_ = None
        if hash_stdin:
            hash_ = read_secret("the hash")
        elif not no_password:
            password = new_password((name, id_ or name, *names), weak=weak)
        added = accounts.add(name, password, id=id_, names=names, roles=roles, scopes=scopes, permissions=permissions, password_hash=hash_)
    _tell(added, f"added {added.id!r}", as_json=as_json)


@user.command("list")
@store_option
@json_option
def list_(url: str, *, as_json: bool) -> None:
    """List all accounts, by id."""
    now = clock().now()
    with opened(url) as store:
        facts = [account_facts(account, now) for account in list_accounts(store)]
    if as_json:
        say_json(facts)
    else:
        show_table(_COLUMNS, facts, "there are no accounts")


@user.command()
@_name
@store_option
@json_option
def show(name: str, url: str, *, as_json: bool) -> None:
    """Show one account, by any of its names or by its id."""
    with opened(url) as store:
        account = find_account(store, name)
    if account is None:
        raise NotFound(f"there is no account {name!r}")
    facts = account_facts(account, clock().now())
    if as_json:
        say_json(facts)
    else:
        show_facts(facts)


@user.command()
@_name
@weak_option
@store_option
@json_option
def passwd(name: str, url: str, *, weak: bool, as_json: bool) -> None:
    """Set a password, which is asked for, or read from standard input.

    Keys and tokens of the account stay: `watchword token revoke-all` ends them.
    """
    with opened(url) as store:
        accounts = accounts_of(store)
        account = accounts.get(name)
        # Not by its id: that may be a name of another account.
        changed = accounts.set_password(name, new_password((account.id, *account.names), weak=weak))
    _tell(changed, f"{changed.id!r} has a new password", as_json=as_json)


@user.command()
@_name
@click.option("--add-name", multiple=True, type=Name(), metavar="NAME", help="One more name by which it logs in. May be repeated.")
@click.option("--remove-name", multiple=True, type=Name(), metavar="NAME", help="A name by which it logs in no more. May be repeated.")
@click.option("--add-role", multiple=True, type=Name(), metavar="NAME", help="May be repeated, as all that follow.")
@click.option("--remove-role", multiple=True, type=Name(), metavar="NAME")
@click.option("--add-scope", multiple=True, type=Name(), metavar="NAME")
@click.option("--remove-scope", multiple=True, type=Name(), metavar="NAME")
@click.option("--add-permission", multiple=True, type=Name(), metavar="NAME")
@click.option("--remove-permission", multiple=True, type=Name(), metavar="NAME")
@_ignore_case
@store_option
@json_option
def change(name: str, url: str, *, ignore_case: bool, as_json: bool, **given: tuple[str, ...]) -> None:
    """Change what an account is called, and what it may."""
    if not any(given.values()):
        raise click.UsageError("nothing is to be changed: give --add-role, --remove-role and the like")
    with opened(url) as store:
        accounts = accounts_of(store, ignore_case=ignore_case)
        account = accounts.get(name)
        changes = {
            field: _changed(field, getattr(account, field), given[f"add_{one}"], given[f"remove_{one}"])
            for field, one in (("names", "name"), ("roles", "role"), ("scopes", "scope"), ("permissions", "permission"))
            if given[f"add_{one}"] or given[f"remove_{one}"]
        }
        changed = accounts.change(name, **changes)
    _tell(changed, f"changed {changed.id!r}", as_json=as_json)


@user.command()
@_name
@store_option
@json_option
def disable(name: str, url: str, *, as_json: bool) -> None:
    """Disable an account until it is enabled: its password, keys and tokens."""
    with opened(url) as store:
        changed = accounts_of(store).disable(name)
    _tell(changed, f"{changed.id!r} is disabled: its password, keys and tokens are refused", as_json=as_json)


@user.command()
@_name
@store_option
@json_option
def enable(name: str, url: str, *, as_json: bool) -> None:
    """Open a disabled account again, with the keys and tokens that it has."""
    with opened(url) as store:
        changed = accounts_of(store).enable(name)
    _tell(changed, f"{changed.id!r} is enabled", as_json=as_json)


@user.command()
@_name
@click.option("--for", "length", type=Duration(), metavar="DURATION", help="How long: 1h, 30m, 7d.")
@click.option("--until", type=Moment(), metavar="TIME", help="In place of --for: until when.")
@store_option
@json_option
def lock(name: str, length: float | None, until: float | None, url: str, *, as_json: bool) -> None:
    """Shut the password of an account for a while; its keys and tokens stay."""
    if (length is None) == (until is None):
        raise click.UsageError("for how long? Give --for, such as --for 1h, or --until")
    if length == 0:
        raise click.UsageError("--for 0s locks nothing. Give a duration such as --for 1h; `watchword user unlock` unlocks")
    end = clock().now() + length if length is not None else until
    with opened(url) as store:
        changed = accounts_of(store).lock(name, end or 0.0)
    _tell(changed, f"{changed.id!r} is locked", as_json=as_json)


@user.command()
@_name
@store_option
@json_option
def unlock(name: str, url: str, *, as_json: bool) -> None:
    """Open a locked account."""
    with opened(url) as store:
        changed = accounts_of(store).unlock(name)
    _tell(changed, f"{changed.id!r} is not locked", as_json=as_json)


@user.command()
@_name
@click.option("--yes", is_flag=True, help="Do not ask.")
@store_option
@json_option
def remove(name: str, url: str, *, yes: bool, as_json: bool) -> None:
    """Remove an account, and revoke all of its keys and tokens."""
    with opened(url) as store:
        accounts = accounts_of(store)
        account = accounts.get(name)
        confirm(f"Remove the account {account.id!r} for good, and revoke its keys and tokens?", yes=yes)
        removed = accounts.remove(name)
    _tell(removed, f"removed {removed.id!r}; its keys and tokens are revoked", as_json=as_json)


def _changed(field: str, held: Iterable[str], more: tuple[str, ...], fewer: tuple[str, ...]) -> list[str]:
    held = list(held)
    for name in fewer:
        if name not in held:
            raise NotFound(f"{name!r} is none of its {field}: {', '.join(sorted(held)) or 'it has none'}")
    return [name for name in (*held, *more) if name not in fewer]


def _refuse_taken(accounts: Accounts, *names: str) -> None:
    for name in names:
        try:
            accounts.get(name)
        except NotFound:
            continue
        raise AlreadyExists(f"there is an account {name!r} already: `watchword user passwd` sets its password")


def _tell(account: AccountRecord, text: str, *, as_json: bool) -> None:
    if as_json:
        say_json(account_facts(account, clock().now()))
    else:
        say(text)
