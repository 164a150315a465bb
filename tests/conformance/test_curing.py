"""A program with nothing but the first refusal in hand reaches 200 by itself, over each interface and each HTTP client."""

from __future__ import annotations

import asyncio
import ssl
import threading
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import aiohttp
import httpx
import httpx2
import pytest
import requests

from tests.support.curing import API, Send, Service, Wallet, reach
from tests.support.each import noting
from watchword.client import read_response

if TYPE_CHECKING:
    from collections.abc import Iterator

WAYS: dict[str, list[str]] = {
    "/basic": ["authenticate Basic"],
    "/key": ["authenticate ApiKey"],
    "/read": ["authenticate Bearer"],
    "/write": ["authenticate Bearer", "widen Bearer"],
    "/fresh": ["authenticate Bearer", "step_up Bearer"],
    "/busy": ["authenticate Basic", "wait"],
}
"""What is done on the way to each page."""

BEARER = {"/read", "/write", "/fresh"}


def by_httpx_and_wsgi(service: Service) -> Send:
    """A client of httpx over the WSGI application."""
    client = httpx.Client(transport=httpx.WSGITransport(service.wsgi))
    return lambda method, url, headers, form=None: client.request(method, url, headers=headers, data=form)


def by_httpx_and_asgi(service: Service) -> Send:
    """A client of httpx over the ASGI application."""

    def send(method: str, url: str, headers: dict[str, str], form: dict[str, str] | None = None) -> Any:
        async def sent() -> Any:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(service.asgi)) as client:
                return await client.request(method, url, headers=headers, data=form)

        return asyncio.run(sent())

    return send


IN_PROCESS = {"wsgi": by_httpx_and_wsgi, "asgi": by_httpx_and_asgi}


def holding(wallet: Wallet, page: str) -> Wallet:
    """Leave out the other secrets where a page takes several, so that the way is the one of the table."""
    if page in BEARER:
        wallet.secrets = {key: value for key, value in wallet.secrets.items() if key[1] == "Bearer"}
    return wallet


@pytest.mark.parametrize("by", IN_PROCESS)
def test_the_loop_reaches_200(by: str) -> None:
    """Basic, key, token, a missing scope, a login that is too old, and a throttle."""
    for page, way in WAYS.items():
        with noting(page):
            service = Service()
            assert reach(IN_PROCESS[by](service), API + page, holding(service.wallet(), page), service.clock.advance) == (200, way)


@pytest.mark.parametrize("by", IN_PROCESS)
def test_a_token_that_has_ended_is_refreshed(by: str) -> None:
    """The access token ends after ten minutes, and the refresh token gives the next one."""
    service = Service()
    wallet = holding(service.wallet(), "/read")
    service.clock.advance(3600)
    assert reach(IN_PROCESS[by](service), f"{API}/read", wallet, service.clock.advance) == (200, ["authenticate Bearer", "renew Bearer"])


@pytest.mark.parametrize("by", IN_PROCESS)
def test_an_outage_is_waited_for(by: str) -> None:
    """503 with Retry-After: the same credentials again, after the wait."""
    service = Service()
    wallet = service.wallet()
    wallet.secrets[API, "Basic", "orders"] = "Basic c2xvdzpzM2NyZXQ="
    assert reach(IN_PROCESS[by](service), f"{API}/away", wallet, service.clock.advance) == (200, ["authenticate Basic", "wait"])


def test_the_loop_ends_where_nothing_helps() -> None:
    """Wrong passwords, a missing right, no secret for the realm: the last refusal, after a bounded number of requests."""
    service = Service()
    wallet = service.wallet()
    assert reach(by_httpx_and_wsgi(service), f"{API}/basic", Wallet(), service.clock.advance) == (401, [])
    wallet.secrets[API, "Basic", "orders"] = "Basic YW5uOndyb25n"
    assert reach(by_httpx_and_wsgi(service), f"{API}/basic", wallet, service.clock.advance)[0] == 401
    assert reach(by_httpx_and_wsgi(Service()), f"{API}/admin", service.wallet(), service.clock.advance)[0] in {401, 403}


def test_a_hostile_service_gets_nothing() -> None:
    """It names the realm of another service, and a token endpoint of its own: no secret and no refresh token leave."""
    service = Service()
    sent: list[tuple[str, str, Any]] = []
    metadata = {"resource": "https://evil.example", "authorization_servers": ["https://evil.example"]}
    server = {"issuer": "https://evil.example", "token_endpoint": "https://evil.example/token"}

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append((str(request.url), request.headers.get("authorization", ""), request.content))
        if request.url.path == "/m":
            return httpx.Response(200, json=metadata)
        if request.url.path.startswith("/.well-known/"):
            return httpx.Response(200, json=server)
        asked = ['Basic realm="orders"', 'Bearer realm="orders", error="invalid_token", resource_metadata="https://evil.example/m"']
        return httpx.Response(401, headers=[("WWW-Authenticate", line) for line in asked])

    client = httpx.Client(transport=httpx.MockTransport(answer))

    def send(method: str, url: str, headers: dict[str, str], form: dict[str, str] | None = None) -> Any:
        return client.request(method, url, headers=headers, data=form)

    assert reach(send, "https://evil.example/", service.wallet(), service.clock.advance) == (401, [])
    assert [url for url, _, _ in sent] == [
        "https://evil.example/",
        "https://evil.example/m",
        "https://evil.example/.well-known/oauth-authorization-server",
    ]
    assert {(field, content) for _, field, content in sent} == {("", b"")}


class Server(ThreadingMixIn, WSGIServer):
    """A server of the standard library."""

    daemon_threads = True


class Silent(WSGIRequestHandler):
    """Logs nothing."""

    def log_message(self, *args: object) -> None:
        """Drop the line."""


@contextmanager
def served() -> Iterator[Service]:
    """A service on a port of this machine, where http is accepted."""
    with make_server("127.0.0.1", 0, lambda *_: [], server_class=Server, handler_class=Silent) as server:
        origin = f"http://127.0.0.1:{server.server_port}"
        service = Service(origin, origin)
        server.set_app(service.wsgi)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield service
        finally:
            server.shutdown()
            thread.join()


def by_aiohttp(method: str, url: str, headers: dict[str, str], form: dict[str, str] | None = None) -> Any:
    """A client with an event loop, whose content is awaited."""

    async def sent() -> Any:
        async with aiohttp.ClientSession() as session, session.request(method, url, headers=headers, data=form) as response:
            return read_response(response, body=await response.read())

    return asyncio.run(sent())


BARE = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # nothing is https here, and a bundle of authorities takes long to load


def by_httpx(method: str, url: str, headers: dict[str, str], form: dict[str, str] | None = None) -> Any:
    """A client of httpx."""
    with httpx.Client(verify=BARE) as client:
        return client.request(method, url, headers=headers, data=form)


def by_httpx2(method: str, url: str, headers: dict[str, str], form: dict[str, str] | None = None) -> Any:
    """A client of httpx2."""
    with httpx2.Client(verify=BARE) as client:
        return client.request(method, url, headers=headers, data=form)


def by_requests(method: str, url: str, headers: dict[str, str], form: dict[str, str] | None = None) -> Any:
    """A client of requests, which loads the content when it is asked for."""
    return requests.request(method, url, headers=headers, data=form, timeout=60, stream=True)


CLIENTS: dict[str, Send] = {"httpx": by_httpx, "httpx2": by_httpx2, "requests": by_requests, "aiohttp": by_aiohttp}


@pytest.mark.parametrize("client", CLIENTS)
def test_the_loop_reaches_200_over_a_connection(client: str) -> None:
    """By every client that `cure` reads, at one origin that is API and issuer."""
    with served() as service:
        for page in ("/write", "/busy"):
            with noting(page):
                assert reach(CLIENTS[client], service.api + page, holding(service.wallet(), page), service.clock.advance) == (
                    200,
                    WAYS[page],
                )
