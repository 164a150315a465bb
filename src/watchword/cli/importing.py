"""Implements `watchword import`: adds accounts from other systems."""

from __future__ import annotations

import sys
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from watchword.cli.failures import FAILED, Failure, Section
from watchword.cli.opening import find_account, opened
from watchword.cli.output import say, say_json
from watchword.cli.params import case_option, clock, settings, store_options
from watchword.errors import AlreadyExists, Unavailable
from watchword.findings.escaping import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from watchword.checkers.passwords import PasswordHasher
    from watchword.stores import SQLStore
    from watchword.stores.ports import AccountRecord

MOST_OCTETS = 64 * 1024 * 1024  # as for the checker `Htpasswd`
BAR_FROM = 1000  # accounts: fewer are added before a bar could be read
BATCH = 500  # accounts in one transaction: tens of milliseconds of the write lock
_LISTED = 10  # line numbers of one problem


@click.group("import", cls=Section)
def import_() -> None:
    """Accounts from elsewhere."""


@import_.command()
@click.argument("file", type=click.File("rb"))
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.option("--update", is_flag=True, help="Give accounts that are there already the password of the file.")
@case_option
@store_options
def htpasswd(file: Any, url: str, *, dry_run: bool, update: bool, ignore_case: bool, as_json: bool) -> None:  # noqa: ANN401 - a binary file
    """Add the users of FILE, an htpasswd file, with their hashes. Their passwords stay as they are.

    It can be run again: existing accounts stay, and are reported.
    """
    from watchword.checkers import PasswordHasher
    from watchword.checkers.htpasswd_lines import parse_htpasswd, why_uncomputable

    hasher = settings().hasher or PasswordHasher()
    lines = parse_htpasswd(_read(file), hasher)
    skipped: list[dict[str, Any]] = [{"line": line.number, "problem": line.problem} for line in lines.odd]
    done: dict[str, list[dict[str, Any]]] = {"added": [], "updated": [], "unchanged": [], "kept": []}
    with opened(url) as store, _progress(len(lines.hashes)) as advance:
        target = _Target(store, hasher, ignore_case=ignore_case, update=update, dry_run=dry_run)
        remaining = iter(lines.hashes.items())
        while batch := dict(islice(remaining, BATCH)):
            problems = {name: problem for name, hash_ in batch.items() if (problem := why_uncomputable(hash_, hasher))}
            skipped += [{"line": lines.numbers[name], "problem": problem} for name, problem in problems.items()]
            try:
                for name, outcome in target.take({name: hash_ for name, hash_ in batch.items() if name not in problems}):
                    done[outcome].append({"line": lines.numbers[name], "name": name})
            except Unavailable as error:
                count = len(done["added"]) + len(done["updated"])
                raise Unavailable(f"{error.why} ({count} accounts were imported; run it again for the rest)") from None
            advance(len(batch))
    for rows in (*done.values(), skipped):
        rows.sort(key=lambda row: row["line"])
    if as_json:
        say_json({"dry_run": dry_run, **done, "skipped": skipped})
    else:
        _report(done, skipped, "would be " if dry_run else "")
    if skipped:
        raise click.exceptions.Exit(FAILED)


def _read(file: Any) -> bytes:  # noqa: ANN401 - a binary file
    try:
        octets: bytes = file.read(MOST_OCTETS + 1)
    except OSError as error:
        raise Failure(f"the file cannot be read: {error.strerror}", "unreadable") from None
    if len(octets) > MOST_OCTETS:
        raise Failure(f"the file is longer than {MOST_OCTETS} octets", "unreadable")
    return octets


@dataclass(frozen=True, slots=True)
class _Target:
    """Writes imported accounts to a store."""

    store: SQLStore
    hasher: PasswordHasher
    ignore_case: bool
    update: bool
    dry_run: bool

    def take(self, hashes: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        """Import hashes by name, and yield name and outcome of each when it is done: new accounts in one transaction."""
        new: dict[str, str] = {}
        for name, hash_ in hashes.items():
            account = self._find(name)
            if account is None:
                new[name] = hash_
            else:
                yield name, self._change(account, hash_)
        try:
            self._add(new)
        except AlreadyExists:
            # Two of the names differ in case alone, or another process added one a moment ago: one by one.
            for name, hash_ in new.items():
                account = self._find(name)
                if account is None:
                    self._add({name: hash_})
                yield name, "added" if account is None else self._change(account, hash_)
        else:
            yield from ((name, "added") for name in new)

    def _find(self, name: str) -> AccountRecord | None:
        return find_account(self.store, name, ignore_case=self.ignore_case)

    def _add(self, hashes: Mapping[str, str]) -> None:
        from watchword.checkers.account_management import new_account

        if not self.dry_run:
            now = clock().now()
            new = [new_account(name, hash_, self.hasher, now) for name, hash_ in hashes.items()]
            self.store.add_accounts(new, fold_case=self.ignore_case)

    def _change(self, account: AccountRecord, hash_: str) -> str:
        from watchword.checkers.account_management import change_account, with_hash

        if account.password_hash == hash_:
            return "unchanged"
        if not self.update:
            return "kept"
        if not self.dry_run:
            now = clock().now()
            change_account(self.store, account, lambda old: with_hash(old, hash_, self.hasher, now))
        return "updated"


def _report(done: dict[str, list[dict[str, Any]]], skipped: list[dict[str, Any]], would: str) -> None:
    for row in done["kept"]:
        say(f"line {row['line']}: {printable(row['name'])} is there already, with another password, which stays (--update takes this one)")
    problems: defaultdict[str, list[int]] = defaultdict(list)
    for row in skipped:
        problems[row["problem"]].append(row["line"])
    for problem, numbers in problems.items():
        say(f"{_lines(numbers)}: skipped: {printable(problem)}")
    say(
        f"{len(done['added'])} {would}added, {len(done['updated'])} {would}updated, {len(done['unchanged'])} unchanged, "
        f"{len(done['kept'])} kept, {len(skipped)} skipped"
    )


def _lines(numbers: list[int]) -> str:
    # A missing package is one problem of many lines.
    listed, rest = ", ".join(map(str, numbers[:_LISTED])), len(numbers) - _LISTED
    return f"line{'s' if len(numbers) > 1 else ''} {listed}{f' and {rest} more' if rest > 0 else ''}"


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None]]:
    """Show a bar on standard error during a long import, if that is a terminal and rich is installed."""
    if total < BAR_FROM or not sys.stderr.isatty() or find_spec("rich") is None:
        yield lambda _count: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("accounts", total=total)
        yield lambda count: progress.advance(task, count)
