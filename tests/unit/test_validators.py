"""Tests the checks of arguments and their messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.each import each
from watchword import ConfigurationError
from watchword.validators import (
    check_bool,
    check_choice,
    check_methods,
    check_number,
    check_printable,
    check_sequence,
    check_type,
    check_whole,
    shown,
)

if TYPE_CHECKING:
    from collections.abc import Callable


class Unprintable:
    """An object whose `repr` fails."""

    def __repr__(self) -> str:
        raise RuntimeError


@each(
    ("check", "message"),
    [
        (lambda: check_whole("F(n=...)", None), "F(n=...) must be a whole number, 0 or more, got None."),
        (lambda: check_whole("F(n=...)", 0, least=1, unit="octets"), "F(n=...) must be a whole number of octets, 1 or more, got 0."),
        (lambda: check_whole("F(n=...)", 9, most=8, fix="Use 8."), "F(n=...) must be a whole number, from 0 to 8, got 9. Use 8."),
        (lambda: check_number("F(s=...)", "1"), "F(s=...) must be a number of seconds, 0 or more, got '1'."),
        (lambda: check_number("F(s=...)", float("nan")), "F(s=...) must be a number of seconds, 0 or more, got nan."),
        (lambda: check_number("F(s=...)", float("inf")), "F(s=...) must be a number of seconds, 0 or more, got inf."),
        (lambda: check_number("F(s=...)", 0, above=True), "F(s=...) must be a number of seconds, more than 0, got 0."),
        (lambda: check_bool("F(b=...)", "no"), "F(b=...) must be True or False, got 'no'."),
        (lambda: check_type("F(d=...)", "s3cret", int, "7", secret=True), "F(d=...) must be a int, such as 7, got str."),
        (lambda: check_methods("F(m=...)", dict, "be a mapping", "get"), "F(m=...) must be a mapping, got <class 'dict'>."),
        (lambda: check_sequence("F(x=...)", "ab"), "F(x=...) must be a collection of names, not one string, got 'ab'. Write ['ab']."),
        (lambda: check_sequence("F(x=...)", ["a", ""]), "F(x=...) must be a collection of names, each a non-empty string, got ['a', '']."),
        (
            lambda: check_sequence("F(x=...)", 7, "[0]"),
            "F(x=...) must be a collection of names, each a non-empty string, got 7. Write [0].",
        ),
        (lambda: check_choice("F(c=...)", [], ("on", None)), 'F(c=...) must be "on" or None, got [].'),
        (
            lambda: check_printable("Basic(realm=...)", "büro"),
            "Basic(realm=...) must be printable ASCII and not empty, got 'büro'. Use \"buero\".",
        ),
        (lambda: check_printable("F(r=...)", "a\nb"), "F(r=...) must be printable ASCII and not empty, got 'a\\nb'. Use \"ab\"."),
        (lambda: check_printable("F(r=...)", ""), "F(r=...) must be printable ASCII and not empty, got ''."),
    ],
)
def test_a_message_names_argument_rule_value_and_fix(check: Callable[[], Any], message: str) -> None:
    """Every rejected argument is a `ConfigurationError` in one form; a secret is shown by its type alone."""
    with pytest.raises(ConfigurationError) as caught:
        check()
    assert str(caught.value) == message


def test_a_valid_argument_is_returned() -> None:
    """A check returns the value that it accepts, at its bounds too."""
    assert check_whole("n", 8, least=8, most=8) == 8
    assert check_number("s", 0) == 0.0
    assert check_sequence("x", iter(["a", "b"])) == ("a", "b")
    assert check_printable("r", "a b") == "a b"
    assert check_type("d", 7, int, "7") == 7


def test_a_greater_number_than_a_float_is_rejected() -> None:
    """An int that no float can hold is rejected: arithmetic with it would raise while a request is served."""
    with pytest.raises(ConfigurationError):
        check_number("s", 10**400)


def test_a_value_in_a_message_is_short_and_safe() -> None:
    """A long value is cut, and an object that cannot be printed is named by its class."""
    assert len(shown("x" * 1000)) < 120
    assert len(shown(["x"] * 1000)) < 220
    assert shown(Unprintable()) == "one of Unprintable"
