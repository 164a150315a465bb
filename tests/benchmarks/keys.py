"""Measures a check of an API key and of an opaque token that is not cached, in SQLite: with a thousand keys and with a million."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time_ns
from typing import TYPE_CHECKING, Any

from tests.benchmarks.measuring import interleaved
from watchword import Accepted, APIKeyCredentials, BearerToken
from watchword.checkers import APIKeys, OpaqueTokens
from watchword.stores import SQLStore

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.benchmarks.measuring import Figure, Job

FEW, MANY = 1_000, 1_000_000
QUERY, CHECK, TOKEN = "the query alone", "cold check of an API key", "cold check of an opaque token"

_STATEMENT = "SELECT * FROM watchword_meta LEFT JOIN watchword_keys k ON k.id = ? LEFT JOIN watchword_accounts a ON a.id = k.owner"


def filled(path: Path, number: int) -> tuple[SQLStore, list[str]]:
    """Make a store with so many keys.

    Args:
        path: of the database.
        number: how many keys.

    Returns:
        The store, and a hundred of its keys.
    """
    store = SQLStore(f"sqlite:///{path}")
    keys = APIKeys(store)
    made = [keys.create(f"owner-{one}").key for one in range(min(number, 100))]
    # The rest as copies of a row, for a million cannot be waited for one by one.
    with closing(sqlite3.connect(path)) as connection, connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(watchword_keys)")]
        others = ", ".join(column for column in columns if column not in {"id", "digest", "owner"})
        connection.executemany(
            f"INSERT INTO watchword_keys (id, digest, owner, {others}) "  # noqa: S608 - the names come from the schema
            f"SELECT ?, ?, ?, {others} FROM watchword_keys WHERE id = (SELECT min(id) FROM watchword_keys)",
            ((f"copy{one:012}", sha256(b"%d" % one).digest(), f"owner-{one}") for one in range(number - len(made))),
        )
    return store, made


def figures(*, short: bool) -> list[Figure]:
    """Measure.

    Args:
        short: only try whether it runs, with fewer keys.
    """
    few, many, rounds = (100, 300, 2) if short else (FEW, MANY, 51)
    with TemporaryDirectory() as scratch:
        directory = Path(scratch)
        store, made = filled(directory / "few.db", few)
        larger, more = filled(directory / "many.db", many)
        tokens = OpaqueTokens(store)
        issued = [tokens.create(f"owner-{number}").token for number in range(len(made))]
        with store, larger, closing(sqlite3.connect(directory / "few.db")) as connection:
            ids = [key.split("_")[1] for key in made]
            if not isinstance(APIKeys(larger).check(APIKeyCredentials(more[-1])), Accepted):
                raise RuntimeError("a key was refused")  # noqa: TRY004 - its value is at fault
            jobs = {
                QUERY: _each(lambda id_: connection.execute(_STATEMENT, (id_,)).fetchall(), ids),
                CHECK: _each(APIKeys(store).check, [APIKeyCredentials(key) for key in made]),
                f"{CHECK}, {many:,} keys": _each(APIKeys(larger).check, [APIKeyCredentials(key) for key in more]),
                TOKEN: _each(tokens.check, [BearerToken(token) for token in issued]),
            }
            measured = interleaved(jobs, rounds)
    return [
        measured.absolute(CHECK, "µs", bound=60),
        measured.absolute(TOKEN, "µs", bound=60),
        measured.ratio(CHECK, QUERY),
        measured.ratio(TOKEN, QUERY),
        measured.ratio(f"{CHECK}, {many:,} keys", CHECK, bound=1.5),
    ]


def _each(call: Callable[[Any], object], arguments: Sequence[Any]) -> Job:
    """Return a job that measures the microseconds of processor time of a call, threads included."""

    def run() -> float:
        begun = process_time_ns()
        for one in arguments:
            call(one)
        return (process_time_ns() - begun) / len(arguments) / 1000

    return run
