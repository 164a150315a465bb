"""Implements `watchword audit`: lists what is weak or stale in a store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from watchword.cli.failures import FAILED, Command
from watchword.cli.opening import list_accounts, opened
from watchword.cli.output import say, say_json, show_table
from watchword.cli.params import Duration, clock, cost_options, json_option, store_option

if TYPE_CHECKING:
    from watchword.checkers.passwords import PasswordHasher

_COLUMNS = ("severity", "code", "kind", "id", "owner", "detail")
_LEVELS = ("high", "medium", "low")


@click.command(cls=Command)
@click.option("--unused-after", default="90d", show_default=True, type=Duration(), help="What was not used for so long is unused.")
@click.option(
    "--max-password-age",
    default="never",
    show_default=True,
    type=Duration(never=True),
    help="How old a password may be: that of Accounts(max_age=...).",
)
@click.option(
    "--fail-on",
    default="medium",
    show_default=True,
    type=click.Choice([*_LEVELS, "never"]),
    help="Exit with 1 if there is a finding of this severity or a graver one.",
)
@click.option("--ignore", "ignored", multiple=True, metavar="CODE", help="A finding to leave out. May be repeated.")
@cost_options
@store_option
@json_option
def audit(
    *,
    unused_after: float,
    max_password_age: float,
    fail_on: str,
    ignored: tuple[str, ...],
    hasher: PasswordHasher,
    url: str,
    as_json: bool,
) -> None:
    """List what is weak or stale: outdated hashes, unused accounts and keys, keys without an owner, and the like."""
    from watchword.checkers import APIKeys, OpaqueTokens
    from watchword.cli.findings import CODES, Limits, examine_store

    unknown = [code for code in ignored if code not in CODES]
    if unknown:
        raise click.UsageError(f"--ignore must be one of {', '.join(CODES)}, got {unknown[0]!r}")
    limits = Limits(now=clock().now(), unused_after=unused_after, max_password_age=max_password_age)
    with opened(url) as store:
        found = examine_store(list_accounts(store), APIKeys(store).list(), OpaqueTokens(store).list(), hasher, limits)
    kept = [finding for finding in found if finding.code not in ignored]
    rows = [
        {"severity": one.severity, "code": one.code, "kind": one.kind, "id": one.id, "owner": one.owner, "detail": one.detail}
        for one in kept
    ]
    if as_json:
        say_json(rows)
    else:
        show_table(_COLUMNS, rows, "nothing is weak or stale")
        if rows:
            say(", ".join(f"{sum(row['severity'] == level for row in rows)} {level}" for level in _LEVELS), err=True)
    grave = _LEVELS[: _LEVELS.index(fail_on) + 1] if fail_on in _LEVELS else ()
    if any(row["severity"] in grave for row in rows):
        raise click.exceptions.Exit(FAILED)
