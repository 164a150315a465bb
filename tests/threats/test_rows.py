"""No row is forgotten: each that concerns what is built so far has a test that carries its name."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.support.each import noting

ROWS = [f"P{number}" for number in range(1, 14)] + [f"H{number}" for number in range(1, 12)] + [f"N{number}" for number in range(1, 16)]
ROWS += [f"C{number}" for number in range(1, 9)] + ["S2", "S3", "S4", "S6", "S7", "S12", "T9"]
ROWS += [f"T{number}" for number in range(1, 8)]
# W5 to W7 are about throttling and locking out, which come later.
ROWS += ["P14", "P15", "P16", "P17", "P18"]
ROWS += ["W1", "W2", "W3", "W4", "W8", "W9", "W10", "W11"]
ROWS += ["W12", "W13", "W14", "W15", "W16"]
ROWS += ["O1", "O2", "O3", "O4", "O5", "O6", "O7", "O8"]


def functions() -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Return every function of the tests here."""
    nodes = [node for path in Path(__file__).parent.glob("test_*.py") for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
    return [node for node in nodes if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]


def test_every_row_has_a_test() -> None:
    """The row's id is in the name of a test here, and the docstring of each such test says what holds."""
    everything = functions()
    for row in ROWS:
        with noting(row):
            found = [function for function in everything if function.name.startswith(f"test_{row}_")]
            assert found
            assert all(ast.get_docstring(function) for function in found)
