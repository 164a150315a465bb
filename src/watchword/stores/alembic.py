"""Keeps alembic's autogenerate in an application's own project away from the tables of a store in the same database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchword.stores.sql.schema import PREFIX

if TYPE_CHECKING:
    from collections.abc import Mapping


def ours(name: str | None, type_: str, parent_names: Mapping[str, str | None]) -> bool:  # noqa: ARG001 - as alembic calls it
    """Tell alembic to ignore the tables of a store: `context.configure(include_name=ours)`.

    Without it `alembic revision --autogenerate` proposes to drop these tables, because the application's metadata does not have them.
    The indexes of an ignored table are ignored too. Combine it with a filter of the application so that both must agree:
    `lambda *given: ours(*given) and mine(*given)`.

    Args:
        name: of a schema, a table or a part of a table; None: the default schema.
        type_: the kind of the named thing, such as `"table"`.
        parent_names: the names of its schema and its table.

    Returns:
        False for tables of a store, in any schema; else True.
    """
    return not (type_ == "table" and name is not None and name.startswith(PREFIX))
