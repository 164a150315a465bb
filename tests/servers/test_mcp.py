"""A real MCP server behind a guard, with the real client, and the conformance scenarios of the protocol."""

from __future__ import annotations

import subprocess
from contextlib import ExitStack, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import anyio
import httpx2
import pytest
from mcp.client.auth import OAuthClientProvider
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.server import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata, OAuthToken

from tests.support.authorization_server import AuthorizationServer
from tests.support.examples import load_example
from tests.support.in_threads import bind, serving
from tests.support.npm import install
from watchword import Bearer, Guard, Principal, Requirement, ResourceMetadata, mcp_tools, optional
from watchword.adapters.asgi import GuardMiddleware
from watchword.checkers import Tokens

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

REDIRECT = "http://127.0.0.1:1/callback"  # nothing listens: the test reads the location
PACKAGES = ("@modelcontextprotocol/conformance@0.2.0-alpha.12", "node@22")  # it needs a newer Node.js than some machines have
ORDER = {"order": 7}


def tools() -> MCPServer:
    """A server with a tool that needs no arguments, as the scenarios call it."""
    server = MCPServer("orders")

    @server.tool()
    def find() -> str:
        """Say where the order is."""
        return "on its way"

    return server


class Storage:
    """What a client keeps."""

    tokens: OAuthToken | None = None
    client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        """Return the tokens."""
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        """Keep the tokens."""
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        """Return the registration."""
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        """Keep the registration."""
        self.client = client_info


class Agent:
    """The real client, with a person in front of it who clicks what the authorization server shows.

    Args:
        url: of the MCP server, as it is typed.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.storage = Storage()
        self.statuses: list[tuple[str, str, int]] = []
        self._location = ""

    async def _visit(self, url: str) -> None:
        async with httpx2.AsyncClient() as browser:
            self._location = (await browser.get(url)).headers["location"]

    async def _code(self) -> AuthorizationCodeResult:
        sent = parse_qs(urlsplit(self._location).query)
        return AuthorizationCodeResult(code=sent["code"][0], state=sent["state"][0], iss=sent["iss"][0])

    async def _note(self, response: httpx2.Response) -> None:
        self.statuses.append((response.request.method, response.request.url.path, response.status_code))

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[Client]:
        """Connect."""
        asks = OAuthClientMetadata(redirect_uris=[REDIRECT], client_name="test")  # type: ignore[list-item]  # pydantic takes the text
        auth = OAuthClientProvider(self.url, asks, self.storage, self._visit, self._code)
        async with (
            httpx2.AsyncClient(auth=auth, event_hooks={"response": [self._note]}, timeout=60) as http,
            Client(streamable_http_client(self.url, http_client=http)) as client,
        ):
            yield client


@contextmanager
def protected(
    consent: Callable[[set[str]], set[str]] = lambda asked: asked, token_of: str = ""
) -> Iterator[tuple[AuthorizationServer, str]]:
    """Serve an authorization server, and the example with it.

    Args:
        consent: as the authorization server takes it.
        token_of: whose token is added to each request, as the scenarios log nobody in; empty: nobody's.
    """
    bound = {"issuer": bind(), "mcp": bind()}
    issuer, resource = (f"http://127.0.0.1:{bound[name].getsockname()[1]}{path}" for name, path in (("issuer", ""), ("mcp", "/mcp")))
    server = AuthorizationServer(issuer, consent)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RESOURCE", resource)
        patch.setenv("ISSUER", issuer)
        app = load_example("mcp_server/app").app
    if token_of:
        app = with_token(app, server.token(token_of, resource, "mcp:use payments:write"))
    with serving({"issuer": ("uvicorn", server.app()), "mcp": ("uvicorn with lifespan", app)}, bound):
        yield server, resource


def with_token(app: Any, token: str) -> Any:
    """Return an application that takes each request as one with a token."""

    async def wrapped(scope: Any, receive: Any, send: Any) -> None:
        field = (b"authorization", f"Bearer {token}".encode())
        await app({**scope, "headers": [*scope["headers"], field]} if scope["type"] == "http" else scope, receive, send)

    return wrapped


def text_of(result: Any) -> str:
    """What a tool has answered."""
    return str(result.content[0].text)


def test_the_real_client_finds_its_way_and_steps_up() -> None:
    """It discovers, registers, logs in, calls a tool, is refused another one, steps up, and calls that."""

    async def main(resource: str, server: AuthorizationServer) -> Agent:
        agent = Agent(resource)
        async with agent.connected() as client:
            assert text_of(await client.call_tool("find", ORDER)) == "order 7 is on its way"
            before = [*agent.statuses]
            assert next(status for _, path, status in before if path == "/mcp") == 401
            assert ("GET", "/.well-known/oauth-protected-resource/mcp", 200) in before
            assert server.asked == ["mcp:use"]
            assert text_of(await client.call_tool("refund", ORDER)) == "order 7 is paid back"
            assert [status for _, path, status in agent.statuses[len(before) :] if path == "/mcp"] == [403, 200]
            assert text_of(await client.call_tool("find", ORDER)) == "order 7 is on its way"
        return agent

    with protected() as (server, resource):
        agent = anyio.run(main, resource, server)
    # One challenge with all scopes of the operation: one more login, and none of the scopes is lost.
    assert [set(asked.split()) for asked in server.asked] == [{"mcp:use"}, {"mcp:use", "payments:write"}]
    assert server.resources == [resource, resource]
    assert [status for _, path, status in agent.statuses if path == "/mcp"].count(401) == 1


def test_a_client_whose_person_grants_less_is_refused() -> None:
    """The step-up brings no scope, so the tool stays closed, and the other one open."""

    async def main(resource: str) -> None:
        async with Agent(resource).connected() as client:
            assert text_of(await client.call_tool("find", ORDER)) == "order 7 is on its way"
            with pytest.raises(Exception, match="Server returned an error response"):
                await client.call_tool("refund", ORDER)
            assert text_of(await client.call_tool("find", ORDER)) == "order 7 is on its way"

    with protected(lambda asked: asked - {"payments:write"}) as (_, resource):
        anyio.run(main, resource)


def test_a_token_for_another_resource_is_refused() -> None:
    """A token is good for the URL that it was requested for (RFC 8707)."""
    with protected() as (server, resource):
        for audience, status in ((resource, 200), (f"{resource}/", 401), (server.issuer, 401)):
            token = server.token("ann", audience, "mcp:use")
            sent = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
            fields = {"Authorization": f"Bearer {token}", "Accept": "application/json, text/event-stream"}
            answer = httpx2.post(resource, json=sent, headers=fields)
            assert (answer.status_code == 401) is (status == 401)


def run_scenario(folder: Path, name: str, url: str) -> str:
    """Run one scenario against a server, and return what it prints."""
    found = folder / "node_modules" / ".bin"
    options = ["--url", url, "--scenario", name, "--spec-version", "2026-07-28"]
    command = [str(found / "node"), str(found / "conformance"), "server", *options]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout


@contextmanager
def open_to_all(rules: Requirement | None) -> Iterator[str]:
    """Serve tools that need no login, as the scenarios have none; behind a guard, or without."""
    bound = bind()
    url = f"http://127.0.0.1:{bound.getsockname()[1]}/mcp"
    app: Any = tools().streamable_http_app(transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False))
    if rules is not None:
        known = Bearer(Tokens({"5f2b9c": Principal("ann")}), metadata=ResourceMetadata(resource=url))
        app = GuardMiddleware(app, Guard(known, rules={"/mcp": rules}))
    with serving({"mcp": ("uvicorn with lifespan", app)}, {"mcp": bound}):
        yield url


def test_conformance_scenarios_pass(tmp_path: Path) -> None:
    """Those for servers on which a guard has an influence: the example with a token, and tools that need no login, behind a guard.

    The server alone, its own protection off, lets a foreign host in.
    """
    install(tmp_path, *PACKAGES, scripts=True)
    with ExitStack() as stack:
        example = stack.enter_context(protected(token_of="ann"))[1]
        for url in (example, stack.enter_context(open_to_all(mcp_tools({}, default=optional)))):
            for scenario in ("http-header-validation", "dns-rebinding-protection"):
                printed = run_scenario(tmp_path, scenario, url)
                assert " 0 failed, 0 warnings" in printed, printed
    with open_to_all(None) as url:
        printed = run_scenario(tmp_path, "dns-rebinding-protection", url)
        assert "1 failed" in printed, printed
