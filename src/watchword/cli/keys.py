"""`watchword key`: API keys of programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from watchword.cli.asking import read_secret
from watchword.cli.failures import Failure, Section
from watchword.cli.issued import finite, holder_of, show_created
from watchword.cli.opening import holder, opened
from watchword.cli.output import say, say_json, show_table
from watchword.cli.params import Duration, Handle, Moment, Name, clock, grants, json_option, store_option
from watchword.cli.shapes import key_facts

if TYPE_CHECKING:
    from watchword.checkers import APIKeys
    from watchword.stores import SQLStore

_COLUMNS = ("id", "owner", "label", "state", "scopes", "expires_at", "last_used_at")

_prefix = click.option(
    "--prefix", default="ww", show_default=True, type=Name(), help="What its keys begin with: that of APIKeys(prefix=...)."
)


@click.group(cls=Section)
def key() -> None:
    """API keys."""


@key.command()
@click.argument("owner", type=Name())
@click.option("--client", is_flag=True, help="OWNER is a program that acts for itself, whatever accounts there are.")
@click.option("--label", default="", type=Name(may_be_empty=True), help="A note for people: where it is used.")
@grants
@click.option(
    "--network", "networks", multiple=True, metavar="CIDR", help="From where it may be used, such as 10.0.0.0/8. May be repeated."
)
@click.option("--not-before", type=Moment(future=False), metavar="TIME", help="From when on it is valid.")
@click.option(
    "--expires", default="90d", show_default=True, type=Moment(never=True), metavar="TIME", help="Until when: 90d, 2030-12-31, never."
)
@_prefix
@store_option
@json_option
def create(
    *,
    owner: str,
    label: str,
    roles: tuple[str, ...],
    scopes: tuple[str, ...],
    permissions: tuple[str, ...],
    networks: tuple[str, ...],
    not_before: float | None,
    expires: float,
    prefix: str,
    url: str,
    client: bool,
    as_json: bool,
) -> None:
    """Make a key for OWNER, an account or a program, and show it once, on standard output."""
    with opened(url) as store:
        keys = _keys(store, prefix)
        whose, kind = holder_of(store, owner, client=client, quiet=as_json)
        made = keys.create(
            whose,
            label=label,
            kind=kind,
            roles=roles,
            scopes=scopes,
            permissions=permissions,
            networks=networks,
            not_before=not_before,
            expires_at=finite(expires),
        )
        facts = key_facts(made.record, clock().now())
        show_created("key", made.key, facts, lambda: keys.revoke(made.record.id), as_json=as_json)


@key.command("list")
@click.option("--owner", type=Name(), help="The keys of one account or program.")
@store_option
@json_option
def list_(owner: str | None, url: str, *, as_json: bool) -> None:
    """List keys, by id. The keys themselves are not known."""
    now = clock().now()
    with opened(url) as store:
        whose = None if owner is None else holder(store, owner)
        facts = [key_facts(record, now) for record in _keys(store).list(whose)]
    if as_json:
        say_json(facts)
    else:
        show_table(_COLUMNS, facts, "there are no keys")


@key.command()
@click.argument("id", type=Handle())
@click.option("--overlap", default="1d", show_default=True, type=Duration(), help="How long the old key still works. 0s: not at all.")
@click.option(
    "--expires", type=Moment(never=True), metavar="TIME", help="Until when the new one lives.  [default: as long as the old one was to]"
)
@_prefix
@store_option
@json_option
def rotate(id: str, overlap: float, expires: float | None, prefix: str, url: str, *, as_json: bool) -> None:  # noqa: A002 - the name in the help
    """Put a new key in the place of one, and show it once. Both work for a while."""
    with opened(url) as store:
        keys = _keys(store, prefix)
        made = keys.rotate(id, overlap=overlap, expires_at=... if expires is None else finite(expires))
        facts = {**key_facts(made.record, clock().now()), "replaces": id}
        show_created("key", made.key, facts, lambda: keys.revoke(made.record.id), as_json=as_json)


@key.command()
@click.argument("id", type=Handle(), required=False)
@_prefix
@store_option
@json_option
def revoke(id: str | None, prefix: str, url: str, *, as_json: bool) -> None:  # noqa: A002 - the name in the help
    """Revoke a key, by its id. Without ID the key itself is asked for, or read from standard input."""
    with opened(url) as store:
        keys = _keys(store, prefix)
        if id is None:
            id = keys.recognise(read_secret("the key"))  # noqa: A001 - as above
            if id is None:
                raise Failure(f"that is no key that begins with {prefix}_, or it was not copied whole", "not_a_key")
        fresh = keys.get(id).revoked_at is None and keys.revoke(id)
        facts = key_facts(keys.get(id), clock().now())
    if as_json:
        say_json(facts)
    else:
        say(f"revoked {id}" if fresh else f"{id} was revoked before")


def _keys(store: SQLStore, prefix: str = "ww") -> APIKeys:
    from watchword.checkers import APIKeys

    return APIKeys(store, prefix=prefix, clock=clock())
