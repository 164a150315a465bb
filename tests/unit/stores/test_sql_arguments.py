"""What a store in a database is made with."""

from __future__ import annotations

from typing import Any

import pytest

from watchword import ConfigurationError
from watchword.stores import SQLStore

NO_NUMBERS: list[Any] = [None, "1", b"1", [], {}, True, object(), float("nan"), float("inf"), 10**400, -1, -0.5, 1e9]


@pytest.mark.parametrize("argument", ["staleness", "timeout", "pool_size"])
def test_a_number_is_one_that_can_be_meant(argument: str) -> None:
    """Else the message says which numbers are, and shows what was given."""
    for wrong in NO_NUMBERS:
        with pytest.raises(ConfigurationError, match=rf"SQLStore\({argument}=\.\.\.\) must be a") as caught:
            SQLStore("sqlite://", **{argument: wrong})
        assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("argument", "wrong"), [("timeout", 0), ("timeout", 0.0), ("pool_size", 0), ("pool_size", 1.5), ("pool_size", 10_001)]
)
def test_the_least_and_the_most_are_kept(argument: str, wrong: Any) -> None:
    """No time to wait in, no connection, or half of one."""
    with pytest.raises(ConfigurationError, match=rf"SQLStore\({argument}=\.\.\.\) must be a"):
        SQLStore("sqlite://", **{argument: wrong})


@pytest.mark.parametrize("numbers", [{"staleness": 0}, {"staleness": 86_400, "timeout": 86_400}, {"timeout": 0.001}, {"pool_size": 10_000}])
def test_what_can_be_meant_is_taken(numbers: dict[str, Any]) -> None:
    """Whole numbers and fractions, up to a day."""
    with SQLStore("sqlite://", **numbers) as store:
        assert not store.list_accounts()
