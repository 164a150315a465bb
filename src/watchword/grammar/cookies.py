"""The Cookie field, read pair by pair (RFC 6265bis §4.2.1).

The standard library's reader drops every cookie when one is malformed and keeps the last of two with one name. Here a malformed
pair is skipped alone and both of two are kept: whether two session cookies mean an attack is for the session scheme to say.
"""

from __future__ import annotations

import re
from typing import Final

from watchword.grammar.rules import is_token

_OWS: Final = " \t"

# cookie-octet is narrower, but servers set JSON, spaces and UTF-8 all the same and browsers send them back. What browsers refuse
# is a control character other than HTAB (RFC 6265bis §5.6), and what stands for no octet cannot have come over HTTP.
_NOT_IN_VALUE: Final = re.compile(r"[^\t\x20-\x7e\x80-\xff]")


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
        value: the field value, from an untrusted source; several fields are joined with "; " before (RFC 6265bis §4.2.1).

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
