"""Creates and changes the tables by operations of alembic. Imported on demand, because alembic is slow to import."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import delete, insert
from sqlalchemy.schema import CreateSchema, CreateTable

from watchword.stores.sql.schema import REVISIONS, versions

if TYPE_CHECKING:
    from sqlalchemy import Connection


def migrate(connection: Connection, found: str | None, schema: str | None = None, to: str = REVISIONS[-1]) -> None:
    """Bring the tables from one version to another.

    Args:
        connection: in a transaction that excludes other migrations.
        found: the version of the tables; None: there are no tables.
        schema: of the tables, created if it is missing; None: the first one of the `search_path`.
        to: the new version.
    """
    if found is None:
        # Not IF NOT EXISTS, which needs the right to make schemas even where there is nothing to make.
        if schema is not None and not connection.dialect.has_schema(connection, schema):
            connection.execute(CreateSchema(schema))
        connection.execute(CreateTable(versions))
    operations = Operations(MigrationContext.configure(connection))
    for revision in REVISIONS:
        if (found or "") < revision <= to:
            import_module(f"watchword.stores.migrations.v{revision}").upgrade(operations)
    connection.execute(delete(versions))
    connection.execute(insert(versions).values(version_num=to))
