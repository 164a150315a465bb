"""The closed set of reasons and their words."""

from __future__ import annotations

from dataclasses import fields

import pytest

from watchword import Reason
from watchword.reason import shown
from watchword.refusal.texts import WORDS, ReasonWords

UNDISCLOSED = [reason for reason in Reason if reason.disclosed_as]
# What whoever has proven the password may be told, where that is configured: it needs words of its own.
TOLD_AFTER_PROOF = {Reason.DISABLED, Reason.LOCKED, Reason.PASSWORD_EXPIRED}
TOLD = ("title", "happened", "next_step", "developer")


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_words_for_every_reader(reason: Reason) -> None:
    """Visitor, developer and operator each get a sentence, with nothing in it that a page or a header could choke on."""
    words = WORDS[reason]
    for name in (*TOLD, "operator"):
        text = getattr(words, name)
        assert text.strip() == text
        assert text.isprintable()
        assert text[0].isupper() or text.startswith("explain()")
    for name in ("happened", "next_step", "developer", "operator"):
        assert getattr(words, name).endswith(".")
    assert not words.title.endswith(".")


def test_there_are_words_for_reasons_only() -> None:
    """The table and the set are the same size."""
    assert set(WORDS) == set(Reason)


@pytest.mark.parametrize("reason", Reason)
def test_a_code_is_stable_lower_case_ascii(reason: Reason) -> None:
    """Codes stand in fragments, headers, logs and metrics: lower-case words joined with underscores, and equal to their text."""
    assert reason.value.replace("_", "").isalpha()
    assert reason.value == reason.name.lower() == str(reason) == f"{reason}"


@pytest.mark.parametrize("reason", Reason)
def test_what_is_shown_is_closed(reason: Reason) -> None:
    """The code that a client sees is shown as itself: there is no second veil under the first."""
    assert shown(shown(reason)) is shown(reason)


def test_what_is_hidden_is_exactly_what_would_tell_a_stranger_something() -> None:
    """Whether an account or key exists, and which check failed, is for the operator alone."""
    assert set(UNDISCLOSED) == {
        Reason.INVALID_CREDENTIALS,
        Reason.UNKNOWN_IDENTITY,
        Reason.WRONG_SECRET,
        *TOLD_AFTER_PROOF,
        Reason.NOT_YET_VALID,
        Reason.REVOKED,
        Reason.WRONG_AUDIENCE,
        Reason.WRONG_ISSUER,
        Reason.BAD_SIGNATURE,
    }
    assert {shown(reason) for reason in UNDISCLOSED} == {Reason.INVALID_CREDENTIALS}


@pytest.mark.parametrize("reason", sorted(set(UNDISCLOSED) - TOLD_AFTER_PROOF))
def test_failures_that_look_alike_are_told_alike(reason: Reason) -> None:
    """To visitor and developer the words are the same; only the operator's differ."""
    for name in TOLD:
        assert getattr(WORDS[reason], name) == getattr(WORDS[Reason.INVALID_CREDENTIALS], name)
    assert [words.operator for words in WORDS.values()].count(WORDS[reason].operator) == 1


@pytest.mark.parametrize("reason", sorted(TOLD_AFTER_PROOF))
def test_what_may_be_told_after_proof_says_that_the_secret_was_right(reason: Reason) -> None:
    """Who reads these words has shown the right password, and is told what to do about the rest."""
    assert WORDS[reason].title != WORDS[Reason.INVALID_CREDENTIALS].title
    assert WORDS[reason].developer.startswith("The credentials are right")
    assert reason.of_checker


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason.of_checker])
def test_what_a_checker_may_say_is_hidden_or_expired(reason: Reason) -> None:
    """Words of their own have `expired`, which shows a secret that was good, and what is wrong with a proof, which is no secret."""
    assert reason in UNDISCLOSED or reason in {Reason.EXPIRED, Reason.INVALID_PROOF, Reason.STALE_NONCE}


def test_the_operators_words_are_told_to_nobody_else() -> None:
    """No sentence for the operator appears among those for clients."""
    told = {getattr(words, name) for words in WORDS.values() for name in TOLD}
    assert told.isdisjoint(words.operator for words in WORDS.values())


def test_words_are_what_the_table_says_and_nothing_more() -> None:
    """A reader added to the table is added to these tests."""
    assert {field.name for field in fields(ReasonWords)} == {*TOLD, "operator"}
