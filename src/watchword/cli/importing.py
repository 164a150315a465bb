"""Implements `watchword import`: adds accounts from other systems."""

from __future__ import annotations

import sys
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from watchword.cli.failures import FAILED, Failure, Section
from watchword.cli.opening import accounts_of, opened
from watchword.cli.output import printable, say, say_json
from watchword.cli.params import clock, json_option, settings, store_option
from watchword.errors import AlreadyExists, NotFound, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from watchword.checkers import Accounts
    from watchword.checkers.passwords import PasswordHasher
    from watchword.stores import SQLStore
    from watchword.stores.ports import AccountRecord

MOST_OCTETS = 64 * 1024 * 1024  # as for the checker `Htpasswd`
THOUSANDS = 1000  # from so many on a bar shows how far it is
BATCH = 500  # accounts in one transaction: tens of milliseconds of the write lock
_TRIES = 20
_LISTED = 10  # line numbers of one problem


@click.group("import", cls=Section)
def import_() -> None:
    """Accounts from elsewhere."""


@import_.command()
@click.argument("file", type=click.File("rb"))
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.option("--update", is_flag=True, help="Give accounts that are there already the password of the file.")
@click.option("--ignore-case", is_flag=True, help="Names that differ in case alone are the same, as with Accounts(fold_case=True).")
@store_option
@json_option
def htpasswd(file: Any, url: str, *, dry_run: bool, update: bool, ignore_case: bool, as_json: bool) -> None:  # noqa: ANN401 - a binary file
    """Add the users of FILE, an htpasswd file. Their passwords stay as they are: the hashes are taken over.

    It can be run again: what is there already stays, and is reported.
    """
    from watchword.checkers import PasswordHasher
    from watchword.checkers.htpasswd_lines import parse_htpasswd, why_uncomputable

    octets = _read(file)
    hasher = settings().hasher or PasswordHasher()
    lines = parse_htpasswd(octets, hasher)
    skipped: list[dict[str, Any]] = [{"line": line.number, "problem": line.problem} for line in lines.odd]
    done: dict[str, list[dict[str, Any]]] = {"added": [], "updated": [], "unchanged": [], "kept": []}
    with opened(url) as store, _progress(len(lines.hashes)) as advance:
        accounts = accounts_of(store, ignore_case=ignore_case)
        target = _Target(store, accounts, hasher, ignore_case=ignore_case, update=update, dry_run=dry_run)
        for hashes in _batches(lines.hashes):
            computable: dict[str, str] = {}
            for name, hash_ in hashes.items():
                if problem := why_uncomputable(hash_, hasher):
                    skipped.append({"line": lines.numbers[name], "problem": problem})
                else:
                    computable[name] = hash_
            try:
                for name, outcome in target.take(computable):
                    done[outcome].append({"line": lines.numbers[name], "name": name})
            except Unavailable as error:
                count = len(done["added"]) + len(done["updated"])
                raise Unavailable(f"{error.why} ({count} accounts were taken over; run it again for the rest)") from None
            advance(len(hashes))
    for rows in done.values():
        rows.sort(key=lambda row: row["line"])
    skipped.sort(key=lambda row: row["line"])
    if as_json:
        say_json({"dry_run": dry_run, **done, "skipped": skipped})
    else:
        _tell(done, skipped, dry_run=dry_run)
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


def _batches(hashes: Mapping[str, str]) -> Iterator[dict[str, str]]:
    remaining = iter(hashes.items())
    while batch := dict(islice(remaining, BATCH)):
        yield batch


class _Target:
    """Takes accounts over into a store.

    Args:
        store: the store.
        accounts: manages its accounts.
        hasher: knows the hashes.
        ignore_case: whether names that differ in case alone are the same.
        update: whether accounts that are there get the password.
        dry_run: whether to do nothing.
    """

    def __init__(
        self, store: SQLStore, accounts: Accounts, hasher: PasswordHasher, *, ignore_case: bool, update: bool, dry_run: bool
    ) -> None:
        self._store = store
        self._accounts = accounts
        self._hasher = hasher
        self._ignore_case = ignore_case
        self._update = update
        self._dry_run = dry_run

    def take(self, hashes: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        """Take some over, and yield name and outcome of each when it is done: new accounts in one transaction.

        Args:
            hashes: by name.
        """
        new: dict[str, str] = {}
        for name, hash_ in hashes.items():
            account = self._find(name)
            if account is None:
                new[name] = hash_
            else:
                yield name, self._change(account, hash_)
        if not self._dry_run:
            try:
                self._add(new)
            except AlreadyExists:
                # One of them is another one's name in another case, or somebody else added it a moment ago: one by one.
                yield from ((name, self._take_one(name, hash_)) for name, hash_ in new.items())
                return
        yield from ((name, "added") for name in new)

    def _take_one(self, name: str, hash_: str) -> str:
        account = self._find(name)
        if account is not None:
            return self._change(account, hash_)
        self._add({name: hash_})
        return "added"

    def _add(self, hashes: Mapping[str, str]) -> None:
        from watchword.checkers.account_management import new_account

        now = clock().now()
        new = [new_account(name, hash_, self._hasher, now) for name, hash_ in hashes.items()]
        self._store.add_accounts(new, fold_case=self._ignore_case)

    def _find(self, name: str) -> AccountRecord | None:
        try:
            return self._accounts.get(name)
        except NotFound:
            return None

    def _change(self, account: AccountRecord, hash_: str) -> str:
        if account.password_hash == hash_:
            return "unchanged"
        if not self._update:
            return "kept"
        from watchword.checkers.lookups import get_account

        for _ in range(_TRIES):
            new = replace(account, password_hash=hash_, hash_profile=self._hasher.profile(hash_), password_changed_at=clock().now())
            if self._dry_run or self._store.replace_account(new) is not None:
                return "updated"
            again = get_account(self._store, account.id)  # by its id alone: that may be a name of another account
            if again is None:
                raise NotFound(f"there is no account {account.id!r} any more")
            account = again
        raise Unavailable(f"the account {account.id!r} was changed by others {_TRIES} times meanwhile")


def _tell(done: dict[str, list[dict[str, Any]]], skipped: list[dict[str, Any]], *, dry_run: bool) -> None:
    for row in done["kept"]:
        say(f"line {row['line']}: {printable(row['name'])} is there already, with another password, which stays (--update takes this one)")
    problems: dict[str, list[int]] = {}
    for row in skipped:
        problems.setdefault(row["problem"], []).append(row["line"])
    for problem, numbers in problems.items():
        say(f"{_lines(numbers)}: skipped: {printable(problem)}")
    would = "would be " if dry_run else ""
    say(
        f"{len(done['added'])} {would}added, {len(done['updated'])} {would}updated, {len(done['unchanged'])} unchanged, "
        f"{len(done['kept'])} kept, {len(skipped)} skipped"
    )


def _lines(numbers: list[int]) -> str:
    """Return where one problem stands: a missing package is one problem, however many lines need it."""
    first, rest = numbers[:_LISTED], len(numbers) - _LISTED
    listed = ", ".join(map(str, first))
    return f"line{'s' if len(numbers) > 1 else ''} {listed}{f' and {rest} more' if rest > 0 else ''}"


def _progress(total: int) -> AbstractContextManager[Callable[[int], None]]:
    """Show on standard error how far it is, where that is a terminal and it takes long enough to wonder."""
    if total < THOUSANDS or not sys.stderr.isatty():
        return nullcontext(_nothing)
    try:
        import rich.progress  # noqa: F401 - is it there?
    except ModuleNotFoundError:
        return nullcontext(_nothing)
    return _bar(total)


def _nothing(_count: int) -> None:
    """Show nothing."""


@contextmanager
def _bar(total: int) -> Iterator[Callable[[int], None]]:
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("accounts", total=total)
        yield lambda count: progress.advance(task, count)
