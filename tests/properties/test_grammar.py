"""The grammar of RFC 9110 for any input: what is read can be built, what is built can be read, and nothing else is raised."""

from __future__ import annotations

import base64
import re
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.fuzz import TRIES
from watchword.errors import ConfigurationError, FieldTooLong, GrammarError
from watchword.grammar import (
    Authorization,
    Challenge,
    CookieReader,
    FormReader,
    claimed_schemes,
    decode_base64,
    form_decode,
    is_token,
    parse_authorization,
    parse_byte_sequence,
    parse_challenges,
    parse_cookies,
    parse_form,
    preferred_type,
    quote_string,
)
from watchword.grammar.rules import build_auth_param, is_token68, parse_auth_param, parse_quoted_string, parse_token

if TYPE_CHECKING:
    from collections.abc import Callable

TCHAR = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
TOKEN68 = "-._~+/0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
QUOTABLE = "\t" + "".join(map(chr, range(0x20, 0x7F))) + "".join(map(chr, range(0x80, 0x100)))

tokens = st.text(TCHAR, min_size=1, max_size=8)
token68s = st.builds(str.__add__, st.text(TOKEN68, min_size=1, max_size=24), st.text("=", max_size=3))
texts = st.text(QUOTABLE, max_size=16)
names = st.one_of(st.sampled_from(["realm", "algorithm", "stale", "nc", "qop", "userhash", "username*"]), tokens)
params = st.lists(st.tuples(names, st.one_of(tokens, texts)), max_size=6, unique_by=lambda pair: pair[0].lower())
credentials = st.one_of(
    st.builds(Authorization, tokens, token68s),
    st.builds(lambda scheme, pairs: Authorization(scheme, params=pairs), tokens, params.filter(bool)),
)
challenges = st.one_of(
    st.builds(Challenge, tokens, params), st.builds(lambda scheme, token68: Challenge(scheme, token68=token68), tokens, token68s)
)

# Text that comes close to being a field value: most octets mean something to the grammar.
near_misses = st.lists(
    st.sampled_from([*'ab1=",;\\ \t/+~@\r\n\0\x7fé', "Basic ", "Bearer ", ", ", "a=b", '"x"', "==", " , ,", "q=0.5"]), max_size=14
).map("".join)
anything = st.one_of(near_misses, near_misses.map(lambda text: text.encode("latin-1")), st.text(max_size=40), st.binary(max_size=40))
ows = st.text(" \t", max_size=2)
commas = st.lists(ows, min_size=2, max_size=4).map(",".join)


def noisy_param(draw: st.DrawFn, name: str, value: str) -> str:
    """Spell a parameter in one of the ways a recipient has to take (RFC 9110 §5.6.3, §5.6.4, §11.2)."""
    name = "".join(draw(st.sampled_from([char.lower(), char.upper()])) for char in name)
    if is_token(value) and draw(st.booleans()):
        sent = value
    else:
        sent = '"' + "".join(f"\\{char}" if char in '"\\' or draw(st.booleans()) else char for char in value) + '"'
    return f"{name}{draw(ows)}={draw(ows)}{sent}"


@st.composite
def noisy_credentials(draw: st.DrawFn) -> tuple[str, Authorization]:
    """Spell credentials in any way the grammar allows, with what they stand for."""
    meant = draw(credentials)
    sp = " " * draw(st.integers(1, 3))
    if meant.params is None:
        sent = f"{meant.scheme}{sp}{meant.token68}"
    else:
        spelt = [noisy_param(draw, name, value) for name, value in meant.params.items()]
        separators = [draw(commas) for _ in spelt[1:]]
        content = "".join(part + comma for part, comma in zip_longest(spelt, separators, fillvalue=""))
        before, after = draw(st.sampled_from(["", ",", " , ,"])), draw(st.sampled_from(["", ",", " ,\t,"]))
        sent = f"{meant.scheme}{sp}{before}{content}{after}"
    return f"{draw(ows)}{sent}{draw(ows)}", meant


def in_both_forms(value: str | bytes) -> list[str | bytes]:
    """Return a value as `str` and as `bytes`, if it can be both."""
    if isinstance(value, bytes):
        return [value, value.decode("latin-1")]
    return [value, value.encode("latin-1")] if all(char <= "\xff" for char in value) else [value]


def outcome(parse: Callable[[Any], Any], value: str | bytes) -> Any:
    """Return what a parser makes of a value: the value it gives, or the text of its GrammarError; any other exception is a failure."""
    try:
        return parse(value)
    except GrammarError as error:
        refusal = error
    assert 0 <= refusal.position <= len(value)
    return str(refusal)


# --- round trips -----------------------------------------------------------------------------------------------------------------


@given(tokens, st.sampled_from(sorted(set(map(chr, range(256))) - set(TCHAR))), st.binary(max_size=4))
def test_rfc9110_5_6_2_token(token: str, delimiter: str, rest: bytes) -> None:
    """A token is read back whole, whatever follows that is no tchar."""
    assert parse_token(f"{token}{delimiter}".encode("latin-1") + rest, 0) == (token, len(token))


@given(st.text(max_size=12))
def test_rfc9110_5_6_2_is_token(text: str) -> None:
    """A text is a token exactly if it is not empty and the ABNF lists each of its characters."""
    assert is_token(text) == (bool(text) and set(text) <= set(TCHAR))


@given(texts, st.binary(max_size=4))
def test_rfc9110_5_6_4_quoted_string(text: str, rest: bytes) -> None:
    """A text that can be sent is read back from its quoted-string, whatever follows."""
    sent = quote_string(text).encode("latin-1")
    assert parse_quoted_string(sent + rest, 0) == (text, len(sent))


@given(st.text(max_size=12))
def test_rfc9110_5_6_4_what_cannot_be_sent(text: str) -> None:
    """A text is quoted if all its characters are in the ABNF, and is an error otherwise; there is no third way."""
    if set(text) <= set(QUOTABLE):
        assert parse_quoted_string(quote_string(text).encode("latin-1"), 0)[0] == text
    else:
        with pytest.raises(ConfigurationError):
            quote_string(text)


@given(names, texts, st.booleans())
def test_rfc9110_11_2_auth_param(name: str, value: str, bare: bool) -> None:  # noqa: FBT001 - drawn
    """A parameter is read back from either form."""
    sent = build_auth_param(name, value, bare=bare).encode("latin-1")
    assert parse_auth_param(sent, 0) == ((name.lower(), value), len(sent))


@given(credentials)
def test_rfc9110_11_4_credentials_built_and_read(meant: Authorization) -> None:
    """Credentials that can be made can be sent, and are read back equal and with the same spelling of the scheme."""
    for value in in_both_forms(meant.serialize()):
        read = parse_authorization(value)
        assert read == meant
        assert (read.scheme, hash(read)) == (meant.scheme, hash(meant))
        assert list((read.params or {}).items()) == list((meant.params or {}).items())


@given(anything)
@example("Digest a=")
@example("X qop=a")
def test_rfc9110_11_4_credentials_read_and_built(value: str | bytes) -> None:
    """Credentials that were read can be made and sent again."""
    read = outcome(parse_authorization, value)
    if isinstance(read, Authorization):
        assert (read.token68 is None) != (read.params is None)
        assert parse_authorization(read.serialize()) == Authorization(read.scheme, read.token68, read.params) == read


@given(noisy_credentials())
def test_rfc9110_5_6_every_spelling_means_the_same(drawn: tuple[str, Authorization]) -> None:
    """Letter case of names, quoting, bad whitespace, extra SP and empty elements do not change what credentials mean."""
    sent, meant = drawn
    assert parse_authorization(sent) == parse_authorization(sent.encode("latin-1")) == meant


@given(st.lists(challenges, min_size=1, max_size=6))
@example([Challenge("Negotiate"), Challenge("Basic", {"realm": "x"}), Challenge("Negotiate"), Challenge("A", token68="b=")])
def test_rfc9110_11_6_1_challenges_built_and_read(sent: list[Challenge]) -> None:
    """Challenges joined in one field value are read back, each equal to what was sent and in the same order."""
    for value in in_both_forms(", ".join(challenge.serialize() for challenge in sent)):
        read = parse_challenges(value)
        assert read == sent
        assert [(challenge.scheme, list(challenge.params.items())) for challenge in read] == [
            (challenge.scheme, list(challenge.params.items())) for challenge in sent
        ]


@given(anything)
def test_rfc9110_11_6_1_challenges_read_and_built(value: str | bytes) -> None:
    """Challenges that were read can be sent again, together and one by one."""
    read = outcome(parse_challenges, value)
    if isinstance(read, list):
        assert parse_challenges(", ".join(challenge.serialize() for challenge in read)) == read
        assert [parse_challenges(challenge.serialize()) for challenge in read] == [[challenge] for challenge in read]


@given(st.binary(max_size=40))
def test_rfc4648_4_base64(octets: bytes) -> None:
    """Octets are read back from their base64, and from no other text of the same length that a lenient decoder takes for them."""
    text = base64.b64encode(octets)
    assert decode_base64(text) == decode_base64(text.decode()) == octets
    assert parse_byte_sequence(b":" + text + b":") == octets


@given(st.one_of(st.text("AQZaz09+/=-_ \n", max_size=12), anything))
def test_rfc4648_3_base64_has_one_spelling(text: str | bytes) -> None:
    """Whatever decodes is the base64 of what it decodes to."""
    decoded = outcome(decode_base64, text)
    if isinstance(decoded, bytes):
        assert base64.b64encode(decoded) == (text if isinstance(text, bytes) else text.encode())


@given(st.lists(st.tuples(tokens, st.text(QUOTABLE.replace(";", ""), max_size=8).map(lambda text: text.rstrip(" \t"))), max_size=5))
def test_rfc6265bis_4_2_1_cookies(pairs: list[tuple[str, str]]) -> None:
    """Cookie pairs are read back in order, duplicates and all."""
    sent = "; ".join(f"{name}={value}" for name, value in pairs)
    assert parse_cookies(sent) == parse_cookies(sent.encode("latin-1")) == pairs


@given(st.lists(st.tuples(st.binary(max_size=6), st.binary(max_size=6)), max_size=5))
def test_url_standard_5_forms(pairs: list[tuple[bytes, bytes]]) -> None:
    """Pairs of octets are read back from their percent-encoding, with SP as "+"."""

    def encode(octets: bytes) -> str:
        return "".join("+" if octet == 0x20 else f"%{octet:02x}" if octet % 2 else f"%{octet:02X}" for octet in octets)

    assert parse_form("&".join(f"{encode(name)}={encode(value)}" for name, value in pairs)) == pairs


# --- nothing else is raised ------------------------------------------------------------------------------------------------------


@given(anything)
def test_rfc9110_2_2_any_input_gives_a_value_or_a_grammar_error(value: str | bytes) -> None:
    """No input makes a parser raise anything but GrammarError, and `str` and `bytes` of the same octets fare alike."""
    for parse in (parse_authorization, parse_challenges, decode_base64, parse_byte_sequence):
        results = [outcome(parse, form) for form in in_both_forms(value)]
        assert results[1:] in ([], results[:1])


@given(anything)
def test_rfc9110_2_2_lenient_readers_never_raise(value: str | bytes) -> None:
    """Readers that skip what is malformed answer to any input, and alike to `str` and `bytes` of the same octets."""
    for read in (claimed_schemes, parse_cookies, parse_form, lambda value: preferred_type(value, ["a/b", "text/html"])):
        results = [read(form) for form in in_both_forms(value)]
        assert results[1:] in ([], results[:1])


@pytest.mark.long
@pytest.mark.timeout(0)
@settings(max_examples=TRIES)
@given(st.one_of(anything, st.text(), st.binary()))
def test_rfc9110_2_2_any_input_for_long(value: str | bytes) -> None:
    """For as long as one likes: no input makes a parser raise anything but GrammarError, or a reader raise at all."""
    for parse in (parse_authorization, parse_challenges, decode_base64, parse_byte_sequence):
        outcome(parse, value)
    for read in (claimed_schemes, parse_cookies, parse_form, lambda value: preferred_type(value, ["a/b", "text/html"])):
        read(value)


@given(anything, st.integers(0, 60))
def test_rfc9110_5_4_the_limit_is_exact(value: str | bytes, limit: int) -> None:
    """FieldTooLong is raised exactly if the value is longer than the limit."""
    for parse in (parse_authorization, parse_challenges, parse_byte_sequence):
        too_long = False
        try:
            parse(value, limit=limit)
        except FieldTooLong as error:
            too_long = error.limit == limit
        except GrammarError:
            pass
        assert too_long == (len(value) > limit)


form_pieces = st.lists(
    st.sampled_from([b"a", b"b", b"%61", b"%6", b"%41", b"=", b"&", b"+", b" ", b"%20", b"%26", b"%", b"\xff"]), max_size=12
)
cookie_pieces = st.lists(st.sampled_from(["a", "b", "=", ";", " ", "\t", "\x00", "\xa0", '"', "\xff", ","]), max_size=12)


@given(form_pieces.map(b"".join), st.sampled_from([[b"a"], [b"a b", b"a"], [b"%"], [b"a&"]]))
def test_a_reader_of_forms_reads_what_the_whole_parser_reads(data: bytes, names: list[bytes]) -> None:
    """For the wanted names, `FormReader` finds and takes out what `parse_form` finds, and nothing else."""
    reader = FormReader(names)
    wanted = [pair for pair in parse_form(data) if pair[0] in names]
    assert [form_decode(value) for value in reader.find(data, most=99)] == [value for _, value in wanted]
    assert parse_form(reader.without(data)) == [pair for pair in parse_form(data) if pair[0] not in names]


@given(cookie_pieces.map("".join))
def test_a_reader_of_cookies_reads_what_the_whole_parser_reads(value: str) -> None:
    """For the wanted names, `CookieReader` finds what `parse_cookies` finds, save emptied ones, and leaves none of them over."""
    reader = CookieReader(["a"])
    assert [found.decode("latin-1") for found in reader.find(value, most=99)] == [
        one for name, one in parse_cookies(value) if name == "a" and one
    ]
    left = parse_cookies(reader.without(value))
    assert left == [pair for pair in parse_cookies(value) if pair[0] != "a"]


@given(anything)
def test_no_secret_shows(value: str | bytes) -> None:
    """The repr of credentials shows nothing that was not in the scheme."""
    read = outcome(parse_authorization, value)
    if isinstance(read, Authorization):
        assert repr(read) == f"Authorization({read.scheme!r}, ...)"
        assert re.fullmatch(r"None|mappingproxy\(<\d+ hidden>\)", repr(read.params))


# --- the ABNF as it is printed, as an oracle -------------------------------------------------------------------------------------

_TOKEN = "[" + re.escape(TCHAR) + "]+"
_TOKEN68 = "[" + re.escape(TOKEN68) + "]+=*"
_QUOTED = r'"(?:[\t\x20\x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t\x20-\x7e\x80-\xff])*"'
_OWS = r"[ \t]*"
_PARAM = f"{_TOKEN}{_OWS}={_OWS}(?:{_TOKEN}|{_QUOTED})"
_PARAMS = f"(?:{_PARAM})?(?:{_OWS},{_OWS}(?:{_PARAM})?)*"
_CREDENTIALS = re.compile(f"{_OWS}{_TOKEN} +(?:{_TOKEN68}|{_PARAMS}){_OWS}")
_CHALLENGE = f"{_TOKEN}(?: +(?:{_TOKEN68}|{_PARAMS}))?"
_CHALLENGES = re.compile(f"{_OWS}(?:{_CHALLENGE})?(?:{_OWS},{_OWS}(?:{_CHALLENGE})?)*{_OWS}")
_STRICTER = ("did not occur before", "after the scheme name", "expected a challenge at")

pieces = ["a", "B", "a=1", '"x"', '"', "=", ",", " ", "\t", "==", "@", "b = c", "\\", ', c="d, e"', "é", "\n"]
abnf_near_misses = st.lists(st.sampled_from(pieces), max_size=9).map("".join)


@given(abnf_near_misses)
@example("a \t,a=1")
@example("a ,")
@example("a =")
def test_rfc9110_11_4_accepts_what_the_abnf_accepts(value: str) -> None:
    """Credentials are read exactly if the printed ABNF matches, save a scheme alone (D3) and a repeated name (§11.2)."""
    result = outcome(parse_authorization, value)
    matches = _CREDENTIALS.fullmatch(value) is not None
    assert matches or isinstance(result, str)
    assert not matches or isinstance(result, Authorization) or any(reason in result for reason in _STRICTER)


@given(abnf_near_misses)
@example("a , a=1")
@example("a, a=1")
@example("a a=, a=1")
@example("a a= , B a=1")
@example("a\t, B")
def test_rfc9110_11_6_1_accepts_what_the_abnf_accepts(value: str) -> None:
    """Challenges are read exactly if the printed ABNF matches, save a list of none (§5.6.1.2) and a repeated name (§11.2)."""
    result = outcome(parse_challenges, value)
    matches = _CHALLENGES.fullmatch(value) is not None
    assert matches or isinstance(result, str)
    assert not matches or isinstance(result, list) or any(reason in result for reason in _STRICTER)


@given(token68s, tokens)
def test_D8_token68_is_tried_first(token68: str, scheme: str) -> None:  # noqa: N802 - the id of the decision
    """What can be a token68 is one, although `a=` looks like the start of a parameter."""
    assert is_token68(token68)
    assert parse_authorization(f"{scheme} {token68}").token68 == token68
