"""The closed set of reasons and the table of what is said about them."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import TYPE_CHECKING

import pytest

from tests.support.each import each
from watchword import Bearer, Reason
from watchword.reason import shown
from watchword.reasons import REASONS, ReasonEntry, Words
from watchword.schemes.base import ChallengeParams

if TYPE_CHECKING:
    from watchword.reason import Secret

UNDISCLOSED = [reason for reason in Reason if reason.disclosed_as]
# What whoever has proven the password may be told, where that is configured: it needs words of its own.
TOLD_AFTER_PROOF = {Reason.DISABLED, Reason.LOCKED, Reason.PASSWORD_EXPIRED}
TOLD = ("title", "happened", "next_step", "developer")
KINDS: tuple[Secret, ...] = ("", "password", "token")
# What each kind of credentials is not: a page must not speak of what its reader does not have.
FOREIGN = {"": r"$^", "password": r"\b(keys?|tokens?|app)\b", "token": r"\b(passwords?|user ?names?|spelling)\b"}


@each("reason", Reason)
def test_every_reason_has_words_for_every_reader_and_kind(reason: Reason) -> None:
    """Visitor, developer and operator each get a sentence, with nothing in it that a page or a header could choke on."""
    entry = REASONS[reason]
    told = [entry.words_for(kind) for kind in KINDS]
    sentences = [getattr(words, name) for words in told for name in TOLD if name != "title"]
    for text in (*sentences, *(words.title for words in told), entry.operator):
        assert text.strip() == text
        assert text.isprintable()
        assert text[0].isupper() or text.startswith("explain()")
    assert all(text.endswith(".") for text in (*sentences, entry.operator))
    assert not any(words.title.endswith(".") for words in told)


@each("reason", Reason)
@each("kind", KINDS)
def test_words_fit_the_credentials_in_use(reason: Reason, kind: Secret) -> None:
    """Nobody who has typed a password reads of keys, tokens and apps; nobody who has a key reads of passwords and names."""
    words = REASONS[reason].words_for(kind)
    for name in TOLD:
        assert re.search(FOREIGN[kind], getattr(words, name).lower()) is None, (name, getattr(words, name))


def test_the_table_has_a_row_for_each_reason_in_order() -> None:
    """The table and the set are the same."""
    assert list(REASONS) == list(Reason)


@each("reason", Reason)
def test_a_code_is_stable_lower_case_ascii(reason: Reason) -> None:
    """Codes stand in addresses, headers, logs and metrics: lower-case words joined with underscores, and equal to their text."""
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
    """Visitor and developer see the same words, action and error; only those of the operator differ."""
    entry, shown_as = REASONS[reason], REASONS[Reason.INVALID_CREDENTIALS]
    assert [entry.words_for(kind) for kind in KINDS] == [shown_as.words_for(kind) for kind in KINDS]
    assert (entry.action, entry.oauth, entry.statuses) == (shown_as.action, shown_as.oauth, shown_as.statuses)
    assert [other.operator for other in REASONS.values()].count(entry.operator) == 1


@pytest.mark.parametrize("reason", sorted(TOLD_AFTER_PROOF))
def test_words_after_proof_confirm_the_secret(reason: Reason) -> None:
    """The reader has shown the right password, and learns what to do next."""
    words = REASONS[reason].words
    assert words.title != REASONS[Reason.INVALID_CREDENTIALS].words.title
    assert words.developer.startswith("The credentials are right")
    assert reason.of_checker


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason.of_checker])
def test_reasons_of_a_checker_are_replaced_but_three(reason: Reason) -> None:
    """`expired` shows a secret that was valid, and a mistake in a proof reveals no secret."""
    assert reason in UNDISCLOSED or reason in {Reason.EXPIRED, Reason.INVALID_PROOF, Reason.STALE_NONCE}


def test_clients_never_see_the_words_of_the_operator() -> None:
    """No sentence for the operator appears among those for clients."""
    told = {getattr(entry.words_for(kind), name) for entry in REASONS.values() for kind in KINDS for name in TOLD}
    assert told.isdisjoint(entry.operator for entry in REASONS.values())


def test_the_table_of_words_is_complete() -> None:
    """A reader added to the table is added to these tests."""
    assert {field.name for field in fields(Words)} == {*TOLD}
    assert {field.name for field in fields(ReasonEntry)} == {"words", "operator", "statuses", "action", "oauth", "level", "by_secret"}


@each("reason", Reason)
def test_the_error_code_is_the_one_that_bearer_sends(reason: Reason) -> None:
    """The scheme owns its errors (RFC 6750 §3.1, RFC 9470 §3); the table states them for the documentation."""
    entry = REASONS[reason]
    if not entry.oauth:
        return
    sent = ChallengeParams(shown(reason), bad_request=entry.statuses[0] in {400, 413, 431})
    assert Bearer(None).challenge(sent).params["error"] == entry.oauth


@each("reason", Reason)
def test_the_action_fits_the_status(reason: Reason) -> None:
    """A 401 is helped by a login or a new try, an outage by waiting, and a request that must change by neither."""
    entry = REASONS[reason]
    allowed = {401: {"log_in", "again"}, 403: {"switch", "home", "again", ""}, 429: {"again"}, 503: {"again"}}
    assert entry.action in allowed.get(entry.statuses[0], {"home", "log_in"})
