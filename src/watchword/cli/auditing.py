"""Implements `watchword audit`: lists what is weak or stale in a store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from watchword.cli.failures import FAILED, Command
from watchword.cli.opening import list_accounts, opened
from watchword.cli.output import say, show_table
from watchword.cli.params import Duration, clock, cost_options, store_options

if TYPE_CHECKING:
    from watchword.checkers.passwords import PasswordHasher

_COLUMNS = ("severity", "code", "kind", "id", "owner", "detail")


@click.command(cls=Command)
@click.option(
    "--unused-after", default="90d", show_default=True, type=Duration(), help="Report accounts and keys that were not used for so long."
)
@click.option(
    "--max-password-age",
    default="never",
    show_default=True,
    type=Duration(never=True),
    help="Report passwords that are older: use that of Accounts(max_age=...).",
)
@click.option(
    "--fail-on",
    default="medium",
    show_default=True,
    type=click.Choice(["high", "medium", "low", "never"]),
    help="Exit with 1 if there is a finding of this severity or a graver one.",
)
@click.option("--ignore", "ignored", multiple=True, metavar="CODE", help="A finding to leave out. May be repeated.")
@cost_options
@store_options
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
    from watchword.cli.findings import CODES, SEVERITIES, Limits, examine_store

    unknown = [code for code in ignored if code not in CODES]
    if unknown:
        raise click.UsageError(f"--ignore must be one of {', '.join(CODES)}, got {unknown[0]!r}")
    limits = Limits(now=clock().now(), unused_after=unused_after, max_password_age=max_password_age)
    with opened(url) as store:
        found = examine_store(list_accounts(store), APIKeys(store).list(), OpaqueTokens(store).list(), hasher, limits)
    rows = [{column: getattr(one, column) for column in _COLUMNS} for one in found if one.code not in ignored]
    show_table(_COLUMNS, rows, "nothing is weak or stale", as_json=as_json)
    if rows and not as_json:
        say(", ".join(f"{sum(row['severity'] == level for row in rows)} {level}" for level in SEVERITIES), err=True)
    grave = SEVERITIES[: SEVERITIES.index(fail_on) + 1] if fail_on in SEVERITIES else ()
    if any(row["severity"] in grave for row in rows):
        raise click.exceptions.Exit(FAILED)
