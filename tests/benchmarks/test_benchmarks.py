"""The benchmarks run, and compare like with like. How long anything takes is no matter of a test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.benchmarks import flood, keys, passwords
from tests.benchmarks.bearer import TOKENS, contenders, measure, request, status, table
from watchword.checkers import PasswordHasher

if TYPE_CHECKING:
    from pathlib import Path

CHEAP = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


@pytest.mark.parametrize("name", [name for name in contenders() if name != "bare"])
def test_every_contender_does_the_job(name: str) -> None:
    """What is measured lets a caller with a token through, and nobody with another."""
    app = contenders()[name]
    assert [status(app, request(token)) for token in list(TOKENS)[:3]] == [200, 200, 200]
    # Starlette's middleware says 400 to whatever its backend refuses.
    assert status(app, request("0000-no")) == (400 if name.startswith("Starlette") else 401)


def test_the_table_has_every_contender() -> None:
    """The suite runs from end to end and prints a line for each, with a ratio to each."""
    rows = measure(rounds=2, requests=20)
    lines = table(rows).splitlines()
    more = ["watchword, an API key", "watchword, a public route"]
    assert [row.name for row in rows] == [*(name for name in contenders() if name != "bare"), *more]
    assert len(lines) == len(rows) + 1
    assert all(line.startswith(row.name) for line, row in zip(lines[1:], rows, strict=True))


def test_passwords_are_measured(tmp_path: Path) -> None:
    """Every kind of store has a line with three ratios."""
    rows = passwords.measure(tmp_path, rounds=2, repeats=2, hasher=CHEAP)
    assert [row[0] for row in rows] == ["Users", "Accounts, MemoryStore", "Accounts, SQLite"]
    assert all(ratio > 0 for row in rows for ratio in row[1:])
    assert len(passwords.table(rows).splitlines()) == 4


def test_keys_are_measured(tmp_path: Path) -> None:
    """The stores hold as many keys as they say, and every check lets its key in."""
    assert keys.measure(tmp_path, 100, 300, rounds=1) > 0
    store, made = keys.filled(tmp_path / "counted.db", 150)
    with store:
        assert (len(store.list_keys(limit=1000)), len(made)) == (150, 100)
    assert "1,000,000" in keys.line(1.0)
    assert "x its query alone" in keys.overhead_line(keys.overhead(tmp_path, rounds=1))


def test_a_flood_is_measured() -> None:
    """Every wrong password is answered."""
    measured = flood.measure(10, hasher=CHEAP, idle=0.05)
    assert sum(measured[2].values()) == 10
    assert measured[2].keys() <= {401, 503}
    assert "10 wrong passwords" in flood.line(10, measured)
