"""Parses the URL of a store, and shows it without its password."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from watchword.errors import ConfigurationError


def parse(url: str) -> URL:
    """Return the parts of a URL.

    Args:
        url: as `SQLStore` takes it.

    Raises:
        ConfigurationError: it cannot be a store; the message does not show it, because it may hold a password.
    """
    parsed = None
    # No exception of SQLAlchemy may be chained to ours: some show the URL.
    with suppress(ArgumentError, ValueError, TypeError):
        parsed = make_url(url)
    if parsed is None or "\x00" in f"{url}{parsed.password}{parsed.database}":
        raise ConfigurationError("the URL of a store is like sqlite:///auth.db or postgresql://user:password@host/database")
    if parsed.drivername in {"postgresql", "postgres"}:
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername == "sqlite+pysqlite":
        parsed = parsed.set(drivername="sqlite")
    if parsed.drivername not in {"sqlite", "postgresql+psycopg"}:
        raise ConfigurationError(f"a store lives in sqlite or postgresql (by psycopg), not in {parsed.drivername!r}")
    if parsed.drivername == "sqlite" and (parsed.query or parsed.host or parsed.username or (parsed.database or "").startswith("file:")):
        raise ConfigurationError("a store in SQLite is sqlite:///relative/path, sqlite:////absolute/path, or sqlite:// for one in memory")
    return parsed


def shown(url: URL) -> str:
    """Return a URL without what is secret in it.

    Args:
        url: the parts.
    """
    if url.drivername == "sqlite":
        return url.render_as_string()
    return plain(url).render_as_string().replace("%2F", "/")


def plain(url: URL) -> URL:
    """Return a URL of PostgreSQL with only those of its parts that are never secret.

    Args:
        url: the parts.
    """
    query = {name: value for name, value in url.query.items() if name in {"host", "port", "dbname", "user", "service", "sslmode"}}
    return URL.create("postgresql", url.username, None, url.host, url.port, url.database, query)


def file_of(url: URL) -> Path | None:
    """Return where the database file is; None: there is none.

    Args:
        url: the parts.
    """
    if url.drivername != "sqlite" or url.database in {None, "", ":memory:"}:
        return None
    return Path(str(url.database)).absolute()
