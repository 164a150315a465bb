"""The Basic scheme, from the field to the checker (RFC 7617)."""

# ruff: noqa: N802 - a test carries the id of its rule

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any

import argon2
import bcrypt
import pytest

from tests.support.drive import Request, basic, who
from tests.support.each import each
from tests.support.people import Counting, check_password
from watchword import Basic, BasicCredentials, ConfigurationError, Guard
from watchword.checkers import Users

if TYPE_CHECKING:
    from tests.support.drive import Answer, Through

CHEAP = argon2.PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


def octets(user_pass: bytes) -> tuple[str, str]:
    """An Authorization field that carries these octets."""
    return "Authorization", "Basic " + b64encode(user_pass).decode()


def shown(through: Through, field: tuple[str, str], **settings: Any) -> tuple[Answer, list[BasicCredentials]]:
    """The answer to a field, and what the checker was asked."""
    checker = Counting()
    answer = through(Guard(Basic(checker, realm="r", **settings)))(Request(target="/me", headers=(field,)))
    return answer, checker.asked


def test_R7617_2_1_a_realm_is_required(through: Through) -> None:
    """Basic without a realm cannot be constructed; with one, the challenge has it."""
    with pytest.raises(ConfigurationError, match="realm"):
        Basic(check_password)
    answer = through(Guard(Basic(check_password, realm="WallyWorld")))(Request(target="/me"))
    assert answer.challenges == ['Basic realm="WallyWorld", charset="UTF-8"']


@pytest.mark.parametrize("value", ['Basic realm="x"', "Basic a=b", "Basic QQ==, realm=x", 'Basic username="ann", password="s3cret"'])
def test_R7617_2_2_parameters_are_no_credentials(value: str, through: Through) -> None:
    """Parameters in the place of the token fail, and no checker is asked."""
    answer, asked = shown(through, ("Authorization", value))
    assert (answer.status in {400, 401}, asked) == (True, [])
    assert answer.status == (400 if "QQ==" in value else 401)


@pytest.mark.parametrize(
    ("token", "username", "password"),
    [
        ("QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin", "open sesame"),
        ("YTpiOmM=", "a", "b:c"),
        ("Ojo6", "", "::"),
        ("YTo6", "a", ":"),
    ],
)
def test_R7617_2_3_the_first_colon_splits(token: str, username: str, password: str, through: Through) -> None:
    """User name and password are split at the first colon; the example of the RFC reads as it says."""
    answer, asked = shown(through, ("Authorization", f"Basic {token}"))
    assert (answer.status, asked) == (200, [BasicCredentials(username, password)])


def test_R7617_2_4_without_a_colon_it_is_invalid(through: Through) -> None:
    """Text without a colon is 401, and no checker is asked."""
    answer, asked = shown(through, ("Authorization", "Basic QWxhZGRpbg=="))
    assert (answer.status, asked) == (401, [])


@pytest.mark.parametrize(("user_pass", "expected"), [(b":x", ("", "x")), (b"u:", ("u", "")), (b":", ("", ""))])
def test_R7617_2_5_empty_parts_reach_the_checker(user_pass: bytes, expected: tuple[str, str], through: Through) -> None:
    """An empty name or password is syntactically fine, and for the checker to judge."""
    _, asked = shown(through, octets(user_pass))
    assert asked == [BasicCredentials(*expected)]


def test_R7617_2_5_users_refuses_empty_passwords(through: Through) -> None:
    """`Users` refuses an empty password, even where its hash is stored."""
    guard = Guard(Basic(Users({"ann": CHEAP.hash("")}), realm="r"))
    assert through(guard)(Request(target="/me", headers=(basic("ann", ""),))).status == 401


@each("octet", [*range(0x20), 0x7F])
def test_R7617_2_6_control_characters_are_refused(octet: int, through: Through) -> None:
    """A control character in name or password is 401, and no checker is asked."""
    for template in (b"u%cx:p", b"u:p%c", b"%c:p", b"u:%cp"):
        answer, asked = shown(through, octets(template % octet))
        assert (answer.status, asked) == (401, [])


@each("token", ["QWxhZGRpbjpvcGVuIHNlc2FtZQ", "_-8=", "QR==", "QQ===", "QWxhZGRpbjpvcGVuIHNlc2FtZR==", "YTp-", "YTpi=", "="])
def test_R7617_2_7_base64_is_strict(token: str, through: Through) -> None:
    """Another alphabet, padding that is missing or too much, and bits left over are refused."""
    answer, asked = shown(through, ("Authorization", f"Basic {token}"))
    assert (answer.status in {400, 401}, asked) == (True, [])
    assert answer.status == (400 if token == "=" else 401)


def test_R7617_2_1_1_charset_is_utf_8_or_nothing(through: Through) -> None:
    """Charset has one value, in whatever case it is configured; None leaves it out."""
    for given, challenge in (("utf-8", 'Basic realm="r", charset="UTF-8"'), (None, 'Basic realm="r"')):
        guard = Guard(Basic(check_password, realm="r", charset=given))
        assert through(guard)(Request(target="/me")).challenges == [challenge]
    for wrong in ("latin-1", "iso-8859-1", ""):
        with pytest.raises(ConfigurationError, match="UTF-8"):
            Basic(check_password, realm="r", charset=wrong)


@each("name", ["Jäsøn", "ユーザ", "a b", "ann@example.com", "😀", "ﬁ", "a\u200db", "İ", "  ann  "])
def test_R7617_2_1_2_user_names_hold_any_character(name: str, through: Through) -> None:
    """A user name in UTF-8 reaches the checker as it was sent, whatever characters it holds."""
    answer, asked = shown(through, basic(name, "x"))
    assert (answer.status, asked) == (200, [BasicCredentials(name, "x")])


@each("password", ["123£", "päss wörd", "パス", "a\u00a0b", "😀", " x ", '"\\'])
def test_R7617_2_1_3_passwords_hold_any_character(password: str, through: Through) -> None:
    """A password in UTF-8 reaches the checker as it was sent, inner and outer spaces too."""
    _, asked = shown(through, basic("test", password))
    assert asked == [BasicCredentials("test", password)]


def test_R7617_2_1_3_the_example_of_the_rfc(through: Through) -> None:
    """`dGVzdDoxMjPCow==` is test / 123£."""
    _, asked = shown(through, ("Authorization", "Basic dGVzdDoxMjPCow=="))
    assert asked == [BasicCredentials("test", "123£")]


@pytest.mark.parametrize(("sent", "matches"), [("cafe\u0301", True), ("caf\u00e9", True), ("café ", False), ("CAFÉ", False)])
def test_R7617_2_1_4_both_sides_are_composed(sent: str, matches: bool, through: Through) -> None:  # noqa: FBT001 - a column of the table
    """Name and password are compared in Normalization Form C, and nothing beyond that is folded."""
    guard = Guard(Basic(Users({"cafe\u0301": CHEAP.hash("caf\u00e9")}), realm="r"))
    for name, password in ((sent, "caf\u00e9"), ("caf\u00e9", sent)):
        answer = through(guard)(Request(target="/me", headers=(basic(name, password),)))
        assert (answer.status, who(answer)) == ((200, "caf\u00e9") if matches else (401, "-"))


def test_R7617_2_1_4_compatibility_forms_stay_apart(through: Through) -> None:
    """The ligature ﬁ is not fi: NFC, not NFKC."""
    guard = Guard(Basic(Users({"fi": CHEAP.hash("x")}), realm="r"))
    assert through(guard)(Request(target="/me", headers=(basic("ﬁ", "x"),))).status == 401


def test_R7617_2_1_5_other_octets_fail_unless_asked_for(through: Through) -> None:
    """Octets that are not UTF-8 are 401; with the fallback they are ISO 8859-1, and UTF-8 still comes first."""
    sent = octets(b"test:123\xa3")
    answer, asked = shown(through, sent)
    assert (answer.status, asked) == (401, [])
    _, asked = shown(through, sent, fallback="latin-1")
    assert asked == [BasicCredentials("test", "123£")]
    _, asked = shown(through, basic("test", "123£"), fallback="latin-1")
    assert asked == [BasicCredentials("test", "123£")]
    with pytest.raises(ConfigurationError, match="fallback"):
        Basic(check_password, realm="r", fallback="cp1252")  # type: ignore[arg-type]  # what somebody may try


@pytest.mark.parametrize(
    "stored", ["plain", "5f4dcc3b5aa765d61d8327deb882cf99", "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "", "$1$salt$x", "$argon2id$"]
)
def test_R7617_4_1_plain_text_is_no_hash(stored: str) -> None:
    """A stored password that is no salted, slow hash is a mistake."""
    with pytest.raises(ConfigurationError, match="ann"):
        Users({"ann": stored})


@pytest.mark.parametrize("hashed", [CHEAP.hash("s3cret"), bcrypt.hashpw(b"s3cret", bcrypt.gensalt(4)).decode()], ids=["argon2", "bcrypt"])
def test_R7617_4_1_slow_hashes_verify(hashed: str, through: Through) -> None:
    """Argon2 and bcrypt hashes let the right password in and no other."""
    driver = through(Guard(Basic(Users({"ann": hashed}), realm="r")))
    assert driver(Request(target="/me", headers=(basic("ann", "s3cret"),))).status == 200
    assert driver(Request(target="/me", headers=(basic("ann", "s3cret "),))).status == 401
