"""Pages of other origins do not use an MCP server, whatever they show: a name of theirs may resolve to its address (DNS rebinding)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.drive import DRIVERS, Answer, ByASGI, Request
from tests.support.each import each, noting
from tests.support.wire import bearer
from watchword import Bearer, Guard, Principal, Requirement, ResourceMetadata, authenticated, mcp_tools, optional, public
from watchword.checkers import Tokens

if TYPE_CHECKING:
    from tests.support.drive import Through

TOOLS = mcp_tools({}, default=optional)
MESSAGE = b'{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}'
FAR, NEAR = "https://mcp.example.com/mcp", "http://127.0.0.1:8000/mcp"


def guard(resource: str | None, rule: Requirement = TOOLS, **settings: Any) -> Guard:
    """A guard of one MCP endpoint; everything else is for everybody."""
    metadata = None if resource is None else ResourceMetadata(resource=resource)
    tokens = Tokens({"t": Principal("ann")})
    return Guard(Bearer(tokens, metadata=metadata), rules={"/mcp": rule}, default=public, **settings)


def post(host: str | None, origin: str | None = None, *headers: tuple[str, str], method: str = "POST") -> Request:
    """A request of a page."""
    sent = [("Host", host), ("Origin", origin)]
    fields = [(name, value) for name, value in sent if value is not None]
    return Request(method=method, target="/mcp", headers=(*fields, *headers), body=MESSAGE if method == "POST" else b"")


PASSED = [
    (FAR, "mcp.example.com", None),
    (FAR, "mcp.example.com", "https://mcp.example.com"),
    (FAR, "mcp.example.com", "https://MCP.example.com:443"),
    (FAR, "backend:8000", None),  # a proxy in front may write its own; over https the certificate protects the name
    (FAR, "backend:8000", "https://mcp.example.com"),
    (NEAR, "127.0.0.1:8000", None),
    (NEAR, "127.0.0.1:8000", "http://127.0.0.1:8000"),
    (NEAR, "localhost:8000", "http://localhost:6274"),
    (NEAR, "[::1]:8000", "http://[::1]:8000"),
    (None, "localhost:8000", "http://localhost:8000"),
    (None, "mcp.example.com", None),
]
REFUSED = [
    (FAR, "mcp.example.com", "https://evil.example"),
    (FAR, "mcp.example.com", "http://mcp.example.com"),
    (FAR, "mcp.example.com", "https://mcp.example.com:8443"),
    (FAR, "mcp.example.com", "https://mcp.example.com.evil.example"),
    (FAR, "mcp.example.com", "https://mcp.example.com@evil.example"),
    (FAR, "mcp.example.com", "null"),
    (FAR, "mcp.example.com", ""),
    (FAR, "mcp.example.com", "a" * 10_000),
    (FAR, "evil.example", "http://evil.example"),
    (FAR, "localhost", "http://evil.example"),
    (FAR, "evil.example", "http://localhost:3000"),
    (NEAR, "evil.example:8000", "http://evil.example:8000"),
    (NEAR, "evil.example:8000", None),
    (NEAR, "evil.example:8000", "http://127.0.0.1:8000"),
    (NEAR, "127.0.0.1:8000", "http://evil.example:8000"),
    (NEAR, "localhost.evil.example", None),
    (NEAR, "127.0.0.1.evil.example", None),
    (NEAR, "10.0.0.1:8000", None),
    (NEAR, "127.0.0.1:8000@evil.example", None),
    (NEAR, "", None),
    (NEAR, "a" * 10_000, None),
    (NEAR, None, None),
    (None, "mcp.example.com", "https://mcp.example.com"),
    (None, "evil.example", "http://evil.example"),
]


def refused(answer: Answer) -> bool:
    """Whether the page is turned away, and the application was not asked."""
    return (answer.status, answer.called) == (403, False) and b"cross_site" in answer.body


@pytest.mark.parametrize("driver", DRIVERS.values(), ids=DRIVERS)
def test_requests_of_programs_and_own_pages_pass(driver: Through) -> None:
    """A program sends no Origin; a page of the resource sends its own."""
    for resource, host, origin in PASSED:
        with noting(resource, host, origin):
            for request in (post(host, origin), post(host, origin, bearer("t")), post(host, origin, method="DELETE")):
                if driver is DRIVERS["guard"] and request.body:
                    continue  # it is given no content
                assert driver(guard(resource))(request).status == 200


@pytest.mark.sampled(3)
@pytest.mark.parametrize("driver", DRIVERS.values(), ids=DRIVERS)
def test_pages_of_other_origins_are_refused(driver: Through) -> None:
    """403 whatever they show, before a token is looked at, and for every method."""
    for resource, host, origin in REFUSED:
        with noting(resource, host, origin):
            for method in ("POST", "GET", "DELETE"):
                for shown in ((), (bearer("t"),), (bearer("x"),)):
                    answer = driver(guard(resource))(post(host, origin, *shown, method=method))
                    assert answer.status == 431 if host and len(host) > 9000 else refused(answer)


def test_a_listed_origin_may_use_it() -> None:
    """Such as the page of a client in browsers."""
    ask = ByASGI(guard(FAR, origins=["https://inspector.example"]))
    assert ask(post("mcp.example.com", "https://inspector.example")).status == 200
    assert refused(ask(post("mcp.example.com", "https://other.example")))


def test_a_rule_may_be_exempt() -> None:
    """For an endpoint that pages of every origin use by token."""
    assert ByASGI(guard(FAR, TOOLS.from_any_origin()))(post("mcp.example.com", "https://evil.example")).status == 200


@each("rule", [TOOLS & authenticated, authenticated | TOOLS, ~TOOLS, TOOLS.hidden()])
def test_it_holds_wherever_the_tools_stand_in_a_rule(rule: Requirement) -> None:
    """As the exemption does."""
    assert refused(ByASGI(guard(FAR, rule))(post("mcp.example.com", "https://evil.example", bearer("t"))))


def test_other_rules_are_as_before() -> None:
    """A page of any origin may send a token that it has to an API."""
    page = Request(target="/other", headers=(("Host", "mcp.example.com"), ("Origin", "https://evil.example")))
    assert ByASGI(guard(FAR))(page).status == 200


def test_the_log_and_explain_name_what_decided(caplog: pytest.LogCaptureFixture) -> None:
    """With the option that would let the page in, or the host that was expected."""
    caplog.set_level("INFO", "watchword")
    ByASGI(guard(FAR))(post("mcp.example.com", "https://evil.example"))
    assert "Origin 'https://evil.example' is not that of the resource" in caplog.text
    assert "Guard(origins=['https://evil.example'])" in caplog.text
    ByASGI(guard(NEAR))(post("evil.example"))
    assert f"Host 'evil.example' is not this machine, on which the resource {NEAR} is" in caplog.text
    from tests.support.wire import request_view

    assert "origin: the rule is for programs and for pages of the resource alone" in str(
        guard(FAR).explain(request_view(post("mcp.example.com", "https://evil.example")))
    )
