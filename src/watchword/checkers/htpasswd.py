"""Checks passwords by an htpasswd file of Apache, and rereads it when it changes."""

from __future__ import annotations

import os
import stat
from hashlib import sha256
from hmac import compare_digest
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from watchword.checkers.adapt import Admission, FlowChecker
from watchword.checkers.htpasswd_lines import parse_htpasswd
from watchword.checkers.names import user_name
from watchword.checkers.password_table import PasswordTable, check_mapping
from watchword.checkers.passwords import PasswordHasher
from watchword.checkers.verifying import Verifier
from watchword.clock import SystemClock
from watchword.credentials import BasicCredentials
from watchword.errors import ConfigurationError
from watchword.locking import ProcessLock
from watchword.observe.notice import OperatorNotice, log_notice
from watchword.operation import Operation
from watchword.validators import invalid
from watchword.verdict import Accepted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from watchword.checkers.htpasswd_lines import OddLine
    from watchword.clock import Clock
    from watchword.credentials import Credentials
    from watchword.observe.notice import Hook
    from watchword.operation import Steps
    from watchword.principal import Principal
    from watchword.protection.hash_limiter import HashLimiter
    from watchword.verdict import Verdict

Stamp: TypeAlias = tuple[int, int, int, int, int]

# Seconds. A file that was written shortly before it was read may be written again within one tick of the file system's clock and to
# the same length: it is read again until it is older. FAT has ticks of 2 s, other file systems shorter ones. If the time of the
# file is in the future, its age is unknown, and the time since it was first seen counts.
SETTLING = 2.5
MOST_ODD_LINES = 100  # with an event each, so that a wrong file does not fill the log
MOST_OCTETS = 64 * 1024 * 1024  # half a million users: a larger file is the wrong one


class Htpasswd(FlowChecker[BasicCredentials]):
    """The users of an htpasswd file, as Apache's `htpasswd` or `openssl passwd` writes it.

    It may hold all formats that `verify_password` knows, and plain text only with `plain`. Text after the hash and another colon is a
    comment, as with nginx. Of several lines for one name the first counts. Every check looks at the file, which is read again when it
    has changed, in place or by another file in its place. If the new one cannot be read, or every line of it is odd, the last good
    one stays, and an event says so. A file that has been empty for some seconds refuses every login.

    Args:
        path: the path of the file.
        plain: whether it may hold passwords in plain text. Never in production.
        principals: user name to principal, for users with more than a name.
        hasher: a `PasswordHasher`, or a `CryptContext` of passlib; None: the default one.
        limiter: bounds the number of hashes that are computed at once; None: the limiter of this process.
        clock: tells the time; None: the system clock.
        on_event: receives notices of odd lines, and of files that were or could not be read again; None: the log.

    Raises:
        ConfigurationError: the file cannot be read, has no usable line, or has a format that this machine cannot compute.

    Trust: the file is trusted; credentials are not.
    """

    takes_credentials: ClassVar[tuple[type[Credentials], ...]] = (BasicCredentials,)

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        plain: bool = False,
        principals: Mapping[str, Principal] | None = None,
        hasher: object = None,
        limiter: HashLimiter | None = None,
        clock: Clock | None = None,
        on_event: Hook | None = None,
    ) -> None:
        if plain and hasher is not None:
            raise ConfigurationError("Htpasswd(...) takes plain=True or hasher=..., got both. Use PasswordHasher(plain=True).")
        if not isinstance(path, (str, bytes, os.PathLike)):
            raise invalid("Htpasswd(path)", 'be the path of a file, such as "users.htpasswd"', path, secret=True)
        self._path = os.fspath(path)
        self._clock: Clock = SystemClock()  # of the file system, not of the credentials
        self._tell = log_notice if on_event is None else on_event
        self._verifier = Verifier(hasher=PasswordHasher(plain=True) if plain else hasher, limiter=limiter, clock=clock, on_event=on_event)
        self.admission: Admission = self._verifier
        # Checked now: the file may name any of them later.
        self._principals = {
            user_name(name): Accepted(principal).principal for name, principal in check_mapping("Htpasswd", principals).items()
        }
        self._reloading = ProcessLock()
        self._lines: tuple[OddLine, ...] = ()
        try:
            self._loaded = self._load()
        except (OSError, ValueError) as error:
            raise ConfigurationError(f"Htpasswd cannot use {self._path!r}: {_words(error)}") from None

    @property
    def principals(self) -> tuple[Principal, ...]:
        """The users, as the file was last read."""
        return self._loaded.table.principals

    @property
    def odd_lines(self) -> tuple[OddLine, ...]:
        """The lines of the file that are ignored."""
        return self._lines

    def flow(self, credentials: BasicCredentials) -> Steps[Verdict]:
        """Read the file again if it has changed; verify one hash, then answer."""
        loaded = self._loaded
        if not loaded.is_current():
            loaded = yield Operation(self._reload)
        return (yield from loaded.table.flow(credentials))

    def _reload(self) -> _Loaded:
        # One at a time: the others find the new table.
        with self._reloading:
            old = self._loaded
            return old if old.is_current() else self._reload_from(old)

    def _reload_from(self, old: _Loaded) -> _Loaded:
        seen, now = _stamp(self._path), self._clock.now()
        try:
            new = self._load(old)
        except (OSError, ValueError) as error:
            why = _words(error)
            new = _Loaded(
                self._path, seen, old.digest, old.table, since=old.since if seen == old.stamp and old.since <= now else now, failed=why
            )
            # A file that is gone cannot change.
            new.settled = seen is None or now - new.since > SETTLING
            self._loaded = new
            if (old.stamp, old.failed) != (seen, why):  # one event for each failure
                self._tell(OperatorNotice("source_kept", f"the file cannot be used, and the last good one stays: {why}", source=self._path))
            return new
        self._loaded = new
        if new.table is not old.table or old.failed:
            self._tell(OperatorNotice("source_reread", f"{len(new.table)} users", source=self._path))
        return new

    def _load(self, old: _Loaded | None = None) -> _Loaded:
        found, octets = _read(self._path)
        stamp, now = _stamp_of(found), self._clock.now()
        since = old.since if old is not None and old.stamp == stamp and old.since <= now else now
        # Not by the time of the last change of its content alone, which programs set: `cp -p`, `tar`, `rsync`.
        settled = now - max(found.st_mtime, found.st_ctime) > SETTLING or now - since > SETTLING
        digest = sha256(octets).digest()
        if old is not None and compare_digest(digest, old.digest):
            return _Loaded(self._path, stamp, digest, old.table, since=since, settled=settled)
        lines = parse_htpasswd(octets, self._verifier.hasher)
        # An operator may remove the last user. But a file is empty, too, for a moment while it is written; and one in which every
        # line is odd is another file, or damaged.
        emptied = old is not None and settled and not lines.odd
        if not lines.hashes and not emptied:
            odd = f"; {'; '.join(map(str, lines.odd[:3]))}" if lines.odd else ""
            raise ValueError(f"no line can be used to log in{odd}")
        trouble = lines.uncomputable(self._verifier.hasher)
        if trouble and old is None:
            raise ValueError("; ".join(map(str, trouble)))
        for line in trouble:
            self._tell(OperatorNotice("hash_unavailable", f"{line}; logins by this format get 503", source=self._path))
        self._lines = lines.odd
        for line in lines.odd[:MOST_ODD_LINES]:
            self._tell(OperatorNotice("source_line", f"{line}; it is ignored", source=self._path))
        if len(lines.odd) > MOST_ODD_LINES:
            more = len(lines.odd) - MOST_ODD_LINES
            self._tell(OperatorNotice("source_line", f"{more} more lines are ignored", source=self._path))
        lease = _TableLease()
        dummies = None if lines.hashes or old is None else old.table.dummies
        table = PasswordTable(lines.hashes, self._principals, self._verifier, lease, dummies=dummies)
        lease.watch(self, table)
        return _Loaded(self._path, stamp, digest, table, since=since, settled=settled)

    def is_current(self, table: PasswordTable) -> bool:
        """Tell whether a table is that of the file now, without reading the file.

        Args:
            table: a table that was made from it.
        """
        loaded = self._loaded
        return loaded.table is table and loaded.is_current()

    def __repr__(self) -> str:
        return f"Htpasswd({self._path!r}, {len(self._loaded.table)} users)"


class _Loaded:
    """The last good content of the file, and the state of the file when it was last read.

    Args:
        path: the path of the file.
        stamp: its device, inode, size and times; None: it did not exist.
        digest: the digest of the last good content.
        table: the users of the last good content.
        since: when the stamp was first seen.
        settled: whether a later change must show in the stamp.
        failed: why it could not be used; empty: it could.
    """

    __slots__ = ("_path", "digest", "failed", "settled", "since", "stamp", "table")

    def __init__(
        self,
        path: str,
        stamp: Stamp | None,
        digest: bytes,
        table: PasswordTable,
        *,
        since: float,
        settled: bool = False,
        failed: str = "",
    ) -> None:
        self._path = path
        self.stamp = stamp
        self.digest = digest
        self.table = table
        self.since = since
        self.settled = settled
        self.failed = failed

    def is_current(self) -> bool:
        # A stat of a local file takes a microsecond or two: less than a change of threads.
        return self.settled and _stamp(self._path) == self.stamp


class _TableLease:
    """Current while the file is unchanged."""

    __slots__ = ("_checker", "_table")

    def __init__(self) -> None:
        self._checker: Htpasswd | None = None
        self._table: PasswordTable | None = None

    def watch(self, checker: Htpasswd, table: PasswordTable) -> None:
        self._checker, self._table = checker, table

    def is_current(self) -> bool:
        return self._checker is not None and self._table is not None and self._checker.is_current(self._table)


def _read(path: str) -> tuple[os.stat_result, bytes]:
    # Without O_NONBLOCK, to open a pipe in its place would wait for a writer.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise ValueError("it is not a file")
        if found.st_size > MOST_OCTETS:
            raise ValueError(f"it is longer than {MOST_OCTETS} octets")
        with open(descriptor, "rb", closefd=False) as file:
            octets = file.read(MOST_OCTETS + 1)  # the file may grow meanwhile
        if len(octets) > MOST_OCTETS:
            raise ValueError(f"it is longer than {MOST_OCTETS} octets")
        return found, octets
    finally:
        os.close(descriptor)  # open() does not when it fails


def _stamp(path: str) -> Stamp | None:
    try:
        return _stamp_of(os.stat(path))  # noqa: PTH116 - a Path costs more than the stat
    except (OSError, ValueError):
        return None


def _stamp_of(found: os.stat_result) -> Stamp:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _words(error: Exception) -> str:
    return (error.strerror or type(error).__name__) if isinstance(error, OSError) else str(error)
