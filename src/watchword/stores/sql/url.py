"""Parses the URL of a store, and prints it without its secrets."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from watchword.errors import ConfigurationError
from watchword.validators import invalid

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_URL = "SQLStore(url=...)"  # the value is never shown, because it may hold a password
_EXAMPLE = f"{_URL} must be a URL such as sqlite:///auth.db or postgresql://user:password@host/database."
_ENCODE = "Percent-encode user name and password: '@' is %40, ':' is %3A, '/' is %2F, '%' is %25."

_SECRET = frozenset({"password", "sslpassword", "scram_client_key", "scram_server_key", "oauth_client_secret"})
_COUNTS = frozenset({"connect_timeout", "keepalives", "keepalives_count", "keepalives_idle", "keepalives_interval", "tcp_user_timeout"})
_LISTS = frozenset({"host", "hostaddr", "port"})

# https://www.postgresql.org/docs/18/libpq-connect.html#LIBPQ-PARAMKEYWORDS, without two that a store cannot use:
# `client_encoding`, which is always UTF-8, and `replication`.
_LIBPQ = _SECRET | _COUNTS | _LISTS
_LIBPQ |= {"application_name", "channel_binding", "dbname", "fallback_application_name", "gssdelegation", "gssencmode", "gsslib"}
_LIBPQ |= {"krbsrvname", "load_balance_hosts", "max_protocol_version", "min_protocol_version", "oauth_client_id", "oauth_issuer"}
_LIBPQ |= {"oauth_scope", "options", "passfile", "require_auth", "requirepeer", "service", "ssl_max_protocol_version"}
_LIBPQ |= {"ssl_min_protocol_version", "sslcert", "sslcertmode", "sslcompression", "sslcrl", "sslcrldir", "sslkey", "sslkeylogfile"}
_LIBPQ |= {"sslmode", "sslnegotiation", "sslrootcert", "sslsni", "target_session_attrs", "user"}
_OPTIONS = sorted(_LIBPQ | {"schema", "prepare_threshold"})
_ELSEWHERE = {
    "client_encoding": "Leave it out: it is always UTF-8.",
    "replication": "Leave it out: a store needs an ordinary connection.",
    "autocommit": "Leave it out: the store begins and ends its transactions.",
    "pool_size": "Leave it out, and use SQLStore(pool_size=...).",
    **dict.fromkeys(("pool_timeout", "timeout", "statement_timeout", "lock_timeout"), "Leave it out, and use SQLStore(timeout=...)."),
    "search_path": "Use schema=... for one schema, or options=-csearch_path=....",
}

_MAX_PORT = 65_535
_MAX_SCHEMA = 63  # octets: PostgreSQL cuts longer names
_HOST = re.compile(r"[\w.-]{1,255}|[0-9A-Fa-f:.]+(%[\w.-]+)?|[/@][^,]*", re.ASCII)
_HOST_AND_PORT = re.compile(r"(\[[^\]]*\]|[^:]*)(?::([0-9]{1,5}))?")
# `host1:port1,host2:port2`: a list for libpq that SQLAlchemy cannot parse here.
_SEVERAL_HOSTS = re.compile(r"(postgres(?:ql)?(?:\+\w+)?://(?:[^@]*@)?)([^/?@]*,[^/?@]*)([^?]*)(?:\?(.*))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a store is.

    Args:
        url: the parts without secrets, for SQLAlchemy and for messages.
        arguments: of a connection to PostgreSQL, by the names of libpq; may hold secrets.
        schema: of the tables; None: the first one of the `search_path`.
        prepare_threshold: executions after which psycopg prepares a statement on the server; None: never.
    """

    url: URL
    arguments: Mapping[str, str] = field(default_factory=dict, repr=False)
    schema: str | None = None
    prepare_threshold: int | None = None

    @property
    def shown(self) -> str:
        """The URL without secrets. With the password in `PGPASSWORD` it leads to the same store."""
        url = self.url
        if url.drivername != "sqlite":
            url = url.set(drivername="postgresql").update_query_dict({} if self.schema is None else {"schema": self.schema})
        return url.render_as_string().replace("%2F", "/").replace("%3A", ":").replace("%2C", ",")

    @property
    def file(self) -> Path | None:
        """The path of the database file; None: a database in memory or on a server."""
        if self.url.drivername != "sqlite" or self.url.database in {None, "", ":memory:"}:
            return None
        return Path(str(self.url.database)).absolute()

    @property
    def secrets(self) -> Sequence[str]:
        """The values that must not be in any message."""
        return [value for name, value in self.arguments.items() if name in _SECRET and value]


def parse(url: object) -> Place:
    """Return the place that a URL leads to.

    Raises:
        ConfigurationError: it is not the URL of a store. The message does not show it, because it may hold a password.
    """
    text = url.render_as_string(hide_password=False) if isinstance(url, URL) else url
    if not isinstance(text, str):
        raise ConfigurationError(_EXAMPLE)
    if re.search(r"[\x00-\x20\x7f]", text) and text.startswith("postgres"):
        raise ConfigurationError(f"{_URL} must hold no blank, line break or control character. Remove or percent-encode it.")
    if text.startswith("postgres") and text.count("@") > 1:
        raise ConfigurationError(f"{_URL} must hold one '@' at most, which ends the password. {_ENCODE}")
    several = _SEVERAL_HOSTS.fullmatch(text)
    if several is not None:
        before, hosts, path, query = several.groups()
        text = f"{before}{path or '/'}?host={hosts}" + (f"&{query}" if query else "")
    parsed = None
    # No exception of SQLAlchemy may be chained to ours: some show the URL.
    with suppress(ArgumentError, ValueError, TypeError):
        parsed = make_url(text)
    if parsed is None or "\x00" in f"{text}{parsed.password}{parsed.database}":
        raise ConfigurationError(_EXAMPLE)
    match parsed.drivername:
        case "postgresql" | "postgres" | "postgresql+psycopg":
            return _postgresql(parsed, text.rpartition("@")[2].partition("?")[2])
        case "sqlite" | "sqlite+pysqlite":
            return _sqlite(parsed)
        case other:
            raise invalid(_URL, "begin with sqlite: or postgresql:", other, "Use psycopg as the driver of PostgreSQL.")


def _sqlite(url: URL) -> Place:
    named = [name for name in url.query if name.isidentifier()]
    if named:
        raise invalid(_URL, "have no options for SQLite", named[0][:40], _ELSEWHERE.get(named[0], "Leave it out."))
    if url.query or url.host or url.username or (url.database or "").startswith("file:"):
        raise ConfigurationError(
            f"{_URL} must be sqlite:///relative/path, sqlite:////absolute/path, or sqlite:// for a database in memory."
        )
    return Place(url.set(drivername="sqlite"))


def _postgresql(url: URL, query: str) -> Place:
    options = _options(query)
    parts = {"user": url.username, "password": url.password, "dbname": url.database, "host": url.host, "port": url.port}
    for name, value in parts.items():
        if value in {None, ""}:
            continue
        if name in options and (name != "port" or "host" not in options):
            raise ConfigurationError(f"{_URL} must have {name!r} once, and has it before the '?' and behind it. Remove one of them.")
        options[name] = unquote(str(value)) if name == "host" else str(value)
    schema, threshold = options.pop("schema", None), options.pop("prepare_threshold", None)
    for name in sorted(_COUNTS & options.keys()):
        if not re.fullmatch(r"[0-9]{1,9}", options[name]):
            raise _wrong(name, options[name], "a whole number")
    if schema is not None and (not 0 < len(schema.encode()) <= _MAX_SCHEMA or schema.startswith("pg_")):
        raise _wrong("schema", schema, f"the name of a schema: up to {_MAX_SCHEMA} octets, not beginning with 'pg_'")
    if threshold is not None and not re.fullmatch(r"[0-9]{1,9}", threshold):
        raise _wrong("prepare_threshold", threshold, "a whole number; 0 or leaving it out prepares no statement on the server")
    _place_hosts(options)
    public = {name: value for name, value in options.items() if name not in _SECRET}
    where = URL.create(
        "postgresql+psycopg",
        public.pop("user", None),
        None,
        *_shown_host(public),
        public.pop("dbname", None),
        public,
    )
    return Place(where, options, schema, int(threshold or 0) or None)


def _options(query: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name not in _OPTIONS:
            raise _unknown(name)
        if not value or "\x00" in value:
            raise ConfigurationError(f"{name!r} in {_URL} must have a value. Add one, or leave it out.")
        if name in found and name not in _LISTS:
            raise ConfigurationError(f"{name!r} must stand once in {_URL}. Remove one of them.")
        found[name] = f"{found[name]},{value}" if name in found else value
    return found


def _unknown(name: str) -> ConfigurationError:
    if not (name.isidentifier() and name.isascii()):  # perhaps a part of a password
        return ConfigurationError(f"{_URL} must have options of libpq alone. Percent-encode '&', '=' and '?' in values.")
    alike = get_close_matches(name.lower(), _OPTIONS, 1)
    fix = _ELSEWHERE.get(name.lower()) or (f"Use {alike[0]!r}." if alike else "Leave it out.")
    return invalid(_URL, "have options of libpq alone", name[:40], fix)


def _wrong(name: str, value: str, wanted: str) -> ConfigurationError:
    return invalid(f"{name!r} in {_URL}", f"be {wanted}", value[:40])


def _place_hosts(options: dict[str, str]) -> None:
    """Give each host of a list its own port, as libpq requires, and make a list lead to a server that can be written to."""
    if "host" in options:
        hosts, ports = zip(*map(_host_and_port, options["host"].split(",")), strict=True)
        single = options.get("port", "")
        if any(ports) and "," in single:
            raise ConfigurationError(f"{_URL} must give each port once, and has ports beside the hosts and in 'port'. Remove one of them.")
        options["host"] = ",".join(hosts)
        if any(ports):
            options["port"] = ",".join(port or single for port in ports)
    for port in filter(None, options.get("port", "").split(",")):
        if not re.fullmatch(r"[0-9]{1,5}", port) or not 0 < int(port) <= _MAX_PORT:
            raise _wrong("port", port, f"a number from 1 to {_MAX_PORT}")
    servers = max(len(options.get(name, "").split(",")) for name in ("host", "hostaddr"))
    for name in _LISTS & options.keys():
        if len(options[name].split(",")) not in ({1, servers} if name == "port" else {servers}):
            raise ConfigurationError(
                f"{name!r} in {_URL} must have {servers} entries, one for each server, got {len(options[name].split(','))}."
            )
    if servers > 1:
        # A standby may lack the latest revocations, and refuses to write.
        options.setdefault("target_session_attrs", "read-write")


def _host_and_port(given: str) -> tuple[str, str | None]:
    split = None if given.startswith(("/", "@")) else _HOST_AND_PORT.fullmatch(given)
    host, port = split.groups() if split is not None else (given, None)
    host = host.removeprefix("[").removesuffix("]")
    if not _HOST.fullmatch(host):
        # Not shown: it may be a part of a password.
        raise ConfigurationError(f"{_URL} must have a host name or address behind the '@'. {_ENCODE}")
    return host, port


def _shown_host(public: dict[str, str]) -> tuple[str | None, int | None]:
    """Move a single host out of the options, to print it in front of the path."""
    host, port = public.get("host", ""), public.get("port", "")
    if not host or "," in host or "," in port or host.startswith(("/", "@")):
        return None, None
    del public["host"]
    public.pop("port", None)
    return host, int(port) if port else None
