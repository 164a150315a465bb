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

    It sets nothing that a connection pooler in between would refuse or keep for its next client: no start-up options (PgBouncer refuses
    them), no statements prepared on the server, no settings of the session.

    Raises:
        ConfigurationError: libpq does not take an argument.
        ImportError: psycopg is not installed.
    """
    from psycopg.errors import ConnectionTimeout

    from watchword.stores.sql.waiting import BoundedConnection, Stalled

    arguments: dict[str, Any] = dict(place.arguments)
    # libpq takes whole seconds, and 2 in place of 1.
    arguments.setdefault("connect_timeout", str(max(2, ceil(timeout))))
    arguments.setdefault("tcp_user_timeout", str(max(1, round(timeout * 1000))))
    arguments.setdefault("application_name", "watchword")
    # Overrides PGCLIENTENCODING: in another encoding a name from a client may not exist, which the driver reports as an error.
    arguments["client_encoding"] = "utf8"
    _check(arguments)

    def connect() -> BoundedConnection:
        breaker.connecting()
        try:
            made = BoundedConnection.connect(prepare_threshold=place.prepare_threshold, **arguments)
        except ConnectionTimeout as error:
            raise Stalled(str(error)) from None
        # The server ends a statement after `timeout`. This bound is for a server that hangs.
        made.limit = timeout + 1
        return made

    return connect


def _check(arguments: Mapping[str, str]) -> None:
    """Let libpq check the values of the arguments without a network: it does so before it connects to a socket that does not exist."""
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
        raise ConfigurationError(f"SQLStore(url=...) has an option that libpq refuses, or the environment has: {words.strip()[:200]}")
