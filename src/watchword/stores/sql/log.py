"""Logs the subjects that each generation of a database changed.

The log is a chain: each row names the previous generation. A process that knows generation p applies the rows that lead from p to the
present generation. If rows are missing, anything may have changed: the rows were trimmed, a backup was restored, or
`watchword_meta.generation` was raised by hand. A generation exceeds the previous one by a random amount, so that a restored and changed
database does not reach a generation that a process knows.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, String, bindparam, case, cast, delete, func, insert, literal_column, select, update

from watchword.errors import Unavailable
from watchword.stores.sql.schema import changes, meta

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from sqlalchemy import Connection

KEPT = 1000
"""Changes that the log keeps at least. A process that missed more looks up every caller again."""

MOST_SUBJECTS = 64
"""Subjects that one change names. A change of more subjects counts as a change of all."""

_TRIM_EVERY = 64  # changes, on average

# Lasts 348 years at 100 changes a second. A changed backup reaches a given generation with a chance of one in 16 million.
_STEP_OCTETS = 3


@dataclass(frozen=True, slots=True)
class Entry:
    """One change.

    Args:
        id: the generation that it made.
        previous: the generation before it.
        subjects: the changed subjects; None: any.
    """

    id: int
    previous: int
    subjects: Collection[str] | None


_position = bindparam("position", type_=BigInteger)
# Literals: a separator as a parameter would make SQLAlchemy render the whole statement at each execution.
_SPACE, _NOTHING = literal_column("' '", String), literal_column("''", String)
_NEWLINE: Any = literal_column("'\n'", String)
_line = cast(changes.c.id, String) + _SPACE + cast(changes.c.previous, String) + _SPACE + func.coalesce(changes.c.subjects, _NOTHING)
_lines = select(func.aggregate_strings(_line, _NEWLINE)).where(changes.c.id > _position).scalar_subquery()

# Part of the query that reads a record: one round trip, one snapshot. Without a change the log is not read.
NEWS = case((meta.c.generation != _position, _lines))

_STEP = bindparam("step", type_=BigInteger)
_ADVANCE = update(meta).values(generation=meta.c.generation + _STEP)
_GENERATION = select(meta.c.generation)
_moved = _ADVANCE.returning(meta.c.generation).cte("moved")
_APPEND = (
    insert(changes)
    .from_select(
        ["id", "previous", "subjects"],
        select(_moved.c.generation, _moved.c.generation - _STEP, cast(bindparam("subjects", type_=String), String)),
    )
    .returning(changes.c.id)
)
_oldest = select(changes.c.id).order_by(changes.c.id.desc()).offset(bindparam("kept")).limit(1).scalar_subquery()
_TRIM = delete(changes).where(changes.c.id <= _oldest)
# The second condition is always true. It makes the server lock the generation first, where a second transaction that trims waits.
_trimmed = _TRIM.where(changes.c.id < select(_moved.c.generation).scalar_subquery()).cte("trimmed")
_APPEND_AND_TRIM = _APPEND.add_cte(_trimmed)


def checked(generation: object) -> int:
    """Return the generation that was read.

    Raises:
        Unavailable: it is not a number.
    """
    if not isinstance(generation, int):
        raise Unavailable("the store does not answer: the row of watchword_meta is missing or damaged; restore it from a backup")
    return generation


def written(subjects: Iterable[str] | None) -> str | None:
    """Return subjects in the form of the log; None: any."""
    if subjects is None:
        return None
    given = sorted(set(subjects))
    # One line of ASCII: a subject cannot contain a separator.
    return json.dumps(given, separators=(",", ":")) if len(given) <= MOST_SUBJECTS else None


def read(lines: object) -> Sequence[Entry]:
    """Return the entries in the result of `NEWS`. Unreadable lines are left out, which breaks the chain."""
    entries = []
    for line in lines.split("\n") if isinstance(lines, str) else ():
        try:
            id_, previous, subjects = line.split(" ", 2)
            entries.append(Entry(int(id_), int(previous), frozenset(json.loads(subjects)) if subjects else None))
        except (ValueError, TypeError):
            continue
    return entries


def append(connection: Connection, subjects: Iterable[str] | None) -> Entry:
    """Log a change as the last step of its transaction. In PostgreSQL this commits.

    The row of the generation is locked from here to the commit, so that generations commit in order. In PostgreSQL lock, change and commit
    are sent together, and the lock lasts for no round trip. Nothing is locked after it, so that two changes do not deadlock.

    Raises:
        Unavailable: the row of the generation is missing or damaged.
    """
    step = 1 + int.from_bytes(os.urandom(_STEP_OCTETS))
    text = written(subjects)
    trims = step % _TRIM_EVERY == 0
    if connection.dialect.name == "postgresql":
        from watchword.stores.sql.cursor import committing

        parameters = {"step": step, "subjects": text, "kept": KEPT}
        with committing(connection):
            generation = checked(connection.execute(_APPEND_AND_TRIM if trims else _APPEND, parameters).scalar())
    else:
        # The transaction has the write lock from its beginning. No RETURNING: SQLite has it since 3.35.
        connection.execute(_ADVANCE, {"step": step})
        generation = checked(connection.execute(_GENERATION).scalar())
        connection.execute(insert(changes), {"id": generation, "previous": generation - step, "subjects": text})
        if trims:
            connection.execute(_TRIM, {"kept": KEPT})
    return Entry(generation, generation - step, None if text is None else frozenset(json.loads(text)))
