"""Tests of app.py: who may do what, and what the documentation page shows. Run it: pytest test_app.py"""

from app import app, guard
from fastapi.testclient import TestClient

from watchword import Principal
from watchword.testing import acting_as, assert_challenged, assert_forbidden, bearer

client = TestClient(app)


def test_orders_need_a_scope() -> None:
    assert_challenged(client.get("/orders/7"), "Bearer", realm="orders", scope="orders:read")
    assert client.get("/orders/7", headers=bearer("1507c3e3741a4930")).json() == {"order": 7, "for": "ann"}
    with acting_as(Principal("bob"), guard):
        assert_forbidden(client.get("/orders/7"), "Bearer", error="insufficient_scope")


def test_every_caller_has_a_name() -> None:
    with acting_as(Principal("bob", claims={"name": "Bob Example"}), guard):
        assert client.get("/me").json() == {"name": "Bob Example"}


def test_only_auditors_see_reports() -> None:
    with acting_as(Principal("eve", roles={"auditor"}), guard):
        assert client.get("/audit/reports").json() == {"reports": []}
    with acting_as(Principal("bob"), guard):
        assert_forbidden(client.get("/audit/reports"), reason="missing_role")


def test_the_documentation_page_is_public_and_shows_who_may_do_what() -> None:
    assert "Swagger UI" in client.get("/docs").text
    paths = client.get("/openapi.json").json()["paths"]
    assert paths["/orders/{number}"]["get"]["security"] == [{"Bearer": ["orders:read"]}]
    assert paths["/audit/reports"]["get"]["security"] == [{"Bearer": ["auditor"]}]
