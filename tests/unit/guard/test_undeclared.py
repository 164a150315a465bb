"""A proxy in front that is not declared is pointed out once."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from watchword import Bearer, Guard, Principal, RequestView, TrustedProxies
from watchword.checkers import Tokens
from watchword.guard.undeclared import UndeclaredProxy

if TYPE_CHECKING:
    import pytest

NEAR, FAR = "10.0.0.5", "203.0.113.1"
SENT = (("X-Forwarded-For", "198.51.100.9"),)


def refused(guard: Guard, client: str | None, *fields: tuple[str, str]) -> None:
    """Refuse a request."""
    view = RequestView("GET", "/", fields, client=client)
    guard.refuse(guard.decide(view), view)


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what was said about proxies."""
    return [record.getMessage() for record in caplog.records if "a proxy seems to stand in front" in record.getMessage()]


def test_it_is_pointed_out_once(caplog: pytest.LogCaptureFixture) -> None:
    """With the remedy."""
    guard = Guard(Bearer(Tokens({"t": Principal("ann")})))
    with caplog.at_level(logging.INFO, "watchword"):
        refused(guard, FAR, *SENT)
        refused(guard, NEAR)
        refused(guard, None, *SENT)
        assert warnings(caplog) == []
        for _ in range(3):
            refused(guard, NEAR, *SENT)
    (said,) = warnings(caplog)
    assert "10.0.0.5 with x-forwarded-for" in said
    assert "Guard(proxies=TrustedProxies(['10.0.0.5']))" in said


def test_where_proxies_are_declared_nothing_is_said(caplog: pytest.LogCaptureFixture) -> None:
    """Whoever they are."""
    guard = Guard(Bearer(Tokens({"t": Principal("ann")})), proxies=TrustedProxies(["192.0.2.1"]))
    with caplog.at_level(logging.INFO, "watchword"):
        refused(guard, NEAR, *SENT)
    assert warnings(caplog) == []


def test_only_the_first_refusals_are_looked_at(caplog: pytest.LogCaptureFixture) -> None:
    """Afterwards it costs nothing."""
    looking = UndeclaredProxy()
    for _ in range(100):
        looking.look(RequestView("GET", "/", (), client=FAR))
    looking.look(RequestView("GET", "/", SENT, client=NEAR))
    assert warnings(caplog) == []
