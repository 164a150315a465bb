"""What one check of an API key costs, against SQLite with a thousand keys and with a million: an index, not a scan.

Without the cache, so that every check asks the database.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from hashlib import sha256
from statistics import median
from time import perf_counter_ns, process_time_ns
from typing import TYPE_CHECKING

from watchword import Accepted, APIKeyCredentials
from watchword.checkers import APIKeys
from watchword.stores import SQLStore

if TYPE_CHECKING:
    from pathlib import Path


FEW, MANY = 1_000, 1_000_000


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


def measure(directory: Path, small: int, large: int, rounds: int) -> float:
    """Return what a check costs with many keys, as a multiple of what it costs with few.

    Args:
        directory: for the databases.
        small: how many keys are few.
        large: how many are many.
        rounds: how many times a hundred checks of each.
    """
    stores = [filled(directory / f"keys-{number}.db", number) for number in (small, large)]
    checkers = [(APIKeys(store), [APIKeyCredentials(key) for key in made]) for store, made in stores]
    ratios = []
    for _ in range(rounds):
        took = []
        for checker, shown in checkers:
            begun = perf_counter_ns()
            for credentials in shown:
                if not isinstance(checker.check(credentials), Accepted):
                    raise RuntimeError("a key was refused")  # noqa: TRY004 - its value is at fault
            took.append(perf_counter_ns() - begun)
        ratios.append(took[1] / took[0])
    for store, _ in stores:
        store.close()
    return median(ratios)


def overhead(directory: Path, rounds: int) -> tuple[float, float]:
    """Return the CPU time of a check that asks SQLite: in µs, and as a multiple of that of its query alone.

    Args:
        directory: for the database.
        rounds: how many times a hundred checks.
    """
    path = directory / "keys-overhead.db"
    store, made = filled(path, 100)
    checker = APIKeys(store)
    shown = [APIKeyCredentials(key) for key in made]
    ids = [key.split("_")[1] for key in made]
    query = "SELECT * FROM watchword_meta LEFT JOIN watchword_keys k ON k.id = ? LEFT JOIN watchword_accounts a ON a.id = k.owner"
    checks, ratios = [], []
    with store, closing(sqlite3.connect(path)) as connection:
        for _ in range(rounds):
            begun = process_time_ns()
            for id_ in ids:
                connection.execute(query, (id_,)).fetchall()
            between = process_time_ns()
            for credentials in shown:
                checker.check(credentials)
            checks.append((process_time_ns() - between) / len(shown) / 1000)
            ratios.append(checks[-1] * 1000 * len(ids) / max(1, between - begun))
    return median(checks), median(ratios)


def overhead_line(measured: tuple[float, float]) -> str:
    """Return the measurement.

    Args:
        measured: of `overhead`.
    """
    return f"one check of an API key in SQLite: {measured[0]:.0f} µs of CPU, {measured[1]:.1f} x its query alone"


def line(ratio: float) -> str:
    """Return the measurement."""
    return f"one check of an API key with {MANY:,} keys in SQLite: {ratio:.2f} x its cost with {FEW:,}"
