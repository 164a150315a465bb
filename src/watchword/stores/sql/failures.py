"""Classifies exceptions of SQLAlchemy and the drivers."""

from __future__ import annotations

import re
import sqlite3
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from watchword.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable

FAILURES = (DBAPIError, PoolTimeout, sqlite3.Error, OSError)
"""The exceptions of a database that cannot answer. Any other exception is a bug."""

_RETRY_AFTER = 5

# https://www.postgresql.org/docs/18/errcodes-appendix.html. The server answers, but this connection is useless: a new one may lead to the
# server that took over.
_UNFIT = frozenset(
    {
        "25006",  # read_only_sql_transaction: a standby, or a server that was demoted
        "25P02",  # in_failed_sql_transaction: left behind by another client of a connection pooler
        "26000",  # invalid_sql_statement_name, and
        "42P05",  # duplicate_prepared_statement: a pooler has given this connection another session
        "57P01",  # admin_shutdown
        "57P02",  # crash_shutdown
        "57P03",  # cannot_connect_now
        "57P04",  # database_dropped
        "57P05",  # idle_session_timeout
    }
)
_BROKEN = "08"  # the class: connection exceptions
_STALE_PLAN = "0A000"  # feature_not_supported: "cached plan must not change result type"

# The server rolled back the transaction in favour of another one, or a standby in favour of its primary.
_GIVEN_UP = frozenset({"40001", "40P01"})

_CANCELED = frozenset({"57014", "55P03"})  # query_canceled, lock_not_available: the wait for the lock took too long

_SHORT = 6


def is_collision(error: Exception) -> bool:
    """Return whether the id or name of a new record is taken."""
    return isinstance(error, IntegrityError)


def is_unfit(error: BaseException | None) -> bool:
    """Return whether a connection must be closed although it is not broken."""
    code = _sqlstate(error)
    return code in _UNFIT or code.startswith(_BROKEN) or (code == _STALE_PLAN and "cached plan" in str(error))


def is_rolled_back(error: Exception) -> bool:
    """Return whether the server says that a commit did not happen."""
    return isinstance(error, DBAPIError) and not error.connection_invalidated and _sqlstate(error.orig) in _GIVEN_UP | _CANCELED


def is_stall(error: BaseException) -> bool:
    """Return whether the database was silent until the time-out."""
    return isinstance(error, DBAPIError) and getattr(error.orig, "stalled", False)


def is_passing(error: Exception) -> bool:
    """Return whether an immediate retry may succeed. The error is from before the commit, so nothing was done."""
    if not isinstance(error, DBAPIError):
        return False
    replaced = error.connection_invalidated and not is_stall(error)
    return replaced or _sqlstate(error.orig) in _GIVEN_UP


def unavailable(error: Exception, secrets: Iterable[str] = ()) -> Unavailable:
    """Return the exception for an outage. It quotes the driver only where its message cannot hold stored or received data."""
    cause: BaseException = error
    if isinstance(error, DBAPIError) and error.orig is not None:
        cause = error.orig
    if isinstance(error, PoolTimeout):
        words = "all of its connections are in use"
    elif isinstance(cause, OSError):
        words = f"{type(cause).__name__}: {cause.strerror}"
    else:
        words = type(cause).__name__
        # Classes 22 and 23 of SQLSTATE quote data.
        if not _sqlstate(cause).startswith(("22", "23")) and not isinstance(error, IntegrityError):
            words = f"{words}: {without(secrets, str(cause).partition(chr(10))[0])[:200]}"
    return Unavailable(f"the store does not answer: {words}", retry_after=_RETRY_AFTER)


def without(secrets: Iterable[str], words: str) -> str:
    """Return a message of a driver with asterisks in place of secrets."""
    for secret in secrets:
        # A short secret may be part of any word, and a mark there would reveal it.
        pattern = re.escape(secret) if len(secret) >= _SHORT else rf"(?<!\w){re.escape(secret)}(?!\w)"
        words = re.sub(pattern, "***", words)
    return words


def _sqlstate(error: object) -> str:
    return getattr(error, "sqlstate", None) or ""
