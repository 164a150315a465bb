"""Tests of app.py: pip install watchword django pytest; pytest test_app.py"""

import app  # noqa: F401 - it configures Django
import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.test import Client

from watchword.testing import assert_challenged, assert_forbidden, basic_auth


@pytest.fixture(scope="module", autouse=True)
def accounts() -> None:
    call_command("migrate", verbosity=0)
    get_user_model().objects.create_user("ann", password="sesame").groups.create(name="buyers")
    get_user_model().objects.create_user("bob", password="mellon")


def test_orders_are_for_buyers() -> None:
    assert_challenged(Client().get("/orders/7"), "Basic", realm="orders")
    assert Client().get("/orders/7", headers=basic_auth("ann", "sesame")).json() == {"order": 7, "for": "ann"}
    assert_forbidden(Client().get("/orders/7", headers=basic_auth("bob", "mellon")), reason="missing_role")


def test_health_is_public() -> None:
    assert Client().get("/healthz").json() == {"status": "ok"}
