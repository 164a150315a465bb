"""Basic, row by row of RFC 7617; each docstring names the row of the requirements."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from tests.support.core import ANN, Recorder, argon2_hash, ask, bcrypt_hash, values
from tests.support.each import each
from watchword import Basic, BasicCredentials, Challenged, ConfigurationError, CredentialsError, Granted, Guard, Malformed, Reason
from watchword.checkers import Users
from watchword.grammar import Challenge
from watchword.schemes import ChallengeParams


def field(user_pass: bytes | str, scheme: str = "Basic") -> tuple[str, str]:
    """Return the Authorization field of a user-pass."""
    octets = user_pass.encode() if isinstance(user_pass, str) else user_pass
    return "Authorization", f"{scheme} {b64encode(octets).decode()}"


def extract(user_pass: bytes | str, **settings: Any) -> BasicCredentials | None:
    """Return what the scheme makes of a user-pass."""
    return Basic(Recorder(), realm="office", **settings).extract(ask("/", field(user_pass)))


def decide(value: str, checker: object) -> Any:
    """Decide about a request with this Authorization field."""
    return Guard(Basic(checker, realm="office")).decide(ask("/", ("Authorization", value)))


# R7617-2-1: the realm


def test_a_basic_challenge_always_has_a_realm() -> None:
    """R7617-2-1: the realm is required, and the message shows how to write it."""
    with pytest.raises(ConfigurationError, match=r'Basic\(realm=\.\.\.\) must be given .*Basic\(checker, realm="office"\)'):
        Basic(Recorder())
    guard = Guard(Basic(Recorder(), realm="office"))
    view = ask()
    assert values(guard.refuse(guard.decide(view), view), "WWW-Authenticate") == ['Basic realm="office", charset="UTF-8"']


# R7617-2-2: token68 only


@pytest.mark.parametrize("value", ['Basic realm="x"', "Basic a=b", 'Basic username="ann", password="s3cret"'])
def test_parameters_in_place_of_base64_fail(value: str) -> None:
    """R7617-2-2: the value follows the grammar and not the scheme: 401, without asking the checker."""
    checker = Recorder(ANN)
    decision = decide(value, checker)
    assert isinstance(decision, Challenged)
    assert decision.reason is Reason.MALFORMED_CREDENTIALS
    assert checker.asked == []


# R7617-2-3: the first colon


@pytest.mark.parametrize(
    ("user_pass", "username", "password"),
    [
        ("a:b:c", "a", "b:c"),
        ("a::", "a", ":"),
        ("Aladdin:open sesame", "Aladdin", "open sesame"),
        ("a:b:", "a", "b:"),
        (" a : b ", " a ", " b "),
    ],
)
def test_the_first_colon_divides(user_pass: str, username: str, password: str) -> None:
    """R7617-2-3: later colons belong to the password, and spaces are kept."""
    assert extract(user_pass) == BasicCredentials(username, password)


def test_the_example_of_the_rfc() -> None:
    """R7617-2-3: QWxhZGRpbjpvcGVuIHNlc2FtZQ== is Aladdin and open sesame."""
    sent = ask("/", ("Authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="))
    assert Basic(Recorder(), realm="WallyWorld").extract(sent) == BasicCredentials("Aladdin", "open sesame")


@pytest.mark.parametrize("scheme", ["Basic", "basic", "BASIC", "bAsIc"])
def test_the_scheme_knows_no_letter_case(scheme: str) -> None:
    """RFC 9110 §11.1, in whatever case a client writes it."""
    assert Basic(Recorder(), realm="x").extract(ask("/", field("a:b", scheme))) == BasicCredentials("a", "b")


@pytest.mark.parametrize("scheme", ["Bearer", "Basics", "Basi", "Digest"])
def test_credentials_of_another_scheme_are_ignored(scheme: str) -> None:
    """N3: credentials count under the name of their scheme alone."""
    assert Basic(Recorder(), realm="x").extract(ask("/", field("a:b", scheme))) is None
    assert Basic(Recorder(), realm="x").extract(ask()) is None


# R7617-2-4 to R7617-2-7: what is refused before anybody is asked


@each(
    ("value", "expected"),
    [
        ("Basic QWxhZGRpbg==", "a colon"),  # R7617-2-4
        (field(b"u\x00:p")[1], "control"),  # R7617-2-6
        (field(b"u:p\n")[1], "control"),
        (field(b"u:p\x7f")[1], "control"),
        (field(b"u\x1f:p")[1], "control"),
        (field(b"u:\tp")[1], "control"),
        ("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ", "base64"),  # R7617-2-7: no padding
        ("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=", "base64"),
        ("Basic dTpwXy0_", "base64"),  # the alphabet of URLs
        ("Basic _-8=", "base64"),
        ("Basic YTpiQR==", "base64"),  # bits after the end
        ("Basic QQ===", "base64"),
        ("Basic dTpw-", "base64"),
        (field(b"test:123\xa3")[1], "UTF-8"),  # R7617-2.1-5
        (field(b"\xc3:x")[1], "UTF-8"),
        (field(b"u:\xed\xa0\x80")[1], "UTF-8"),  # a surrogate
        (field(b"u:\xc0\x80")[1], "UTF-8"),  # an overlong NUL
    ],
)
def test_malformed_credentials_are_refused_without_the_checker(value: str, expected: str) -> None:
    """R7617-2-4, -2-6, -2-7, -2.1-5: 401 with the challenge, and the checker is not asked; the detail says what was expected."""
    checker = Recorder(ANN)
    decision = decide(value, checker)
    assert isinstance(decision, Challenged)
    assert decision.reason is decision.disclosed is Reason.MALFORMED_CREDENTIALS
    assert decision.challenges == (Challenge("Basic", {"realm": "office", "charset": "UTF-8"}),)
    assert expected in decision.detail
    assert checker.asked == []


@pytest.mark.parametrize("value", ["Basic", "Basic ", "Basic\tYTpi", "Basic a b", "Basic =", "Basic YTpi,", "Basic YTp%69", "Basic \x00"])
def test_a_grammar_error_is_a_bad_request(value: str) -> None:
    """D2, D3: 400 without a challenge."""
    checker = Recorder(ANN)
    decision = decide(value, checker)
    assert isinstance(decision, Malformed)
    assert decision.challenges == ()
    assert checker.asked == []


@pytest.mark.parametrize(("user_pass", "username", "password"), [(":x", "", "x"), ("u:", "u", ""), (":", "", "")])
def test_an_empty_name_or_password_reaches_the_checker(user_pass: str, username: str, password: str) -> None:
    """R7617-2-5: the syntax allows it."""
    checker = Recorder()
    decide(field(user_pass)[1], checker)
    assert checker.asked == [BasicCredentials(username, password)]


def test_the_ready_made_checker_refuses_an_empty_password() -> None:
    """R7617-2-5: an empty password is refused, even where its hash is stored."""
    decision = decide(field("ann:")[1], Users({"ann": argon2_hash("")}))
    assert decision.reason is Reason.WRONG_SECRET


# R7617-2.1: characters


@pytest.mark.parametrize("charset", ["UTF-8", "utf-8", "Utf-8"])
def test_the_charset_is_utf_8_in_any_letter_case(charset: str) -> None:
    """R7617-2.1-1: it is sent as "UTF-8"."""
    assert Basic(Recorder(), realm="x", charset=charset).challenge().params["charset"] == "UTF-8"


@pytest.mark.parametrize("charset", ["latin-1", "UTF8", "", "iso-8859-1", True])
def test_no_other_charset_is_accepted(charset: Any) -> None:
    """R7617-2.1-1: the message names the option for old clients."""
    with pytest.raises(ConfigurationError, match=r'Basic\(charset=\.\.\.\) must be "UTF-8" or None.*fallback="latin-1"'):
        Basic(Recorder(), realm="x", charset=charset)


def test_the_charset_need_not_be_advertised() -> None:
    """R7617-2.1-1: the parameter is optional."""
    assert Basic(Recorder(), realm="x", charset=None).challenge() == Challenge("Basic", {"realm": "x"})


@pytest.mark.parametrize(
    ("username", "password"),
    [("Jäsøn", "x"), ("ユーザー", "x"), ("test", "123£"), ("x", "päss wörd"), ("x", "🔑"), ("x", "\u2003:\u00a0"), ("\x80\x9f", "x")],
)
def test_every_character_reaches_the_checker(username: str, password: str) -> None:
    """R7617-2.1-2, -2.1-3: names and passwords hold any character but the controls of ASCII."""
    assert extract(f"{username}:{password}") == BasicCredentials(username, password)


def test_the_example_of_the_rfc_with_a_pound_sign() -> None:
    """R7617-2.1-3: dGVzdDoxMjPCow== is test and 123£."""
    sent = ask("/", ("Authorization", "Basic dGVzdDoxMjPCow=="))
    assert Basic(Recorder(), realm="foo").extract(sent) == BasicCredentials("test", "123£")


def test_both_halves_are_in_normalization_form_c() -> None:
    """R7617-2.1-4: a decomposed name is the composed one; compatibility forms stay distinct."""
    assert extract("cafe\u0301:pa\u0308ss") == BasicCredentials("caf\u00e9", "p\u00e4ss")
    assert extract("\ufb01:\u2460") == BasicCredentials("\ufb01", "\u2460")
    assert extract("a:\u0301") == BasicCredentials("a", "\u0301")


@pytest.mark.parametrize("stored", ["caf\u00e9", "cafe\u0301"])
@pytest.mark.parametrize("sent", ["caf\u00e9", "cafe\u0301"])
def test_a_stored_name_is_found_in_either_form(stored: str, sent: str) -> None:
    """R7617-2.1-4: both sides are normalised."""
    decision = decide(field(f"{sent}:s3cret")[1], Users({stored: argon2_hash("s3cret")}))
    assert isinstance(decision, Granted)
    assert decision.principal.id == "caf\u00e9"


def test_the_fallback_reads_latin_1() -> None:
    """R7617-2.1-5: octets that are not UTF-8 are read as ISO 8859-1 as a whole; valid UTF-8 is unchanged."""
    assert extract(b"test:123\xa3", fallback="latin-1") == BasicCredentials("test", "123£")
    assert extract("test:123£", fallback="latin-1") == BasicCredentials("test", "123£")
    # The name alone would pass for UTF-8; whoever sent the password encoded both alike.
    assert extract(b"\xc3\xa4:\xa3", fallback="latin-1") == BasicCredentials("Ã¤", "£")


@pytest.mark.parametrize("fallback", ["cp1252", ["latin-1"], False])
def test_no_other_fallback_is_accepted(fallback: Any) -> None:
    """R7617-2.1-5: a Windows code page would be a guess."""
    with pytest.raises(ConfigurationError, match=r'Basic\(fallback=\.\.\.\) must be "latin-1" or None'):
        Basic(Recorder(), realm="x", fallback=fallback)


def test_octets_that_cannot_be_read_are_in_no_exception() -> None:
    """Neither the error nor its cause holds the password."""
    with pytest.raises(CredentialsError) as caught:
        extract(b"ann:s3cret\xff")
    error: BaseException | None = caught.value
    while error is not None:
        assert b"s3cret" not in repr(error).encode()
        error = error.__cause__ or error.__context__


# R7617-4-1: what is stored


@pytest.mark.parametrize(
    "stored", ["plain", "5f4dcc3b5aa765d61d8327deb882cf99", "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "$1$salt$qJH7.N4xYta3aEG/dfqo/", ""]
)
def test_a_fast_or_unsalted_hash_is_rejected_at_construction(stored: str) -> None:
    """R7617-4-1: a password or a bare digest is no hash; the message does not repeat it."""
    with pytest.raises(ConfigurationError, match="ann") as caught:
        Users({"ann": stored})
    assert not stored or stored not in str(caught.value)


@pytest.mark.parametrize("stored", [argon2_hash("s3cret"), bcrypt_hash(b"s3cret")], ids=["argon2", "bcrypt"])
def test_a_slow_salted_hash_verifies(stored: str) -> None:
    """R7617-4-1: Argon2 and bcrypt."""
    assert isinstance(decide(field("ann:s3cret")[1], Users({"ann": stored})), Granted)


def test_the_basic_challenge_has_the_realm_alone() -> None:
    """Other content of the challenge is ignored (RFC 7617 §2)."""
    basic = Basic(Recorder(), realm="office")
    assert basic.challenge(ChallengeParams(Reason.EXPIRED, scope=("a",), max_age=5, acr_values=("b",))) == basic.challenge()
