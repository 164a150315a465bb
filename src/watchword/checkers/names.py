"""Converts user names and passwords to one form, the same for every lookup and counter (threat W6)."""

from __future__ import annotations

from watchword.errors import ConfigurationError
from watchword.grammar.composed import composed
from watchword.validators import shown

LONGEST_NAME = 1024  # octets of UTF-8, as in every store


def canonical(name: str) -> str:
    """Return a name or password in Normalization Form C, with its case (RFC 7617 §2.1), as `Basic` passes it to checkers."""
    return composed(name)


def user_name(name: str) -> str:
    """Return the canonical form of a login name.

    Raises:
        ConfigurationError: it is not a string, is empty or too long, or cannot be sent in Basic: it holds a colon or a control character.
    """
    if not isinstance(name, str) or not name:
        raise ConfigurationError(f"a user name must be a non-empty string, got {shown(name)}.")
    if len(name.encode("utf-8", "surrogatepass")) > LONGEST_NAME:
        raise ConfigurationError(f"the user name that begins with {name[:20]!r} is longer than {LONGEST_NAME} octets. Shorten it.")
    name, colon, _ = name.partition(":")
    if colon:
        # The text after it may be a password or its hash.
        raise ConfigurationError(f"the user name that begins with {shown(name)} cannot be sent in Basic (RFC 7617 §2). Remove the colon.")
    if any(character < " " or character == "\x7f" for character in name):
        raise ConfigurationError(f"the user name {shown(name)} cannot be sent in Basic (RFC 7617 §2). Remove the control character.")
    if any("\ud800" <= character <= "\udfff" for character in name):
        raise ConfigurationError(f"the user name {shown(name)} cannot be sent in UTF-8 (RFC 3629 §3). Remove the lone surrogate.")
    return canonical(name)


def check_password(password: object) -> str:
    """Return a password that can be sent; no message shows it.

    Raises:
        ConfigurationError: it is not a string, or cannot be sent in Basic: it holds a control character or a lone surrogate.
    """
    if not isinstance(password, str):
        raise ConfigurationError(f"a password must be a string, got {type(password).__name__}.")
    if any("\x00" < character < " " or character == "\x7f" for character in password):  # the hasher refuses a NUL
        raise ConfigurationError("the password cannot be sent in Basic (RFC 7617 §2). Remove the control character.")
    if any("\ud800" <= character <= "\udfff" for character in password):
        raise ConfigurationError("the password cannot be sent in UTF-8 (RFC 3629 §3). Remove the lone surrogate.")
    return password
