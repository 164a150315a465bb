"""`watchword token`: opaque bearer tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from watchword.cli.asking import read_secret
from watchword.cli.failures import Failure, Section
from watchword.cli.issued import finite, holder_of, show_created
from watchword.cli.opening import find_account, holder, opened
from watchword.cli.output import say, say_json, show_table
from watchword.cli.params import Handle, Moment, Name, clock, grants, json_option, store_option
from watchword.cli.shapes import token_facts
from watchword.errors import NotFound

if TYPE_CHECKING:
    from watchword.checkers import OpaqueTokens
    from watchword.stores import SQLStore
    from watchword.stores.ports import TokenRecord

_COLUMNS = ("id", "subject", "label", "state", "scopes", "expires_at", "created_at")

_prefix = click.option(
    "--prefix", default="wwt", show_default=True, type=Name(), help="What its tokens begin with: that of OpaqueTokens(prefix=...)."
)


@click.group(cls=Section)
def token() -> None:
    """Opaque bearer tokens."""


@token.command()
@click.argument("subject", type=Name())
@click.option("--client", is_flag=True, help="SUBJECT is a program that acts for itself, whatever accounts there are.")
@click.option("--label", default="", type=Name(may_be_empty=True), help="A note for people: what it was issued for.")
@grants
@click.option(
    "--expires", default="1h", show_default=True, type=Moment(never=True), metavar="TIME", help="Until when: 1h, 2030-12-31, never."
)
@_prefix
@store_option
@json_option
def create(
    *,
    subject: str,
    label: str,
    roles: tuple[str, ...],
    scopes: tuple[str, ...],
    permissions: tuple[str, ...],
    expires: float,
    prefix: str,
    url: str,
    client: bool,
    as_json: bool,
) -> None:
    """Issue a token for SUBJECT, an account or a program, and show it once, on standard output."""
    with opened(url) as store:
        tokens = _tokens(store, prefix)
        whose, kind = holder_of(store, subject, client=client, quiet=as_json)
        made = tokens.create(
            whose,
            expires_in=None,
            expires_at=finite(expires),
            label=label,
            kind=kind,
            roles=roles,
            scopes=scopes,
            permissions=permissions,
        )
        facts = token_facts(made.record, clock().now())
        show_created("token", made.token, facts, lambda: tokens.revoke(made.record.id), as_json=as_json)


@token.command("list")
@click.option("--subject", type=Name(), help="The tokens of one account or program.")
@store_option
@json_option
def list_(subject: str | None, url: str, *, as_json: bool) -> None:
    """List tokens, by id. The tokens themselves are not known."""
    now = clock().now()
    with opened(url) as store:
        whose = None if subject is None else holder(store, subject)
        facts = [token_facts(record, now) for record in _tokens(store).list(whose)]
    if as_json:
        say_json(facts)
    else:
        show_table(_COLUMNS, facts, "there are no tokens")


@token.command()
@click.argument("id", type=Handle(), required=False)
@_prefix
@store_option
@json_option
def revoke(id: str | None, prefix: str, url: str, *, as_json: bool) -> None:  # noqa: A002 - the name in the help
    """Revoke a token, by its id. Without ID the token itself is asked for, or read from standard input."""
    from watchword.checkers.lookups import find_token

    with opened(url) as store:
        tokens = _tokens(store, prefix)
        given = id
        if given is None:
            given = read_secret("the token")
            if not tokens.recognise(given):
                raise Failure(f"that is no token that begins with {prefix}_, or it was not copied whole", "not_a_token")
        fresh = tokens.revoke(given)
        record = _find(store, id) if id is not None else find_token(store, _digest(prefix, given))
        if record is None:
            raise NotFound("there is no such token" if id is None else f"there is no token with the id {id!r}")
        facts = token_facts(record, clock().now())
    if as_json:
        say_json(facts)
    else:
        say(f"revoked {record.id}" if fresh else f"{record.id} was revoked before")


@token.command("revoke-all")
@click.argument("subject", type=Name())
@store_option
@json_option
def revoke_all(subject: str, url: str, *, as_json: bool) -> None:
    """Revoke all keys and all tokens of an account or program: what one does when it is compromised."""
    with opened(url) as store:
        whose = holder(store, subject)
        keys, tokens = _tokens(store).revoke_all(whose)
        if not keys and not tokens and find_account(store, subject) is None and not _has_held(store, whose):
            raise NotFound(f"there is no account {subject!r}, and no key and no token stands for that name: nothing was revoked")
    if as_json:
        say_json({"subject": whose, "keys": keys, "tokens": tokens})
    else:
        say(f"revoked {keys} keys and {tokens} tokens of {whose!r}")


@token.command()
@click.option(
    "--before", type=Moment(past=True), metavar="TIME", help="Those that ended before this time: 30d (ago), 2026-01-31.  [default: now]"
)
@store_option
@json_option
def purge(before: float | None, url: str, *, as_json: bool) -> None:
    """Forget tokens that have expired or were revoked. They are refused before and after."""
    with opened(url) as store:
        count = _tokens(store).purge(before)
    if as_json:
        say_json({"tokens": count})
    else:
        say(f"forgot {count} tokens")


def _tokens(store: SQLStore, prefix: str = "wwt") -> OpaqueTokens:
    from watchword.checkers import OpaqueTokens

    return OpaqueTokens(store, prefix=prefix, clock=clock())


def _has_held(store: SQLStore, subject: str) -> bool:
    """Tell whether a key or token has ever stood for a program: a second `revoke-all` is no mistake."""
    return bool(store.list_keys(owner=subject, limit=1) or store.list_tokens(owner=subject, limit=1))


def _find(store: SQLStore, handle: str) -> TokenRecord | None:
    # A listing begins after an id. Nothing but the id itself lies between its beginning and it, or some few that are as good as never.
    return next((record for record in store.list_tokens(after=handle[:-1], limit=100) if record.id == handle), None)


def _digest(prefix: str, token: str) -> bytes:
    from watchword.checkers.key_format import TokenFormat

    return TokenFormat(prefix).read(token) or b""
