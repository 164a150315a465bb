"""Implements `watchword token`: manages opaque bearer tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from watchword.cli.failures import Section
from watchword.cli.issued import Kind
from watchword.cli.opening import find_account, holder, opened
from watchword.cli.output import answer
from watchword.cli.params import Moment, Name, store_options
from watchword.errors import NotFound

if TYPE_CHECKING:
    from watchword.stores import SQLStore


TOKENS = Kind("token", "subject", "OpaqueTokens", "wwt", ("id", "subject", "label", "state", "scopes", "expires_at", "created_at"))


@click.group(cls=Section)
def token() -> None:
    """Opaque bearer tokens."""


@token.command()
@TOKENS.create_options("what it was issued for", expires="1h")
def create(**given: Any) -> None:  # noqa: ANN401 - options
    """Issue a token for SUBJECT, an account or a program, and show it once, on standard output."""
    TOKENS.create(expires_in=None, **given)


@token.command("revoke-all")
@click.argument("subject", type=Name())
@store_options
def revoke_all(subject: str, url: str, *, as_json: bool) -> None:
    """Revoke all keys and all tokens of a compromised account or program."""
    with opened(url) as store:
        whose = holder(store, subject)
        keys, tokens = TOKENS.manager(store).revoke_all(whose)
        if not keys and not tokens and find_account(store, subject) is None and not _has_held(store, whose):
            raise NotFound(f"there is no account {subject!r}, and no key or token of that name: nothing was revoked")
    answer({"subject": whose, "keys": keys, "tokens": tokens}, f"revoked {keys} keys and {tokens} tokens of {whose!r}", as_json=as_json)


@token.command()
@click.option(
    "--before", type=Moment(past=True), metavar="TIME", help="Those that ended before this time: 30d (ago), 2026-01-31.  [default: now]"
)
@store_options
def purge(before: float | None, url: str, *, as_json: bool) -> None:
    """Delete tokens that have expired or were revoked. They are refused before and after."""
    with opened(url) as store:
        count = TOKENS.manager(store).purge(before)
    answer({"tokens": count}, f"deleted {count} tokens", as_json=as_json)


TOKENS.add_commands(token)


def _has_held(store: SQLStore, owner: str) -> bool:
    # A program has no account: without this, a second `revoke-all` for it would look like a slip.
    return bool(store.list_keys(owner=owner, limit=1) or store.list_tokens(owner=owner, limit=1))
