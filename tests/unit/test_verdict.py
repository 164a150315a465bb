"""What a checker answers."""

from __future__ import annotations

import pytest

from watchword import ANONYMOUS, Accepted, BearerToken, Principal, Reason, Refused

OF_CHECKERS = [reason for reason in Reason if reason.of_checker]


def test_accepted_names_a_principal() -> None:
    """There is no acceptance without somebody."""
    assert Accepted(Principal("ann")).principal == Principal("ann")


@pytest.mark.parametrize(
    ("wrong", "named"),
    [(None, "NoneType"), ("ann", "str"), (True, "bool"), (ANONYMOUS, "ANONYMOUS"), (BearerToken("s3cret"), "BearerToken")],
    ids=str,
)
def test_nothing_else_can_be_accepted(wrong: object, named: str) -> None:
    """A verdict that accepts nobody cannot be made (S4); the message names the type, for the value may be a secret."""
    with pytest.raises(TypeError, match=f"got {named}.*return Refused") as caught:
        Accepted(wrong)  # type: ignore[arg-type]  # the mistake itself
    assert "s3cret" not in str(caught.value)


def test_refused_without_a_reason_says_no_more_than_no() -> None:
    """The plain refusal is `invalid_credentials`."""
    assert Refused().reason is Reason.INVALID_CREDENTIALS


@pytest.mark.parametrize("reason", OF_CHECKERS)
def test_a_checker_refuses_with_a_reason_about_credentials(reason: Reason) -> None:
    """By the reason or by its code."""
    assert Refused(reason).reason is reason
    assert Refused(reason.value).reason is reason  # type: ignore[arg-type]  # a code is taken too
    assert Refused(reason) == Refused(reason)


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason not in OF_CHECKERS])
def test_a_checker_does_not_say_what_is_not_its_to_say(reason: Reason) -> None:
    """Whether somebody *may* is for a requirement to say (N15); the message lists what a checker may say."""
    with pytest.raises(ValueError, match=rf"must be a reason of a checker, got '{reason.value}'.*invalid_credentials.*expired"):
        Refused(reason)


def test_a_code_that_is_none_is_an_error() -> None:
    """A typo does not become a refusal under another name."""
    with pytest.raises(ValueError, match="experied"):
        Refused("experied")  # type: ignore[arg-type]  # the mistake itself
