"""The benchmark of refusals runs, and every contender refuses. How long anything takes is no matter of a test."""

from __future__ import annotations

import pytest

from tests.benchmarks.bearer import status, table
from tests.benchmarks.refusals import TITLE, contenders, measure


@pytest.mark.parametrize("name", contenders())
def test_every_contender_refuses(name: str) -> None:
    """What is measured is the refusal that the line names."""
    app, connection, expected = contenders()[name]
    assert [status(app, dict(connection)) for _ in range(3)] == [expected] * 3


def test_the_table_has_every_contender() -> None:
    """The suite runs from end to end and prints a line for each, under its title."""
    rows = measure(rounds=2, requests=5)
    lines = table(rows, TITLE).splitlines()
    assert [row.name for row in rows] == list(contenders())
    assert lines[0].startswith(TITLE)
    assert all(line.startswith(row.name) for line, row in zip(lines[1:], rows, strict=True))
    assert all(row.added > 0 for row in rows)
