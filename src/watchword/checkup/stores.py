"""Checks stores: their tables, their hashes, where they are, and keys that live for ever."""

from __future__ import annotations

import os
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from watchword.checkers.accounts import Accounts
from watchword.checkers.lookups import pages
from watchword.checkup.setup import Check, Setup, Untold
from watchword.errors import ConfigurationError, Unavailable, WatchwordError
from watchword.findings import Finding, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

_YEAR: Final = 366 * 86_400
_MOST: Final = 10_000
_MOUNTS: Final = "/proc/self/mountinfo"
_OF_NETWORKS: Final = frozenset(
    [
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "9p",
        "afs",
        "ceph",
        "fuse.sshfs",
        "fuse.glusterfs",
        "fuse.s3fs",
        "glusterfs",
        "lustre",
        "gpfs",
        "ocfs2",
    ]
)

SCHEMA: Final = Rule("store-schema", "The store has the tables of this version", "error", page="check.html#store-schema")
NETWORK: Final = Rule(
    "sqlite-on-network",
    "SQLite files are on a disk of this machine",
    "warning",
    source="sqlite.org/useovernet.html",
    page="check.html#sqlite-on-network",
)
MEMORY: Final = Rule("store-in-memory", "Stores outlive the process", "note", page="check.html#store-in-memory")
HASHES: Final = Rule("unusable-hash", "Every stored hash can be verified on this machine", "error", page="check.html#unusable-hash")
LONG_LIVED: Final = Rule(
    "key-lives-long", "Keys and tokens end within a year", "warning", source="NIST SP 800-57 §5.3", page="check.html#key-lives-long"
)


def schema(setup: Setup) -> Iterator[Finding]:
    """An older or newer schema refuses every request with 503."""
    setup.demand_online()
    for store in setup.stores:
        look = getattr(store, "status", None)
        if look is None:
            continue
        try:
            status = look()
        except Unavailable as error:
            yield Finding(SCHEMA, f"{store!r} does not answer.", error.why, "Start the database, and check the URL.", setup.name)
        else:
            if status.state != "current":
                yield Finding(
                    SCHEMA,
                    f"{store!r} is {status.state}: its schema is {status.revision or 'none'}, not {status.newest}.",
                    "The tables were made by another version, or not at all.",
                    "Run `watchword store status`, and `watchword store upgrade` or `watchword store init`.",
                    setup.name,
                )


def on_network(setup: Setup) -> Iterator[Finding]:
    """Locks of network file systems do not keep two writers apart, and a file is damaged."""
    urls = [url for url in (str(getattr(store, "url", "")) for store in setup.stores) if url.startswith("sqlite:///")]
    if not urls:
        return
    try:
        with open(_MOUNTS, encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - a file of the kernel
            mounts = file.read(1 << 20)
    except OSError:
        raise Untold("this system does not list its mounts") from None
    for url in urls:
        kind = file_system(os.path.realpath(url.removeprefix("sqlite:///").partition("?")[0]), mounts)
        if kind in _OF_NETWORKS:
            yield Finding(
                NETWORK,
                f"{url} is on {kind}.",
                "Locks of network file systems do not reliably keep two writers apart.",
                "Move the file to a disk of this machine, or use PostgreSQL.",
                setup.name,
            )


def file_system(path: str, mounts: str) -> str:
    """Return the type of the file system of a path (proc_pid_mountinfo(5)); empty: unknown.

    Args:
        path: absolute.
        mounts: the text of mountinfo.
    """
    best, found = "", ""
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        parts = before.split(" ")
        if len(parts) > 4 and after:  # noqa: PLR2004 - the mount point is the fifth field
            point = parts[4].encode().decode("unicode_escape")
            if (path == point or path.startswith(point.rstrip("/") + "/")) and len(point) >= len(best):
                best, found = point, after.split(" ")[0]
    return found


def in_memory(setup: Setup) -> Iterator[Finding]:
    """It forgets at every restart, and two workers have two."""
    for store in setup.stores:
        if type(store).__name__ == "MemoryStore" or str(getattr(store, "url", "")) in {"sqlite://", "sqlite:///:memory:"}:
            yield Finding(
                MEMORY,
                f"{type(store).__name__} keeps accounts, keys and tokens in memory.",
                "It forgets at every restart, and each worker has its own.",
                'Use SQLStore("sqlite:///auth.db") or PostgreSQL.',
                setup.name,
            )


def hashes(setup: Setup) -> Iterator[Finding]:
    """A format whose library is missing is an outage for those accounts. One hash of each profile is looked at."""
    setup.demand_online()
    for _, checker in setup.parts:
        if not isinstance(checker, Accounts):
            continue
        try:
            samples = checker.store.hash_samples()
        except WatchwordError as error:
            raise Untold(f"the store does not answer: {error}") from None
        for hash_, count in samples:
            try:
                checker.hasher.check(hash_, f"one of {count} accounts")
            except ConfigurationError as error:
                yield Finding(HASHES, str(error), "", "Install the library, or let the accounts set a new password.", setup.name)


def long_lived(setup: Setup) -> Iterator[Finding]:
    """A key that never ends is found in an old backup, and works."""
    setup.demand_online()
    now = setup.guard.policy.clock.now()
    for store in setup.stores:
        for kind in ("key", "token"):
            listed = getattr(store, f"list_{kind}s", None)
            if listed is None:
                continue
            try:
                records = list(islice(pages(lambda after, listed=listed: listed(after=after)), _MOST))  # type: ignore[misc]
            except WatchwordError as error:
                raise Untold(f"the store does not answer: {error}") from None
            ids = [one.id for one in records if _lives_long(one, now)]
            if ids:
                yield Finding(
                    LONG_LIVED,
                    f"{len(ids)} {kind}{'s' if len(ids) > 1 else ''} never end, or not within a year: {', '.join(ids[:5])}.",
                    "What leaks works for as long as it lives.",
                    f"Give --expires to `watchword {kind} create`, and rotate.",
                    setup.name,
                )


def _lives_long(record: Any, now: float) -> bool:  # noqa: ANN401 - a key or a token
    return record.revoked_at is None and (record.expires_at is None or record.expires_at > now + _YEAR)


CHECKS: Final = (
    Check(SCHEMA, schema),
    Check(NETWORK, on_network),
    Check(MEMORY, in_memory),
    Check(HASHES, hashes),
    Check(LONG_LIVED, long_lived),
)
