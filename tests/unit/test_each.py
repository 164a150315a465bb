"""The fold of a table into one test forgets no row, and names the one that fails."""

from __future__ import annotations

import inspect

import pytest

from tests.support.each import each


def test_every_row_is_tried() -> None:
    """Tables above each other are tried in every combination, and what is no column stays an argument for fixtures."""
    seen = []

    @each("left", [1, 2])
    @each(("middle", "right"), [("a", "b"), ("c", "d")])
    def tried(left: int, middle: str, right: str, fixture: str) -> None:
        seen.append(f"{fixture}{left}{middle}{right}")

    assert list(inspect.signature(tried).parameters) == ["fixture"]
    tried(fixture="f")
    assert seen == ["f1ab", "f1cd", "f2ab", "f2cd"]


def test_the_row_that_fails_is_named() -> None:
    """A failure is the test's own, with the row as a note."""

    @each("number", [1, 0])
    def tried(number: int) -> None:
        assert number

    with pytest.raises(AssertionError) as failure:
        tried()
    assert failure.value.__notes__ == ["with number=0"]


def test_an_empty_table_is_a_mistake() -> None:
    """A test that tries nothing does not pass."""

    @each("number", [])
    def tried(number: int) -> None: ...

    with pytest.raises(AssertionError, match="no row"):
        tried()
