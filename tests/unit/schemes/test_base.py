"""Tests the base of schemes."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from tests.support.core import Recorder, ask
from watchword import APIKey, Basic, Bearer, ConfigurationError, Credentials, CredentialsError, Reason, RequestView, Scheme
from watchword.grammar import Challenge, parse_challenges
from watchword.schemes import ChallengeParams


class Named(Scheme[Credentials]):
    """A scheme that has nothing but a name."""

    name = "Named"


@pytest.mark.parametrize("name", ["", "two words", "Bäsic", "a=b", 'q"', "a,b", "a\n"])
def test_a_scheme_has_a_name_that_can_be_sent(name: str) -> None:
    """A token (RFC 9110 §11.1); the message names the class."""
    kind = type("Odd", (Scheme,), {"name": name})
    with pytest.raises(ConfigurationError, match=r"Odd\.name must be the name of the scheme, a token"):
        kind(Recorder())


@pytest.mark.parametrize("realm", ["", "a\r\nSet-Cookie: x", "a\0", "Büro", "a\tb", None, 7])
def test_a_realm_is_printable_ascii(realm: object) -> None:
    """No other character is sent reliably (RFC 7617 §3, N13)."""
    with pytest.raises(ConfigurationError, match=r"Named\(realm=\.\.\.\) must be printable ASCII and not empty"):
        Named(Recorder(), realm=realm)  # type: ignore[arg-type]  # the mistake itself


@pytest.mark.parametrize("realm", ["office", " ", 'the "best" office', "back\\slash", "a, b=c", "~"])
def test_a_realm_is_read_back(realm: str) -> None:
    """Any printable ASCII is quoted and escaped (RFC 9110 §5.6.4)."""
    for scheme in (Named(Recorder(), realm=realm), Basic(Recorder(), realm=realm), Bearer(Recorder(), realm=realm)):
        sent = scheme.challenge().serialize()
        assert parse_challenges(sent) == [scheme.challenge()]
        assert parse_challenges(sent)[0].params["realm"] == realm


def test_the_default_challenge_has_name_and_realm() -> None:
    """It ignores the other content of the challenge."""
    assert Named(Recorder()).challenge() == Challenge("Named", {"realm": "api"})
    params = ChallengeParams(Reason.EXPIRED, scope=("a",), max_age=5, acr_values=("b",))
    assert Named(Recorder(), realm="x").challenge(params) == Challenge("Named", {"realm": "x"})
    assert Named(Recorder()).challenges(params) == (Named(Recorder()).challenge(),)


def test_a_scheme_must_define_extract() -> None:
    """A scheme without it is an error, not one whose credentials are always absent."""
    with pytest.raises(TypeError, match=r"Named must define extract\(\)"):
        Named(Recorder()).extract(ask())


@pytest.mark.parametrize(
    ("scheme", "only"),
    [
        (Named(Recorder()), True),
        (Basic(Recorder(), realm="x"), True),
        (Bearer(Recorder()), True),
        (Bearer(Recorder(), query=True), False),
        (Bearer(Recorder(), form=True), False),
        (APIKey(Recorder()), False),
        (APIKey(Recorder(), header=None), True),
        (APIKey(Recorder(), header=None, cookie="key"), False),
        (APIKey(Recorder(), header=None, query="key"), False),
    ],
    ids=lambda value: "" if isinstance(value, bool) else f"{value.name}-{value.fields}-{value.parameters}-{value.reads_content}",
)
def test_a_scheme_tells_whether_it_reads_authorization_alone(scheme: Scheme[Credentials], *, only: bool) -> None:
    """The guard finds such a scheme by its name, and asks the others one by one."""
    assert scheme.only_authorization is only


def test_a_scheme_that_reads_content_reads_more_than_authorization() -> None:
    """Defining `wants_content` suffices."""

    class Reader(Named):
        def wants_content(self, view: RequestView) -> int | None:
            return None

    assert Reader(Recorder()).reads_content
    assert not Reader(Recorder()).only_authorization


def test_the_defaults_of_a_scheme() -> None:
    """No login dialog, no error codes, no disclosed reasons, and Authorization alone."""
    assert (Named.prompts, Named.explains_errors, Named.discloses) == (False, False, frozenset())
    assert (Named.fields, Named.cookies, Named.parameters, Named.form_parameters) == (("authorization",), (), (), None)
    assert not Named(Recorder()).reads_content


def test_the_repr_names_the_checker_and_hides_it() -> None:
    """A checker may hold secrets, and may print them."""

    class Leaky(dict[str, str]):
        def check(self, credentials: object) -> None:
            return None

    assert repr(Basic(Leaky(ann="s3cret"), realm="office")) == "Basic(Leaky, realm='office')"


def test_credentials_errors_are_401_by_default() -> None:
    """401 makes a browser ask again; the scheme may choose 400 (D2)."""
    error = CredentialsError("base64")
    assert (str(error), error.expected, error.reason, error.bad_request) == ("base64", "base64", Reason.MALFORMED_CREDENTIALS, False)


def test_challenge_params_are_empty_by_default() -> None:
    """And cannot be changed once it is made."""
    params = ChallengeParams()
    assert (params.reason, params.bad_request, params.scope, params.max_age, params.acr_values) == (None, False, (), None, ())
    with pytest.raises(FrozenInstanceError):
        params.reason = Reason.EXPIRED  # type: ignore[misc]  # the mistake itself


def test_the_rank_of_schemes() -> None:
    """Well-known schemes come first (D22), custom ones last."""
    ranks = [Basic.rank, Bearer.rank, APIKey.rank, Named.rank]
    assert ranks == sorted(ranks)
    assert len(set(ranks)) == len(ranks)
