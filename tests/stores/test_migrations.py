"""Tests that the tables are created once, upgraded, and checked before the first query."""

from __future__ import annotations

import logging
import re
import stat
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, event, inspect, text

from tests.support.stores import fill, methods, program
from watchword.errors import ConfigurationError, Unavailable
from watchword.stores import SQLStore, migrations
from watchword.stores.sql.migrate import migrate
from watchword.stores.sql.schema import REVISIONS, VERSION_TABLE, metadata
from watchword.testing.stores import account, key, token

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

    from tests.stores.conftest import Opens
    from tests.support.postgres import PostgreSQL


@pytest.fixture(params=["sqlite", "postgresql"])
def bare_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A place without a store."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/auth.db"
    server: PostgreSQL = request.getfixturevalue("postgresql")
    return server.url(server.new_database())


@pytest.fixture
def engine(bare_url: str) -> Iterator[Engine]:
    """A connection to the same place that is not the store's."""
    made = create_engine(bare_url.replace("postgresql://", "postgresql+psycopg://"))
    yield made
    made.dispose()


def execute(engine: Engine, *statements: str) -> None:
    """Change the database behind the store's back."""
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def test_init_creates_the_tables_once(bare_url: str, engine: Engine, opens: Opens) -> None:
    """A second call does nothing, and every table is as the program expects."""
    store = opens(bare_url, check=False)
    assert (store.status().state, store.status().revision, store.status().accounts) == ("empty", None, None)
    assert store.init()
    dummy = store.dummy_key()
    fill(store)
    assert not store.init()
    assert not store.upgrade()
    status = store.status()
    assert (status.state, status.revision, status.newest) == ("current", REVISIONS[-1], REVISIONS[-1])
    assert (status.accounts, status.keys, status.tokens) == (1, 1, 1)
    again = opens(bare_url)
    assert again.dummy_key() == dummy
    assert again.find_account("ann") == store.find_account("ann") is not None
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE, "compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_the_known_versions_are_those_of_the_migrations() -> None:
    """A start compares names and does not import alembic."""
    modules = [module.name for module in iter_modules(migrations.__path__)]
    assert modules == [f"v{revision}" for revision in REVISIONS]


def test_text_is_ordered_by_octets_in_postgresql(postgresql: PostgreSQL, empty_postgresql: str) -> None:
    """The language of the server has no effect, so that pages of all programs agree."""
    with postgresql.connect(empty_postgresql.partition("@/")[2].partition("?")[0]) as connection:
        found = connection.execute(
            "SELECT table_name, column_name, collation_name FROM information_schema.columns "
            "WHERE table_name LIKE 'watchword%' AND data_type IN ('text', 'character varying') AND table_name <> 'watchword_schema'"
        ).fetchall()
    assert len(found) > 20
    assert {collation for _, _, collation in found} == {"C"}


def test_an_older_store_is_upgraded_with_its_content(bare_url: str, engine: Engine, opens: Opens) -> None:
    """Before, it is refused with the command that upgrades it."""
    with engine.begin() as connection:
        migrate(connection, None, to=REVISIONS[0])
        connection.execute(
            text(
                "INSERT INTO watchword_keys (id, digest, owner, label, kind, roles, scopes, permissions, networks, created_at, version)"
                " VALUES ('k1', :digest, '1', '', 'user', '[]', '[]', '[]', '[]', 0, 1)"
            ),
            {"digest": key().digest},
        )
    message = rf"older schema {REVISIONS[0]}, not {REVISIONS[-1]}\. Run `watchword store upgrade --store '?{_pattern(bare_url)}'?`"
    with pytest.raises(ConfigurationError, match=message):
        opens(bare_url)
    with pytest.raises(ConfigurationError, match=message):
        opens(bare_url, create=True)
    store = opens(bare_url, check=False)
    assert (store.status().state, store.status().revision, store.status().keys) == ("outdated", REVISIONS[0], None)
    with pytest.raises(Unavailable, match=message):
        store.find_key("k1")
    with pytest.raises(ConfigurationError, match=message):
        store.init()
    assert store.upgrade()
    assert store.find_key("k1") == store.list_keys()[0]
    assert store.add_token(token()) == token()
    assert opens(bare_url).status().state == "current"


def _pattern(url: str) -> str:
    return re.escape(url)


STRANGE = {
    "a newer version": (["UPDATE watchword_schema SET version_num = '0999'"], "newer", r"newer schema 0999, not 0007\. Upgrade watchword"),
    "an unknown version": (["UPDATE watchword_schema SET version_num = 'a1b2c3'"], "foreign", "tables named watchword_"),
    "an older version that never was": (["UPDATE watchword_schema SET version_num = '0000'"], "foreign", "tables named watchword_"),
    "no version": (["DELETE FROM watchword_schema"], "damaged", "lacks the version in watchword_schema. .* drop all tables"),
    "two versions": (["INSERT INTO watchword_schema VALUES ('0001')"], "foreign", "tables named watchword_"),
    "no table of versions": (["DROP TABLE watchword_schema"], "damaged", "lacks the version in watchword_schema. .* drop all tables"),
    "a half of the tables": (
        ["DROP TABLE watchword_schema", "DROP TABLE watchword_tokens", "DROP TABLE watchword_keys"],
        "damaged",
        "lacks the version in watchword_schema. .* drop all tables",
    ),
    "tables of the same names": (
        ["DROP TABLE watchword_schema", "DROP TABLE watchword_keys", "CREATE TABLE watchword_keys (id integer, door text)"],
        "foreign",
        "tables named watchword_",
    ),
    "one more table of that kind of name": (
        ["DROP TABLE watchword_schema", "CREATE TABLE watchword_orders (id integer)"],
        "foreign",
        "tables named watchword_",
    ),
    "a dropped column": (
        ["ALTER TABLE watchword_keys DROP COLUMN label"],
        "damaged",
        r"incomplete: it lacks the column watchword_keys\.label\. Restore it",
    ),
    "a dropped index": (
        ["DROP INDEX watchword_names_folded"],
        "damaged",
        r"lacks the index watchword_names_folded on watchword_names\(folded\)\.",
    ),
    "an index that is not unique any more": (
        ["DROP INDEX watchword_tokens_id", "CREATE INDEX watchword_tokens_id ON watchword_tokens (id)"],
        "damaged",
        r"lacks the unique index watchword_tokens_id on watchword_tokens\(id\)\.",
    ),
    "a table without its primary key": (
        [
            "DROP TABLE watchword_names",
            "CREATE TABLE watchword_names (name varchar, folded varchar, account_id varchar)",
            "CREATE INDEX watchword_names_folded ON watchword_names (folded)",
        ],
        "damaged",
        r"lacks the primary key watchword_names\(name\), the index watchword_names_account_id on watchword_names\(account_id\)\.",
    ),
    "an upgrade that stopped in the middle": (
        ["UPDATE watchword_schema SET version_num = '0001'"],
        "damaged",
        r"from schema 0001 was interrupted .* watchword_changes, the table watchword_families, .* and 3 more\. Drop that and run ",
    ),
    "another table of versions": (
        ["DROP TABLE watchword_schema", "CREATE TABLE watchword_schema (version integer)"],
        "foreign",
        "tables named watchword_",
    ),
    "a missing table": (["DROP TABLE watchword_tokens"], "damaged", r"incomplete: it lacks the table watchword_tokens\."),
    "a missing row": (["DELETE FROM watchword_meta"], "damaged", "lacks the row of watchword_meta"),
}


@pytest.mark.sampled(3)
@pytest.mark.parametrize("change", STRANGE)
def test_a_damaged_or_foreign_database_is_refused(change: str, tmp_path: Path, opens: Opens) -> None:
    """The message says what to do, and no method changes anything."""
    statements, state, message = STRANGE[change]
    url = f"sqlite:///{tmp_path}/auth.db"
    opens(url)
    engine = create_engine(url)
    execute(engine, *statements)
    before = {name: [dict(column) for column in inspect(engine).get_columns(name)] for name in inspect(engine).get_table_names()}
    for create in (None, True, False):
        with pytest.raises(ConfigurationError, match=message):
            opens(url, create=create)
    store = opens(url, check=False)
    assert store.status().state == state
    for work in (store.init, store.upgrade):
        with pytest.raises(ConfigurationError, match=message):
            work()
    with pytest.raises(Unavailable, match=message):
        store.find_key("k1")
    after = {name: [dict(column) for column in inspect(engine).get_columns(name)] for name in inspect(engine).get_table_names()}
    assert str(after) == str(before)
    engine.dispose()


def test_a_newer_version_is_refused_in_postgresql(empty_postgresql: str, postgresql: PostgreSQL, opens: Opens) -> None:
    """The message has the URL without the password."""
    name = empty_postgresql.partition("@/")[2].partition("?")[0]
    with postgresql.connect(name) as connection:
        connection.execute("UPDATE watchword_schema SET version_num = '0999'")
        try:
            with pytest.raises(ConfigurationError, match=r"^the store in postgresql://postgres@/.* has the newer schema 0999") as caught:
                opens(empty_postgresql.replace("postgres@", "postgres:s3cret@"))
        finally:
            connection.execute("UPDATE watchword_schema SET version_num = %s", [REVISIONS[-1]])
    assert "s3cret" not in str(caught.value)


def test_an_empty_postgresql_is_filled_only_with_create(postgresql: PostgreSQL, opens: Opens) -> None:
    """It may belong to another program."""
    url = postgresql.url(postgresql.new_database())
    for create in (None, False):
        with pytest.raises(ConfigurationError, match=r"there is no store in .* yet\. Create it: `watchword store init --store "):
            opens(url, create=create)
    store = opens(url, check=False)
    with pytest.raises(ConfigurationError, match="store init"):
        store.upgrade()
    with pytest.raises(Unavailable, match="store init"):
        store.find_key("k1")
    assert opens(url, create=True).status().state == "current"
    assert store.find_key("k1") is None  # it was looked at again


def test_a_new_file_is_filled_unless_create_is_false(tmp_path: Path, opens: Opens) -> None:
    """A file with tables of another program is not filled."""
    path = tmp_path / "auth.db"
    with pytest.raises(ConfigurationError, match="store init"):
        opens(f"sqlite:///{path}", create=False)
    assert opens(f"sqlite:///{path}", check=False).status().state == "empty"
    assert not path.exists()
    path.touch()
    assert opens(f"sqlite:///{path}").status().state == "current"

    shared = f"sqlite:///{tmp_path}/shared.db"
    engine = create_engine(shared)
    execute(engine, "CREATE TABLE orders (id integer)")
    with pytest.raises(ConfigurationError, match="store init"):
        opens(shared)
    assert opens(shared, check=False).init()
    assert opens(shared).status().state == "current"
    assert "orders" in inspect(engine).get_table_names()
    engine.dispose()


def test_a_store_in_memory_has_its_tables_at_once(opens: Opens) -> None:
    """Nothing else could have created them."""
    store = opens("sqlite://")
    assert store.status().state == "current"
    with pytest.raises(ConfigurationError, match="store init"):
        opens("sqlite://", create=False)


FOUR = """
import os, sys
from watchword.stores import SQLStore, migrations
from watchword.stores.sql import migrate  # before the fork: the four are to be quick
read, write = os.pipe()
children = []
for number in range(4):
    child = os.fork()
    if not child:
        os.close(write)
        os.read(read, 1)
        SQLStore(sys.argv[1], create=True).find_key("k1") if number % 2 else SQLStore(sys.argv[1], check=False).init()
        os._exit(0)
    children.append(child)
os.close(write)
for child in children:
    assert os.waitpid(child, 0)[1] == 0
"""


def test_four_processes_create_one_store(bare_url: str, opens: Opens) -> None:
    """One creates it and the others wait, as workers do that start together."""
    program(FOUR, bare_url)
    assert opens(bare_url).status().state == "current"


def test_only_the_owner_can_read_a_database_file(tmp_path: Path, opens: Opens) -> None:
    """The same holds for the files beside it: they have password hashes."""
    store = opens(f"sqlite:///{tmp_path}/auth.db")
    fill(store)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {"auth.db": 0o600, "auth.db-wal": 0o600, "auth.db-shm": 0o600}


def test_sqlite_uses_a_write_ahead_log_that_is_synced(tmp_path: Path, opens: Opens) -> None:
    """It is synced at each commit."""
    store = opens(f"sqlite:///{tmp_path}/auth.db", timeout=0.25)
    with store._database._engine.connect() as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 250}


def test_a_migration_does_not_change_logging(tmp_path: Path, opens: Opens) -> None:
    """The usual way of starting alembic would remove the program's handlers."""
    root = logging.getLogger()
    before = (root.level, list(root.handlers), logging.getLogger("watchword").disabled)
    opens(f"sqlite:///{tmp_path}/auth.db")
    assert (root.level, list(root.handlers), logging.getLogger("watchword").disabled) == before


def test_a_start_imports_no_alembic(tmp_path: Path, opens: Opens) -> None:
    """It is slower than all the rest, and needed once in the life of a database."""
    url = f"sqlite:///{tmp_path}/auth.db"
    opens(url)
    done = program(
        "import sys; from watchword.stores import SQLStore; store = SQLStore(sys.argv[1]); store.find_key('k'); store.status();"
        "print('alembic' in sys.modules, 'psycopg' in sys.modules)",
        url,
    )
    assert done.stdout == "False False\n"


INDEXED = [
    "find_key",
    "find_token",
    "get_token",
    "find_account",
    "find_account, folded",
    "get_account",
    "hash_samples",
    "list_keys, of one",
    "list_tokens, of one",
    "find_family",
    "find_refresh",
    "refresh_family",
    "list_families, of one",
    "find_standing",
]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("question", INDEXED)
def test_lookups_go_through_an_index(question: str, url: str, opens: Opens) -> None:
    """On both databases a lookup costs the same among ten and a million keys."""
    store = opens(url)
    fill(store)
    asked: list[tuple[str, Any]] = []
    engine = store._database._engine
    event.listen(engine, "before_cursor_execute", lambda *given: asked.append((given[2], given[3])))
    methods(store)[question]()
    asked = [one for one in asked if one[0].startswith(("SELECT", "UPDATE")) and "watchword_" in one[0]]
    assert asked
    sqlite = engine.dialect.name == "sqlite"
    for statement, parameters in tuple(asked):
        with engine.connect() as connection:
            if not sqlite:
                # Of a handful of rows it would read them all, for good reason. Where it has to, there is a sequential scan all the same.
                connection.exec_driver_sql("BEGIN; SET LOCAL enable_seqscan = off")
            rows = connection.exec_driver_sql(f"{'EXPLAIN QUERY PLAN' if sqlite else 'EXPLAIN'} {statement}", parameters).all()
        steps = [str(row[-1]).strip() for row in rows]
        scanned = [step for step in steps if step.startswith("SCAN" if sqlite else ("->  Seq Scan", "Seq Scan"))]
        # anon: the rows of a subquery, which are bounded.
        assert [step for step in scanned if "watchword_meta" not in step and "anon_" not in step] == []
        assert any("watchword_" in step and ("USING" in step) is sqlite for step in steps)


def test_a_missing_driver_is_named() -> None:
    """The message says how to install it."""
    done = program(
        "import sys; sys.modules['psycopg'] = None\n"
        "from watchword.stores import SQLStore\n"
        "try: SQLStore('postgresql://ann:s3cret@h/d')\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    assert done.stdout.startswith("ConfigurationError SQLStore(url=...) for PostgreSQL needs the module 'psycopg'. Install it: pip")


def test_records_outlive_the_store(tmp_path: Path) -> None:
    """Another store over the same file finds them."""
    url = f"sqlite:///{tmp_path}/auth.db"
    with SQLStore(url) as store:
        kept = store.add_account(account("1", "ann", roles=frozenset({"r"})))
    with SQLStore(url) as store:
        assert store.find_account("ann") == kept


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_a_database_that_cannot_hold_every_name_is_refused(encoding: str, postgresql: PostgreSQL, opens: Opens) -> None:
    """A lookup of a Chinese name in an encoding without it is an error of the driver."""
    name = f"in_{encoding.lower()}"
    with postgresql.connect() as connection:
        connection.execute(f"CREATE DATABASE {name} ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    with pytest.raises(ConfigurationError, match=f"must have the encoding UTF8, got {encoding}"):
        opens(postgresql.url(name), create=True)
    unchecked = opens(postgresql.url(name), check=False)
    with pytest.raises(Unavailable, match="UTF8"):
        unchecked.find_account("\u65e5\u672c")


def test_pgclientencoding_has_no_effect(empty_postgresql: str, opens: Opens, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that does not exist in that encoding is looked up all the same."""
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    store = opens(empty_postgresql)
    assert store.find_account("\u65e5\u672c") is None
    store.add_account(account("1", "\u65e5\u672c"))
    assert store.find_account("\u65e5\u672c") is not None
