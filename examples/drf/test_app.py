"""Tests of app.py: who may do what, without tokens; and the tokens themselves. Run it: pytest test_app.py"""

from app import guard
from rest_framework.test import APIClient

from watchword import Principal
from watchword.testing import acting_as, assert_challenged, assert_forbidden, bearer

client = APIClient()


def test_orders_need_a_scope() -> None:
    assert_challenged(client.get("/orders/7"), "Bearer", realm="orders", scope="orders:read")
    with acting_as(Principal("bob", scopes={"orders:read"}), guard):
        assert client.get("/orders/7").json() == {"order": 7, "for": "bob"}
    with acting_as(Principal("bob"), guard):
        assert_forbidden(client.get("/orders/7"), reason="insufficient_scope")


def test_the_token_counts() -> None:
    # Outside of acting_as the checker decides.
    assert client.get("/orders/7", headers=bearer("3f7c0d1e5a924b68")).json() == {"order": 7, "for": "shop"}
    assert_challenged(client.get("/orders/7", headers=bearer("guess")), "Bearer", error="invalid_token")
