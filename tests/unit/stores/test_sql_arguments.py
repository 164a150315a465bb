"""Tests the arguments of `SQLStore`."""

from __future__ import annotations

from typing import Any

import pytest

from watchword import ConfigurationError
from watchword.stores import SQLStore

NO_NUMBERS: list[Any] = [None, "1", b"1", [], {}, True, object(), float("nan"), float("inf"), 10**400, -1, -0.5, 1e9]


@pytest.mark.parametrize("argument", ["staleness", "timeout", "pool_size"])
def test_an_argument_that_is_no_valid_number_is_refused(argument: str) -> None:
    """The message has the bounds and the value."""
    for wrong in NO_NUMBERS:
        with pytest.raises(ConfigurationError, match=rf"SQLStore\({argument}=\.\.\.\) must be a") as caught:
            SQLStore("sqlite://", **{argument: wrong})
        assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("argument", "wrong"), [("timeout", 0), ("timeout", 0.0), ("pool_size", 0), ("pool_size", 1.5), ("pool_size", 10_001)]
)
def test_a_number_beyond_its_bounds_is_refused(argument: str, wrong: Any) -> None:
    """No time to wait, no connection, or half of one."""
    with pytest.raises(ConfigurationError, match=rf"SQLStore\({argument}=\.\.\.\) must be a"):
        SQLStore("sqlite://", **{argument: wrong})


@pytest.mark.parametrize("numbers", [{"staleness": 0}, {"staleness": 86_400, "timeout": 86_400}, {"timeout": 0.001}, {"pool_size": 10_000}])
def test_numbers_within_their_bounds_are_accepted(numbers: dict[str, Any]) -> None:
    """Whole numbers and fractions, up to a day."""
    with SQLStore("sqlite://", **numbers) as store:
        assert not store.list_accounts()
