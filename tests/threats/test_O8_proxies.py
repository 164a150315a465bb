"""No proxy is trusted unless the configuration names it (threat O8)."""

# ruff: noqa: N802 - a test carries the id of its row

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.drive import ADAPTERS
from tests.support.wire import Request, bearer
from watchword import AuthEvent, Bearer, Guard, Principal, network
from watchword.checkers import Tokens

if TYPE_CHECKING:
    from tests.support.drive import Behind

# What proxies and platforms say about the client, and any client may send.
SAID = [
    ("Forwarded", "for=10.0.0.1;proto=https;host=inner"),
    ("X-Forwarded-For", "10.0.0.1"),
    ("X-Forwarded-For", "10.0.0.1, 192.0.2.7"),
    ("X-Forwarded-Proto", "https"),
    ("X-Forwarded-Host", "inner"),
    ("X-Real-IP", "10.0.0.1"),
    ("X-Client-IP", "10.0.0.1"),
    ("X-Cluster-Client-IP", "10.0.0.1"),
    ("True-Client-IP", "10.0.0.1"),
    ("CF-Connecting-IP", "10.0.0.1"),
    ("Fastly-Client-IP", "10.0.0.1"),
    ("X-Envoy-External-Address", "10.0.0.1"),
]


@pytest.mark.parametrize("driver", ADAPTERS.values(), ids=ADAPTERS)
def test_O8_no_field_moves_the_client(driver: Behind) -> None:
    """The peer's address decides, and stands in the event, whatever a client says about itself; on the fast path as well."""
    events: list[AuthEvent] = []
    guard = Guard(Bearer(Tokens({"t": Principal("ann")})), rules={"/inside": network("10.0.0.0/8")}, on_event=events.append)
    site = driver(guard)
    for said in SAID:
        assert site(Request(target="/inside", headers=(bearer("t"), said))).status == 403, said
        assert site(Request(target="/", headers=(bearer("t"), said))).status == 200, said
    assert {event.client for event in events} == {"192.0.2.7"}


@pytest.mark.parametrize("driver", ADAPTERS.values(), ids=ADAPTERS)
def test_O8_no_field_makes_a_request_secure(driver: Behind) -> None:
    """Credentials in the clear are refused where TLS is required, whatever the request says of its way."""
    site = driver(Guard(Bearer(Tokens({"t": Principal("ann")})), require_tls=True))
    for said in SAID:
        assert site(Request(target="/", headers=(bearer("t"), said))).status == 403, said
