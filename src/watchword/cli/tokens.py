"""Implements `watchword token`: manages opaque bearer tokens, and revokes signed ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from watchword.cli.asking import read_secret
from watchword.cli.failures import Failure, Section
from watchword.cli.issued import Kind
from watchword.cli.opening import find_account, holder, opened
from watchword.cli.output import answer, when
from watchword.cli.params import Duration, Handle, Moment, Name, clock, repeated, store_options
from watchword.errors import ConfigurationError, NotFound
from watchword.findings.escaping import printable

if TYPE_CHECKING:
    from watchword.checkers import TokenRevocations
    from watchword.stores import SQLStore


TOKENS = Kind("token", "subject", "OpaqueTokens", "wwt", ("id", "subject", "label", "state", "scopes", "expires_at", "created_at"))


@click.group(cls=Section)
def token() -> None:
    """Opaque bearer tokens, and revocations of signed ones."""


@token.command()
@TOKENS.create_options("what it was issued for", expires="1h")
@repeated("--audience", "audience", "A server that accepts it: one of OpaqueTokens(audience=...). May be repeated.")
def create(**given: Any) -> None:  # noqa: ANN401 - options
    """Issue a token for SUBJECT, an account or a program, and show it once, on standard output."""
    TOKENS.create(expires_in=None, **given)


@token.command()
@click.argument("id", type=Handle(), required=False)
@click.option("--jti", type=Name(), help="Revoke a signed token (JWT), by its claim jti.")
@click.option("--issuer", type=Name(), metavar="URL", help="Its iss, exactly as in the token. Needed with --jti.")
@click.option("--expires", type=Moment(future=False), metavar="TIME", help="Its exp. Without it, the revocation is kept.")
@TOKENS.prefix_option
@store_options
def revoke(
    *,
    id: str | None,  # noqa: A002 - the name in the help
    jti: str | None,
    issuer: str | None,
    expires: float | None,
    prefix: str,
    url: str,
    as_json: bool,
) -> None:
    """Revoke a token, by its id. Without ID the token itself, opaque or signed, is asked for, or read from standard input."""
    if (jti is None) != (issuer is None) or (jti is not None and id is not None) or (jti is None and expires is not None):
        raise click.UsageError("give an id; or --jti with --issuer, and perhaps --expires; or nothing, to enter the token")
    from watchword.checkers.jwt.reading import looks_like_token

    if jti is not None and looks_like_token(jti):
        raise click.UsageError("--jti must be a claim of the token. Do not pass a token as an argument: the list of processes shows it")
    with opened(url) as store:
        given = jti or id or read_secret("the token")
        if jti is None and not looks_like_token(given):
            TOKENS.revoke(store, given, prefix, as_json=as_json)
            return
        from watchword.checkers.token_revocations import named_token

        try:
            iss, name = named_token(given, issuer)
            fresh = _revocations(store).revoke(name, iss, expires_at=expires)
        except ConfigurationError as error:
            raise Failure(str(error), "not_a_token") from None
    words = f"{printable(name)} of {printable(iss)}"
    answer({"issuer": iss, "jti": name}, f"revoked {words}" if fresh else f"{words} was revoked before", as_json=as_json)


@token.command("revoke-all")
@click.argument("subject", type=Name())
@click.option("--issuer", type=Name(), metavar="URL", help="Revoke the signed tokens (JWT) of this iss, in which SUBJECT is the sub.")
@click.option("--until", type=Moment(past=True), metavar="TIME", help="With --issuer: those that were issued until then.  [default: now]")
@store_options
def revoke_all(subject: str, issuer: str | None, until: float | None, url: str, *, as_json: bool) -> None:
    """Revoke all keys and all tokens of a compromised account or program; with --issuer, its signed tokens."""
    if issuer is not None:
        _revoke_before(issuer, subject, clock().now() if until is None else until, url, as_json=as_json)
        return
    if until is not None:
        raise click.UsageError("--until needs --issuer")
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
@click.option(
    "--longest", type=Duration(), help="Also what was revoked so long ago that no signed token of that time is valid: their longest life."
)
@store_options
def purge(before: float | None, longest: float | None, url: str, *, as_json: bool) -> None:
    """Delete tokens that expired or were revoked, and revocations of signed tokens that ended. All are refused before and after."""
    with opened(url) as store:
        count, revocations = TOKENS.manager(store).purge(before), _revocations(store).purge(before, longest=longest)
    facts = {"tokens": count, "revocations": revocations}
    answer(facts, f"deleted {count} tokens and {revocations} revocations", as_json=as_json)


TOKENS.add_list(token)


def _has_held(store: SQLStore, owner: str) -> bool:
    # A program has no account: without this, a second `revoke-all` for it would look like a slip.
    return bool(store.list_keys(owner=owner, limit=1) or store.list_tokens(owner=owner, limit=1))


def _revocations(store: SQLStore) -> TokenRevocations:
    from watchword.checkers import TokenRevocations

    return TokenRevocations(store, clock=clock())


def _revoke_before(issuer: str, subject: str, at: float, url: str, *, as_json: bool) -> None:
    with opened(url) as store:
        fresh = _revocations(store).revoke_before(issuer, subject, at=at)
    words = f"the tokens of {printable(subject)} of {printable(issuer)} that were issued until {when(at)}"
    answer(
        {"issuer": issuer, "subject": subject, "until": at},
        f"revoked {words}" if fresh else f"{words} were revoked before",
        as_json=as_json,
    )
