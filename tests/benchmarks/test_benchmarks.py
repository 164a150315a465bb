"""The benchmarks run, and compare like with like. How long anything takes is no matter of a test."""

from __future__ import annotations

import pytest

from tests.benchmarks.bearer import TOKENS, contenders, measure, request, status, table


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
    assert [row.name for row in rows] == [name for name in contenders() if name != "bare"]
    assert len(lines) == len(rows) + 1
    assert all(line.startswith(row.name) for line, row in zip(lines[1:], rows, strict=True))
