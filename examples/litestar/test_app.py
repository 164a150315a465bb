"""Tests of app.py: who may do what, without passwords; and the passwords themselves. Run it: pytest test_app.py"""

from app import app, guard
from litestar.testing import TestClient

from watchword import Principal
from watchword.testing import acting_as, assert_challenged, assert_forbidden, basic_auth

client = TestClient(app)


def test_orders_need_a_login() -> None:
    assert_challenged(client.get("/orders/7"), "Basic", realm="office")
    with acting_as(Principal("bob"), guard):
        assert client.get("/orders/7").json() == {"order": 7, "for": "bob"}


def test_only_auditors_see_reports() -> None:
    with acting_as(Principal("ann", roles={"auditor"}), guard):
        assert client.get("/reports").json() == {"reports": []}
    with acting_as(Principal("bob"), guard):
        assert_forbidden(client.get("/reports"), reason="missing_role")


def test_the_document_says_what_is_demanded() -> None:
    paths = client.get("/schema/openapi.json").json()["paths"]
    assert paths["/reports"]["get"]["security"] == [{"Basic": ["auditor"]}]


def test_the_password_counts() -> None:
    # Outside of acting_as the checker decides.
    assert client.get("/orders/7", headers=basic_auth("ann", "sesame")).json() == {"order": 7, "for": "ann"}
    assert_challenged(client.get("/orders/7", headers=basic_auth("ann", "guess")), "Basic", reason="invalid_credentials")
