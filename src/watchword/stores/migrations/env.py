"""Run by alembic: hands it the connection that `watchword.stores.sql.migrate` opened, with its transaction."""  # noqa: INP001

from __future__ import annotations

from alembic import context

from watchword.stores.sql.schema import VERSION_TABLE, metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, version_table=VERSION_TABLE)
context.run_migrations()
