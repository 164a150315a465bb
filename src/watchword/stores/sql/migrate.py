"""Making and changing the tables, by alembic. Imported when that is asked for and never before."""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config

if TYPE_CHECKING:
    from sqlalchemy import Connection

SCRIPTS = Path(__file__).parents[1] / "migrations"

_LOCK = Lock()  # alembic keeps what it works on in the module `alembic.context`


def config(connection: Connection | None = None) -> Config:
    """Return what alembic needs to know, without a file and without touching the logging of the program.

    Args:
        connection: to the database.
    """
    made = Config(attributes={"connection": connection})
    made.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    made.set_main_option("path_separator", "os")
    return made


def migrate(connection: Connection, to: str = "head") -> None:
    """Bring the tables to a version, in the transaction that is open.

    Args:
        connection: in a transaction that keeps others out.
        to: which version.
    """
    with _LOCK:
        command.upgrade(config(connection), to)
