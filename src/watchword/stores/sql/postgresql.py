"""Opens connections to PostgreSQL whose every wait is bounded."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import URL

    from watchword.stores.sql.waiting import BoundedConnection


def connector(url: URL, timeout: float) -> Callable[[], BoundedConnection]:
    """Return a function that opens a connection.

    Args:
        url: the parts.
        timeout: seconds, for each wait.

    Raises:
        ImportError: psycopg is not installed.
    """
    from watchword.stores.sql.waiting import BoundedConnection

    arguments: dict[str, Any] = dict(url.translate_connect_args(username="user", database="dbname"))
    arguments.update(url.query)
    milliseconds = max(1, round(timeout * 1000))
    bounds = f"-c statement_timeout={milliseconds} -c lock_timeout={milliseconds}"
    arguments["options"] = f"{bounds} {arguments.get('options', '')}".strip()
    # libpq takes whole seconds, and 2 for 1.
    arguments.setdefault("connect_timeout", max(2, ceil(timeout)))
    arguments.setdefault("tcp_user_timeout", milliseconds)
    arguments.setdefault("application_name", "watchword")
    # Whatever PGCLIENTENCODING says: in any other encoding a name that somebody types may be none, and an error of the driver.
    arguments["client_encoding"] = "utf8"

    def connect() -> BoundedConnection:
        made = BoundedConnection.connect(**arguments)
        # The server ends a statement after `timeout`. This is for a server that does nothing any more.
        made.limit = 2 * timeout + 1
        return made

    return connect
