"""The rules of RFC 9110 §5.6 and §11.2, octet by octet."""

from __future__ import annotations

import pytest

from tests.support.each import each
from watchword.errors import ConfigurationError, GrammarError
from watchword.grammar import is_token, quote_string
from watchword.grammar.rules import (
    build_auth_param,
    is_auth_param,
    is_token68,
    maybe_token68,
    parse_auth_param,
    parse_quoted_string,
    parse_token,
    skip_ows,
    skip_sp,
)

# Written out from the ABNF a second time: the tables under test are built from ranges.
TCHAR = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
TOKEN68 = "-._~+/0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
LATIN1 = [chr(code) for code in range(0x100)]


def _quotable(char: str) -> bool:
    return char == "\t" or " " <= char <= "~" or char >= "\x80"


def test_token_holds_tchar_only() -> None:
    """An octet belongs to a token exactly if the ABNF lists it as tchar."""
    assert [char for char in LATIN1 if is_token(char)] == sorted(TCHAR)
    assert [char for char in LATIN1 if is_token(f"a{char}a")] == sorted(TCHAR)
    assert [parse_token(f"{char},".encode("latin-1"), 0) for char in TCHAR] == [(char, 1) for char in TCHAR]
    for char in set(LATIN1) - set(TCHAR):
        with pytest.raises(GrammarError):
            parse_token(char.encode("latin-1"), 0)


def test_token_is_not_empty() -> None:
    """The empty text is no token."""
    assert not is_token("")


@pytest.mark.parametrize("text", ["réalm", "realm ", "\N{CYRILLIC SMALL LETTER A}", "\N{FULLWIDTH DIGIT ONE}", "\udcff", "a\n"])
def test_token_is_ascii(text: str) -> None:
    """Letters and digits of other scripts, and a line break at the end, make no token."""
    assert not is_token(text)


def test_token_ends_where_tchar_end() -> None:
    """A token reaches as far as tchars do, and the parser says where that is."""
    assert parse_token(b"  Basic realm", 2) == ("Basic", 7)


def test_token_says_what_was_expected() -> None:
    """The error names what the token stands for and its position."""
    with pytest.raises(GrammarError) as caught:
        parse_token(b"a=,", 2, "a parameter value")
    assert (caught.value.expected, caught.value.position) == ("a parameter value", 2)


def test_token68_holds_its_characters_only() -> None:
    """An octet belongs to a token68 exactly if the ABNF lists it; "=" only at the end."""
    assert [char for char in LATIN1 if is_token68(char)] == sorted(TOKEN68)
    assert [char for char in LATIN1 if is_token68(f"a{char}a")] == sorted(TOKEN68)
    assert [char for char in LATIN1 if is_token68(f"a{char}")] == sorted(TOKEN68 + "=")
    assert [char for char in LATIN1 if maybe_token68(char.encode("latin-1"), 0) == (char, 1)] == sorted(TOKEN68)


@pytest.mark.parametrize(("data", "found"), [(b"abc==,", ("abc==", 5)), (b"a=b", ("a=", 2)), (b"=", None), (b"", None), (b",", None)])
def test_token68_is_found_or_not(data: bytes, found: tuple[str, int] | None) -> None:
    """A token68 starts with a character of its own and takes every "=" after the last one; elsewhere there is none."""
    assert maybe_token68(data, 0) == found


def test_quoted_string_carries_every_other_octet() -> None:
    """HTAB, SP, VCHAR and obs-text travel in a quoted-string, escaped if need be; a sender escapes two of them only."""
    for char in filter(_quotable, LATIN1):
        assert parse_quoted_string(f'"a\\{char}b"x'.encode("latin-1"), 0) == (f"a{char}b", 6)
        sent = quote_string(f"a{char}b")
        assert parse_quoted_string(sent.encode("latin-1"), 0) == (f"a{char}b", len(sent))
        assert ("\\" in sent) == (char in '"\\')


@each("char", [char for char in LATIN1 if not _quotable(char)])
def test_quoted_string_carries_no_control_character(char: str) -> None:
    """A control character other than HTAB is neither read nor sent, escaped or not."""
    for data in (f'"a{char}b"', f'"a\\{char}b"'):
        with pytest.raises(GrammarError) as caught:
            parse_quoted_string(data.encode("latin-1"), 0)
        assert caught.value.position == 0
    with pytest.raises(ConfigurationError, match="at index 1"):
        quote_string(f"a{char}b")


@pytest.mark.parametrize("data", [b"", b"x", b'"', b'"x', b'"x\\"', b'"x\\', b'"\\', b'"x\\\\\\"'])
def test_quoted_string_is_closed(data: bytes) -> None:
    """A quoted-string that is not opened or not closed is an error at its start, also if its last quote is escaped."""
    with pytest.raises(GrammarError) as caught:
        parse_quoted_string(data, 0)
    assert caught.value.position == 0


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ('""', ""),
        (r'"a\"b"', 'a"b'),
        (r'"a\\b"', r"a\b"),
        (r'"\\\""', '\\"'),
        (r'"a\bc"', "abc"),
        ('"\té"', "\té"),
        ('"a, B c=d"', "a, B c=d"),
    ],
)
def test_quoted_string_undoes_pairs(sent: str, text: str) -> None:
    """A backslash stands for the octet after it, and everything else for itself."""
    assert parse_quoted_string(sent.encode("latin-1"), 0) == (text, len(sent))


@pytest.mark.parametrize("text", ["\N{LATIN SMALL LETTER LONG S}", "€", "\u0100", "\udcff", "\U0001f600"])
def test_quoted_string_has_no_other_characters(text: str) -> None:
    """A character above U+00FF stands for no octet and is not sent."""
    with pytest.raises(ConfigurationError):
        quote_string(text)


def test_quoting_error_hides_the_text() -> None:
    """The error shows the character that cannot be sent and nothing around it, which may be a secret."""
    with pytest.raises(ConfigurationError) as caught:
        quote_string("hunter2\r\nSet-Cookie: a=b")
    assert r"'\r' at index 7" in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert "Set-Cookie" not in str(caught.value)


@pytest.mark.parametrize(
    ("sent", "pair"),
    [
        (b"realm=x", ("realm", "x")),
        (b'Realm="x y"', ("realm", "x y")),
        (b'REALM \t=\t "x"', ("realm", "x")),
        (b'a=""', ("a", "")),
        (b"username*=UTF-8''J%C3%A4s", ("username*", "UTF-8''J%C3%A4s")),
        (b'a="\xe9\xff"', ("a", "éÿ")),
    ],
)
def test_auth_param_is_read(sent: bytes, pair: tuple[str, str]) -> None:
    """A parameter has a name in lower case and a value, token or quoted-string, with bad whitespace around "=" dropped."""
    assert is_auth_param(sent, 0)
    assert parse_auth_param(sent, 0) == (pair, len(sent))


@pytest.mark.parametrize(
    ("sent", "position", "expected"),
    [
        (b"", 0, "name"),
        (b"=x", 0, "name"),
        (b'"a"=x', 0, "name"),
        (b"a", 1, '"="'),
        (b"a b=1", 2, '"="'),
        (b"a=", 2, "value"),
        (b"a= ,", 3, "value"),
        (b"a=\xe9", 2, "value"),
        (b'a="x', 2, "quoted-string"),
        (b"a==b", 2, "value"),
    ],
)
def test_auth_param_error_has_a_position(sent: bytes, position: int, expected: str) -> None:
    """What is no parameter is refused with what was expected and where."""
    with pytest.raises(GrammarError) as caught:
        parse_auth_param(sent, 0)
    assert caught.value.position == position
    assert expected in caught.value.expected


@pytest.mark.parametrize("sent", [b"", b"=", b"Basic", b"Basic a=1", b'"a"=1', b", a=1", b"a ,="])
def test_element_without_equals_is_no_auth_param(sent: bytes) -> None:
    """An element is taken for a parameter only if "=" is what follows its first token."""
    assert not is_auth_param(sent, 0)


@pytest.mark.parametrize(
    ("value", "bare", "sent"),
    [("MD5", False, 'a="MD5"'), ("MD5", True, "a=MD5"), ("a b", True, 'a="a b"'), ("", True, 'a=""'), ("1,2;=", False, 'a="1,2;="')],
)
def test_auth_param_is_built(value: str, bare: bool, sent: str) -> None:  # noqa: FBT001 - a row of the table
    """A value is quoted, unless it is a token and was asked for bare; either form is read back."""
    assert build_auth_param("a", value, bare=bare) == sent
    assert parse_auth_param(sent.encode(), 0) == (("a", value), len(sent))


def test_whitespace_is_two_octets() -> None:
    """OWS is SP and HTAB, and after a scheme only SP: not CR, LF, VT, FF or the no-break space."""
    assert skip_ows(b" \t \r", 0) == 3
    assert [skip_ows(bytes([code]), 0) for code in range(256)] == [int(code in {0x09, 0x20}) for code in range(256)]
    assert [skip_sp(bytes([code]), 0) for code in range(256)] == [int(code == 0x20) for code in range(256)]
    assert skip_ows(b"  ", 0) == skip_sp(b"  ", 0) == 2
