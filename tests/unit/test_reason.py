"""The closed set of reasons and their words."""

from __future__ import annotations

from dataclasses import fields

import pytest

from tests.support.each import each
from watchword import Reason
from watchword.reason import shown
from watchword.refusal.texts import WORDS, ReasonWords

UNDISCLOSED = [reason for reason in Reason if reason.disclosed_as]
# What whoever has proven the password may be told, where that is configured: it needs words of its own.
TOLD_AFTER_PROOF = {Reason.DISABLED, Reason.LOCKED, Reason.PASSWORD_EXPIRED}
TOLD = ("title", "happened", "next_step", "developer")


@each("reason", Reason)
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


@each("reason", Reason)
def test_a_code_is_stable_lower_case_ascii(reason: Reason) -> None:
    """Codes stand in fragments, headers, logs and metrics: lower-case words joined with underscores, and equal to their text."""
    assert reason.value.replace("_", "").isalpha()
    assert reason.value == reason.name.lower() == str(reason) == f"{reason}"


@each("reason", Reason)
def test_a_disclosed_code_is_disclosed_as_itself(reason: Reason) -> None:
    """There is no second replacement of the code that a client sees."""
    assert shown(shown(reason)) is shown(reason)


def test_reasons_that_reveal_accounts_are_replaced() -> None:
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
        Reason.MALFORMED_TOKEN,
        Reason.WRONG_TOKEN_TYPE,
        Reason.WRONG_ALGORITHM,
        Reason.UNKNOWN_KEY,
        Reason.INVALID_CLAIM,
        Reason.BOUND_TOKEN,
    }
    assert {shown(reason) for reason in UNDISCLOSED} == {Reason.INVALID_CREDENTIALS}


@pytest.mark.parametrize("reason", sorted(set(UNDISCLOSED) - TOLD_AFTER_PROOF))
def test_replaced_reasons_share_their_words(reason: Reason) -> None:
    """Visitor and developer see the same words; only those of the operator differ."""
    for name in TOLD:
        assert getattr(WORDS[reason], name) == getattr(WORDS[Reason.INVALID_CREDENTIALS], name)
    assert [words.operator for words in WORDS.values()].count(WORDS[reason].operator) == 1


@pytest.mark.parametrize("reason", sorted(TOLD_AFTER_PROOF))
def test_words_after_proof_confirm_the_secret(reason: Reason) -> None:
    """The reader has shown the right password, and learns what to do next."""
    assert WORDS[reason].title != WORDS[Reason.INVALID_CREDENTIALS].title
    assert WORDS[reason].developer.startswith("The credentials are right")
    assert reason.of_checker


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason.of_checker])
def test_reasons_of_a_checker_are_replaced_but_three(reason: Reason) -> None:
    """`expired` shows a secret that was valid, and a mistake in a proof reveals no secret."""
    assert reason in UNDISCLOSED or reason in {Reason.EXPIRED, Reason.INVALID_PROOF, Reason.STALE_NONCE}


def test_clients_never_see_the_words_of_the_operator() -> None:
    """No sentence for the operator appears among those for clients."""
    told = {getattr(words, name) for words in WORDS.values() for name in TOLD}
    assert told.isdisjoint(words.operator for words in WORDS.values())


def test_the_table_of_words_is_complete() -> None:
    """A reader added to the table is added to these tests."""
    assert {field.name for field in fields(ReasonWords)} == {*TOLD, "operator"}
