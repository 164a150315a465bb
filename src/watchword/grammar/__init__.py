"""Syntax only: field values to values and back, by RFC 9110 §5.6 and §11.

The grammar knows no scheme. It takes whatever a client sends and answers a value, or a `GrammarError` that says where and why;
readers of fields that are no credentials (Cookie, Accept, forms) skip what is malformed and never raise.

A parser takes `str` with one character per octet (WSGI) or `bytes` (ASGI) and reads its input a fixed number of times.
"""

from __future__ import annotations

from watchword.grammar.accept import preferred_type
from watchword.grammar.authorization import Authorization, parse_authorization
from watchword.grammar.canonical_base64 import decode_base64
from watchword.grammar.challenges import Challenge, parse_challenges
from watchword.grammar.claims import claimed_schemes, may_be_joined
from watchword.grammar.cookies import parse_cookies
from watchword.grammar.forms import parse_form
from watchword.grammar.limits import MAX_CHALLENGES, MAX_EMPTY_ELEMENTS, MAX_FIELD_OCTETS, MAX_PARAMETERS
from watchword.grammar.rules import is_token, is_token68, quote_string
from watchword.grammar.structured import parse_byte_sequence

__all__ = [
    "MAX_CHALLENGES",
    "MAX_EMPTY_ELEMENTS",
    "MAX_FIELD_OCTETS",
    "MAX_PARAMETERS",
    "Authorization",
    "Challenge",
    "claimed_schemes",
    "decode_base64",
    "is_token",
    "is_token68",
    "may_be_joined",
    "parse_authorization",
    "parse_byte_sequence",
    "parse_challenges",
    "parse_cookies",
    "parse_form",
    "preferred_type",
    "quote_string",
]
