"""Reads single records through the driver, for checks that are not cached.

Executing such a read through SQLAlchemy took five times as long as the query itself. Here SQLAlchemy compiles each statement once, lends a
connection of its pool, and handles errors of that connection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from watchword.stores.sql.engine import milliseconds, reading

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlalchemy import Engine, Select


class Questions:
    """Executes statements that read, each compiled on first use.

    Values pass as the driver has them, without SQLAlchemy's types: a bool of SQLite is a number.

    Args:
        own: whether the engine is of `make_engine`. An engine of an application is used through SQLAlchemy, because only the application
            knows the state in which its pool leaves a connection.
        schema: of the tables; None: the database's default.
        timeout: seconds, for each statement.
    """

    def __init__(self, *, own: bool, schema: str | None, timeout: float) -> None:
        self._own = own
        self._schema = schema
        self._timeout = timeout
        self._compiled: dict[Select[Any], tuple[str, Mapping[str, Any]]] = {}

    def rows(self, engine: Engine, statement: Select[Any], parameters: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
        """Return the rows of a statement, one of a fixed few: its text is kept. The engine always leads to the same database."""
        # With listeners, such as tracing, the statement goes through SQLAlchemy, which calls them.
        if not self._own or engine.dispatch.before_cursor_execute or engine.dispatch.after_cursor_execute:
            with reading(engine, self._timeout) as connection:
                return connection.execute(statement, parameters).all()
        text, constants = self._compiled.get(statement) or self._compile(engine, statement)
        with engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            try:
                return self._execute(engine, driver)(text, {**constants, **parameters}).fetchall()  # type: ignore[no-any-return]
            except BaseException as error:  # noqa: BLE001 - raised again there
                # Raises and disconnects as SQLAlchemy's own execution does. Without statement and parameters, which may hold secrets.
                connection._handle_dbapi_exception(error, None, None, None, None)  # noqa: SLF001 - as in every version since 1.0

    def _execute(self, engine: Engine, driver: Any) -> Callable[..., Any]:  # noqa: ANN401 - the driver's connection
        if engine.dialect.name == "sqlite":
            return driver.execute  # type: ignore[no-any-return]
        from watchword.stores.sql.cursor import ReadingCursor

        return ReadingCursor(driver, milliseconds=milliseconds(self._timeout)).execute

    def _compile(self, engine: Engine, statement: Select[Any]) -> tuple[str, Mapping[str, Any]]:
        schema: dict[str, Any] = {"schema_translate_map": {None: self._schema}, "render_schema_translate": True} if self._schema else {}
        compiled = statement.compile(engine, **schema)
        self._compiled[statement] = made = str(compiled), {name: value for name, value in compiled.params.items() if value is not None}
        return made
