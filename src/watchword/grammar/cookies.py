"""Reads the Cookie field pair by pair (RFC 6265bis §4.2.1).

The standard library's reader drops every cookie when one is malformed and keeps the last of two with one name. Here only
the malformed pair is skipped, and both of two are kept: the session scheme decides whether two session cookies are an attack.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from watchword.errors import ConfigurationError
from watchword.grammar.abnf import OWS
from watchword.grammar.limits import MAX_TAKEN_OUT
from watchword.grammar.rules import is_token
from watchword.validators import invalid

if TYPE_CHECKING:
    from collections.abc import Iterable

_OWS: Final = " \t"

# cookie-octet is narrower, but servers set JSON, spaces and UTF-8, and browsers send them back. Browsers refuse control characters other
# than HTAB (RFC 6265bis §5.6). A character above U+00FF cannot have come over HTTP.
_NOT_IN_VALUE: Final = re.compile(r"[^\t\x20-\x7e\x80-\xff]")
_BETWEEN: Final = re.compile(rb"(?<![ \t])[ \t]*+;[; \t]*+")
_NO_OCTET: Final = re.compile(r"[^\x00-\xff]")


# RFC 6265bis, Section 4.2.1
#   cookie-string = cookie-pair *( ";" SP cookie-pair )
#   cookie-pair   = cookie-name BWS "=" BWS cookie-value
#   cookie-name   = token
def parse_cookies(value: str | bytes) -> list[tuple[str, str]]:
    """Parse the value of a Cookie field into its pairs.

    SP and HTAB around a pair are dropped and no other whitespace: U+00A0 before `__Host-session` makes it another name, or a
    subdomain could set a cookie that passes for a prefixed one. For the same reason a name is a token, so `session =x` is skipped.
    Double quotes belong to the value and protect no ";" in it, as in browsers; `$Version` is a name like any other.

    Args:
        value: the field value, from an untrusted source; several fields are joined with "; " before (RFC 6265bis §4.2.1). Every
            pair costs Python code: where only some names are wanted, `CookieReader` costs a tenth.

    Returns:
        Name and value of every well-formed pair, in the order sent, duplicates kept; one character per octet (latin-1). Never
        raises.
    """
    text = value if isinstance(value, str) else value.decode("latin-1")
    pairs: list[tuple[str, str]] = []
    for part in text.split(";"):
        name, equals, content = part.strip(_OWS).partition("=")
        if equals and is_token(name) and not _NOT_IN_VALUE.search(content):
            pairs.append((name, content))
    return pairs


class CookieReader:
    """Reads the cookies of some names, without parsing the others.

    A client chooses how many pairs a field holds. Two patterns walk the field in C, so the cost is about 10 ns per octet, for any octets.

    Args:
        names: the names that are wanted, each a token.

    Raises:
        ConfigurationError: no name is given, or one is not a token.
    """

    __slots__ = ("_pair", "_unwanted")

    def __init__(self, names: Iterable[str]) -> None:
        wanted = list(names)
        for name in wanted:
            # The name becomes part of a pattern and of a comparison of octets: a token has one spelling.
            if not isinstance(name, str) or not is_token(name):
                raise invalid("a cookie name", "be a token (RFC 6265bis §4.2.1)", name)
        if not wanted:
            raise ConfigurationError("CookieReader(names) must hold at least one name.")
        either = b"|".join(re.escape(name.encode()) for name in wanted)
        # Both patterns start with ";", which the engine finds with memchr; the field is read as if it started with one. The value of
        # a pair holds an octet other than OWS, and ends where the pair ends: a control character makes the pair malformed.
        self._pair = re.compile(rb";[ \t]*+(?:" + either + rb")=(?=[ \t]*+[^; \t])([\t\x20-\x3a\x3c-\x7e\x80-\xff]++)(?![^;])")
        # A run of unwanted pairs is one match, so removing pairs costs no more than keeping them.
        self._unwanted = re.compile(rb"(?:;[ \t]*+(?:" + either + rb")[ \t]*+(?:=[^;]*+)?(?![^;]))++")

    def find(self, value: str | bytes, *, most: int = 2) -> list[bytes]:
        """Return the values of the wanted cookies, read as `parse_cookies` reads them.

        Args:
            value: the field value, from an untrusted source; the caller bounds its length.
            most: how many values are returned at most. Two tell that there is more than one.

        Returns:
            The values in the order sent. A cookie without a value does not count: this is how a server deletes one. Never raises.
        """
        found: list[bytes] = []
        for match in self._pair.finditer(b";" + _octets(value)):
            found.append(match[1].rstrip(OWS))
            # Two of one name are ambiguous: browsers order them by path, and any sibling domain can add one (RFC 6265bis §8.6).
            if len(found) >= most:
                break
        return found

    def without(self, value: str | bytes) -> bytes:
        """Return the field value without the wanted cookies, malformed ones included.

        Args:
            value: as above.

        Returns:
            The other pairs, joined with "; "; empty if no other is left, or if the wanted ones stand in `MAX_TAKEN_OUT` places.
        """
        left, count = self._unwanted.subn(b"", b";" + _octets(value), MAX_TAKEN_OUT)
        return b"" if count == MAX_TAKEN_OUT else _BETWEEN.sub(b"; ", left.strip(b"; \t"))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._pair.pattern!r})"


def _octets(value: str | bytes) -> bytes:
    """Return the octets of a field value, with NUL for a character that stands for none: no cookie holds it."""
    if not isinstance(value, str):
        return value
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return _NO_OCTET.sub("\x00", value).encode("latin-1")
