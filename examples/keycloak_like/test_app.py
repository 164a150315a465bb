"""Tests of app.py, against an issuer that they start. Run it: pytest test_app.py"""

from collections.abc import Iterator
from http import HTTPStatus

import pytest
from app import make_app
from fastapi.testclient import TestClient
from issuer import Issuer

from watchword.testing import assert_challenged, assert_forbidden, bearer


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with Issuer() as started:
        yield started


@pytest.fixture
def client(issuer: Issuer) -> TestClient:
    return TestClient(make_app(issuer.url))


def test_nothing_is_fetched_before_a_token_comes(issuer: Issuer, client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert_challenged(client.get("/orders/7"), "Bearer", realm="orders", scope="orders")
    assert client.get("/orders/7", headers=bearer("not-a-token")).status_code == HTTPStatus.UNAUTHORIZED
    assert issuer.paths == []


def test_keys_are_found_and_fetched_once(issuer: Issuer, client: TestClient) -> None:
    for _ in range(5):
        assert client.get("/orders/7", headers=bearer(issuer.token("ann"))).json() == {"order": 7, "for": "ann"}
    assert [path.rpartition("/")[2] for path in issuer.paths] == ["shop", "openid-configuration", "certs"]


def test_roles_of_the_realm_and_scopes_decide(issuer: Issuer, client: TestClient) -> None:
    boss = bearer(issuer.token("eve", roles=("admin",)))
    assert client.get("/admin/users", headers=boss).json() == {"roles": ["admin", "offline_access"]}
    assert_forbidden(client.get("/admin/users", headers=bearer(issuer.token("ann"))), reason="missing_role")
    assert_forbidden(client.get("/orders/7", headers=bearer(issuer.token("ann", scope="profile"))), "Bearer", error="insufficient_scope")


def test_tokens_that_are_not_for_this_server_are_refused(issuer: Issuer, client: TestClient) -> None:
    for claims in ({"aud": "account"}, {"typ": "ID"}, {"typ": "Refresh"}, {"exp": 1}, {"iss": "https://evil.example"}):
        assert_challenged(client.get("/orders/7", headers=bearer(issuer.token("ann", **claims))), "Bearer", error="invalid_token")


def test_a_new_key_counts_at_once_and_an_outage_refuses_nobody(issuer: Issuer, client: TestClient) -> None:
    old = bearer(issuer.token("ann"))
    issuer.rotate()
    assert client.get("/orders/7", headers=bearer(issuer.token("ann"))).is_success  # the first token that comes
    issuer.is_down = True
    assert client.get("/orders/7", headers=old).is_success
    issuer.rotate()
    answer = client.get("/orders/7", headers=bearer(issuer.token("ann")))
    assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE  # nobody can say whether its key is one of the issuer


def test_without_any_key_it_is_an_outage(issuer: Issuer, client: TestClient) -> None:
    issuer.is_down = True
    answer = client.get("/orders/7", headers=bearer(issuer.token("ann")))
    assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert "Retry-After" in answer.headers
