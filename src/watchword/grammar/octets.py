"""Converts the field values of a server to octets.

WSGI gives a field value as `str` whose characters stand for octets (PEP 3333), ASGI gives `bytes`. The grammar works on octets.
"""

from __future__ import annotations

from watchword.errors import FieldTooLong, GrammarError


def field_octets(value: str | bytes, limit: int) -> bytes:
    """Return the octets of a field value that is not longer than the bound.

    Args:
        value: the field value; a `str` holds one character per octet, U+0000 to U+00FF.
        limit: the bound, in octets.

    Returns:
        The octets; they are not checked against the grammar.

    Raises:
        FieldTooLong: there are more than `limit` octets.
        GrammarError: a character stands for no octet.
    """
    # First, because the cost of the conversion grows with the length.
    if len(value) > limit:
        raise FieldTooLong(limit)
    return strict_octets(value)


def strict_octets(value: str | bytes) -> bytes:
    """Return the octets that `value` stands for.

    Raises:
        GrammarError: a character lies above U+00FF.
    """
    if not isinstance(value, str):
        return value
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError as error:
        position = error.start
    # Raised outside of the except clause: the UnicodeEncodeError, as __context__, would carry the value, which may be a secret.
    raise GrammarError("a character that stands for an octet (at most U+00FF)", position)


def lenient_octets(value: str | bytes) -> bytes:
    """Return the octets that `value` stands for, with "?" for a character that stands for none.

    For readers that skip malformed parts: "?" is not a tchar, so no name can hold it.
    """
    return value.encode("latin-1", "replace") if isinstance(value, str) else value
