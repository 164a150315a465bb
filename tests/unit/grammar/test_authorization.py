"""Credentials (RFC 9110 §11.4): the value, its parser and its builder."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from tests.support.each import each
from watchword.errors import ConfigurationError, FieldTooLong, GrammarError
from watchword.grammar import MAX_FIELD_OCTETS, MAX_PARAMETERS, Authorization, parse_authorization

TOKEN = Authorization("Bearer", "mF_9.B5f-4.1JqM")
PARAMS = Authorization("Digest", params={"username": "Mufasa", "realm": "a b", "nc": "00000001"})


@pytest.mark.parametrize(
    ("value", "scheme", "token68"),
    [
        ("Bearer mF_9.B5f-4.1JqM", "Bearer", "mF_9.B5f-4.1JqM"),
        ("Basic QQ==", "Basic", "QQ=="),
        ("bAsIc QQ==", "bAsIc", "QQ=="),
        ("X-Own a", "X-Own", "a"),
        ("Bearer   a", "Bearer", "a"),
        (" \tBearer a\t ", "Bearer", "a"),
        ("Digest a=", "Digest", "a="),
        ("Bearer a====", "Bearer", "a===="),
        ("Negotiate ~+/-._A9==", "Negotiate", "~+/-._A9=="),
    ],
)
def test_token68_is_read(value: str, scheme: str, token68: str) -> None:
    """One token68 after the scheme is credentials, as `str` and as `bytes`, by the fast path and by the long one."""
    for given in (value, value.encode("ascii")):
        read = parse_authorization(given)
        assert (read.scheme, read.token68, read.params) == (scheme, token68, None)


@pytest.mark.parametrize(
    ("value", "params"),
    [
        ('Digest username="u"', {"username": "u"}),
        ('Digest USERNAME="u", Realm=r', {"username": "u", "realm": "r"}),
        ("Digest a=b", {"a": "b"}),
        ('Basic realm="x"', {"realm": "x"}),
        ('Digest ,a="1",, b=2 ,', {"a": "1", "b": "2"}),
        ('Digest a = "1"\t,\tb\t=\t2', {"a": "1", "b": "2"}),
        ("Digest \t,a=1", {"a": "1"}),
        ('Digest a="x, Basic realm=y"', {"a": "x, Basic realm=y"}),
        (r'Digest a="\"", b="\\"', {"a": '"', "b": "\\"}),
        ('Digest a=""', {"a": ""}),
    ],
)
def test_parameters_are_read(value: str, params: dict[str, str]) -> None:
    """Parameters come with names in lower case, values unquoted, empty elements and bad whitespace dropped, in order."""
    for given in (value, value.encode("ascii")):
        read = parse_authorization(given)
        assert read.token68 is None
        assert read.params == params
        assert list(read.params or ()) == list(params)


@each(
    ("value", "expected", "position"),
    [
        ("", "scheme name", 0),
        (" \t", "scheme name", 0),
        ("=x", "scheme name", 0),
        ('"Basic" QQ==', "scheme name", 0),
        (",Basic QQ==", "scheme name", 0),
        ("Basic", "token68 or parameters", 5),
        ("Basic ", "token68 or parameters", 5),
        ("  Basic", "token68 or parameters", 7),
        ("Basic\tQQ==", "SP", 5),
        ("Basic \tQQ==", "parameter name", 6),
        ("Ba(sic QQ==", "SP", 2),
        ("Basic,QQ==", "SP", 5),
        ("Basic=QQ==", "SP", 5),
        ("Bäsic QQ==", "SP", 1),
        ("Bearer a b", '"="', 9),
        ("Bearer a,b", '"="', 8),
        ('Bearer "t"', "parameter name", 7),
        ("Bearer té", '"="', 8),
        ("Bearer tok%20en", '"="', 15),
        ("Bearer =", "parameter name", 7),
        ("Bearer ==", "parameter name", 7),
        ("Digest a=b=", "comma", 10),
        ("Digest a=, b=1", "value", 9),
        ("Digest abc==, a=1", "value", 11),
        ("Basic QQ==, realm=x", "value", 9),
        ("Digest a =", "value", 10),
        ("Digest ,", "token68 or parameters", 7),
        ("Digest ,,", "token68 or parameters", 7),
        ("Digest ,a=", "value", 10),
        ("Digest a=1 b=2", "comma", 10),
        ("Digest a=1; b=2", "comma", 10),
        ("Digest a=1, A=2", "did not occur before", 12),
        ('Digest a=1, a="1"', "did not occur before", 12),
        ('Digest a="x', "quoted-string", 9),
        ('Digest a="x\\"', "quoted-string", 9),
        ("Digest a@b=1", '"="', 8),
        ("Bearer a\r\nX: y", '"="', 8),
        ("Bearer a\n", '"="', 8),
        ("Basic Q\x00Q=", '"="', 7),
        ("Bearer a\x7f", '"="', 8),
        ("Bearer a\xa0", '"="', 8),
        ("Bearer aĀ", "octet", 8),
    ],
)
def test_malformed_credentials_are_refused(value: str, expected: str, position: int) -> None:
    """A value with more than one reading, or none, is an error with the expectation and the octet."""
    with pytest.raises(GrammarError) as caught:
        parse_authorization(value)
    assert expected in caught.value.expected
    assert caught.value.position == position
    assert not isinstance(caught.value, FieldTooLong)


@each("code", [*range(0x09), *range(0x0A, 0x20), 0x7F])
@each("value", ["{}Bearer a", "Bear{}er a", "Bearer{} a", "Bearer a{}b", "Bearer a{}", 'Digest a="{}"', 'Digest a="\\{}"', "Digest a=1,{}"])
def test_control_characters_are_refused_everywhere(value: str, code: int) -> None:
    """No control character other than HTAB passes, wherever it stands (RFC 9110 §5.5)."""
    with pytest.raises(GrammarError):
        parse_authorization(value.format(chr(code)))


def test_too_many_parameters_are_refused() -> None:
    """64 parameters are read; one more is an error."""
    most = ", ".join(f"p{number}=1" for number in range(MAX_PARAMETERS))
    assert len(parse_authorization(f"Digest {most}").params or ()) == MAX_PARAMETERS
    with pytest.raises(GrammarError, match="64 parameters"):
        parse_authorization(f"Digest {most}, q=1")


def test_too_many_empty_elements_are_refused() -> None:
    """32 empty elements are skipped; one more is an error."""
    assert parse_authorization("Digest " + "," * 32 + "a=1").params == {"a": "1"}
    with pytest.raises(GrammarError, match="32 empty"):
        parse_authorization("Digest " + "," * 33 + "a=1")


@pytest.mark.parametrize(
    "value", ["Bearer " + "a" * (MAX_FIELD_OCTETS - 7), b"Bearer " + b"a" * (MAX_FIELD_OCTETS - 7)], ids=["str", "bytes"]
)
def test_a_long_value_is_refused_unread(value: Any) -> None:
    """A value as long as the limit is read, one octet more is FieldTooLong; the limit can be set."""
    assert len(parse_authorization(value).token68 or "") == MAX_FIELD_OCTETS - 7
    with pytest.raises(FieldTooLong) as caught:
        parse_authorization(value[:1] + value)
    assert caught.value.limit == MAX_FIELD_OCTETS
    assert parse_authorization(value[:7] + value[7:8] * 20_000, limit=20_007).token68
    with pytest.raises(FieldTooLong):
        parse_authorization("Bearer a", limit=7)


def test_the_error_keeps_no_credential() -> None:
    """A refused value may be a secret: neither the error nor its chain holds it."""
    for value in ("Bearer hunter2 hunter2", "Bearer hunter2Ā", 'Digest response="hunter2'):
        with pytest.raises(GrammarError) as caught:
            parse_authorization(value)
        assert "hunter2" not in f"{caught.value} {caught.value!r} {caught.value.__context__!r} {caught.value.__cause__!r}"


@pytest.mark.parametrize(
    ("credentials", "sent"),
    [
        (TOKEN, "Bearer mF_9.B5f-4.1JqM"),
        (PARAMS, 'Digest username="Mufasa", realm="a b", nc=00000001'),
        (Authorization("X", params=[("a", 'q"\\')]), r'X a="q\"\\"'),
        (Authorization("X", params={"qop": "", "algorithm": "a b"}), 'X qop="", algorithm="a b"'),
        (
            Authorization("Digest", params={"username*": "UTF-8''J%C3%A4s", "userhash": "false"}),
            "Digest username*=UTF-8''J%C3%A4s, userhash=false",
        ),
    ],
)
def test_serialize_is_the_reverse(credentials: Authorization, sent: str) -> None:
    """What is built is read back as an equal value; only what RFC 7616 §3.4 wants bare is not quoted."""
    assert credentials.serialize() == sent
    assert parse_authorization(sent) == credentials


@each(
    ("arguments", "message"),
    [
        ({"scheme": "", "token68": "a"}, "scheme name"),
        ({"scheme": "Ba sic", "token68": "a"}, "scheme name"),
        ({"scheme": None, "token68": "a"}, "scheme name"),
        ({"scheme": "X"}, "one of the two"),
        ({"scheme": "X", "token68": "a", "params": {"a": "1"}}, "one of the two"),
        ({"scheme": "X", "token68": "a", "params": {}}, "one of the two"),
        ({"scheme": "X", "params": {}}, "at least one"),
        ({"scheme": "X", "token68": ""}, "token68"),
        ({"scheme": "X", "token68": "="}, "token68"),
        ({"scheme": "X", "token68": "a=b"}, "token68"),
        ({"scheme": "X", "token68": "é"}, "token68"),
        ({"scheme": "X", "token68": b"a"}, "token68"),
        ({"scheme": "X", "params": {"": "1"}}, "parameter name"),
        ({"scheme": "X", "params": {"a b": "1"}}, "parameter name"),
        ({"scheme": "X", "params": {1: "1"}}, "parameter name"),
        ({"scheme": "X", "params": {"a": 1}}, "got int"),
        ({"scheme": "X", "params": {"a": "\n"}}, "'a'"),
        ({"scheme": "X", "params": [("a", "1"), ("A", "1")]}, "is repeated"),
        ({"scheme": "X", "params": {f"p{number}": "1" for number in range(65)}}, "65 parameters"),
    ],
)
def test_a_value_that_cannot_be_sent_is_refused(arguments: dict[str, Any], message: str) -> None:
    """The constructor refuses it, and the message says what is wrong."""
    with pytest.raises(ConfigurationError, match=message):
        Authorization(**arguments)


def test_no_message_shows_a_secret() -> None:
    """A token68 or a value that cannot be sent is not shown by the refusal."""
    table: list[dict[str, Any]] = [{"token68": "hunter2 "}, {"params": {"a": "hunter2\n"}}]
    for arguments in table:
        with pytest.raises(ConfigurationError) as caught:
            Authorization("X", **arguments)
        assert "hunter2" not in f"{caught.value!r} {caught.value.__cause__!r}"


@pytest.mark.parametrize("value", ["Bearer hunter2", 'Digest response="hunter2", username="hunter2"', "Digest hunter2=hunter2"])
def test_no_repr_shows_a_secret(value: str) -> None:
    """The repr, str and format of credentials and of their parameters show the scheme at most."""
    read = parse_authorization(value)
    made = Authorization(read.scheme, read.token68, read.params)
    for shown in (repr(read), str(made), f"{read}", repr(read.params), str(made.params), f"{[read, made.params]}"):
        assert "hunter2" not in shown
    assert repr(read) == repr(made) == f"Authorization({read.scheme!r}, ...)"


def test_equality_ignores_the_case_of_the_scheme_only() -> None:
    """Schemes are equal in any letter case, token68 and values only in the same; the order of parameters does not count."""
    assert Authorization("BEARER", "a") == Authorization("bearer", "a")
    assert hash(Authorization("BEARER", "a")) == hash(Authorization("bearer", "a"))
    assert Authorization("Bearer", "a") != Authorization("Bearer", "A")
    assert Authorization("Bearer", "a") != Authorization("Basic", "a")
    one, other = Authorization("D", params={"a": "1", "b": "2"}), Authorization("d", params={"B": "2", "a": "1"})
    assert one == other
    assert hash(one) == hash(other)
    assert one != Authorization("D", params={"a": "1", "b": "3"})
    assert Authorization("D", "a=") != Authorization("D", params={"a": ""})
    assert Authorization("D", "a") != ("D", "a", None)


@pytest.mark.parametrize("credentials", [TOKEN, PARAMS, parse_authorization("Bearer a"), parse_authorization("Digest a=1")])
def test_credentials_cannot_be_changed(credentials: Authorization) -> None:
    """No attribute can be set, added or deleted, and the parameters are read-only."""
    for name in ("scheme", "token68", "params", "other"):
        with pytest.raises(AttributeError):
            setattr(credentials, name, "x")
        with pytest.raises(AttributeError):
            delattr(credentials, name)
    if credentials.params is not None:
        with pytest.raises(TypeError):
            credentials.params["a"] = "2"  # type: ignore[index]  # that it cannot is the point
    assert not hasattr(credentials, "__dict__")


def test_parameters_are_copied() -> None:
    """A mapping that is changed afterwards does not change the credentials made from it."""
    given = {"a": "1"}
    made = Authorization("X", params=given)
    given["a"] = "\n"
    assert made.params == {"a": "1"}


@pytest.mark.parametrize("credentials", [TOKEN, PARAMS, parse_authorization("Bearer a"), parse_authorization("Digest a=1")])
def test_credentials_can_be_copied_and_pickled(credentials: Authorization) -> None:
    """A copy, a deep copy and a pickled one are equal, of the same class, and still hide their content."""
    for twin in (copy.copy(credentials), copy.deepcopy(credentials), pickle.loads(pickle.dumps(credentials))):  # noqa: S301 - our own
        assert twin == credentials
        assert type(twin) is Authorization
        assert repr(twin.params) == repr(credentials.params)
