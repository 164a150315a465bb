"""The log of changes: which subjects each generation of a database changed.

The log is a chain: each row names the generation before it. A process that knows generation p applies the rows that lead from p to the
present generation. Where no rows lead there, anything may have changed: the rows were trimmed, a backup was put back, or somebody
counted `watchword_meta.generation` up by hand. A generation is greater than the one before by a random amount, so that a database
that went back and was changed since does not come to a generation that somebody knows.
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
"""How many changes the log holds at least. A process that missed more has to ask about every caller once."""

MOST_SUBJECTS = 64
"""How many subjects one change names. One of more subjects is noted as one of all."""

_TRIM_EVERY = 64  # changes, on average

# 348 years at 100 changes a second, and one chance in 16 million that a changed backup comes to one certain generation.
_STEP_OCTETS = 3


@dataclass(frozen=True, slots=True)
class Entry:
    """One change.

    Args:
        id: the generation that it made.
        previous: the generation before it.
        subjects: what it changed; None: anything.
    """

    id: int
    previous: int
    subjects: Collection[str] | None


_position = bindparam("position", type_=BigInteger)
# Written into the statement: a separator that is a parameter makes SQLAlchemy render the whole statement anew at each execution.
_SPACE, _NOTHING = literal_column("' '", String), literal_column("''", String)
_NEWLINE: Any = literal_column("'\n'", String)
_line = cast(changes.c.id, String) + _SPACE + cast(changes.c.previous, String) + _SPACE + func.coalesce(changes.c.subjects, _NOTHING)
_lines = select(func.aggregate_strings(_line, _NEWLINE)).where(changes.c.id > _position).scalar_subquery()

# In the question that reads a record: one round trip, one snapshot. Where nothing changed the log is not read.
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
# The second condition is always true. It makes the server lock the generation first: of two who trim, one waits there.
_trimmed = _TRIM.where(changes.c.id < select(_moved.c.generation).scalar_subquery()).cte("trimmed")
_APPEND_AND_TRIM = _APPEND.add_cte(_trimmed)


def checked(generation: object) -> int:
    """Return the generation of a database.

    Args:
        generation: what was found.

    Raises:
        Unavailable: it is none.
    """
    if not isinstance(generation, int):
        raise Unavailable("the store does not answer: the row of watchword_meta is missing or damaged; restore it from a backup")
    return generation


def written(subjects: Iterable[str] | None) -> str | None:
    """Return subjects as the log has them.

    Args:
        subjects: what changed; None: anything.
    """
    if subjects is None:
        return None
    given = sorted(set(subjects))
    # One line of ASCII: no subject is taken for a separator.
    return json.dumps(given, separators=(",", ":")) if len(given) <= MOST_SUBJECTS else None


def read(lines: object) -> Sequence[Entry]:
    """Return the entries that a question found; what cannot be read is left out, and breaks the chain.

    Args:
        lines: of `NEWS`.
    """
    entries = []
    for line in lines.split("\n") if isinstance(lines, str) else ():
        try:
            id_, previous, subjects = line.split(" ", 2)
            entries.append(Entry(int(id_), int(previous), frozenset(json.loads(subjects)) if subjects else None))
        except (ValueError, TypeError):
            continue
    return entries


def append(connection: Connection, subjects: Iterable[str] | None) -> Entry:
    """Log a change: the last thing in its transaction. In PostgreSQL this commits.

    The row of the generation is locked from here to the commit, so that generations commit in their order. In PostgreSQL lock, change and
    commit are sent together: the lock is held for no round trip. Nothing is locked after it, so no two changes wait in a ring.

    Args:
        connection: in a transaction that has made the change.
        subjects: what changed; None: anything.

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
