"""Opens connections to PostgreSQL whose every wait is bounded."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any

from watchword.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from watchword.stores.sql.breaker import Breaker
    from watchword.stores.sql.url import Place
    from watchword.stores.sql.waiting import BoundedConnection

_NOWHERE = "/nonexistent/watchword"


def connector(place: Place, timeout: float, breaker: Breaker) -> Callable[[], BoundedConnection]:
    """Return a function that opens a connection.

    Nothing is set that a connection pooler between program and server would refuse or keep for the next client: neither start-up
    options (PgBouncer refuses them) nor statements prepared on the server, nor settings of the session.

    Args:
        place: where to.
        timeout: seconds, for each wait.
        breaker: refuses connections while the database is silent.

    Raises:
        ConfigurationError: libpq does not take an argument.
        ImportError: psycopg is not installed.
    """
    from psycopg.errors import ConnectionTimeout

    from watchword.stores.sql.waiting import BoundedConnection, Stalled

    arguments: dict[str, Any] = dict(place.arguments)
    # libpq takes whole seconds, and 2 for 1.
    arguments.setdefault("connect_timeout", str(max(2, ceil(timeout))))
    arguments.setdefault("tcp_user_timeout", str(max(1, round(timeout * 1000))))
    arguments.setdefault("application_name", "watchword")
    # Whatever PGCLIENTENCODING says: in any other encoding a name that somebody types may be none, and an error of the driver.
    arguments["client_encoding"] = "utf8"
    _check(arguments)

    def connect() -> BoundedConnection:
        breaker.connecting()
        try:
            made = BoundedConnection.connect(prepare_threshold=place.prepare_threshold, **arguments)
        except ConnectionTimeout as error:
            raise Stalled(str(error)) from None
        # The server ends a statement after `timeout`. This is for a server that does nothing any more.
        made.limit = timeout + 1
        return made

    return connect


def _check(arguments: Mapping[str, str]) -> None:
    """Let libpq look at the values of the arguments, without a network: it does so before it connects to a socket that is not there."""
    from psycopg import ProgrammingError
    from psycopg.conninfo import make_conninfo
    from psycopg.pq import ConnStatus, PGconn

    local = {name: value for name, value in arguments.items() if name != "hostaddr"}
    servers = max(len(arguments.get(name, "").split(",")) for name in ("host", "hostaddr"))
    local["host"] = ",".join([_NOWHERE] * servers)
    try:
        connection = PGconn.connect_start(make_conninfo("", **local).encode())
    except ProgrammingError as error:
        words = str(error)
    else:
        words = "" if connection.status != ConnStatus.BAD else connection.error_message.decode(errors="replace")
        connection.finish()
    if words and _NOWHERE not in words:
        raise ConfigurationError(f"an option in the URL of the store, or in the environment, is wrong: {words.strip()[:200]}")
