"""Estimates how easy a password is to guess, by zxcvbn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchword.cli.failures import Failure, missing_package

if TYPE_CHECKING:
    from collections.abc import Iterable

LEAST_SCORE = 3
"""Of 4: "safely unguessable", by the words of zxcvbn, where hashes are slow."""

MOST_CHARACTERS = 72
"""How many characters of a password are looked at: the work grows with their square. It is the bound of zxcvbn itself."""


class Judge:
    """Says which passwords are too easy to guess.

    Args:
        about: what an attacker would try first: names and ids.

    Raises:
        Failure: zxcvbn is not installed.
    """

    def __init__(self, about: Iterable[str]) -> None:
        try:
            from zxcvbn import zxcvbn
        except ModuleNotFoundError:
            raise missing_package("the strength of passwords is judged by zxcvbn (give --weak to go without)", "cli") from None
        self._judge = zxcvbn
        self._about = [text[:MOST_CHARACTERS] for text in about]

    def demand(self, password: str) -> None:
        """Refuse a password that is too easy to guess.

        Args:
            password: the password.

        Raises:
            Failure: says why, and what would be better; `--weak` is the way around.
        """
        try:
            answer = self._judge(password[:MOST_CHARACTERS], self._about)
            score, feedback = int(answer["score"]), answer["feedback"]
            words = [str(feedback["warning"] or "it is too easy to guess"), *map(str, feedback["suggestions"])]
        except Exception:  # noqa: BLE001 - whatever it stumbles over, its words may hold the password
            score, words = 0, ["its strength cannot be told"]
        if score < LEAST_SCORE:
            text = ". ".join(word.rstrip(".") for word in words)
            raise Failure(
                f"the password is weak ({score} of 4, {LEAST_SCORE} is asked for): {text}. To take it all the same: --weak", "weak_password"
            )

    def __repr__(self) -> str:
        return "Judge()"
