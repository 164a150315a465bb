"""Strict JSON (RFC 8259, RFC 7493)."""

from __future__ import annotations

import json
from contextlib import suppress
from json.scanner import py_make_scanner  # type: ignore[attr-defined]  # typeshed leaves it out

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.each import each
from watchword.errors import FieldTooLong, GrammarError
from watchword.grammar import strict_json
from watchword.grammar.strict_json import DEPTH, parse_json, parse_json_object

LIMIT = 100_000
PIECES = [b"[", b"]", b"1" * 33, b'"', b",", b'{"a":', b"}", b"\xc3\xa9", b"-1e5", b"\n"]


@each(
    ("text", "value"),
    [
        ("{}", {}),
        (' {"a" : [1, -2.5e1, true, false, null, "x"]}\r\n', {"a": [1, -25.0, True, False, None, "x"]}),
        ('{"\\u00e9": "é\\ud83d\\ude00"}', {"é": "é😀"}),
        ('"\\\\ud800"', "\\ud800"),
        ("1e308", 1e308),
        ("9" * 64, int("9" * 64)),
        ("[" * DEPTH + "]" * DEPTH, None),
        ("[[],[]," * 9 + "1" + "]" * 9, None),
        ('"' + "[" * 99 + "{" * 99 + "9" * 6000 + '"', None),
        ('{"a": {"b": 1}, "b": 1}', {"a": {"b": 1}, "b": 1}),
        ("0", 0),
    ],
)
def test_what_every_reader_reads_alike_is_read(text: str, value: object) -> None:
    """Plain JSON is read as the json module reads it; brackets and digits within strings count for nothing."""
    read = parse_json(text.encode(), limit=LIMIT)
    assert read == (json.loads(text) if value is None and text != "null" else value)


REFUSED = {
    "nothing": b"",
    "whitespace": b" ",
    "byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16 with a mark": "{}".encode("utf-16"),
    "UTF-16": "{}".encode("utf-16-le"),
    "UTF-32": "{}".encode("utf-32-be"),
    "octets that are not UTF-8": b'{"a":"\xff"}',
    "an encoded surrogate": b'{"a":"\xed\xa0\x80"}',
    "an overlong form": b'{"a":"\xc0\xae"}',
    "a repeated member": b'{"a":1,"a":1}',
    "a repeated member within": b'[{"b":{"a":1,"\\u0061":2}}]',
    "NaN": b'{"a":NaN}',
    "Infinity": b"[Infinity]",
    "-Infinity": b"[-Infinity]",
    "1e999": b"[1e999]",
    "-1e999": b'{"a":-1e999}',
    "65 digits": b"9" * 65,
    "6,000 digits": b'{"exp":' + b"9" * 6000 + b"}",
    "6,000 digits of a fraction": b"0." + b"9" * 6000,
    "an exponent of 6,000 digits": b"1e" + b"9" * 6000,
    "33 deep": b"[" * 33 + b"]" * 33,
    "33 deep, objects and arrays": b'{"a":[' * 16 + b"{}" + b"]}" * 16,
    "20,000 deep": b"[" * 20_000 + b"]" * 20_000,
    "20,000 deep, no end": b"[" * 20_000,
    "20,000 objects deep": b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
    "half a pair": b'{"a":"\\ud800"}',
    "half a pair in a name": b'{"\\uDFFF":1}',
    "a pair the wrong way round": b'["\\udc00\\ud800"]',
    "half a pair, escaped backslash before": b'["\\\\\\ud800"]',
    "more after the end": b"{} {}",
    "a NUL after the end": b"{}\0",
    "a control character in a string": b'["\n"]',
    "single quotes": b"{'a':1}",
    "a comma too many": b"[1,]",
    "no comma": b"[1 2]",
    "a leading zero": b"[01]",
    "a plus": b"[+1]",
    "hexadecimal": b"[0x10]",
    "digits of another script": "[٣]".encode(),
    "a comment": b"[1] // one",
    "a form feed": b"\x0c{}",
    "a no-break space": "\u00a0{}".encode(),
    "no end of a string": b'["abc',
    "no end of an escape": b'["abc\\',
    "an odd escape": b'["\\x41"]',
    "a short escape": b'["\\u12"]',
    "an escape with a sign": b'["\\u+123"]',
    "an escape with an underscore": b'["\\u1_23"]',
    "brackets that do not fit": b"[}",
}


@each("name", REFUSED)
def test_what_readers_read_differently_is_refused(name: str) -> None:
    """Every other text is a GrammarError that shows nothing of it, whatever it is made of."""
    with pytest.raises(GrammarError) as caught:
        parse_json(REFUSED[name], limit=LIMIT)
    assert 0 <= caught.value.position <= len(REFUSED[name])
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@each("text", [b"[]", b'"a"', b"1", b"null", b"true", b'[{"a":1}]'])
def test_only_an_object_is_an_object(text: bytes) -> None:
    """Where an object is wanted, no other value passes."""
    assert parse_json_object(b'{"a":1}', limit=LIMIT) == {"a": 1}
    with pytest.raises(GrammarError, match="object"):
        parse_json_object(text, limit=LIMIT)


def test_the_length_is_tested_first() -> None:
    """A text over the bound is too long, whatever it is, and one of exactly the bound is read."""
    assert parse_json(b"[1]", limit=3) == [1]
    for text in (b"[1] ", b"\xff" * 4):
        with pytest.raises(FieldTooLong):
            parse_json(text, limit=3)


def test_the_nesting_is_exact() -> None:
    """As deep as the bound is read, one deeper is not, whatever the brackets are mixed with."""
    for depth in range(6):
        for unit in (("[", "]"), ('{"a":', "}"), ('[1,{"a":[],"b":', "}]")):
            opened, closed = unit
            levels = 2 if opened.startswith("[1") else 1
            text = (opened * depth + "1" + closed * depth).encode()
            most = depth * levels + (1 if levels == 2 and depth else 0)
            parse_json(text, limit=LIMIT, depth=most)
            if most:
                with pytest.raises(GrammarError, match="deep"):
                    parse_json(text, limit=LIMIT, depth=most - 1)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**60), 10**60) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=20,
)


@given(value=JSON, ascii_only=st.booleans())
def test_what_is_written_is_read_back(value: object, ascii_only: bool) -> None:  # noqa: FBT001 - drawn
    """Every value that the json module writes comes back, unless half a surrogate pair is in it."""
    text = json.dumps(value, ensure_ascii=ascii_only)
    assert parse_json(text.encode(), limit=1_000_000) == value


@given(octets=st.binary(max_size=80) | st.text('[]{}",:\\udD8910eE.+-tfn ', max_size=80).map(str.encode))
def test_whatever_is_read_the_json_module_reads_alike(octets: bytes) -> None:
    """Any octets are a GrammarError, or the value that the json module finds in them."""
    with suppress(GrammarError):
        assert parse_json(octets, limit=80) == json.loads(octets)


def outcome(octets: bytes) -> object:
    """Return what is read, or that nothing is."""
    try:
        return parse_json(octets, limit=LIMIT, depth=4)
    except GrammarError:
        return GrammarError


@given(octets=st.text('[]{}",:19eE.+- é\x7f', max_size=200).map(str.encode) | st.lists(st.sampled_from(PIECES), max_size=9).map(b"".join))
def test_a_text_that_needs_no_look_at_its_strings_is_read_alike(octets: bytes) -> None:
    """The quick test of a text lets nothing pass that the thorough one stops."""
    quick = outcome(octets)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(strict_json, "_RUN", b"")  # which is in every text
        assert outcome(octets) == quick


def test_digits_of_other_scripts_are_no_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the parser is the one in Python, which reads them."""
    monkeypatch.setattr(strict_json._DECODER, "scan_once", py_make_scanner(strict_json._DECODER))
    assert outcome("[1\u0663]".encode()) is GrammarError
    assert outcome('["1\u0663"]'.encode()) == ["1\u0663"]
