"""Asks for single records through the driver: what a check costs that is not cached.

SQLAlchemy's part of such a read took five times what the query takes. Here it compiles the statement, once, lends a connection of its
pool, and decides what an error means for the connections there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from watchword.stores.sql.engine import milliseconds, reading

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlalchemy import Engine, Select


class Questions:
    """Executes statements that read, each compiled when it is first asked.

    Values pass as the driver has them, without SQLAlchemy's types: a truth of SQLite is a number.

    Args:
        own: whether the engine is of `make_engine`. One of an application is asked through SQLAlchemy, because only the application knows
            in which state its pool leaves a connection.
        schema: where the tables are; None: where the database looks for them.
        timeout: seconds, for each statement.
    """

    def __init__(self, *, own: bool, schema: str | None, timeout: float) -> None:
        self._own = own
        self._schema = schema
        self._timeout = timeout
        self._compiled: dict[Select[Any], tuple[str, Mapping[str, Any]]] = {}

    def rows(self, engine: Engine, statement: Select[Any], parameters: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
        """Return what a statement finds.

        Args:
            engine: the engine of this process; always of the same database.
            statement: the statement, one of a fixed few: its text is kept.
            parameters: its parameters.
        """
        # Who listens to statements, as tracing does, hears of these as well.
        if not self._own or engine.dispatch.before_cursor_execute or engine.dispatch.after_cursor_execute:
            with reading(engine, self._timeout) as connection:
                return connection.execute(statement, parameters).all()
        text, constants = self._compiled.get(statement) or self._compile(engine, statement)
        with engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            try:
                return self._execute(engine, driver)(text, {**constants, **parameters}).fetchall()  # type: ignore[no-any-return]
            except BaseException as error:  # noqa: BLE001 - raised again there
                # The same exceptions as from its own execution, and the same connections closed. Statement and parameters stay out of it.
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
