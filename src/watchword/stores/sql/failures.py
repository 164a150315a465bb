"""Tells what an exception of SQLAlchemy or of a driver means for a store."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from watchword.errors import Unavailable

if TYPE_CHECKING:
    from sqlalchemy import URL

FAILURES = (DBAPIError, PoolTimeout, sqlite3.Error, OSError)
"""What a database that cannot answer makes SQLAlchemy and the drivers raise. What else they raise is a mistake in the program."""

_RETRY_AFTER = 5


def is_collision(error: Exception) -> bool:
    """Tell whether somebody else was first to keep a record of that id or name.

    Args:
        error: one of `FAILURES`.
    """
    return isinstance(error, IntegrityError)


def is_disconnect(error: Exception) -> bool:
    """Tell whether a connection turned out to be dead, so that another one may live.

    Args:
        error: one of `FAILURES`.
    """
    return isinstance(error, DBAPIError) and error.connection_invalidated and not getattr(error.orig, "stalled", False)


def unavailable(error: Exception, url: URL) -> Unavailable:
    """Return what an outage is called: the words of the driver where they cannot hold what somebody stored or sent.

    Args:
        error: one of `FAILURES`.
        url: where it happened.
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
        if not (getattr(cause, "sqlstate", None) or "").startswith(("22", "23")) and not isinstance(error, IntegrityError):
            words = f"{words}: {str(cause).partition(chr(10))[0][:200]}"
    for secret in (url.password, url.query.get("password"), url.query.get("sslpassword")):
        if secret:
            words = words.replace(str(secret), "***")
    return Unavailable(f"the store does not answer: {words}", retry_after=_RETRY_AFTER)
