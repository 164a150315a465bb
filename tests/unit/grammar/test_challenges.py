"""Challenges (RFC 9110 §11.3, §11.6.1): the value, its parser and its builder."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from tests.support.each import each
from watchword.errors import ConfigurationError, FieldTooLong, GrammarError
from watchword.grammar import MAX_CHALLENGES, MAX_FIELD_OCTETS, MAX_PARAMETERS, Challenge, parse_challenges


@pytest.mark.parametrize(
    ("challenge", "sent"),
    [
        (Challenge("Basic", {"realm": "x", "charset": "UTF-8"}), 'Basic realm="x", charset="UTF-8"'),
        (Challenge("Negotiate"), "Negotiate"),
        (Challenge("Negotiate", {}), "Negotiate"),
        (Challenge("Negotiate", token68="YII="), "Negotiate YII="),
        (Challenge("Negotiate", params={}, token68="YII="), "Negotiate YII="),
        (Challenge("Bearer", [("Realm", 'Login to "apps"\\x')]), r'Bearer realm="Login to \"apps\"\\x"'),
        (Challenge("Basic", {"realm": "a,b;c"}), 'Basic realm="a,b;c"'),
        (Challenge("Basic", {"realm": ""}), 'Basic realm=""'),
        (Challenge("Basic", {"realm": "é\t"}), 'Basic realm="é\t"'),
        (
            Challenge("Digest", {"realm": "r", "qop": "auth", "algorithm": "SHA-256", "stale": "true", "userhash": "true", "nonce": "n"}),
            'Digest realm="r", qop="auth", algorithm=SHA-256, stale=true, userhash=true, nonce="n"',
        ),
        (Challenge("X", {"algorithm": "a b", "stale": ""}), 'X algorithm="a b", stale=""'),
    ],
)
def test_serialize_is_the_reverse(challenge: Challenge, sent: str) -> None:
    """A challenge is sent with quoted values, save those that RFC 7616 §3.3 wants bare, and is read back as an equal one."""
    assert challenge.serialize() == sent
    assert parse_challenges(sent) == parse_challenges(sent.encode("latin-1")) == [challenge]


def test_attributes_are_as_given() -> None:
    """The scheme keeps its letter case, names are lower-cased and keep their order, what is absent is empty or None."""
    challenge = Challenge("bAsIc", {"Realm": "x", "CHARSET": "UTF-8"})
    assert (challenge.scheme, list(challenge.params.items()), challenge.token68) == ("bAsIc", [("realm", "x"), ("charset", "UTF-8")], None)
    assert (dict(Challenge("N").params), Challenge("N").token68) == ({}, None)
    assert (dict(Challenge("N", token68="a").params), Challenge("N", token68="a").token68) == ({}, "a")


@each(
    ("arguments", "message"),
    [
        ({"scheme": ""}, "scheme name"),
        ({"scheme": "Ba sic"}, "scheme name"),
        ({"scheme": "Bäsic"}, "scheme name"),
        ({"scheme": "Basic\r\nX"}, "scheme name"),
        ({"scheme": 1}, "scheme name"),
        ({"scheme": "X", "params": {"": "1"}}, "parameter name"),
        ({"scheme": "X", "params": {"a=": "1"}}, "parameter name"),
        ({"scheme": "X", "params": [("a", "1"), ("a", "1")]}, "'a' is repeated"),
        ({"scheme": "X", "params": {"realm": "1", "Realm": "2"}}, "'Realm' is repeated"),
        ({"scheme": "X", "params": {"max_age": 5}}, "'max_age' must be a string, got int"),
        ({"scheme": "X", "params": {"a": None}}, "got None"),
        ({"scheme": "X", "params": {"a": "1"}, "token68": "b"}, "got both"),
        ({"scheme": "X", "token68": ""}, "token68"),
        ({"scheme": "X", "token68": "a b"}, "token68"),
        ({"scheme": "X", "params": {f"p{number}": "1" for number in range(MAX_PARAMETERS + 1)}}, "65 parameters"),
    ],
)
def test_a_value_that_cannot_be_sent_is_refused(arguments: dict[str, Any], message: str) -> None:
    """The constructor refuses it, and the message says what is wrong."""
    with pytest.raises(ConfigurationError, match=message) as caught:
        Challenge(**arguments)
    assert isinstance(caught.value, ValueError)


@each("char", [chr(code) for code in range(0x20) if code != 0x09] + ["\x7f", "Ā", "\u2028", "\udcff"])
def test_N13_no_realm_breaks_the_field(char: str) -> None:  # noqa: N802 - the id of the threat
    """A realm with a control character or one that stands for no octet is an error when the challenge is made."""
    with pytest.raises(ConfigurationError, match=r"parameter 'realm': .* at index 1"):
        Challenge("Basic", {"realm": f"a{char}Set-Cookie: x"})


@each(
    ("value", "challenges"),
    [
        (
            'Basic realm="simple", Newauth realm="apps", type=1',
            [Challenge("Basic", {"realm": "simple"}), Challenge("Newauth", {"realm": "apps", "type": "1"})],
        ),
        ("Negotiate, Basic realm=x", [Challenge("Negotiate"), Challenge("Basic", {"realm": "x"})]),
        ("Negotiate , Basic realm=x", [Challenge("Negotiate"), Challenge("Basic", {"realm": "x"})]),
        ("Negotiate\t,\tBasic realm=x", [Challenge("Negotiate"), Challenge("Basic", {"realm": "x"})]),
        ("Basic realm=x, Negotiate", [Challenge("Basic", {"realm": "x"}), Challenge("Negotiate")]),
        ("A, B,C", [Challenge("A"), Challenge("B"), Challenge("C")]),
        ("A a, B b=, C c==", [Challenge("A", token68="a"), Challenge("B", token68="b="), Challenge("C", token68="c==")]),
        ("A realm=", [Challenge("A", token68="realm=")]),
        (', Basic realm="a",, ,Digest nonce="n"', [Challenge("Basic", {"realm": "a"}), Challenge("Digest", {"nonce": "n"})]),
        (' \tBasic realm="a", \t', [Challenge("Basic", {"realm": "a"})]),
        ("Digest ,a=1", [Challenge("Digest", {"a": "1"})]),
        ("Digest \t,, a = 1 ,b=2", [Challenge("Digest", {"a": "1", "b": "2"})]),
        ("Digest , Basic a=1", [Challenge("Digest"), Challenge("Basic", {"a": "1"})]),
        ("Basic   realm = x", [Challenge("Basic", {"realm": "x"})]),
        ('A a="B b=c, D", e=f', [Challenge("A", {"a": "B b=c, D", "e": "f"})]),
        ("A a=1, A a=1", [Challenge("A", {"a": "1"}), Challenge("A", {"a": "1"})]),
        ("A a=1, B b =2, c= 3", [Challenge("A", {"a": "1"}), Challenge("B", {"b": "2", "c": "3"})]),
        ("basic, BASIC", [Challenge("Basic"), Challenge("Basic")]),
    ],
)
def test_challenges_are_read(value: str, challenges: list[Challenge]) -> None:
    """Several challenges in one value come apart, whichever comma separates what, by the longest reading the grammar has."""
    assert parse_challenges(value) == parse_challenges(value.encode("ascii")) == challenges


@each(
    ("value", "expected", "position"),
    [
        ("", "a challenge", 0),
        (" \t ", "a challenge", 0),
        (",", "a challenge", 1),
        (",   ,", "a challenge", 5),
        ("realm=x", "starts with a scheme name", 0),
        ("Negotiate, realm=x", "starts with a scheme name", 11),
        ("Negotiate YII=, realm=x", "starts with a scheme name", 16),
        ("Basic\trealm=x", "comma", 5),
        ("Basic \trealm=x", "parameter name", 6),
        ("Basic realm=x Digest", "comma", 13),
        ("Basic a b", '"="', 8),
        ("Basic a=b=", "comma", 9),
        ("Basic a==b", "value", 8),
        ('Basic realm="x', "quoted-string", 12),
        ("Basic a=1, A=2", "did not occur before", 11),
        ('"Basic" realm=x', "scheme name", 0),
        ("Bäsic realm=x", "comma", 1),
        ("Basic realm=x\r\nSet-Cookie: a", "comma", 13),
        ("Basic realm=Ā", "octet", 12),
    ],
)
def test_a_malformed_challenge_is_refused(value: str, expected: str, position: int) -> None:
    """What does not fit is an error that says what was expected and at which octet."""
    with pytest.raises(GrammarError) as caught:
        parse_challenges(value)
    assert expected in caught.value.expected
    assert caught.value.position == position


def test_the_number_of_challenges_is_bounded() -> None:
    """64 challenges are read; one more is an error."""
    most = ", ".join(["Negotiate"] * MAX_CHALLENGES)
    assert len(parse_challenges(most)) == MAX_CHALLENGES
    with pytest.raises(GrammarError, match="64 challenges"):
        parse_challenges(most + ", Negotiate")


def test_each_challenge_has_bounded_parameters() -> None:
    """64 parameters are read in each challenge; one more is an error."""
    params = ", ".join(f"p{number}=1" for number in range(MAX_PARAMETERS))
    assert [len(challenge.params) for challenge in parse_challenges(f"A {params}, B {params}")] == [MAX_PARAMETERS] * 2
    with pytest.raises(GrammarError, match="64 parameters"):
        parse_challenges(f"A {params}, q=1")


def test_all_empty_elements_share_one_bound() -> None:
    """32 elements of one value may be empty, inside challenges and between them together; one more is an error."""
    fitting = "," * 10 + "A a=1" + "," * 11 + "b=2" + "," * 13 + "B"
    assert len(parse_challenges(fitting)) == 2
    with pytest.raises(GrammarError, match="32 empty"):
        parse_challenges(fitting + ",")


def test_a_long_value_is_refused_unread() -> None:
    """A value as long as the limit is read, one octet more is FieldTooLong; the limit can be set."""
    value = "Negotiate " + "a" * (MAX_FIELD_OCTETS - 10)
    assert parse_challenges(value)
    with pytest.raises(FieldTooLong):
        parse_challenges(value + "a")
    assert parse_challenges(value + "a", limit=MAX_FIELD_OCTETS + 1)


def test_equality_ignores_the_case_of_the_scheme_and_of_names() -> None:
    """Two challenges are equal if scheme (in any letter case) and content are; the order of parameters does not count."""
    one, other = Challenge("Basic", {"realm": "x", "a": "1"}), Challenge("BASIC", {"A": "1", "Realm": "x"})
    assert one == other
    assert hash(one) == hash(other)
    assert one != Challenge("Basic", {"realm": "X", "a": "1"})
    assert Challenge("N") != Challenge("N", token68="a")
    assert Challenge("N") != "N"


def test_repr_makes_the_value_again() -> None:
    """A challenge is no secret: its repr shows everything, as the call that makes it."""
    for challenge in (Challenge("A"), Challenge("A", {"b": 'c"'}), Challenge("A", token68="d=")):
        assert eval(repr(challenge), {"Challenge": Challenge}) == challenge  # noqa: S307 - our own text
    assert repr(Challenge("Negotiate")) == "Challenge('Negotiate')"
    assert repr(Challenge("Basic", {"realm": "x"})) == "Challenge('Basic', {'realm': 'x'})"


@pytest.mark.parametrize("challenge", [Challenge("A"), Challenge("A", {"b": "c"}), Challenge("A", token68="d=")])
def test_challenges_are_values(challenge: Challenge) -> None:
    """A challenge cannot be changed, and a copy, deep copy or pickled one is equal to it."""
    for name in ("scheme", "params", "token68", "other"):
        with pytest.raises(AttributeError):
            setattr(challenge, name, "x")
        with pytest.raises(AttributeError):
            delattr(challenge, name)
    with pytest.raises(TypeError):
        challenge.params["realm"] = "x"  # type: ignore[index]  # that it cannot is the point
    for twin in (copy.copy(challenge), copy.deepcopy(challenge), pickle.loads(pickle.dumps(challenge))):  # noqa: S301 - our own
        assert twin == challenge
        assert type(twin) is Challenge


def test_parameters_are_copied() -> None:
    """A mapping that is changed afterwards does not change the challenge made from it."""
    given = {"realm": "x"}
    challenge = Challenge("Basic", given)
    given["realm"] = "\r\n"
    assert challenge.serialize() == 'Basic realm="x"'
