"""Parses and builds field values (RFC 9110 §5.6 and §11). It handles syntax only.

The grammar does not depend on a scheme. A parser of credentials or challenges takes any input, and returns a value or raises a
`GrammarError` with position and reason. Readers of other fields (Cookie, Accept, forms) skip malformed parts and never raise.

A parser takes `str` with one character per octet (WSGI) or `bytes` (ASGI), and reads its input a fixed number of times. Input of any length
is bounded by `limits`, or walked by a pattern in C.

`strict_json` and `compact_jws` are not exported here: they load `json`, and a guard without tokens needs no JSON. Nor is `languages`, which
refusals alone need.
"""

from __future__ import annotations

from watchword.grammar.accept import preferred_type
from watchword.grammar.authorization import Authorization, parse_authorization
from watchword.grammar.canonical_base64 import decode_base64, decode_base64url, encode_base64url
from watchword.grammar.challenges import Challenge, parse_challenges
from watchword.grammar.claims import claimed_schemes, may_be_joined
from watchword.grammar.cookies import CookieReader, parse_cookies
from watchword.grammar.forms import FormReader, form_decode, parse_form
from watchword.grammar.limits import (
    MAX_CHALLENGES,
    MAX_COOKIE_OCTETS,
    MAX_EMPTY_ELEMENTS,
    MAX_FIELD_OCTETS,
    MAX_FIELDS,
    MAX_NAME_OCTETS,
    MAX_PARAMETERS,
    MAX_PATH_OCTETS,
    MAX_QUERY_OCTETS,
    MAX_TOKEN_OCTETS,
)
from watchword.grammar.percent import has_stray_percent, percent_decode
from watchword.grammar.rules import is_token, is_token68, quote_string
from watchword.grammar.structured import parse_byte_sequence

__all__ = [
    "MAX_CHALLENGES",
    "MAX_COOKIE_OCTETS",
    "MAX_EMPTY_ELEMENTS",
    "MAX_FIELDS",
    "MAX_FIELD_OCTETS",
    "MAX_NAME_OCTETS",
    "MAX_PARAMETERS",
    "MAX_PATH_OCTETS",
    "MAX_QUERY_OCTETS",
    "MAX_TOKEN_OCTETS",
    "Authorization",
    "Challenge",
    "CookieReader",
    "FormReader",
    "claimed_schemes",
    "decode_base64",
    "decode_base64url",
    "encode_base64url",
    "form_decode",
    "has_stray_percent",
    "is_token",
    "is_token68",
    "may_be_joined",
    "parse_authorization",
    "parse_byte_sequence",
    "parse_challenges",
    "parse_cookies",
    "parse_form",
    "percent_decode",
    "preferred_type",
    "quote_string",
]
