"""Implements `watchword audit`: lists what is weak or stale in a store, and its audit trail."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING

import click

from watchword.cli.failures import FAILED, Section
from watchword.cli.opening import list_accounts, opened
from watchword.cli.output import answer, say, say_json, show_table
from watchword.cli.params import Duration, Moment, Name, clock, cost_options, no_store, store_options
from watchword.findings.escaping import printable

if TYPE_CHECKING:
    from watchword.checkers.passwords import PasswordHasher
    from watchword.stores.audit import AuditRecord

_COLUMNS = ("severity", "code", "kind", "id", "owner", "detail")


@click.group(cls=Section, invoke_without_command=True)
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
@click.pass_context
def audit(
    context: click.Context,
    *,
    unused_after: float,
    max_password_age: float,
    fail_on: str,
    ignored: tuple[str, ...],
    hasher: PasswordHasher,
    url: str,
    as_json: bool,
) -> None:
    """List what is weak or stale: outdated hashes, unused accounts and keys, keys without an owner, and the like.

    `watchword audit log` shows who changed what instead.
    """
    if context.invoked_subcommand is not None:
        return
    if not url:
        raise no_store(context)
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


@audit.command()
@click.option("--actor", type=Name(may_be_empty=True), help="By whom, such as cli:root. Empty: the application did not say.")
@click.option("--action", type=Name(), help="What was done, such as key.revoked, or key for all that was done to keys.")
@click.option("--about", type=Name(), help="The id of an account, key, token or login, or of an owner.")
@click.option("--since", type=Moment(past=True), help="From when on: 7d (ago), 2030-12-31, or Unix seconds.")
@click.option("--until", type=Moment(past=True), help="Before when.")
@click.option("--limit", type=click.IntRange(1), help="How many entries at most.")
@store_options
def log(
    *,
    actor: str | None,
    action: str | None,
    about: str | None,
    since: float | None,
    until: float | None,
    limit: int | None,
    url: str,
    as_json: bool,
) -> None:
    """Show who changed which account, key, token or login, the oldest entry first.

    With --json each entry is one line.
    """
    from watchword.checkers.lookups import pages

    with opened(url) as store:
        entries = pages(lambda after: store.list_audit(actor=actor, action=action, about=about, since=since, until=until, after=after))
        for entry in islice(entries, limit):
            if as_json:
                say_json(asdict(entry))
            else:
                say(_line(entry))


@audit.command()
@click.option("--before", required=True, type=Moment(past=True), help="Delete what is older: 400d (ago), 2030-12-31, or Unix seconds.")
@store_options
def purge(*, before: float, url: str, as_json: bool) -> None:
    """Delete old entries of the audit trail."""
    with opened(url) as store:
        gone = store.purge_audit(before)
    answer({"purged": gone}, f"{gone} entries deleted", as_json=as_json)


def _line(entry: AuditRecord) -> str:
    when = datetime.fromtimestamp(entry.at, tz=UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    owner = f" of {entry.owner}" if entry.owner not in {"", entry.target} else ""
    detail = f" ({entry.detail})" if entry.detail else ""
    return printable(f"{when} {entry.actor or '-'} {entry.action} {entry.target}{owner}{detail}")
