"""Finds the schemes that a field value claims, where a gateway may have joined several credentials.

A WSGI gateway joins two Authorization lines with a comma, although the field is not a list (RFC 9110 §5.2, §11.6.2; measured:
gunicorn, waitress, wsgiref). `parse_authorization` refuses most such values; this module names the schemes in them.
"""

from __future__ import annotations

from watchword.grammar.abnf import OWS, TCHAR
from watchword.grammar.limits import MAX_CHALLENGES
from watchword.grammar.lists import split_outside_quotes
from watchword.grammar.octets import lenient_octets


def claimed_schemes(value: str | bytes, *, most: int = -1) -> tuple[str, ...]:
    """Name the scheme of every credential that a field value seems to hold.

    The guard needs it for a value that does not parse: to see that two credentials came as one (D1), and which challenge may carry
    `error="invalid_request"` (D2).

    The first element claims its first word. A later element claims its first word only if SP and something else follow, so that
    `Bearer a,b` claims one scheme; and not if "=" follows, for `b = 2` is a parameter with bad whitespace (RFC 9110 §11.2). Commas
    inside a quoted-string separate nothing. Words that are not tokens claim nothing.

    Args:
        value: any field value, as in `parse_authorization`; it is read once, at any length.
        most: how many elements are read at most; -1: all of them.

    Returns:
        Scheme names in lower case, in the order sent; a scheme that is claimed twice is there twice. Never raises.
    """
    # Every field value begins with a scheme, so the first word always claims one.
    first, *later = _elements(value, most)
    words = [first.strip(OWS).replace(b"\t", b" ").partition(b" ")[0]]
    for element in later:
        word, _, rest = element.strip(OWS).partition(b" ")
        # `Bearer a, Basic b`: two credentials that a gateway joined. `Digest a=1, b = 2`: one with bad whitespace.
        if rest and not rest.lstrip(OWS).startswith(b"="):
            words.append(word)
    return tuple(word.decode("ascii").lower() for word in words if word and not word.translate(None, TCHAR))


def may_be_joined(value: str | bytes) -> bool:
    """Tell whether a field value can be two that a gateway joined with a comma.

    It can if an element after a comma can begin a field: a scheme name, alone or before SP, or an empty element. An element that is not a
    token, or that has "=" after it, cannot; so `Digest a=1, b=` is one malformed field.

    Args:
        value: as above, one that does not parse. Only the first 64 elements are read: no honest gateway joins that many fields.
    """
    # Bounded: each element costs Python code, and a client chooses how many commas there are.
    _, *later = _elements(value, MAX_CHALLENGES)
    return any(_begins_a_field(element.strip(OWS)) for element in later)


def _elements(value: str | bytes, most: int) -> list[bytes]:
    elements = split_outside_quotes(lenient_octets(value), b",", most)
    return elements if most < 0 else elements[:most]


def _begins_a_field(element: bytes) -> bool:
    # Only SP ends a scheme name here (decision D6); the application behind may accept HTAB too.
    word, _, rest = element.replace(b"\t", b" ").partition(b" ")
    return not word.translate(None, TCHAR) and not rest.lstrip(OWS).startswith(b"=")
