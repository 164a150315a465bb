"""docs/standards.md is complete and true: every requirement is there once, and what it claims to be tested is tested."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.support.each import noting

ROOT = Path(__file__).resolve().parents[2]
TESTS, SOURCES = ROOT / "tests", ROOT / "src" / "watchword"
VECTORS = sorted((TESTS / "vectors").glob("requirements_issue_*.json"))
REQUIRED: list[str] = [name for path in VECTORS for name in json.loads(path.read_text(encoding="utf-8"))]
NOT_YET = "later: with "
VERDICT = re.compile(r"supported([:;,]? .+)?|deviates because .+|later: with .+")


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table.

    Args:
        name: the row id.
        requirement: in one line.
        modules: under src/watchword.
        files: of tests, under tests.
        verdict: whether it is kept.
    """

    name: str
    requirement: str
    modules: tuple[str, ...]
    files: tuple[str, ...]
    verdict: str

    @property
    def prefix(self) -> str:
        """What the names of its tests start with."""
        return "test_" + self.name.replace(".", "_").replace("-", "_")


def code(cell: str) -> tuple[str, ...]:
    """The names in a cell; a dash stands for none."""
    names = tuple(re.findall(r"`([^`]+)`", cell))
    assert cell == ("<br>".join(f"`{name}`" for name in names) or "-")
    return names


def read() -> list[Row]:
    """The rows of the page."""
    rows = []
    for line in (ROOT / "docs" / "standards.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("| `"):
            name, requirement, modules, files, verdict = (cell.strip() for cell in line.strip("|").split(" | "))
            rows.append(Row(name.strip("`"), requirement, code(modules), code(files), verdict))
    return rows


ROWS = read()


@cache
def named_tests() -> dict[str, set[str]]:
    """The names of all test functions, by file."""
    defined = re.compile(r"^ *(?:async )?def (test_\w+)\(", re.MULTILINE)
    return {path.relative_to(TESTS).as_posix(): set(defined.findall(path.read_text(encoding="utf-8"))) for path in TESTS.rglob("test_*.py")}


def is_of(test: str, row: Row) -> bool:
    """Whether a test carries the name of a row, and not that of another which merely starts like it."""
    rest = test.removeprefix(row.prefix)
    return test.startswith(row.prefix) and (not rest or re.match(r"_\D", rest) is not None)


def test_every_requirement_has_one_row() -> None:
    """docs/standards.md lists each requirement once."""
    names = [row.name for row in ROWS]
    assert len(names) == len(set(names))
    assert sorted(names) == sorted(REQUIRED)
    assert len(REQUIRED) == len(set(REQUIRED)) > 100


def test_every_named_test_exists() -> None:
    """Each file of a row has a test that carries the row's name, and each such test is in a file of the row."""
    for row in ROWS:
        with noting(row.name):
            for file in row.files:
                assert any(is_of(test, row) for test in named_tests()[file]), f"{file} has no test for {row.name}"
            assert {file for file, tests in named_tests().items() if any(is_of(test, row) for test in tests)} == set(row.files)


def test_every_row_has_a_state() -> None:
    """A row is supported, deviates for a reason, or comes later. A row that is kept names a module and a test."""
    for row in ROWS:
        with noting(row.name):
            assert VERDICT.fullmatch(row.verdict), row.verdict
            assert row.requirement.endswith(".")
            assert all((SOURCES / module).is_file() for module in row.modules)
            assert bool(row.modules) is bool(row.files) is not row.verdict.startswith(NOT_YET)


def test_similar_row_names_are_not_confused() -> None:
    """`R9110-11.2-1` is not `R9110-11.2-10`, nor is a longer section its beginning."""
    row = Row("R9110-11.2-1", "", (), (), "")
    assert is_of("test_R9110_11_2_1_token68", row)
    assert is_of("test_R9110_11_2_1", row)
    assert not is_of("test_R9110_11_2_1_2_lists", row)
    assert not is_of("test_R9110_11_2_10_other", row)
