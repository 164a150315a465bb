"""Keeps alembic's autogenerate in an application's own project away from the tables of a store in the same database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchword.stores.sql.schema import PREFIX

if TYPE_CHECKING:
    from collections.abc import Mapping


def ours(name: str | None, type_: str, parent_names: Mapping[str, str | None]) -> bool:  # noqa: ARG001 - as alembic calls it
    """Tell alembic to look at a name in the database, unless it is a table of a store: `context.configure(include_name=ours)`.

    Without it `alembic revision --autogenerate` proposes to drop the tables of the store, because the application's metadata does not
    have them. The indexes of a table that is left out are left out with it. Where the application has a filter of its own, both must
    agree: `lambda *given: ours(*given) and mine(*given)`.

    Args:
        name: of a schema, a table or a part of a table; None: the default schema.
        type_: what it is a name of, such as `"table"`.
        parent_names: the names of the schema and the table that it belongs to.

    Returns:
        False for tables of a store, in whichever schema; else True.
    """
    return not (type_ == "table" and name is not None and name.startswith(PREFIX))
