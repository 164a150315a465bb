"""Parses and builds the rules of RFC 9110 §5.6 and §11.2: each parser stands beside the builder that is its reverse.

A position parser takes `(data, pos)` and returns `(value, next_pos)`, or raises a `GrammarError` with the position. It checks its own rule
only; the caller checks what may follow. Values are `str` with one character per octet (latin-1), so obs-text is unchanged (RFC 9110 §5.5).
"""

from __future__ import annotations

import re
from typing import Final

from watchword.errors import ConfigurationError, GrammarError
from watchword.grammar.abnf import OWS, QUOTED_PAIR, QUOTED_STRING, SP, TCHAR, TOKEN, TOKEN68, TOKEN68_CHARS

# The complement of HTAB / SP / VCHAR / obs-text: characters that no quoted-string can hold, escaped or not.
_UNQUOTABLE: Final = re.compile(r"[^\t\x20-\x7e\x80-\xff]")


def skip_ows(data: bytes, pos: int) -> int:
    """Return the first position from `pos` on that holds neither SP nor HTAB (RFC 9110 §5.6.3)."""
    end = len(data)
    while pos < end and data[pos] in OWS:
        pos += 1
    return pos


def skip_sp(data: bytes, pos: int) -> int:
    """Return the first position from `pos` on that holds no SP: after a scheme name HTAB is not whitespace (RFC 9110 §11.3, D6)."""
    end = len(data)
    while pos < end and data[pos] == SP:
        pos += 1
    return pos


def parse_token(data: bytes, pos: int, expected: str = "a token") -> tuple[str, int]:
    """Parse `token` (RFC 9110 §5.6.2).

    Args:
        data: the field value.
        pos: where the token starts.
        expected: the meaning of the token in words, for the error.

    Raises:
        GrammarError: no tchar follows at `pos`.
    """
    match = TOKEN.match(data, pos)
    if match is None:
        raise GrammarError(expected, pos)
    return match[0].decode("ascii"), match.end()


def is_token(text: str) -> bool:
    """Tell whether `text` can be sent as a token: a scheme, a parameter name, an unquoted value (RFC 9110 §5.6.2)."""
    # An ASCII identifier consists of letters, digits and "_", tchars all: no second look at names such as `realm`.
    return text.isascii() and (text.isidentifier() or (bool(text) and not text.encode("ascii").translate(None, TCHAR)))


def maybe_token68(data: bytes, pos: int) -> tuple[str, int] | None:
    """Parse `token68` (RFC 9110 §11.2), or answer None if none starts at `pos`.

    A start is not enough to tell it from a parameter (`realm=` is a token68): the caller looks at what follows.
    """
    match = TOKEN68.match(data, pos)
    return None if match is None else (match[0].decode("ascii"), match.end())


def is_token68(text: str) -> bool:
    """Tell whether `text` can be sent as a token68 (RFC 9110 §11.2)."""
    # `=` alone is not a token68: one other character at least (RFC 9110 §11.2).
    body = text.rstrip("=")
    return bool(body) and body.isascii() and not body.encode("ascii").translate(None, TOKEN68_CHARS)


def parse_quoted_string(data: bytes, pos: int) -> tuple[str, int]:
    r"""Parse `quoted-string` and undo its quoted-pairs: `"a\"b"` stands for `a"b` (RFC 9110 §5.6.4).

    Raises:
        GrammarError: no quoted-string starts at `pos`, or it is not closed, or it holds a control character other than HTAB.
    """
    match = QUOTED_STRING.match(data, pos)
    if match is None:
        raise GrammarError("a quoted-string, closed and without control characters", pos)
    content: bytes = match[1]
    if b"\\" in content:
        content = QUOTED_PAIR.sub(rb"\1", content)
    # One character per octet: obs-text has no known encoding, and must never fail here (RFC 9110 §5.5).
    return content.decode("latin-1"), match.end()


def check_quotable(text: str) -> None:
    """Refuse text that no quoted-string can carry, escaped or not. The message shows one character of it: the rest may be a secret.

    Raises:
        ConfigurationError: a character is not HTAB, SP, %x21-7E or %x80-FF.
    """
    # The usual case. `isprintable` alone lets characters above U+00FF through.
    if text.isascii() and text.isprintable():
        return
    foreign = _UNQUOTABLE.search(text)
    if foreign is not None:
        raise ConfigurationError(
            f"{foreign[0]!a} at index {foreign.start()} cannot be sent in a quoted-string. "
            "Use HTAB, SP, %x21-7E and %x80-FF (RFC 9110 §5.6.4)."
        )


def quote_string(text: str) -> str:
    r"""Build the quoted-string that stands for `text`. Every quoted value that watchword sends is built here.

    Only the double quote and the backslash are escaped, as RFC 9110 §5.6.4 asks.

    Args:
        text: one character per octet; HTAB, SP, %x21-7E and %x80-FF.

    Returns:
        The quoted-string, its quotes included.

    Raises:
        ConfigurationError: a character cannot be sent. CR and LF would end the field and start another, so they are never let through.
    """
    check_quotable(text)
    # The backslash first, or the ones put before quotes would be escaped again.
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


# RFC 9110, Section 11.2
#   auth-param     = token BWS "=" BWS ( token / quoted-string )
def parse_auth_param(data: bytes, pos: int) -> tuple[tuple[str, str], int]:
    """Parse `auth-param` into its name, in lower case, and its value, sent as a token or quoted (RFC 9110 §11.2).

    Raises:
        GrammarError: no auth-param follows at `pos`.
    """
    # `BWS "=" BWS`: a recipient must read bad whitespace, and a sender must not make it (RFC 9110 §5.6.3).
    name, pos = parse_token(data, pos, "a parameter name")
    pos = skip_ows(data, pos)
    if data[pos : pos + 1] != b"=":
        raise GrammarError('"=" after a parameter name', pos)
    pos = skip_ows(data, pos + 1)
    if data[pos : pos + 1] == b'"':
        value, pos = parse_quoted_string(data, pos)
    else:
        value, pos = parse_token(data, pos, "a parameter value, token or quoted-string")
    # Values keep their case: only names are compared without regard to it (RFC 9110 §11.2).
    return (name.lower(), value), pos


def is_auth_param(data: bytes, pos: int) -> bool:
    """Tell whether the list element at `pos` can only be an auth-param: a token, then BWS and "=".

    Nothing else of RFC 9110 §11 has "=" there: in `scheme token68` the token68 does not start with one.
    """
    match = TOKEN.match(data, pos)
    if match is None:
        return False
    # No SP is needed before "=": `a =1` is a parameter with bad whitespace, not a scheme with the token68 "=1".
    pos = skip_ows(data, match.end())
    return data[pos : pos + 1] == b"="


def build_auth_param(name: str, value: str, *, bare: bool) -> str:
    """Build the `auth-param` that `parse_auth_param` reads back, without bad whitespace (RFC 9110 §5.6.3).

    Args:
        name: a token.
        value: what `quote_string` takes.
        bare: send the value without quotes if it is a token.

    Raises:
        ConfigurationError: the value cannot be sent.
    """
    return f"{name}={value if bare and is_token(value) else quote_string(value)}"
