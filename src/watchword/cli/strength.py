"""Estimates how easy a password is to guess, by zxcvbn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchword.cli.failures import Failure, missing_package

if TYPE_CHECKING:
    from collections.abc import Iterable

LEAST_SCORE = 3  # of 4: zxcvbn calls it "safely unguessable" where hashes are slow
MOST_CHARACTERS = 72  # of a password that are judged: the work grows with their square. The bound of zxcvbn itself


class Judge:
    """Refuses passwords that are too easy to guess.

    Args:
        about: names and ids, which an attacker tries first.

    Raises:
        Failure: zxcvbn is not installed.
    """

    def __init__(self, about: Iterable[str]) -> None:
        try:
            from zxcvbn import zxcvbn
        except ModuleNotFoundError:
            raise missing_package("the strength of a password is estimated by zxcvbn (--weak skips this)", "cli") from None
        self._judge = zxcvbn
        self._about = [text[:MOST_CHARACTERS] for text in about]

    def demand(self, password: str) -> None:
        """Refuse a password that is too easy to guess.

        Raises:
            Failure: it says why, and what would be better.
        """
        try:
            answer = self._judge(password[:MOST_CHARACTERS], self._about)
            score, feedback = int(answer["score"]), answer["feedback"]
            words = [str(feedback["warning"] or "it is too easy to guess"), *map(str, feedback["suggestions"])]
        except Exception:  # noqa: BLE001 - the message of any exception may hold the password
            score, words = 0, ["its strength cannot be judged"]
        if score < LEAST_SCORE:
            text = ". ".join(word.rstrip(".") for word in words)
            raise Failure(
                f"the password is weak ({score} of 4, {LEAST_SCORE} is required): {text}. Use --weak to accept it", "weak_password"
            )

    def __repr__(self) -> str:
        return "Judge()"
