"""A guard is the oracle: its refusals follow the standards, so the probe finds no fault in them."""

from __future__ import annotations

from functools import cache
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.probed import levels
from watchword import APIKey, Basic, Bearer, Guard, Principal, ResourceMetadata, network, public, scope
from watchword.adapters.asgi import GuardMiddleware as ASGIGuard
from watchword.adapters.wsgi import GuardMiddleware as WSGIGuard
from watchword.checkers import PasswordHasher, Tokens, Users
from watchword.probe import api_key, basic, bearer
from watchword.testing import probe_app

if TYPE_CHECKING:
    from collections.abc import Iterable

    from watchword.probe import Presented

PASSWORD, TOKEN = "correct horse battery", "Zk7vQ3mX9sLw2RtY8pNc"
WITH = {"Basic": basic("ann", PASSWORD), "Bearer": bearer(TOKEN), "APIKey": api_key("X-API-Key", TOKEN)}
WRONG = {"Basic": basic("ann", "wrong horse battery"), "Bearer": bearer("wrong-" + TOKEN), "APIKey": api_key("X-API-Key", "wrong-" + TOKEN)}


@cache
def users() -> Users:
    """One user, with a cheap hash."""
    return Users({"ann": PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD)})


def schemes(*names: str, metadata: ResourceMetadata | None = None) -> list[Any]:
    """The schemes of a guard."""
    tokens = Tokens({TOKEN: Principal("ann", scopes={"orders:read"})})
    made: dict[str, Any] = {
        "Basic": lambda: Basic(users(), realm="orders"),
        "Bearer": lambda: Bearer(tokens, realm="orders", metadata=metadata),
        "APIKey": lambda: APIKey(tokens, header="X-API-Key", realm="orders"),
    }
    return [made[name]() for name in names]


def guarded(of: Iterable[Any], interface: str) -> Any:
    """An application behind a guard."""
    rules = {"/public": public, "/write": scope("orders:write"), "/inside": network("10.0.0.0/8")}
    guard = Guard(*of, rules=rules, cors_inside=False)

    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": b"served"})

    def wsgi(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"served"]

    return ASGIGuard(asgi, guard) if interface == "ASGI" else WSGIGuard(wsgi, guard)


COMBINATIONS = [names for count in (1, 2, 3) for names in combinations(("Basic", "Bearer", "APIKey"), count)]


@pytest.mark.parametrize("interface", ["ASGI", "WSGI"])
@pytest.mark.parametrize("names", COMBINATIONS, ids="+".join)
def test_a_guard_has_the_full_score(names: tuple[str, ...], interface: str) -> None:
    """Every combination of schemes, without credentials and with right ones: no error and no warning."""
    app = guarded(schemes(*names), interface)
    for presented in (None, *(WITH[name] for name in names)):
        report = probe_app(app, "/orders", presented=presented, fail_on="warning")
        assert report.percent == 100
        assert report.applicable >= 18


@pytest.mark.parametrize("interface", ["ASGI", "WSGI"])
@pytest.mark.parametrize("name", ["Basic", "Bearer", "APIKey"])
def test_wrong_credentials_are_the_only_finding(name: str, interface: str) -> None:
    """Wrong credentials are told apart from a fault of the server: the score stays full."""
    report = probe_app(guarded(schemes(name), interface), "/orders", presented=WRONG[name], fail_on="never")
    assert (levels(report), report.percent) == ({"credentials-accepted": "error"}, 100)


def test_a_missing_scope_is_named() -> None:
    """403 with insufficient_scope: the score is full, and the finding names the scope."""
    report = probe_app(guarded(schemes("Bearer"), "ASGI"), "/write", presented=WITH["Bearer"], fail_on="never")
    assert (levels(report), report.percent) == ({"credentials-accepted": "error", "token-scope": "error"}, 100)
    assert '"orders:write"' in next(one.message for one in report.findings if one.rule.id == "token-scope")


@pytest.mark.parametrize(("path", "presented"), [("/public", None), ("/inside", None), ("/inside", WITH["Basic"])])
def test_public_pages_and_rules_about_the_network_are_no_fault(path: str, presented: Presented | None) -> None:
    """A 403 that no credentials cure is right, and a page for everybody is no open door."""
    report = probe_app(guarded(schemes("Basic"), "WSGI"), path, presented=presented, fail_on="never")
    assert set(levels(report)) <= {"credentials-accepted"}
    assert report.percent == 100


@pytest.mark.parametrize("interface", ["ASGI", "WSGI"])
def test_a_server_of_mcp_has_the_full_score(interface: str) -> None:
    """With metadata (RFC 9728), for clients of MCP."""
    metadata = ResourceMetadata(resource="https://mcp.example.com/mcp", authorization_servers=["https://id.example.com"])
    app = guarded(schemes("Bearer", metadata=metadata), interface)
    for presented in (None, WITH["Bearer"]):
        report = probe_app(app, "https://mcp.example.com/mcp", mcp=True, presented=presented, fail_on="warning")
        assert report.percent == 100
        assert report.applicable >= 30
