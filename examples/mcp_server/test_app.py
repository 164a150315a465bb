"""Tests of app.py: what a client is told, and who may call which tool. Run it: pytest test_app.py"""

from app import RESOURCE, app, guard
from starlette.testclient import TestClient

from watchword import Principal
from watchword.testing import acting_as, assert_challenged, assert_forbidden, bearer

VERSION = "2026-07-28"
META = {"io.modelcontextprotocol/protocolVersion": VERSION, "io.modelcontextprotocol/clientCapabilities": {}}
HEADERS = {"Accept": "application/json, text/event-stream", "Host": "127.0.0.1:8000", "MCP-Protocol-Version": VERSION}
WELL_KNOWN = "/.well-known/oauth-protected-resource/mcp"
user = Principal("ann", scopes={"mcp:use"})
clerk = Principal("bob", scopes={"mcp:use", "payments:write"})


def call(client: TestClient, tool: str, headers: dict[str, str] | None = None):  # noqa: ANN201 - a response of the client
    params = {"name": tool, "arguments": {"order": 7}, "_meta": META}
    fields = HEADERS | {"Mcp-Method": "tools/call", "Mcp-Name": tool} | (headers or {})
    return client.post("/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}, headers=fields)


def test_a_client_finds_the_authorization_server() -> None:
    client = TestClient(app)
    assert_challenged(call(client, "find"), "Bearer", scope="mcp:use")
    assert client.get(WELL_KNOWN).json()["resource"] == RESOURCE


def test_each_tool_has_its_scopes() -> None:
    with TestClient(app) as client:
        with acting_as(user, guard):
            assert "order 7 is on its way" in call(client, "find").text
            assert_forbidden(call(client, "refund"), reason="insufficient_scope")
        with acting_as(clerk, guard):
            assert "order 7 is paid back" in call(client, "refund").text


def test_pages_of_other_sites_pay_nothing_back() -> None:
    with acting_as(clerk, guard):
        assert_forbidden(call(TestClient(app), "refund", {"Origin": "https://evil.example"}), reason="cross_site")


def test_tokens_are_checked() -> None:
    assert_challenged(call(TestClient(app), "find", bearer("guess")), "Bearer", error="invalid_token")
