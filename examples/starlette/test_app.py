"""Tests of app.py: who may do what, by password, by token and without both. Run it: pytest test_app.py"""

from app import app, guard
from starlette.testclient import TestClient

from watchword import Principal
from watchword.testing import acting_as, assert_challenged, assert_forbidden, basic_auth, bearer

client = TestClient(app)


def test_the_first_page_greets_every_caller() -> None:
    assert client.get("/").json() == {"hello": "world"}
    with acting_as(Principal("bob", claims={"name": "Bob Example"}), guard):
        assert client.get("/").json() == {"hello": "Bob Example"}


def test_orders_need_a_scope() -> None:
    refused = client.get("/orders/7")
    assert_challenged(refused, "Basic", realm="orders")
    assert_challenged(refused, "Bearer", realm="orders", scope="orders:read")
    with acting_as(Principal("bob"), guard):
        assert_forbidden(client.get("/orders/7"), reason="insufficient_scope")


def test_passwords_and_tokens_are_checked() -> None:
    assert client.get("/orders/7", headers=basic_auth("ann", "sesame")).json() == {"order": 7, "for": "ann"}
    assert client.get("/orders/7", headers=bearer("3f7c0d1e5a924b68")).json() == {"order": 7, "for": "shop"}
    assert_challenged(client.get("/orders/7", headers=bearer("guess")), "Bearer", error="invalid_token")


def test_only_auditors_see_reports() -> None:
    with acting_as(Principal("ann", roles={"auditor"}), guard):
        assert client.get("/reports").json() == {"reports": [], "for": "ann"}
    with acting_as(Principal("bob"), guard):
        assert_forbidden(client.get("/reports"), reason="missing_role")
