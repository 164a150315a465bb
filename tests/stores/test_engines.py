"""Tests a store over an engine of the application, and tables in a schema."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from shlex import quote
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import create_engine, event
from sqlalchemy.pool import StaticPool

from tests.support.stores import ROOT, fill, methods
from watchword.errors import AlreadyExists, ConfigurationError, Unavailable
from watchword.stores import SQLStore
from watchword.testing.stores import key

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

    from tests.stores.conftest import Opens
    from tests.support.postgres import PostgreSQL


def _begins_itself(engine: Engine) -> Engine:
    """What SQLAlchemy's documentation advises for savepoints in SQLite."""
    event.listen(engine, "connect", lambda connection, _: setattr(connection, "isolation_level", None))
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    return engine


@pytest.fixture(params=["sqlite", "sqlite, own transactions", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """The application's engine, to an empty database."""
    if request.param == "postgresql":
        server: PostgreSQL = request.getfixturevalue("postgresql")
        made = create_engine(server.url(server.new_database()).replace("postgresql:", "postgresql+psycopg:"))
    else:
        made = create_engine(f"sqlite:///{tmp_path}/app.db")
        event.listen(made, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))  # waits for no disk
        if request.param != "sqlite":
            _begins_itself(made)
    yield made
    made.dispose()


def test_a_store_over_an_engine_supports_every_method(engine: Engine) -> None:
    """Several threads use it, no connection changes its state, and closing the store leaves the engine open."""
    store = SQLStore(engine=engine, create=True)
    fill(store)
    for work in methods(store).values():
        work()
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda number: store.add_key(key(f"n{number}")), range(20)))
    with pytest.raises(AlreadyExists):
        store.add_key(key("n1"))
    assert store.revoke_all("1", 5)[0] >= 20
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE orders (id integer)")
    with engine.connect() as connection:
        connection.exec_driver_sql("INSERT INTO orders VALUES (1)")
        connection.rollback()
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM orders").scalar() == 0
        if engine.dialect.name == "postgresql":
            assert connection.exec_driver_sql("SHOW statement_timeout").scalar() == "0"
    pool: Any = engine.pool
    idle = pool.checkedin()
    store.close()
    assert pool.checkedin() == idle > 0
    assert engine.pool is pool
    with pytest.raises(Unavailable, match="closed"):
        store.find_key("n1")
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM watchword_keys").scalar_one() >= 20


def test_engines_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    """The message names the fix: for an asynchronous engine, one connection for all threads, no engine, and a second place."""
    path = f"sqlite:///{tmp_path}/app.db"

    class Asynchronous:
        """As SQLAlchemy's AsyncEngine, which needs one more package."""

        sync_engine = create_engine(path)

    engine = create_engine(path)
    with engine.connect() as connection:
        cases: list[tuple[Any, str]] = [
            (Asynchronous(), r"must be a sqlalchemy\.Engine, got an AsyncEngine\. Make one with create_engine\(\)"),
            (connection, r"got a Connection\. Use its attribute engine here"),
            (path, r"must be a sqlalchemy\.Engine, got str\. Use create_engine"),
            (create_engine("sqlite://", poolclass=StaticPool), r"must not have a StaticPool.*Use poolclass=QueuePool"),
            (engine.execution_options(schema_translate_map={None: "auth"}), "must have no schema_translate_map for SQLite"),
        ]
        for wrong, words in cases:
            with pytest.raises(ConfigurationError, match=words):
                SQLStore(engine=wrong)
    with pytest.raises(ConfigurationError, match=r"^SQLStore\(url=\.\.\., engine=\.\.\.\) must have one of both arguments, got both"):
        SQLStore(path, engine=engine)
    with pytest.raises(ConfigurationError, match=r"^SQLStore\(url=\.\.\.\) must be a URL such as sqlite:"):
        SQLStore()
    engine.dispose()


def test_the_password_of_an_engine_is_not_shown(postgresql: PostgreSQL) -> None:
    """Neither that of its URL nor that of an option, which SQLAlchemy itself shows."""
    for url in (
        "postgresql+psycopg://ann:violet-tractor@127.0.0.1:1/d",
        "postgresql+psycopg://127.0.0.1:1/d?user=ann&password=violet-tractor",
    ):
        engine = create_engine(url)
        store = SQLStore(engine=engine)
        with pytest.raises(Unavailable) as caught:
            store.find_key("any")
        assert "127.0.0.1:1" in repr(store)
        assert "violet" not in f"{store!r} {store.url} {caught.value!r}"
        engine.dispose()


def test_a_schema_holds_the_tables_and_is_in_the_advised_commands(postgresql: PostgreSQL, opens: Opens) -> None:
    """Two stores in one database are independent, and the advised command creates the right one."""
    name = postgresql.new_database()
    url = postgresql.url(name)
    in_schema = f"{url}&schema=Auth%20x"
    with pytest.raises(ConfigurationError) as caught:
        opens(in_schema.replace("postgres@", "postgres:s3cret@"))
    advised = re.search(r"`watchword store init --store (.*)`", str(caught.value))
    assert advised is not None
    assert advised[1] == quote(in_schema.replace("%20", "+"))
    first, second = opens(advised[1].strip("'"), create=True), opens(url, create=True)
    fill(first)
    assert (first.status().keys, second.status().keys) == (1, 0)
    assert first.url == advised[1].strip("'")
    with postgresql.connect(name) as connection:
        rows = connection.execute("SELECT DISTINCT schemaname FROM pg_tables WHERE tablename LIKE 'watchword%'").fetchall()
        assert sorted(rows) == [("Auth x",), ("public",)]
        connection.execute("""UPDATE "Auth x".watchword_schema SET version_num = '0001'""")
        for table in ("tokens", "changes", "families", "refresh_tokens", "revoked_tokens", "not_before", "audit", "values"):
            connection.execute(f'DROP TABLE "Auth x".watchword_{table}'.encode())
    with pytest.raises(ConfigurationError, match=r"watchword store upgrade --store '.*schema=Auth\+x'`"):
        opens(in_schema)
    assert opens(in_schema, check=False).upgrade()
    for work in methods(first).values():
        work()
    by_path = opens(f"{url}&options=-csearch_path%3D%22Auth%5C%20x%22")
    assert by_path.status().keys == first.status().keys
    mapped = create_engine(url.replace("postgresql:", "postgresql+psycopg:")).execution_options(schema_translate_map={None: "Auth x"})
    with SQLStore(engine=mapped) as store:
        assert store.find_key("k1") == first.find_key("k1") is not None
        assert store.url == first.url
    mapped.dispose()


FROM_A_ZIP = """
import sys
import watchword.stores
assert ".zip" in watchword.stores.__file__
from watchword.stores import SQLStore
with SQLStore(sys.argv[1], create=True) as store:
    print(store.status().state, store.find_key("k1"))
"""


@pytest.mark.long
def test_a_package_in_a_zip_file_creates_a_store(tmp_path: Path) -> None:
    """Programs and the command line do not look for migrations on a disk."""
    archive = shutil.make_archive(str(tmp_path / "watchword"), "zip", ROOT / "src")
    packages = sysconfig.get_path("purelib")
    head = f"import sys; sys.path[:0] = [{archive!r}, {packages!r}]\n"
    command = [sys.executable, "-S", "-W", "error", "-c"]

    def run(source: str, *arguments: str) -> str:
        done = subprocess.run([*command, head + source, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert run(FROM_A_ZIP, f"sqlite:///{tmp_path}/a.db") == "current None\n"
    arguments = ["store", "init", "--store", f"sqlite:///{tmp_path}/b.db"]
    assert run(f"sys.argv = ['watchword', *{arguments!r}]\nfrom watchword.cli import main\nmain()\n").startswith("made")
