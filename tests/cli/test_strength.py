"""How a password is judged, apart from where it comes from."""

from __future__ import annotations

import pytest

from tests.support.command import STRONG
from watchword.cli.failures import Failure
from watchword.cli.strength import Judge


def test_only_the_beginning_of_a_long_password_is_judged() -> None:
    """zxcvbn, which takes time with the square of the length and refuses more than 72 characters, is given no more."""
    given: list[str] = []
    judge = Judge(["ann"])
    real = judge._judge

    def note(password: str, about: list[str]) -> object:
        given.append(password)
        return real(password, about)

    judge._judge = note
    judge.demand(STRONG + "x" * 1000)
    assert given == [(STRONG + "x" * 1000)[:72]]


def test_long_names_are_cut_as_well() -> None:
    """A name of a thousand characters is compared by its beginning."""
    assert Judge(["x" * 1000])._about == ["x" * 72]


@pytest.mark.parametrize("password", ["", "\ud800\u0000", "\u0130" * 80, "\U0001f600" * 72])
def test_odd_passwords_are_judged_too(password: str) -> None:
    """Whatever zxcvbn stumbles over is a weak password, and none of its exceptions comes through."""
    with pytest.raises(Failure, match=r"^the password is weak \(0 of 4"):
        Judge([]).demand(password)


def test_the_words_of_an_exception_do_not_show() -> None:
    """They may hold the password."""

    def fails(password: str, about: list[str]) -> None:
        raise RuntimeError(password)

    judge = Judge([])
    judge._judge = fails
    with pytest.raises(Failure) as refused:
        judge.demand(STRONG)
    assert refused.value.code == "weak_password"
    assert "its strength cannot be judged" in refused.value.message
    assert STRONG not in refused.value.message + repr(judge)
