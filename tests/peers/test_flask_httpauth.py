"""Runs the tests of Flask-HTTPAuth against the module that takes its place."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import pytest

from tests.peers.run_flask_httpauth import COUNT, VERSION, Unreachable, compare, deviations, differences, fetch, run
from tests.support.programs import absent

MOVING = Path(__file__).parents[2] / "docs" / "moving.md"


@pytest.mark.long
def test_the_tests_of_flask_httpauth_pass_but_for_what_is_listed(tmp_path: Path) -> None:
    """Each of its 121 tests passes, or is in the table with the clause that makes this behaviour right; and none in the table passes."""
    (tmp_path / "fetched").mkdir()
    try:
        tests = fetch(tmp_path / "fetched")
    except Unreachable as error:
        absent(f"the source of Flask-HTTPAuth {VERSION} (from PyPI: {str(error).splitlines()[-1]})")
    plain, token68 = run(tests, tmp_path)
    assert len(plain) == COUNT
    assert {name for one in deviations() if one.of_token for name in one.tests} < token68.keys() < plain.keys()
    assert compare(plain, token68) == []


def test_each_deviation_is_explained_once() -> None:
    """Every group of the table names a clause, which docs/moving.md shows with the number of tests, and no test is listed twice."""
    table = deviations()
    names = [name for one in table for name in one.tests]
    assert len(names) == len(set(names))
    page = MOVING.read_text(encoding="utf-8")
    assert [one.clause for one in table if f"| {one.clause} | {len(one.tests)} |" not in page or not one.why.endswith(".")] == []


def test_the_tests_are_those_of_the_version_that_is_installed() -> None:
    """The pages and the benchmarks compare with the same version."""
    assert version("flask-httpauth") == VERSION


@pytest.mark.parametrize(
    ("passed", "listed", "words"),
    [
        ({"a": True}, set(), []),
        ({"a": False}, {"a"}, []),
        ({"a": False}, set(), ["not listed, and fails: a"]),
        ({"a": True}, {"a"}, ["listed, and passes: a"]),
        ({}, {"a"}, ["listed, and is not there: a"]),
    ],
)
def test_what_differs_from_the_table_is_named(passed: dict[str, bool], listed: set[str], words: list[str]) -> None:
    """An unlisted failure, and a listed test that passes or has gone."""
    assert differences(passed, frozenset(listed)) == words
