"""What RFC 6749, 7009, 7662, 8414 and 9068 ask of an issuer and its endpoints. Names carry the row of docs/standards.md."""

# ruff: noqa: N802 - a test carries the id of its row

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64decode
from typing import Any

import pytest

from tests.support.endpoints import ODD, Desk, basic
from watchword.errors import ConfigurationError, Unavailable
from watchword.stores import MemoryStore

OWN = {"grant_type": "client_credentials"}


@pytest.fixture(params=["asgi", "wsgi"])
def desk(request: pytest.FixtureRequest) -> Desk:
    """The same endpoints behind each interface."""
    return Desk(request.param)


def web(desk: Desk) -> str:
    """Return the Authorization field of a client."""
    return basic("web", desk.secret)


def refreshing(token: object, **more: object) -> dict[str, object]:
    """Return a form that presents a refresh token."""
    return {"grant_type": "refresh_token", "refresh_token": token, **more}


def read(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the header and the claims of a JWT."""
    header, claims = (json.loads(urlsafe_b64decode(part + "==")) for part in token.split(".")[:2])
    return header, claims


def test_R6749_2_3_1_a_client_authenticates_in_one_way(desk: Desk) -> None:
    """By Basic and in the form at once is an invalid request, although both are right."""
    answer = desk.post("/token", {**OWN, "client_id": "web", "client_secret": desk.secret}, web(desk))
    assert (answer.status, answer.members["error"]) == (400, "invalid_request")


def test_R6749_2_3_1_1_basic_carries_form_encoded_octets(desk: Desk) -> None:
    """An id with a colon, a space, a plus and a percent sign is read; the same id as it is names another client, or none."""
    assert desk.post("/token", OWN, basic(ODD, desk.odd)).status == 200
    plain = "Basic " + b64encode(f"{ODD}:{desk.odd}".encode()).decode()
    assert desk.post("/token", OWN, plain).status == 401
    assert desk.post("/token", {**OWN, "client_id": ODD, "client_secret": desk.odd}).status == 200


def test_R6749_2_3_1_2_a_secret_in_the_address_is_not_read(desk: Desk) -> None:
    """Parameters of the query are no parameters."""
    answer = desk.post("/token", OWN, query=f"client_id=web&client_secret={desk.secret}")
    assert (answer.status, answer.members["error"]) == (401, "invalid_client")


def test_R6749_3_2_1_the_token_endpoint_takes_post_alone(desk: Desk) -> None:
    """Other methods are 405."""
    assert [desk.get("/token", method).status for method in ("GET", "HEAD", "PUT", "OPTIONS")] == [405] * 4


def test_R6749_3_2_2_parameters_are_unknown_empty_or_repeated(desk: Desk) -> None:
    """An unknown one is ignored, an empty one was not sent, and a repeated one is an error."""
    assert desk.post("/token", {**OWN, "colour": "red", "scope": ""}, web(desk)).members["scope"] == "a b"
    answer = desk.post("/token", b"grant_type=client_credentials&scope=a&scope=a", web(desk))
    assert (answer.status, answer.members["error"]) == (400, "invalid_request")


def test_R6749_3_3_1_a_scope_is_a_list_that_the_answer_states(desk: Desk) -> None:
    """What is no list of scope tokens is an error, and so is more than the client may have; the answer says what was granted."""
    assert desk.post("/token", {**OWN, "scope": "b"}, web(desk)).members["scope"] == "b"
    for wrong in (" a", "a  b", 'a"', "a\\", "c"):
        answer = desk.post("/token", {**OWN, "scope": wrong}, web(desk))
        assert (answer.status, answer.members["error"]) == (400, "invalid_scope")


def test_R6749_4_4_1_only_a_confidential_client_gets_tokens_of_its_own(desk: Desk) -> None:
    """A public one does not, and no client gets a refresh token with them."""
    assert "refresh_token" not in desk.post("/token", OWN, web(desk)).members
    answer = desk.post("/token", {**OWN, "client_id": "app"})
    assert (answer.status, answer.members["error"]) == (400, "unauthorized_client")


def test_R6749_5_1_1_an_answer_with_a_token_is_not_stored(desk: Desk) -> None:
    """It is JSON with `Cache-Control: no-store` and `Pragma: no-cache`, and has a type and a lifetime."""
    issued = desk.issuer.issue("ann", "web", scopes=["a"])
    for form in (OWN, refreshing(issued.refresh_token)):
        answer = desk.post("/token", form, web(desk))
        assert {name: answer.headers[name] for name in ("content-type", "cache-control", "pragma")} == {
            "content-type": "application/json",
            "cache-control": "no-store",
            "pragma": "no-cache",
        }
        assert (answer.members["token_type"], answer.members["expires_in"]) == ("Bearer", 600)


def test_R6749_5_2_1_an_error_has_a_code_and_a_status(desk: Desk) -> None:
    """400, but for a client that cannot be authenticated: 401 with the scheme that it may use."""
    wrong = desk.post("/token", OWN, basic("web", "guess"))
    assert (wrong.status, wrong.members["error"], wrong.headers["www-authenticate"]) == (
        401,
        "invalid_client",
        'Basic realm="token", charset="UTF-8"',
    )
    codes = {"password": "unsupported_grant_type", "refresh_token": "invalid_request"}
    for grant, code in codes.items():
        answer = desk.post("/token", {"grant_type": grant}, web(desk))
        assert (answer.status, answer.members["error"]) == (400, code)
        assert "www-authenticate" not in answer.headers


def test_R6749_6_1_a_refresh_token_is_of_one_client(desk: Desk) -> None:
    """Another client is refused with it, authenticated or public, and nothing is used up."""
    issued = desk.issuer.issue("ann", "web")
    for form, auth in (
        (refreshing(issued.refresh_token), basic("orders", desk.server)),
        (refreshing(issued.refresh_token, client_id="app"), None),
    ):
        answer = desk.post("/token", form, auth)
        assert (answer.status, answer.members["error"]) == (400, "invalid_grant")
    assert desk.post("/token", refreshing(issued.refresh_token), web(desk)).status == 200


def test_R6749_6_2_a_refresh_asks_for_no_more_than_was_granted(desk: Desk) -> None:
    """For less it may: once, and the next refresh token has all scopes again."""
    issued = desk.issuer.issue("ann", "web", scopes=["a", "b"])
    assert desk.post("/token", refreshing(issued.refresh_token, scope="a c"), web(desk)).members["error"] == "invalid_scope"
    less = desk.post("/token", refreshing(issued.refresh_token, scope="a"), web(desk)).members
    assert less["scope"] == "a"
    assert desk.post("/token", refreshing(less["refresh_token"]), web(desk)).members["scope"] == "a b"


def test_R7009_2_1_1_a_client_revokes_its_own_tokens(desk: Desk) -> None:
    """It is authenticated, and a token of another client stays valid; a wrong hint changes nothing."""
    issued = desk.issuer.issue("ann", "web")
    assert desk.post("/revoke", {"token": issued.refresh_token}).status == 401
    assert desk.post("/revoke", {"token": issued.refresh_token}, basic("orders", desk.server)).status == 200
    assert desk.post("/introspect", {"token": issued.refresh_token}, web(desk)).members["active"]
    desk.post("/revoke", {"token": issued.refresh_token, "token_type_hint": "access_token"}, web(desk))
    for token in (issued.refresh_token, issued.access_token):  # RFC 7009 §2.1: both, where the grant ends
        assert desk.post("/introspect", {"token": token}, web(desk)).members == {"active": False}


def test_R7009_2_2_1_an_invalid_token_is_answered_as_a_revoked_one(desk: Desk) -> None:
    """200, so that a client learns nothing, and has nothing to handle."""
    assert [desk.post("/revoke", {"token": token}, web(desk)).status for token in ("x", "a.b.c", "ü" * 9)] == [200] * 3


@pytest.mark.parametrize("by", ["asgi", "wsgi"])
def test_R7009_2_2_1_1_an_outage_is_503(by: str) -> None:
    """The token may still be valid: the client tries again, and is told when."""

    class Away(MemoryStore):
        def end_family(self, id: str, at: float) -> bool:  # noqa: A002 - the name in the protocol
            raise Unavailable("the disk is gone", retry_after=5)

    desk = Desk(by, store=Away())
    desk.clock.set(1_700_000_000)
    issued = desk.issuer.issue("ann", "web")
    answer = desk.post("/revoke", {"token": issued.refresh_token}, web(desk))
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")


def test_R7662_2_1_3_the_endpoint_authenticates_who_asks(desk: Desk) -> None:
    """Nobody learns by trying which tokens there are; a client without a secret is nobody here."""
    token = desk.issuer.issue("ann", "app").access_token
    for form in ({"token": token}, {"token": token, "client_id": "app"}):
        answer = desk.post("/introspect", form)
        assert (answer.status, answer.members) == (401, {**answer.members, "error": "invalid_client"})


def test_R7662_2_2_3_what_is_not_valid_is_not_active_and_nothing_more(desk: Desk) -> None:
    """Expired, revoked, of another issuer, or no token: the answers are the same."""
    expired, ended = desk.issuer.issue("ann", "web").access_token, desk.issuer.issue("ann", "web")
    desk.issuer.revoke(ended.family)
    other = Desk("asgi", issuer="https://other.example").issuer.issue("ann", "web").access_token
    for token in ("x", ended.access_token, ended.refresh_token, other):
        assert desk.post("/introspect", {"token": token}, web(desk)).members == {"active": False}
    desk.clock.advance(700)
    assert desk.post("/introspect", {"token": expired}, web(desk)).members == {"active": False}


def test_R7662_4_4_only_who_may_know_learns_of_a_token(desk: Desk) -> None:
    """Its client, and clients with the permission to introspect."""
    token = desk.issuer.issue("ann", "app").access_token
    assert desk.post("/introspect", {"token": token}, web(desk)).members == {"active": False}
    assert desk.post("/introspect", {"token": token}, basic("orders", desk.server)).members["sub"] == "ann"


def test_R8414_2_1_the_metadata_names_what_is_there(desk: Desk) -> None:
    """Each endpoint that it names answers, and it names no grant that is refused."""
    found = desk.get("/.well-known/oauth-authorization-server").members
    for name in ("token_endpoint", "revocation_endpoint", "introspection_endpoint"):
        assert desk.post(found[name].removeprefix("https://auth.example.com"), {}, web(desk)).members["error"] == "invalid_request"
    assert desk.get(found["jwks_uri"].removeprefix("https://auth.example.com")).members == desk.issuer.jwks()
    for grant in found["grant_types_supported"]:
        assert desk.post("/token", {"grant_type": grant}, web(desk)).members.get("error") != "unsupported_grant_type"


@pytest.mark.parametrize("by", ["asgi", "wsgi"])
def test_R8414_3_1_1_the_well_known_path_stands_before_that_of_the_issuer(by: str) -> None:
    """And names the issuer as its tokens do (§3.3), with or without a path and a closing slash."""
    for issuer in ("https://auth.example.com", "https://example.com/auth", "https://example.com/auth/"):
        desk = Desk(by, issuer)
        path = issuer.removeprefix("https://").partition("/")[2].rstrip("/")
        found = desk.get("/.well-known/oauth-authorization-server" + (f"/{path}" if path else "")).members
        assert found["issuer"] == issuer == read(desk.issuer.issue("ann", "web").access_token)[1]["iss"]


def test_R8414_3_2_1_the_metadata_is_json_without_empty_lists(desk: Desk) -> None:
    """200 with `application/json`."""
    answer = desk.get("/.well-known/oauth-authorization-server")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert all(answer.members.values())


def test_R9068_2_1_1_a_token_is_signed_and_says_what_it_is(desk: Desk) -> None:
    """`typ` is `at+jwt`, and the algorithm is one of signatures, whose public key is published."""
    header, _ = read(desk.issuer.issue("ann", "web").access_token)
    assert (header["typ"], header["alg"]) == ("at+jwt", "ES256")
    assert header["kid"] in {key["kid"] for key in desk.issuer.jwks()["keys"]}


def test_R9068_2_2_2_a_token_has_the_claims_that_are_required(desk: Desk) -> None:
    """`iss`, `exp`, `aud`, `sub`, `client_id`, `iat` and `jti`, and the scopes in `scope`, whoever got it."""
    issued = desk.issuer.issue("ann", "web", scopes=["b", "a"], claims={"auth_time": 1_699_999_000})
    own = desk.post("/token", OWN, web(desk)).members["access_token"]
    for token, subject in ((issued.access_token, "ann"), (own, "web")):
        _, claims = read(token)
        assert {"iss", "exp", "aud", "sub", "client_id", "iat", "jti", "scope"} <= claims.keys()
        assert (claims["sub"], claims["client_id"], claims["scope"]) == (subject, "web", "a b")


def test_R9068_5_1_a_subject_is_never_mistaken_for_a_client(desk: Desk) -> None:
    """A person whose id is that of the client gets no token."""
    with pytest.raises(ConfigurationError, match="differ from the client"):
        desk.issuer.issue("web", "web")
