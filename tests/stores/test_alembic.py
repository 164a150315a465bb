"""Tests a store in the database of an application with alembic migrations of its own."""

from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Column, Integer, MetaData, Table, create_engine, inspect, text

from watchword.errors import ConfigurationError
from watchword.stores import SQLStore
from watchword.stores.alembic import ours

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

    from tests.support.postgres import PostgreSQL


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """The application's engine, to an empty database."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/app.db"
    else:
        server: PostgreSQL = request.getfixturevalue("postgresql")
        url = server.url(server.new_database()).replace("postgresql:", "postgresql+psycopg:")
    made = create_engine(url)
    yield made
    made.dispose()


@pytest.mark.parametrize("schemas", [False, True])
def test_autogenerate_leaves_the_tables_of_a_store_alone(engine: Engine, schemas: bool) -> None:  # noqa: FBT001 - a parameter
    """With the filter, autogenerate proposes changes of the application's own tables alone."""
    SQLStore(engine=engine, create=True).close()
    own = MetaData()
    Table("orders", own, Column("id", Integer, primary_key=True))
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE leftover (id integer)"))
        connection.execute(text("CREATE TABLE watchwords (id integer)"))  # not one of the store's
    with engine.connect() as connection:

        def proposed(**options: Any) -> list[tuple[str, str]]:
            context = MigrationContext.configure(connection, opts={"include_schemas": schemas, **options})
            steps = compare_metadata(context, own)
            return sorted((step[0], step[1].name) for step in steps if isinstance(step, tuple))

        assert ("remove_table", "watchword_keys") in proposed()  # what happens without it
        assert proposed(include_name=ours) == [("add_table", "orders"), ("remove_table", "leftover"), ("remove_table", "watchwords")]


ENV = """
from alembic import context
from sqlalchemy import create_engine, pool

engine = create_engine(context.config.get_main_option("sqlalchemy.url"), poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""

MIGRATION = """
import sqlalchemy as sa
from alembic import op
from watchword.stores import SQLStore

revision, down_revision = "a1", None

def upgrade():
    orders = op.create_table("orders", sa.Column("id", sa.Integer, primary_key=True))
    op.bulk_insert(orders, [{{"id": 1}}])  # from here on SQLite lets no other connection write
    connection = op.get_bind()
    assert SQLStore(engine=connection.engine, check=False).init(connection)
    op.add_column("orders", sa.Column("price", sa.Integer))  # alembic goes on as before
    op.bulk_insert(orders, [{{"id": 2}}])
    {end}
"""


def _run(engine: Engine, folder: Path, end: str) -> None:
    (folder / "versions").mkdir(parents=True)
    (folder / "env.py").write_text(ENV)
    (folder / "versions" / "a1.py").write_text(dedent(MIGRATION).format(end=end))
    config = Config()
    config.set_main_option("script_location", str(folder))
    config.set_main_option("path_separator", "os")
    config.set_main_option("sqlalchemy.url", engine.url.render_as_string(hide_password=False).replace("%", "%%"))
    command.upgrade(config, "head")


def test_a_migration_of_the_application_creates_the_store(engine: Engine, tmp_path: Path) -> None:
    """It does so in its own transaction, between other changes, and without a deadlock."""
    _run(engine, tmp_path / "migrations", "")
    assert {"orders", "alembic_version", "watchword_accounts", "watchword_schema"} <= set(inspect(engine).get_table_names())
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM orders")).scalar() == 2
        assert "price" in {column["name"] for column in inspect(connection).get_columns("orders")}
    with SQLStore(engine=engine) as store:
        assert store.status().state == "current"


def test_a_migration_that_fails_leaves_no_store_in_postgresql(postgresql: PostgreSQL, tmp_path: Path) -> None:
    """The tables are part of the application's transaction."""
    engine = create_engine(postgresql.url(postgresql.new_database()).replace("postgresql:", "postgresql+psycopg:"))
    with pytest.raises(ZeroDivisionError):
        _run(engine, tmp_path / "migrations", "1 / 0")
    assert inspect(engine).get_table_names() == []
    engine.dispose()


def test_a_failed_migration_in_sqlite_is_reported_as_damaged(tmp_path: Path) -> None:
    """Python's driver commits the tables without the version. The next start says what to do."""
    engine = create_engine(f"sqlite:///{tmp_path}/app.db")
    with pytest.raises(ZeroDivisionError):
        _run(engine, tmp_path / "migrations", "1 / 0")
    with pytest.raises(ConfigurationError, match=r"(there is no store|incomplete).*watchword store init --store sqlite:"):
        SQLStore(engine=engine)
    engine.dispose()


def test_init_refuses_objects_that_are_no_connection_of_sqlalchemy(engine: Engine) -> None:
    """A Session, a connection of the driver and an engine are refused, with their class."""
    store = SQLStore(engine=engine, check=False)
    for wrong in (engine, "sqlite://", object()):
        with pytest.raises(ConfigurationError, match=r"^connection must be a Connection, such as engine\.connect\(\), got [A-Za-z]+\."):
            store.init(wrong)  # type: ignore[arg-type]
        with pytest.raises(ConfigurationError, match=r"^connection must be"):
            store.upgrade(wrong)  # type: ignore[arg-type]


def test_on_the_callers_connection_nothing_is_committed(engine: Engine) -> None:
    """The caller commits the created or upgraded tables."""
    store = SQLStore(engine=engine, check=False)
    with engine.connect() as connection, connection.begin() as transaction:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN")  # Python's driver begins none for what makes tables
        assert store.init(connection)
        assert not store.init(connection)
        assert not store.upgrade(connection)
        transaction.rollback()
    assert store.status().state == "empty"
