"""Tests the answers of a checker."""

from __future__ import annotations

import pytest

from tests.support.each import each
from tests.support.requirements import calls_of
from watchword import ANONYMOUS, Accepted, BearerToken, Principal, Reason, Refused

OF_CHECKERS = [reason for reason in Reason if reason.of_checker]


def test_accepted_names_a_principal() -> None:
    """Accepting takes a principal."""
    assert Accepted(Principal("ann")).principal == Principal("ann")


@pytest.mark.parametrize(
    ("wrong", "named"),
    [(None, "NoneType"), ("ann", "str"), (True, "bool"), (ANONYMOUS, "ANONYMOUS"), (BearerToken("s3cret"), "BearerToken")],
    ids=str,
)
def test_nothing_else_can_be_accepted(wrong: object, named: str) -> None:
    """A verdict without an authenticated principal cannot be made (S4). The message names the type, because the value may be a secret."""
    with pytest.raises(TypeError, match=f"got {named}.*return Refused") as caught:
        Accepted(wrong)  # type: ignore[arg-type]  # the mistake itself
    assert "s3cret" not in str(caught.value)


def test_refused_has_a_default_reason() -> None:
    """It is `invalid_credentials`."""
    assert Refused().reason is Reason.INVALID_CREDENTIALS


def test_a_refusal_costs_a_look_into_one_table() -> None:
    """A flood of wrong secrets makes one refusal for each: the table of reasons is not built again."""
    assert calls_of(lambda: Refused(Reason.EXPIRED)) < len(Reason)


@pytest.mark.parametrize("reason", OF_CHECKERS)
def test_a_checker_refuses_with_a_reason_about_credentials(reason: Reason) -> None:
    """Given as a member or as its code."""
    assert Refused(reason).reason is reason
    assert Refused(reason.value).reason is reason  # type: ignore[arg-type]  # a code is taken too
    assert Refused(reason) == Refused(reason)


@each("reason", [reason for reason in Reason if reason not in OF_CHECKERS])
def test_a_checker_may_not_use_reasons_of_authorization(reason: Reason) -> None:
    """Requirements decide about rights (N15); the message lists the reasons of a checker."""
    with pytest.raises(ValueError, match=rf"must be a reason of a checker, got '{reason.value}'.*invalid_credentials.*expired"):
        Refused(reason)


def test_an_unknown_code_is_refused() -> None:
    """A typo does not become another refusal."""
    with pytest.raises(ValueError, match="experied"):
        Refused("experied")  # type: ignore[arg-type]  # the mistake itself
