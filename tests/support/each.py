"""Runs a test for each row of a table, as one item of the run, and names the row that fails."""

from __future__ import annotations

import inspect
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


@contextmanager
def noting(*names: object, **values: object) -> Iterator[None]:
    """Name the row of a table in what fails within the block, as a note.

    `subtests` of pytest goes on with the other rows, which costs a report and a capture for each.

    Args:
        names: of the row.
        values: of its columns.
    """
    try:
        yield
    except BaseException as error:
        shown = [*map(str, names), *(f"{name}={value!a:.300}" for name, value in values.items())]
        error.add_note(f"with {', '.join(shown)}")
        raise


def each(names: str | tuple[str, ...], rows: Iterable[Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Run a test for each row: `pytest.mark.parametrize` for tables of hundreds of rows, without what an item of its own costs.

    A failure carries the row as a note, and ends the test. What the test takes from fixtures is the same for all rows.

    Args:
        names: of the arguments, as `pytest.mark.parametrize` takes them.
        rows: the values; for several arguments, sequences of values.
    """
    arguments = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
    table = [dict(zip(arguments, row if len(arguments) > 1 else (row,), strict=True)) for row in rows]

    def fold(test: Callable[..., Any]) -> Callable[..., Any]:
        signature = inspect.signature(test)

        @wraps(test)
        def run(**given: Any) -> None:
            assert table, "the table has no row"
            for values in table:
                with noting(**values):
                    test(**given, **values)

        wanted = [parameter for name, parameter in signature.parameters.items() if name not in arguments]
        run.__signature__ = signature.replace(parameters=wanted)  # type: ignore[attr-defined]
        return run

    return fold
