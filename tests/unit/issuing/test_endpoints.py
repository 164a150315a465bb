"""The endpoints of an issuer, by ASGI and by WSGI: who gets tokens, and what each mistake is answered."""

from __future__ import annotations

from base64 import b64encode
from math import nan
from typing import Any

import pytest

from tests.support.each import each
from tests.support.endpoints import FORM, ODD, RING, Desk, basic
from watchword.adapters.token_endpoints import asgi_app, wsgi_app
from watchword.checkers import APIKeys, OpaqueTokens
from watchword.credentials import BearerToken
from watchword.errors import ConfigurationError, Unavailable
from watchword.issuing import IssuedTokens, TokenEndpoints, TokenIssuer
from watchword.issuing.forms import FORM_LIMIT
from watchword.principal import Evidence, Principal
from watchword.reason import Reason
from watchword.stores import MemoryStore
from watchword.testing import FixedClock
from watchword.verdict import Accepted, Refused


@pytest.fixture(params=["asgi", "wsgi"])
def desk(request: pytest.FixtureRequest) -> Desk:
    """The same endpoints behind each interface."""
    return Desk(request.param)


def test_a_client_refreshes_and_gets_tokens_of_its_own(desk: Desk) -> None:
    """RFC 6749 §4.4, §6: by Basic, and by the form; the answer is never stored."""
    issued = desk.issuer.issue("ann", "web", scopes=["a", "b"])
    for auth, more in ((basic("web", desk.secret), {}), (None, {"client_id": "web", "client_secret": desk.secret})):
        form = {"grant_type": "refresh_token", "refresh_token": issued.refresh_token, "scope": "a", **more}
        answer = desk.post("/token", form, auth)
        assert (answer.status, answer.headers["cache-control"], answer.headers["content-type"]) == (200, "no-store", "application/json")
        assert answer.members["refresh_token"] != issued.refresh_token
        assert (answer.members["token_type"], answer.members["scope"]) == ("Bearer", "a")
    own = desk.post("/token", {"grant_type": "client_credentials", "scope": ""}, basic("web", desk.secret)).members
    assert own["scope"] == "a b"
    assert "refresh_token" not in own
    verdict = desk.issuer.access_tokens().check(BearerToken(own["access_token"]))
    assert isinstance(verdict, Accepted)
    assert (verdict.principal.kind, sorted(verdict.principal.scopes)) == ("client", ["a", "b"])
    odd = desk.post("/token", {"grant_type": "client_credentials"}, basic(ODD, desk.odd))
    assert odd.status == 200
    public = desk.issuer.issue("ann", "app")
    form = {"grant_type": "refresh_token", "refresh_token": public.refresh_token, "client_id": "app"}
    assert desk.post("/token", form).status == 200


def test_the_use_of_a_key_is_noted(desk: Desk) -> None:
    """As behind a guard: an operator who revokes the keys that nobody uses must not find this one among them."""
    desk.post("/token", OWN, basic("orders", desk.secret))
    assert all(key.last_used_at is None for key in desk.store.list_keys())
    desk.post("/token", OWN, basic("web", desk.secret))
    assert {key.owner: key.last_used_at for key in desk.store.list_keys() if key.last_used_at is not None} == {"web": desk.clock.now()}


@pytest.mark.parametrize("by", ["asgi", "wsgi"])
def test_a_use_that_cannot_be_noted_refuses_nobody(by: str, caplog: pytest.LogCaptureFixture) -> None:
    """It is logged."""

    class Full(MemoryStore):
        def note_key_use(self, id: str, at: float) -> None:  # noqa: A002 - the name in the protocol
            raise Unavailable("the disk is full")

    desk = Desk(by, store=Full())
    assert desk.post("/token", OWN, basic("web", desk.secret)).status == 200
    assert "the disk is full" in caplog.text


@pytest.mark.parametrize("by", ["asgi", "wsgi"])
def test_evidence_counts_as_long_and_from_where_a_guard_says(by: str) -> None:
    """A checker of one's own may hand on evidence that has ended, or that names no network: neither is a client, and none is a 500."""
    desk, near = Desk(by), ("192.0.2.0/24",)
    now = desk.clock.now()
    for evidence, status in (
        (Evidence(expires_at=now + 1, networks=near), 200),
        (Evidence(expires_at=now), 401),
        (Evidence(expires_at=nan), 401),
        (Evidence(networks=("192.0.2.7/24",)), 401),
        (Evidence(networks=("everywhere",)), 401),
        (Evidence(networks=()), 401),
    ):
        made = Accepted(Principal("web", kind="client", evidence=evidence))
        desk.endpoints = TokenEndpoints(desk.issuer, lambda _, made=made: made)
        assert desk.post("/token", OWN, basic("web", "x")).status == status, evidence


REFRESH = {"grant_type": "refresh_token", "refresh_token": "x"}
OWN = {"grant_type": "client_credentials"}


@each(
    ("name", "content", "auth", "status", "error"),
    [
        ("no grant", {}, "good", 400, "invalid_request"),
        ("another grant", {"grant_type": "password"}, "good", 400, "unsupported_grant_type"),
        ("no token", {"grant_type": "refresh_token"}, "good", 400, "invalid_request"),
        ("an empty token", {**REFRESH, "refresh_token": ""}, "good", 400, "invalid_request"),
        ("an unknown token", REFRESH, "good", 400, "invalid_grant"),
        ("too many scopes", {**OWN, "scope": "a c"}, "good", 400, "invalid_scope"),
        ("two spaces", {**OWN, "scope": "a  b"}, "good", 400, "invalid_scope"),
        ("no client", OWN, None, 401, "invalid_client"),
        ("an unknown client", OWN, basic("x", "y"), 401, "invalid_client"),
        ("the wrong secret", OWN, basic("web", "y"), 401, "invalid_client"),
        ("the key of another client", OWN, "other", 401, "invalid_client"),
        ("the key of a person", OWN, "person", 401, "invalid_client"),
        ("a key from elsewhere", OWN, "near", 401, "invalid_client"),
        ("an id alone", {**OWN, "client_id": "web"}, None, 401, "invalid_client"),
        ("a public client for itself", {**OWN, "client_id": "app"}, None, 400, "unauthorized_client"),
        ("twice", {**OWN, "client_id": "web", "client_secret": "x"}, "good", 400, "invalid_request"),
        ("two ids", {**OWN, "client_id": "app"}, "good", 400, "invalid_request"),
        ("an assertion", {**OWN, "client_assertion": "x"}, None, 401, "invalid_client"),
        ("another scheme", OWN, "Bearer x", 401, "invalid_client"),
        ("no base64", OWN, "Basic !", 401, "invalid_client"),
        ("no colon", OWN, "Basic " + b64encode(b"web").decode(), 401, "invalid_client"),
        ("an empty field", OWN, "", 401, "invalid_client"),
        ("an empty field, and a secret", {**OWN, "client_id": "web", "client_secret": "x"}, "", 400, "invalid_request"),
        ("no credentials", OWN, "Basic", 401, "invalid_client"),
        ("two fields", OWN, "Basic eDp5, Basic eDp5", 401, "invalid_client"),
        ("a name in latin-1", OWN, "Basic " + b64encode(b"%E9:x").decode(), 400, "invalid_request"),
        ("repeated", b"grant_type=client_credentials&grant_type=client_credentials", "good", 400, "invalid_request"),
        ("repeated, and spelt otherwise", b"grant_type=client_credentials&gr%61nt_type=x", "good", 400, "invalid_request"),
        ("not UTF-8", b"grant_type=%ff", "good", 400, "invalid_request"),
        ("many parameters", b"a=b&" * 32, "good", 400, "invalid_request"),
        ("too long", b"a" * (FORM_LIMIT + 1), "good", 413, "invalid_request"),
        ("far too long", b"a=&" * 1_000_000, "good", 413, "invalid_request"),
    ],
)
def test_a_mistake_has_its_error(name: str, content: Any, auth: str | None, status: int, error: str) -> None:
    """RFC 6749 §5.2, and nothing is used up; a 401 has the challenge of Basic, and nothing that was sent is shown."""
    for by in ("asgi", "wsgi"):
        desk = Desk(by)
        shown = {
            "good": basic("web", desk.secret), "other": basic("web", desk.server), "person": basic("ann", desk.person),
            "near": basic("near", desk.near),
        }.get(auth or "", auth)  # fmt: skip
        answer = desk.post("/token", content, shown)
        assert (answer.status, answer.members["error"]) == (status, error)
        assert answer.headers["cache-control"] == "no-store"
        assert ("www-authenticate" in answer.headers) == (status == 401)


def test_a_form_is_demanded(desk: Desk) -> None:
    """JSON is no form, and a charset is ignored."""
    auth = basic("web", desk.secret)
    for type_, status in (
        (None, 400),
        ("application/json", 400),
        (f"{FORM}; charset=UTF-8", 200),
        ("Application/X-WWW-Form-URLencoded", 200),
    ):
        assert desk.post("/token", OWN, auth, type_).status == status


def test_a_revocation_ends_the_login_of_the_client_alone(desk: Desk) -> None:
    """RFC 7009: by a refresh token or an access token; an unknown one is answered alike."""
    for kind in ("refresh_token", "access_token"):
        issued = desk.issuer.issue("ann", "web")
        token = issued.response()[kind]
        assert desk.post("/revoke", {"token": token}, basic("orders", desk.server)).status == 200
        assert desk.issuer.refresh_tokens.get(issued.family).revoked_at is None
        answer = desk.post("/revoke", {"token": token, "token_type_hint": "x"}, basic("web", desk.secret))
        assert (answer.status, answer.headers["cache-control"]) == (200, "no-store")
        assert desk.issuer.refresh_tokens.get(issued.family).revoked_at is not None
        assert desk.post("/revoke", {"token": token}, basic("web", desk.secret)).status == 200
    assert desk.post("/revoke", {"token": "x" * 9000}, basic("web", desk.secret)).status == 200
    assert desk.post("/revoke", {}, basic("web", desk.secret)).members["error"] == "invalid_request"
    assert desk.post("/revoke", {"token": "x"}).members["error"] == "invalid_client"


@pytest.mark.parametrize("kind", ["at+jwt", "opaque"])
@pytest.mark.parametrize("by", ["asgi", "wsgi"])
def test_a_revocation_of_one_access_token_leaves_the_login(by: str, kind: str) -> None:
    """RFC 7009 §2.1 allows it: the others of the login live, and a refresh token ends all."""
    desk = Desk(by, kind=kind, revoke_ends="token")
    issued = desk.issuer.issue("ann", "web")
    again = desk.issuer.refresh(str(issued.refresh_token), "web")
    web, server, checker = basic("web", desk.secret), basic("orders", desk.server), desk.issuer.access_tokens()
    assert desk.post("/revoke", {"token": issued.access_token}, server).status == 200
    assert isinstance(checker.check(BearerToken(issued.access_token)), Accepted)
    for _ in range(2):
        assert desk.post("/revoke", {"token": issued.access_token}, web).status == 200
    refused = checker.check(BearerToken(issued.access_token))
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.REVOKED
    assert desk.post("/introspect", {"token": issued.access_token}, server).members == {"active": False}
    assert isinstance(again, IssuedTokens)
    assert isinstance(checker.check(BearerToken(again.access_token)), Accepted)
    assert desk.post("/revoke", {"token": again.refresh_token}, web).status == 200
    assert isinstance(checker.check(BearerToken(again.access_token)), Refused)


@pytest.mark.parametrize("by", ["asgi", "wsgi"])
def test_endpoints_of_opaque_access_tokens(by: str) -> None:
    """They answer as those of signed ones, and there is no key to serve."""
    desk = Desk(by, kind="opaque")
    issued = desk.issuer.issue("ann", "web", scopes=["a"], claims={"auth_time": 5})
    web, server, nothing = basic("web", desk.secret), basic("orders", desk.server), {"active": False}
    told = desk.post("/introspect", {"token": issued.access_token}, server).members
    assert told == desk.post("/introspect", {"token": issued.access_token}, web).members
    jti = told.pop("jti")
    assert told == {
        "active": True, "token_type": "Bearer", "iss": "https://auth.example.com", "sub": "ann", "aud": "orders", "client_id": "web",
        "iat": 1_700_000_000, "exp": 1_700_000_600, "scope": "a", "sid": issued.family, "auth_time": 5,
    }  # fmt: skip
    assert desk.post("/introspect", {"token": desk.issuer.issue("ann", "app").access_token}, web).members == nothing
    # The id of a token, in logs and answers, is none.
    for text in (jti, issued.access_token[:-1], issued.access_token.upper(), OpaqueTokens(desk.store, prefix="wwa").create("ann").token):
        assert desk.post("/introspect", {"token": text}, server).members == nothing
        assert desk.post("/revoke", {"token": text}, web).status == 200
    assert desk.post("/revoke", {"token": issued.access_token}, server).status == 200
    assert desk.post("/introspect", {"token": issued.access_token}, server).members["active"] is True
    assert desk.post("/revoke", {"token": issued.access_token}, web).status == 200
    assert desk.post("/introspect", {"token": issued.access_token}, server).members == nothing
    assert desk.post("/introspect", {"token": issued.refresh_token}, web).members == nothing
    own = desk.post("/token", {"grant_type": "client_credentials"}, web).members
    assert desk.post("/introspect", {"token": own["access_token"]}, web).members["sub"] == "web"
    assert "jwks_uri" not in desk.get("/.well-known/oauth-authorization-server").members
    assert desk.get("/.well-known/jwks.json").status == 404


def test_an_introspection_tells_who_may_know(desk: Desk) -> None:
    """RFC 7662: what is not valid, or of another client, is `active: false` and nothing else."""
    issued = desk.issuer.issue("ann", "web", scopes=["a"])
    access, refresh = issued.access_token, str(issued.refresh_token)
    server, web = basic("orders", desk.server), basic("web", desk.secret)
    for auth in (server, web):
        told = desk.post("/introspect", {"token": access}, auth).members
        assert (told["active"], told["sub"], told["client_id"], told["scope"], told["aud"]) == (True, "ann", "web", "a", "orders")
    own = desk.issuer.issue("ann", "web", claims={"active": False, "token_type": "PoP"}).access_token
    told = desk.post("/introspect", {"token": own}, server).members
    assert (told["active"], told["token_type"]) == (True, "Bearer")  # whatever the application has given the login
    assert desk.post("/introspect", {"token": refresh}, web).members["active"] is True
    nothing = {"active": False}
    assert desk.post("/introspect", {"token": refresh}, server).members == nothing
    other = desk.issuer.issue("ann", "app")
    assert desk.post("/introspect", {"token": other.access_token}, web).members == nothing
    for wrong in ("x", access[:-3], access + "x", refresh[:-1], "a.b.c"):
        assert desk.post("/introspect", {"token": wrong}, server).members == nothing
    assert desk.post("/introspect", {"token": access, "client_id": "app"}).members["error"] == "invalid_client"
    desk.issuer.refresh(refresh, "web")
    assert desk.post("/introspect", {"token": refresh}, web).members == nothing
    desk.issuer.revoke(issued.family)
    assert desk.post("/introspect", {"token": access}, server).members == nothing


@pytest.mark.parametrize("by", ["asgi", "wsgi"])
def test_keys_and_metadata_are_public(by: str) -> None:
    """RFC 8414, also below a path; the keys have no private member."""
    for issuer, base in (("https://auth.example.com", ""), ("https://example.com/auth/", "/auth")):
        desk = Desk(by, issuer)
        for path in (f"/.well-known/oauth-authorization-server{base}", "/.well-known/oauth-authorization-server"):
            metadata = desk.get(path).members
            assert metadata["issuer"] == issuer
            assert metadata["token_endpoint"] == f"{issuer.rstrip('/')}/token"
            assert metadata["response_types_supported"] == ["none"]
        for path in (f"{base}/.well-known/jwks.json", "/.well-known/jwks.json"):
            answer = desk.get(path)
            assert answer.members == desk.issuer.jwks()
            assert answer.headers["content-type"] == "application/jwk-set+json"
            assert not any("d" in key for key in answer.members["keys"])
            assert (desk.get(path, "HEAD").status, desk.get(path, "HEAD").body) == (200, b"")
        assert desk.post(f"{base}/token", OWN, basic("web", desk.secret)).status == 200


def test_other_paths_and_methods_are_refused(desk: Desk) -> None:
    """404, and 405 with what is allowed; nothing is read."""
    for path in ("/", "", "/token/", "/Token", "/tokens", "//token", "/.well-known"):
        assert desk.get(path).status == 404
    assert (desk.get("/token").status, desk.get("/token").headers["allow"]) == (405, "POST")
    assert desk.post("/.well-known/jwks.json", b"").headers["allow"] == "GET, HEAD"
    for path in ("/token", "/nowhere", "/.well-known/jwks.json"):
        # RFC 9110 §9.3.2: a client would take content for the next response on its connection.
        assert (desk.get(path, "HEAD").status, desk.get(path, "HEAD").body) == (desk.get(path).status, b"")
        assert desk.get(path, "HEAD").headers["content-length"] == str(len(desk.get(path).body))


@pytest.mark.parametrize("by", ["asgi", "wsgi"])
def test_an_outage_is_503(by: str) -> None:
    """Never `invalid_grant`: a client would throw a good token away."""

    class Away(MemoryStore):
        def refresh_family(self, presented: object) -> Any:
            raise Unavailable("the disk is gone", retry_after=5)

    desk = Desk(by, store=Away(clock=FixedClock(1_700_000_000)))
    issued = desk.issuer.issue("ann", "web")
    form = {"grant_type": "refresh_token", "refresh_token": issued.refresh_token}
    answer = desk.post("/token", form, basic("web", desk.secret))
    assert (answer.status, answer.members["error"], answer.headers["retry-after"]) == (503, "temporarily_unavailable", "5")


def test_a_wrong_construction_is_refused() -> None:
    """The message names the argument."""
    issuer = TokenIssuer(RING, MemoryStore(), issuer="https://a", audience="b")
    cases: list[tuple[Any, Any]] = [(None, APIKeys(MemoryStore())), (issuer, APIKeys), (issuer, 5)]
    for given in cases:
        with pytest.raises(ConfigurationError):
            TokenEndpoints(*given)
    with pytest.raises(ConfigurationError, match="public_clients"):
        TokenEndpoints(issuer, APIKeys(MemoryStore()), public_clients="app")


def test_clients_that_can_only_be_awaited_need_an_event_loop() -> None:
    """Found when the application is made, and not at the first request."""

    async def check(_: object) -> None:
        return None

    endpoints = TokenEndpoints(Desk("asgi").issuer, check)
    asgi_app(endpoints)
    with pytest.raises(ConfigurationError, match="can only be awaited"):
        wsgi_app(endpoints)
