"""Tells what an exception of SQLAlchemy or of a driver means for a store."""

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
"""What a database that cannot answer makes SQLAlchemy and the drivers raise. What else they raise is a mistake in the program."""

_RETRY_AFTER = 5

# https://www.postgresql.org/docs/18/errcodes-appendix.html. The server answers, and this connection to it is of no use any more:
# another one may lead to the server that took over.
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

# The server gave up a transaction for the sake of another one, or a standby for that of its primary. Of it nothing is left.
_GIVEN_UP = frozenset({"40001", "40P01"})

_CANCELED = frozenset({"57014", "55P03"})  # query_canceled, lock_not_available: the wait for the lock took too long

_SHORT = 6


def is_collision(error: Exception) -> bool:
    """Tell whether somebody else was first to keep a record of that id or name.

    Args:
        error: one of `FAILURES`.
    """
    return isinstance(error, IntegrityError)


def is_unfit(error: BaseException | None) -> bool:
    """Tell whether a connection is to be closed although it is not broken.

    Args:
        error: of the driver.
    """
    code = _sqlstate(error)
    return code in _UNFIT or code.startswith(_BROKEN) or (code == _STALE_PLAN and "cached plan" in str(error))


def is_rolled_back(error: Exception) -> bool:
    """Tell whether a transaction that was about to be committed was not: the server says so.

    Args:
        error: one of `FAILURES`.
    """
    return isinstance(error, DBAPIError) and not error.connection_invalidated and _sqlstate(error.orig) in _GIVEN_UP | _CANCELED


def is_stall(error: BaseException) -> bool:
    """Tell whether the database said nothing at all for as long as it may take.

    Args:
        error: one of `FAILURES`.
    """
    return isinstance(error, DBAPIError) and getattr(error.orig, "stalled", False)


def is_passing(error: Exception) -> bool:
    """Tell whether trying once more may succeed at once, and nothing was done before.

    Args:
        error: one of `FAILURES`, from before the commit.
    """
    if not isinstance(error, DBAPIError):
        return False
    replaced = error.connection_invalidated and not is_stall(error)
    return replaced or _sqlstate(error.orig) in _GIVEN_UP


def unavailable(error: Exception, secrets: Iterable[str] = ()) -> Unavailable:
    """Return what an outage is called: the words of the driver where they cannot hold what somebody stored or sent.

    Args:
        error: one of `FAILURES`.
        secrets: what must not be in the words.
    """
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
    """Return words of a driver with asterisks in the place of secrets.

    Args:
        secrets: what must not be in the words.
        words: the words.
    """
    for secret in secrets:
        # A short one may be part of any word: to strike it out there would tell what it is.
        pattern = re.escape(secret) if len(secret) >= _SHORT else rf"(?<!\w){re.escape(secret)}(?!\w)"
        words = re.sub(pattern, "***", words)
    return words


def _sqlstate(error: object) -> str:
    return getattr(error, "sqlstate", None) or ""
