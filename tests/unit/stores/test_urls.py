"""Tests the URLs of stores: accepted, refused with the fix, and printed without secrets."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from psycopg import OperationalError
from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError

from tests.support.each import each
from watchword import ConfigurationError
from watchword.stores import SQLStore
from watchword.stores.sql.failures import unavailable, without
from watchword.stores.sql.url import parse

if TYPE_CHECKING:
    from collections.abc import Mapping

HOME = "postgresql://ann@h/d"

REFUSED: Mapping[str, str] = {
    "?sslmod=require": "must have options of libpq alone, got 'sslmod'. Use 'sslmode'.",
    "?connection_timeout=3": "got 'connection_timeout'. Use 'connect_timeout'.",
    "?Schema=auth": "Use 'schema'.",
    "?prepared_threshold=0": "Use 'prepare_threshold'.",
    "?nonsense=1": "got 'nonsense'. Leave it out.",
    "?autocommit=1": "Leave it out: the store begins and ends its transactions",
    "?pool_size=4": r"Leave it out, and use SQLStore\(pool_size=...\)\.",
    "?search_path=auth": "Use schema=... for one schema",
    "?client_encoding=latin1": "it is always UTF-8",
    "?connect_timeout=abc": r"'connect_timeout' in SQLStore\(url=...\) must be a whole number, got 'abc'\.",
    "?connect_timeout=-1": "must be a whole number",
    "?keepalives_idle=1.5": "must be a whole number",
    "?prepare_threshold=x": r"'prepare_threshold' in SQLStore\(url=...\) must be a whole number",
    "?schema=": r"'schema' in SQLStore\(url=...\) must have a value",
    "?schema": r"'schema' in SQLStore\(url=...\) must have a value",
    "?schema=pg_catalog": r"'schema' in SQLStore\(url=...\) must be",
    f"?schema={'s' * 64}": r"'schema' in SQLStore\(url=...\) must be",
    "?sslmode=require&sslmode=disable": "'sslmode' must stand once",
    "?user=bob": "must have 'user' once",
    "?host=a:1&host=b:2": "must have 'host' once",
    "?sslmode=maybe": "invalid sslmode value",
    "?target_session_attrs=writable": "invalid target_session_attrs value",
    "?sslrootcert=system&sslmode=prefer": "that libpq refuses, or the environment has: weak sslmode",
    "?hostaddr=::1,::1": r"'host' in SQLStore\(url=...\) must have 2 entries, one for each server, got 1\.",
    "?a%20b=1": "options of libpq alone. Percent-encode",
}


@each("query", REFUSED)
def test_a_wrong_option_is_refused_with_its_name(query: str) -> None:
    """The constructor raises, and the message says what to write instead."""
    with pytest.raises(ConfigurationError, match=REFUSED[query]):
        SQLStore(f"{HOME}{query}", check=False)


TAKEN: Mapping[str, dict[str, str]] = {
    "postgresql://ann:s3cret@db.example:5433/app": {
        "user": "ann",
        "password": "s3cret",
        "host": "db.example",
        "port": "5433",
        "dbname": "app",
    },
    "postgres://ann@h/d": {"user": "ann", "host": "h", "dbname": "d"},
    "postgresql+psycopg://h": {"host": "h"},
    "postgresql://a%40b:p%40ss%2F%3A%25@h/d": {"user": "a@b", "password": "p@ss/:%", "host": "h", "dbname": "d"},
    "postgresql://ann:a/b:c?d=e@h/d?sslmode=require": {"password": "a/b:c?d=e", "host": "h", "sslmode": "require"},
    "postgresql://[fe80::1]:5433/d": {"host": "fe80::1", "port": "5433"},
    "postgresql://%2Frun%2Fpostgresql/d": {"host": "/run/postgresql"},
    "postgresql://ann@/d?host=/run/postgresql&port=5433": {"host": "/run/postgresql", "port": "5433"},
    "postgresql:///d?service=auth": {"service": "auth"},
    "postgresql://h/d?options=-csearch_path%3Dauth": {"options": "-csearch_path=auth"},
    "postgresql://a:1,b:2/d": {"host": "a,b", "port": "1,2", "target_session_attrs": "read-write"},
    "postgresql://ann:pw@a,b:2/d?sslmode=require": {"host": "a,b", "port": ",2", "sslmode": "require", "user": "ann", "password": "pw"},
    "postgresql:///d?host=a:1&host=b:2": {"host": "a,b", "port": "1,2"},
    "postgresql:///d?host=a,b&port=5433": {"host": "a,b", "port": "5433"},
    "postgresql:///d?host=a,b&target_session_attrs=any": {"target_session_attrs": "any"},
    "postgresql:///d?host=[::1]:5,/run/pg": {"host": "::1,/run/pg", "port": "5,"},
}


@each("url", TAKEN)
def test_a_right_url_becomes_arguments_of_libpq(url: str) -> None:
    """The printed URL leads to the same place, without the password."""
    place = parse(url)
    assert {name: place.arguments[name] for name in TAKEN[url]} == TAKEN[url]
    again = parse(place.shown)
    assert again.shown == place.shown
    secret = {"password"}
    assert {k: v for k, v in again.arguments.items()} == {k: v for k, v in place.arguments.items() if k not in secret}  # noqa: C416
    if "service" not in url:
        SQLStore(url, check=False).close()


PASSWORDS = [
    "p@violet-tractor",
    "p@violet-tractor/7",
    "@violet-tractor",
    "violet-tractor@",
    "p@violet:tractor",
    "p@violet-tractor?x",
    "p@violet tractor",
]


@each("password", PASSWORDS)
@each("form", ["postgresql://app:{}@127.0.0.1:1/app", "postgresql://app:{}@/app?host=/nonexistent", "postgresql://app:{}@a:1,b:2/app"])
def test_a_password_that_was_not_encoded_is_not_shown(form: str, password: str) -> None:
    """The part behind its '@' would be taken for the host and be in every error. It is refused with the fix."""
    with pytest.raises(ConfigurationError, match=r"[Pp]ercent-encode") as caught:
        SQLStore(form.format(password), timeout=0.2)
    words = "".join(traceback.format_exception(caught.value))
    assert not any(piece in words for piece in ("violet", "tractor"))


@pytest.mark.parametrize("option", ["password", "sslpassword", "oauth_client_secret"])
def test_secrets_in_options_are_not_shown(option: str) -> None:
    """Only libpq gets them."""
    place = parse(f"{HOME}?{option}=violet-tractor&schema=auth")
    assert place.shown == f"{HOME}?schema=auth"
    assert "violet" not in repr(place)
    assert list(place.secrets) == ["violet-tractor"]


def test_a_short_password_is_hidden_only_as_a_whole_word() -> None:
    """Asterisks inside other words would reveal it."""
    assert without(["p"], "OperationalError: p is wrong") == "OperationalError: *** is wrong"
    assert without(["s3cret-pass"], "xs3cret-passx") == "x***x"


def test_messages_of_a_driver_are_repeated_without_the_password() -> None:
    """Messages of outages go into logs."""
    error = DBAPIError("SELECT 1", None, OperationalError("no host named violet-tractor@db"))
    assert unavailable(error, ["violet-tractor"]).why == "the store does not answer: OperationalError: no host named ***@db"


def test_a_url_object_of_sqlalchemy_is_accepted() -> None:
    """It is read like its text."""
    place = parse(make_url("postgresql://ann:p%40ss@h/d"))
    assert place.arguments["password"] == "p@ss"
    assert parse(make_url("sqlite:///auth.db")).file == Path("auth.db").absolute()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (
            "sqlite:///auth.db?timeout=3",
            r"must have no options for SQLite, got 'timeout'\. Leave it out, and use SQLStore\(timeout=...\)\.",
        ),
        ("sqlite:///auth.db?mode=ro", "must have no options for SQLite, got 'mode'. Leave it out."),
        ("postgresql://h/d\n", "must hold no blank, line break"),
        ("postgresql://h:0/d", r"'port' in SQLStore\(url=...\) must be a number from 1 to 65535, got '0'\."),
        ("postgresql://h:99999/d", r"'port' in SQLStore\(url=...\) must be"),
        ("postgresql://h!/d", "must have a host name or address behind the '@'"),
    ],
)
def test_other_mistakes_are_named(url: str, words: str) -> None:
    """Each message has the fix."""
    with pytest.raises(ConfigurationError, match=words):
        SQLStore(url, check=False)


def test_statements_are_prepared_only_with_prepare_threshold() -> None:
    """A pooler may give the connection to another client. 0 means never."""
    assert parse(HOME).prepare_threshold is None
    assert parse(f"{HOME}?prepare_threshold=0").prepare_threshold is None
    assert parse(f"{HOME}?prepare_threshold=5").prepare_threshold == 5
