"""Tests of app.py: who may do what, without passwords; and the passwords themselves. Run it: pytest test_app.py"""

from app import app, guard

from watchword import Principal
from watchword.testing import acting_as, assert_challenged, assert_forbidden, basic_auth

ANN = Principal("ann", roles={"admin", "auditor"})
client = app.test_client()


def test_health_is_public() -> None:
    assert client.get("/healthz").json == {"status": "ok"}


def test_orders_need_a_login() -> None:
    assert_challenged(client.get("/orders/7"), "Basic", realm="office")
    with acting_as(Principal("bob"), guard):
        assert client.get("/orders/7").json == {"order": 7, "for": "bob"}


def test_only_auditors_see_reports() -> None:
    with acting_as(ANN, guard):
        assert client.get("/reports").json == {"reports": []}
    with acting_as(Principal("bob"), guard):
        assert_forbidden(client.get("/reports"), reason="missing_role")


def test_admins_come_from_this_machine() -> None:
    # Rules about the network read the address that the client states.
    with acting_as(ANN, guard):
        assert client.get("/admin/orders/7").json == {"order": 7, "for": "ann"}
        elsewhere = client.get("/admin/orders/7", environ_overrides={"REMOTE_ADDR": "192.0.2.7"})
    assert_forbidden(elsewhere, reason="network_denied")


def test_the_password_counts() -> None:
    # Outside of acting_as the checker decides.
    assert client.get("/orders/7", headers=basic_auth("ann", "sesame")).json == {"order": 7, "for": "ann"}
    assert_challenged(client.get("/orders/7", headers=basic_auth("ann", "guess")), "Basic", reason="invalid_credentials")
