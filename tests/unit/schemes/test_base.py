"""What all schemes have in common."""

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
    """What cannot be sent reliably never reaches the wire (RFC 7617 §3, N13)."""
    with pytest.raises(ConfigurationError, match=r"Named\(realm=\.\.\.\) must be printable ASCII and not empty"):
        Named(Recorder(), realm=realm)  # type: ignore[arg-type]  # the mistake itself


@pytest.mark.parametrize("realm", ["office", " ", 'the "best" office', "back\\slash", "a, b=c", "~"])
def test_a_realm_goes_over_the_wire_and_back(realm: str) -> None:
    """Quoted and escaped, whatever printable ASCII is in it (RFC 9110 §5.6.4)."""
    for scheme in (Named(Recorder(), realm=realm), Basic(Recorder(), realm=realm), Bearer(Recorder(), realm=realm)):
        sent = scheme.challenge().serialize()
        assert parse_challenges(sent) == [scheme.challenge()]
        assert parse_challenges(sent)[0].params["realm"] == realm


def test_a_scheme_asks_with_name_and_realm_unless_it_has_more_to_say() -> None:
    """The default challenge; whatever the guard would like said, it has no words for."""
    assert Named(Recorder()).challenge() == Challenge("Named", {"realm": "api"})
    params = ChallengeParams(Reason.EXPIRED, scope=("a",), max_age=5, acr_values=("b",))
    assert Named(Recorder(), realm="x").challenge(params) == Challenge("Named", {"realm": "x"})
    assert Named(Recorder()).challenges(params) == (Named(Recorder()).challenge(),)


def test_a_scheme_without_extract_says_so() -> None:
    """It is not taken for one whose credentials never come."""
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
def test_a_scheme_knows_whether_it_looks_beyond_authorization(scheme: Scheme[Credentials], *, only: bool) -> None:
    """The guard finds those by their name, and asks the others one by one."""
    assert scheme.only_authorization is only


def test_a_scheme_that_wants_content_looks_beyond_authorization() -> None:
    """To define the method is enough to be asked."""

    class Reader(Named):
        def wants_content(self, view: RequestView) -> int | None:
            return None

    assert Reader(Recorder()).reads_content
    assert not Reader(Recorder()).only_authorization


def test_a_scheme_says_no_more_than_it_was_told_to() -> None:
    """By default it opens no login dialog, explains no errors, discloses no reasons, and reads the one field."""
    assert (Named.prompts, Named.explains_errors, Named.discloses) == (False, False, frozenset())
    assert (Named.fields, Named.cookies, Named.parameters, Named.form_parameters) == (("authorization",), (), (), None)
    assert not Named(Recorder()).reads_content


def test_the_repr_names_the_checker_and_hides_it() -> None:
    """A checker may hold secrets, and may print them."""

    class Leaky(dict[str, str]):
        def check(self, credentials: object) -> None:
            return None

    assert repr(Basic(Leaky(ann="s3cret"), realm="office")) == "Basic(Leaky, realm='office')"


def test_an_error_about_credentials_asks_again_unless_the_request_is_at_fault() -> None:
    """401 by default, so that a browser can ask again; 400 where the scheme says so (D2)."""
    error = CredentialsError("base64")
    assert (str(error), error.expected, error.reason, error.bad_request) == ("base64", "base64", Reason.MALFORMED_CREDENTIALS, False)


def test_challenge_params_are_empty_by_default() -> None:
    """And cannot be changed once it is made."""
    params = ChallengeParams()
    assert (params.reason, params.bad_request, params.scope, params.max_age, params.acr_values) == (None, False, (), None, ())
    with pytest.raises(FrozenInstanceError):
        params.reason = Reason.EXPIRED  # type: ignore[misc]  # the mistake itself


def test_schemes_rank_as_clients_like_them() -> None:
    """Well-known ones first (D22); a scheme of one's own comes last."""
    ranks = [Basic.rank, Bearer.rank, APIKey.rank, Named.rank]
    assert ranks == sorted(ranks)
    assert len(set(ranks)) == len(ranks)
