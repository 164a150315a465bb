"""Reads secrets from a prompt or from standard input, never from the command line or the environment."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from watchword.cli.failures import USAGE, Failure, sentence
from watchword.cli.output import say
from watchword.cli.strength import Judge

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_LINE = 8192  # octets: eight times the longest password, and more than any hash
_TRIES = 2


def at_terminal() -> bool:
    """Tell whether standard input is a terminal."""
    return sys.stdin is not None and not sys.stdin.closed and sys.stdin.isatty()


def read_secret(what: str, *, twice: bool = False) -> str:
    """Return one secret: from a prompt that hides it, or the first line of standard input without its end.

    Args:
        what: the name of the secret, with an article.
        twice: whether a prompt asks for it again, and compares.

    Raises:
        Failure: it is missing, too long, not UTF-8, or the entries do not match.
    """
    return _prompted(what, twice=twice) if at_terminal() else _piped(what)


def new_password(about: Iterable[str], *, weak: bool) -> str:
    """Return a new password in Normalization Form C, as Basic passes it to checkers (RFC 7617 §2.1).

    At a terminal there are two tries.

    Args:
        about: names and ids, which are too easy to guess.
        weak: whether to accept a weak password.

    Raises:
        Failure: it cannot be sent, is too long, or is too easy to guess.
    """
    judge = None if weak else Judge(about)
    tries = _TRIES if at_terminal() else 1
    while True:
        tries -= 1
        try:
            return _checked(read_secret("the new password", twice=True), judge)
        except Failure as refusal:
            if not tries:
                raise
            say(f"{sentence(refusal.message)} Once more:", err=True)


def confirm(question: str, *, yes: bool) -> None:
    """Ask for a confirmation, unless `--yes` gave it.

    Raises:
        Failure: standard input is not a terminal, or the answer is no.
    """
    if yes:
        return
    if not at_terminal():
        raise Failure("not a terminal: pass --yes", "not_confirmed", USAGE)
    if not click.confirm(question, err=True):
        raise Failure("nothing was done", "not_confirmed")


def _checked(password: str, judge: Judge | None) -> str:
    from watchword.checkers.names import canonical
    from watchword.checkers.passwords import MAX_PASSWORD_OCTETS

    password = canonical(password)
    if len(password.encode()) > MAX_PASSWORD_OCTETS:
        raise Failure(f"the password is longer than {MAX_PASSWORD_OCTETS} octets", "invalid_password")
    if any(character < " " or character == "\x7f" for character in password):
        raise Failure("the password holds a control character, and cannot be sent in Basic (RFC 7617 §2)", "invalid_password")
    if judge is not None:
        judge.demand(password)
    return password


def _prompted(what: str, *, twice: bool) -> str:
    prompt = what.removeprefix("the ").capitalize()
    first = _hidden(prompt)
    if not first:
        raise Failure(f"{what} is empty", "no_secret")
    if twice and _hidden(f"{prompt}, again") != first:
        raise Failure("the entries do not match", "not_repeated")
    return first


def _hidden(prompt: str) -> str:
    try:
        # With a default an empty answer is returned. Without one click asks again for ever.
        return str(click.prompt(prompt, hide_input=True, default="", show_default=False, err=True))
    except UnicodeError:
        raise Failure("the input is not valid in the encoding of this terminal", "not_utf8") from None


def _piped(what: str) -> str:
    try:
        line = sys.stdin.buffer.readline(MAX_LINE + 1)
    except (OSError, ValueError, AttributeError):
        line = b""  # standard input is closed
    if len(line) > MAX_LINE:
        raise Failure(f"{what} is longer than {MAX_LINE} octets", "no_secret")
    line = line.removesuffix(b"\r\n") if line.endswith(b"\r\n") else line.removesuffix(b"\n")
    if not line:
        raise Failure(f"standard input is empty: its first line must be {what}", "no_secret")
    try:
        return line.decode()
    except UnicodeDecodeError:
        pass
    # Raised outside of `except`: the UnicodeDecodeError holds the secret, and must not be its __context__.
    raise Failure(f"{what} on standard input is not UTF-8", "not_utf8")
