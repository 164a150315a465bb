"""Compares the grammar with the parsers of other libraries; each difference is a test."""

from __future__ import annotations

import base64
import binascii
import re
import string
from urllib.parse import parse_qsl
from urllib.request import parse_http_list, parse_keqv_list

import h11._abnf
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import cookie_parser
from werkzeug.datastructures import Authorization as WerkzeugAuthorization
from werkzeug.datastructures import MIMEAccept, WWWAuthenticate
from werkzeug.http import parse_accept_header, parse_cookie

from watchword.errors import GrammarError
from watchword.grammar import (
    Authorization,
    Challenge,
    decode_base64,
    is_token,
    parse_authorization,
    parse_challenges,
    parse_cookies,
    parse_form,
    preferred_type,
    quote_string,
)

ALNUM = string.ascii_letters + string.digits
PRINTABLE = ALNUM + string.punctuation + " "

tokens = st.text(ALNUM + "!#$%&'*+-.^_`|~", min_size=1, max_size=8)
# Werkzeug reads Basic further than the grammar does: see test_werkzeug_reads_the_same_basic_credentials.
schemes = tokens.filter(lambda scheme: scheme.lower() != "basic")
token68s = st.builds(str.__add__, st.text(ALNUM + "-._~+/", min_size=1, max_size=24), st.text("=", max_size=2))
# A name that ends in "*" is an extended one to werkzeug (RFC 8187); here that is for the scheme to say.
params = st.dictionaries(
    st.text(string.ascii_lowercase + "_-", min_size=1, max_size=6), st.text(PRINTABLE, max_size=16), min_size=1, max_size=5
)


def test_h11_has_the_same_tokens_and_quotable_octets() -> None:
    """h11 and watchword call the same octets tchar, and what h11 lets into a field value by the RFC can be quoted."""
    octets = [bytes([code]) for code in range(256)]
    token = re.compile(h11._abnf.token.encode())
    assert [octet for octet in octets if token.fullmatch(octet)] == [octet for octet in octets if is_token(octet.decode("latin-1"))]
    vchar = re.compile(h11._abnf.vchar.encode())
    assert all(quote_string(octet.decode("latin-1")) for octet in octets if vchar.fullmatch(octet))


@given(schemes, token68s)
def test_werkzeug_reads_the_same_token68(scheme: str, token68: str) -> None:
    """Scheme and token68 are what werkzeug finds, both ways round."""
    ours = Authorization(scheme, token68)
    theirs = WerkzeugAuthorization.from_header(ours.serialize())
    assert theirs is not None
    assert (theirs.type, theirs.token) == (scheme.lower(), token68)
    assert parse_authorization(theirs.to_header()) == ours


@given(schemes, params)
def test_werkzeug_reads_the_same_parameters(scheme: str, params: dict[str, str]) -> None:
    """Parameters are what werkzeug finds in what watchword sends, and what watchword finds in what werkzeug sends."""
    ours = Authorization(scheme, params=params)
    theirs = WerkzeugAuthorization.from_header(ours.serialize())
    assert theirs is not None
    assert (theirs.type, theirs.parameters) == (scheme.lower(), params)
    sent = WerkzeugAuthorization(scheme.lower(), dict(params)).to_header()
    assert parse_authorization(sent) == ours


@given(st.text(PRINTABLE.replace(":", ""), max_size=8), st.text(PRINTABLE, max_size=8))
def test_werkzeug_reads_the_same_basic_credentials(username: str, password: str) -> None:
    """The base64 that werkzeug sends decodes to the user name and password it was made of."""
    sent = WerkzeugAuthorization("basic", {"username": username, "password": password}).to_header()
    assert decode_base64(parse_authorization(sent).token68 or "") == f"{username}:{password}".encode()


@given(schemes, params)
def test_werkzeug_reads_the_same_challenge(scheme: str, params: dict[str, str]) -> None:
    """A challenge is read alike, and one that werkzeug sends is read as what it was made of."""
    ours = Challenge(scheme, params)
    theirs = WWWAuthenticate.from_header(ours.serialize())
    assert theirs is not None
    assert (theirs.type, theirs.parameters) == (scheme.lower(), params)
    assert parse_challenges(WWWAuthenticate(scheme.lower(), dict(params)).to_header()) == [ours]


@pytest.mark.parametrize(
    "value",
    ["Digest a=1, A=2", "Digest a=1, a=2", 'Digest a="x', "Digest a=1 b=2", "Bearer a b", "Basic", "Bearer\ta", "Bearer a\x7f", "=x y"],
)
def test_werkzeug_takes_what_the_grammar_refuses(value: str) -> None:
    """Werkzeug answers something or nothing where RFC 9110 has no reading; here each of these is an error (D2, D3, D6, D7)."""
    WerkzeugAuthorization.from_header(value)
    with pytest.raises(GrammarError):
        parse_authorization(value)


@given(params)
def test_the_standard_library_reads_the_same_digest_parameters(params: dict[str, str]) -> None:
    """`urllib.request`, which reads Digest challenges for its clients, finds the same names and values."""
    sent = Challenge("Digest", params).serialize().removeprefix("Digest ")
    # It drops the quotes and leaves the pairs as they are: compare what has none.
    plain = {name: value for name, value in params.items() if not set('"\\') & set(value)}
    theirs = parse_keqv_list(parse_http_list(sent))
    assert {name: theirs[name] for name in plain} == plain


@given(st.lists(st.tuples(tokens, st.text(ALNUM + "!#$%&'()*+-./:<=>?@[]^_`{|}~", max_size=8)), max_size=5))
def test_starlette_and_werkzeug_read_the_same_cookies(pairs: list[tuple[str, str]]) -> None:
    """Cookies by the strict ABNF are read alike; Starlette keeps the last of two with one name, watchword and werkzeug both.

    Beyond the ABNF they part: Starlette strips U+00A0 from a name and unquotes values, werkzeug wants UTF-8 and raises without it.
    """
    sent = "; ".join(f"{name}={value}" for name, value in pairs)
    ours = parse_cookies(sent)
    assert ours == pairs
    assert dict(ours) == cookie_parser(sent)
    assert sorted(ours) == sorted(parse_cookie(sent).items(multi=True))


@given(
    st.binary(max_size=40), st.lists(st.sampled_from([b"a", b"=", b"&", b"+", b"%41", b"%", b"%zz", b"\xff"]), max_size=12).map(b"".join)
)
def test_the_standard_library_reads_the_same_forms(octets: bytes, near: bytes) -> None:
    """`parse_qsl` finds the same pairs in a body, invalid escapes and all, if told to decode octet by octet."""
    for body in (octets, near):
        theirs = parse_qsl(body.decode("latin-1"), keep_blank_values=True, encoding="latin-1")
        assert [(name.decode("latin-1"), value.decode("latin-1")) for name, value in parse_form(body)] == theirs


@given(st.one_of(st.text(ALNUM + "+/=-_ \n", max_size=12), st.binary(max_size=12).map(lambda octets: base64.b64encode(octets).decode())))
def test_the_standard_library_reads_the_same_base64(text: str) -> None:
    """What decodes here decodes there to the same; what decodes there and not here is another spelling of it."""
    try:
        theirs = base64.b64decode(text, validate=True)
    except binascii.Error:
        theirs = None
    try:
        assert decode_base64(text) == theirs
    except GrammarError:
        assert theirs is None or base64.b64encode(theirs).decode() != text


RANGES = ["application/json", "text/html", "text/plain", "image/png"]


@given(st.dictionaries(st.sampled_from(RANGES), st.sampled_from(["0", "0.001", "0.2", "0.50", "1", "1.000"])), st.permutations(RANGES))
def test_werkzeug_chooses_the_same_type(weights: dict[str, str], offered: list[str]) -> None:
    """Among ranges without wildcards the choice is the same; with them werkzeug lets `*/*` overrule a lower, more specific weight."""
    accept = ", ".join(f"{media_range};q={weight}" for media_range, weight in weights.items())
    assert preferred_type(accept, offered) == parse_accept_header(accept, MIMEAccept).best_match(offered, default=offered[0])
