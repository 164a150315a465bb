"""Tests the rules of RFC 9110 that the grammar keeps, each under its id.

Not here, because no field value shows them: R9110-5.1-1 (field names), R9110-4.2.4-1 (userinfo in a URI).
"""

# ruff: noqa: N802 - a test carries the id of its rule

from __future__ import annotations

import re

import pytest

from watchword.errors import ConfigurationError, FieldTooLong, GrammarError
from watchword.grammar import (
    MAX_FIELD_OCTETS,
    Authorization,
    Challenge,
    claimed_schemes,
    decode_base64,
    parse_authorization,
    parse_byte_sequence,
    parse_challenges,
    parse_form,
    quote_string,
)


def _params(value: str) -> dict[str, str]:
    read = parse_authorization(value).params
    assert read is not None
    return dict(read)


def _refused(*values: str | bytes) -> bool:
    for value in values:
        with pytest.raises(GrammarError):
            parse_authorization(value)
    return True


def test_R9110_5_2_1_a_joined_field_is_two_credentials() -> None:
    """A value that a gateway made of two lines is no credential, and both schemes can be named."""
    assert _refused("Bearer a,Bearer b", b"Bearer a,Bearer b", "Basic QQ==,Bearer b")
    assert claimed_schemes("Bearer a,Bearer b") == ("bearer", "bearer")
    assert claimed_schemes("Basic QQ==,Bearer b") == ("basic", "bearer")


def test_R9110_5_3_1_neither_of_two_credentials_wins() -> None:
    """Joined by a gateway, a good and a bad credential are refused in either order, for every pair of schemes that carry token68."""
    for first in ("Basic Z29vZA==", "Bearer good"):
        for second in ("Basic YmFk", "Bearer bad"):
            assert _refused(f"{first},{second}", f"{second},{first}", f"{first}, {second}")
            assert len(claimed_schemes(f"{first},{second}")) == 2


def test_R9110_5_4_1_a_long_field_is_an_error_of_its_own() -> None:
    """A value of 64 KiB where 8 KiB is the limit is FieldTooLong, and nothing of it is returned."""
    for parse in (parse_authorization, parse_challenges, parse_byte_sequence):
        for value in ("Bearer " + "a" * 65_536, b"Bearer " + b"a" * 65_536):
            with pytest.raises(FieldTooLong) as caught:
                parse(value)
            assert caught.value.limit == MAX_FIELD_OCTETS


@pytest.mark.parametrize("control", ["\r", "\n", "\0", "\r\n"], ids=ascii)
def test_R9110_5_5_1_line_breaks_and_nul_are_refused(control: str) -> None:
    """CR, LF and NUL anywhere in the value make it an error."""
    for value in ("Basic QQ==", "Bearer a", 'Digest a="b c"'):
        for at in range(len(value) + 1):
            broken = value[:at] + control + value[at:]
            assert _refused(broken, broken.encode())


def test_R9110_5_5_2_obs_text_is_opaque() -> None:
    """Octets from 0x80 on come through a quoted-string one character each, and outside of one they are an error like any other."""
    every = "".join(map(chr, range(0x80, 0x100)))
    assert _params(f'Digest username="{every}"') == {"username": every}
    assert parse_authorization(b'Digest username="\xe9\xff"').params == {"username": "éÿ"}
    assert _refused(*(f"Bearer a{char}" for char in every), *(f"Bear{char}er a" for char in every), *(f"Digest a={char}" for char in every))


def test_R9110_5_5_3_no_generated_value_holds_a_control() -> None:
    """Nothing that is built can hold CR, LF, NUL or another control: it is an error when the value is made."""
    for code in (*range(0x09), *range(0x0A, 0x20), 0x7F):
        for broken in (f"a{chr(code)}Set-Cookie: x", chr(code)):
            for make in (
                lambda text: Challenge("Basic", {"realm": text}),
                lambda text: Challenge("Basic", {text: "x"}),
                Challenge,
                lambda text: Challenge("Basic", token68=text),
                lambda text: Authorization("Digest", params={"a": text}),
                lambda text: Authorization(text, "a"),
                quote_string,
            ):
                with pytest.raises(ConfigurationError):
                    make(broken)


def test_R9110_5_6_1_1_1_generated_lists_have_no_empty_elements() -> None:
    """No comma of a generated list has nothing before or after it."""
    for params in ({}, {"a": ""}, {"a": "", "b": ""}, {"algorithm": "", "stale": "true"}):
        assert not re.search(r"^\s*,|,\s*,|,\s*$", Challenge("Basic", params).serialize())


def test_R9110_5_6_1_2_1_empty_elements_are_skipped() -> None:
    """Empty elements of received parameters are skipped, before, between and after the others."""
    assert _params('Digest ,a="1",, b=2 ,') == {"a": "1", "b": "2"}


def test_R9110_5_6_1_2_2_lists_are_bounded() -> None:
    """A list of nothing but commas, of more than 64 parameters or of more than 32 empty elements is an error."""
    assert _refused("Digest " + "," * 8000, "Digest " + ",".join(f"p{number}=1" for number in range(65)), "Digest a=1" + "," * 33)
    with pytest.raises(GrammarError):
        parse_authorization("Digest " + "," * 100_000, limit=200_000)


def test_R9110_5_6_2_1_names_consist_of_tchar() -> None:
    """Delimiters and other alphabets in a scheme or a parameter name are errors."""
    assert _refused("Ba(sic QQ==", "B\u00e4sic QQ==", "B\u0100sic QQ==", "Digest a@b=1", "Digest a\u00e4=1", 'Digest "a"=1')


def test_R9110_5_6_3_1_bad_whitespace_is_dropped() -> None:
    """SP and HTAB around "=" do not belong to name or value."""
    assert _params('Digest a = "1"') == _params('Digest a\t=\t"1"') == _params("Digest a \t = \t 1") == {"a": "1"}


def test_R9110_5_6_3_2_generated_parameters_have_no_bad_whitespace() -> None:
    """No whitespace stands beside "=" outside quoted-strings, whatever the values are."""
    sent = Challenge("X", {"a": " = ", "algorithm": "MD5", "stale": " "}).serialize()
    assert not re.search(r"\s=|=\s", re.sub(r'"[^"]*"', '""', sent))


def test_R9110_5_6_4_1_a_pair_stands_for_its_octet() -> None:
    """A backslash is dropped and the octet after it kept."""
    assert _params(r'Digest realm="Login to \"apps\""') == {"realm": 'Login to "apps"'}
    assert _params(r'Digest realm="a\\b"') == {"realm": r"a\b"}
    assert _params(r'Digest realm="\a\,\é"') == {"realm": "a,é"}


def test_R9110_5_6_4_2_only_two_characters_are_escaped() -> None:
    """A sender escapes the double quote and the backslash and nothing else."""
    assert quote_string('Login to "apps"\\x') == r'"Login to \"apps\"\\x"'
    assert quote_string("a,b;c") == '"a,b;c"'


def test_R9110_5_6_4_3_a_quoted_string_is_one_value() -> None:
    """Commas, equals signs and scheme names in quotes split nothing; a quoted-string that is not closed is an error."""
    assert _params('Digest a="x, Basic realm=y"') == {"a": "x, Basic realm=y"}
    assert len(parse_challenges('Digest a="x, Basic realm=y"')) == 1
    assert _refused('Digest a="x', 'Digest a="x\\"', 'Digest a="x\\')


def test_R9110_11_1_1_schemes_have_no_letter_case() -> None:
    """The same credentials under any spelling of the scheme are equal, and hash so."""
    assert parse_authorization("bAsIc QWxhZGRpbjpvcGVuIHNlc2FtZQ==") == parse_authorization("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")
    assert len({parse_authorization(f"{scheme} t") for scheme in ("DPoP", "dpop", "DPOP", "dPoP")}) == 1
    assert len({parse_authorization(f"{scheme} a=1") for scheme in ("Digest", "DIGEST")}) == 1


def test_R9110_11_2_1_token68_has_its_alphabet() -> None:
    """Letters, digits and -._~+/ make a token68, with any number of "=" after them and nothing else."""
    assert parse_authorization("Bearer ~+/-._A9==").token68 == "~+/-._A9=="
    assert parse_authorization("Bearer a=====").token68 == "a====="
    assert _refused("Bearer a=b=", "Bearer tok%20en", "Bearer a b", 'Bearer "t"', "Bearer ==")


def test_R9110_11_2_2_token68_or_parameters() -> None:
    """A credential with both a token68 and parameters is an error."""
    assert _refused("Digest abc==, a=1", "Basic QQ==, realm=x", "Digest a=1, abc==", "Digest abc, a=1", "Digest a=, b=1")
    with pytest.raises(GrammarError):
        parse_challenges("Digest abc==, a=1")


def test_R9110_11_2_3_names_have_no_letter_case() -> None:
    """Parameter names come in lower case."""
    assert _params('Digest USERNAME="u", Realm="r"') == {"username": "u", "realm": "r"}


def test_R9110_11_2_4_a_name_occurs_once() -> None:
    """A repeated name is refused in any letter case, even with an equal value, received and generated."""
    assert _refused("Digest a=1, A=2", "Digest a=1, a=1", 'Digest a=1, b=2, A="1"')
    for params in ([("a", "1"), ("a", "1")], [("a", "1"), ("A", "2")]):
        with pytest.raises(ConfigurationError):
            Challenge("Digest", params)


def test_R9110_11_2_5_token_and_quoted_string_are_one() -> None:
    """A value means the same quoted or not, whatever the parameter."""
    assert parse_authorization('Digest qop="auth", algorithm="MD5", nc="00000001"') == parse_authorization(
        "Digest qop=auth, algorithm=MD5, nc=00000001"
    )


def test_R9110_11_2_6_a_value_that_is_not_a_token_is_quoted() -> None:
    """A value with a space, a slash or a colon is quoted, and so is one that could do without."""
    sent = Challenge("DPoP", {"scope": "a b", "resource_metadata": "https://h/x", "algs": "ES256 PS256", "error": "x"}).serialize()
    assert sent == 'DPoP scope="a b", resource_metadata="https://h/x", algs="ES256 PS256", error="x"'


def test_R9110_11_3_2_only_spaces_follow_the_scheme() -> None:
    """Any number of SP separates scheme and content; a HTAB there is an error."""
    assert parse_authorization("Basic   QQ==") == parse_authorization("Basic QQ==")
    assert _refused("Basic\tQQ==", "Basic \tQQ==", "Basic\t QQ==", "Digest\ta=1")
    with pytest.raises(GrammarError):
        parse_challenges("Basic\trealm=x")


def test_R9110_11_4_4_a_field_without_credentials_is_malformed() -> None:
    """A scheme alone, nothing at all, or no scheme is an error of the grammar."""
    assert _refused("Basic", "Basic ", "Bearer a b", "=x", "", " ", "Digest ,,")


def test_R9110_11_5_1_realm_is_always_quoted() -> None:
    """The realm is sent as a quoted-string in every scheme, also where a token would do."""
    for scheme in ("Basic", "Digest", "Bearer", "DPoP", "ApiKey"):
        assert Challenge(scheme, {"Realm": "api"}).serialize() == f'{scheme} realm="api"'


def test_R9110_11_6_1_5_challenges_come_apart() -> None:
    """Several challenges in one line are told apart, with empty elements and commas that could mean either."""
    assert len(parse_challenges('Basic realm="simple", Newauth realm="apps", type=1, title="Login to \\"apps\\""')) == 2
    assert len(parse_challenges("Negotiate, Basic realm=x")) == 2
    assert len(parse_challenges(', Basic realm="a",, ,Digest nonce="n"')) == 2


def test_R9110_16_4_2_3_unknown_parameters_are_no_error() -> None:
    """An unknown parameter is parsed like the others; the scheme ignores it."""
    assert _params('Digest username="u", foo="bar"') == {"username": "u", "foo": "bar"}


def test_R7616_3_3_4_stale_and_algorithm_are_not_quoted() -> None:
    """The two values that must not be quoted are not."""
    assert Challenge("Digest", {"algorithm": "SHA-256", "stale": "true"}).serialize() == "Digest algorithm=SHA-256, stale=true"


def test_R7617_2_7_base64_is_strict() -> None:
    """No padding, the URL alphabet, pad bits that are not zero and excess padding are errors."""
    for text in ("QWxhZGRpbjpvcGVuIHNlc2FtZQ", "_-8=", "QR==", "QQ==="):
        with pytest.raises(GrammarError):
            decode_base64(text)


def test_R6750_2_2_repeated_parameters_are_seen() -> None:
    """A repeated access_token comes out twice."""
    assert parse_form(b"access_token=a&access_token=a") == [(b"access_token", b"a"), (b"access_token", b"a")]


def test_R9440_2_2_1_client_cert_is_one_byte_sequence() -> None:
    """Base64 between colons is the certificate; two fields, a list, PEM text and bad base64 are errors."""
    assert parse_byte_sequence(":MIIB:") == b"\x30\x82\x01"
    for value in (":MIIB:, :MIIB:", "a, b", "-----BEGIN CERTIFICATE----- MIIB", ":MII!:", ":MIB:", "MIIB"):
        with pytest.raises(GrammarError):
            parse_byte_sequence(value)
