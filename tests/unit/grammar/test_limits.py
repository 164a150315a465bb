"""Tests the bounds on the input of the grammar."""

from __future__ import annotations

from watchword import grammar


def test_D7_and_D9_the_bounds_are_those_decided() -> None:  # noqa: N802 - the ids of the decisions
    """A field has up to 8 KiB, a challenge or credential up to 64 parameters, a list up to 32 empty elements."""
    assert (grammar.MAX_FIELD_OCTETS, grammar.MAX_PARAMETERS, grammar.MAX_EMPTY_ELEMENTS, grammar.MAX_CHALLENGES) == (8192, 64, 32, 64)
