"""A real browser with cached Basic credentials, on the service's own pages and on pages of other origins (decision D61, threats S12)."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from tests.support.browser import Page, opened_browser
from tests.support.served import until
from tests.support.servers import DEADLINE, Server

if TYPE_CHECKING:
    from collections.abc import Iterator

# What a page does, each as an expression that a promise of a string follows from.
POST_BY_SCRIPT = "fetch({url}, {{method: 'POST', mode: {mode}, credentials: 'include'}}).then(r => r.type + ' ' + r.status, e => 'failed')"
OPEN_SOCKET = """new Promise(done => {{
    const socket = new WebSocket({url}, {offered}.split(' ').filter(name => name)); socket.onerror = () => done('refused')
    socket.onmessage = event => done(event.data + (socket.protocol && ', ' + socket.protocol))
}})"""


@pytest.fixture(scope="module")
def service() -> Iterator[Server]:
    """The guarded service."""
    server = Server("uvicorn", "tests.servers.browsed")
    server.wait()
    yield server
    server.stop()


class _Foreign(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"<!doctype html><body>a foreign page"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Be quiet."""


@pytest.fixture(scope="module")
def foreign() -> Iterator[int]:
    """The port of another service."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Foreign) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.fixture(scope="module")
def page(service: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A browser whose user has logged in to the service."""
    with opened_browser(tmp_path_factory.mktemp("profile")) as page:
        page.visit(service.url.replace("//", "//ann:s3cret@") + "/me", "GET as ann")
        yield page


def test_own_pages_work(page: Page, service: Server) -> None:
    """Forms, scripts and sockets of the service's own pages carry the cached credentials, and they count."""
    page.visit(f"{service.url}/me", "GET as ann")
    assert page.evaluate(POST_BY_SCRIPT, url="/me", mode="same-origin") == "basic 200"
    assert page.evaluate(OPEN_SOCKET, url=service.url.replace("http", "ws") + "/ws", offered="") == "opened as ann"
    page.send_form(f"{service.url}/me", "POST as ann")


def test_S12_pages_of_another_origin_do_not_act_for_their_visitor(page: Page, service: Server, foreign: int) -> None:  # noqa: N802
    """From another port the browser sends the credentials all the same; only the exempt route, which proves that, lets them count."""
    evil = f"http://127.0.0.1:{foreign}/"
    for path, form, opened in (("/me", "Not allowed from that site", "refused"), ("/any", "POST as ann", "opened as ann")):
        page.visit(evil, "a foreign page")
        assert page.evaluate(OPEN_SOCKET, url=service.url.replace("http", "ws") + path, offered="") == opened
        # Without CORS a script learns nothing of the answer.
        assert page.evaluate(POST_BY_SCRIPT, url=service.url + path, mode="no-cors") == "opaque 0"
        page.send_form(service.url + path, form)
    page.visit(evil, "a foreign page")
    page.evaluate("location = {url}", url=f"{service.url}/me")
    until(lambda: "GET as ann" in page.text(), "a link from a foreign page")


def test_S12_nor_do_pages_of_another_site(page: Page, service: Server, foreign: int) -> None:  # noqa: N802
    """From another host name the socket and the form are refused as well. The form, a navigation, carries the credentials."""
    page.visit(f"http://localhost:{foreign}/", "a foreign page")
    assert page.evaluate(OPEN_SOCKET, url=service.url.replace("http", "ws") + "/me", offered="") == "refused"
    page.send_form(f"{service.url}/me", "Not allowed from that site")


def test_a_page_opens_a_socket_by_a_token(page: Page, service: Server, foreign: int) -> None:
    """It offers a marker and the token as subprotocols, from any origin, and the browser finds the marker selected."""
    page.visit(f"http://localhost:{foreign}/", "a foreign page")
    # By another host name, for which the browser has no password to add.
    url = service.url.replace("http", "ws").replace("127.0.0.1", "localhost") + "/me"
    assert page.evaluate(OPEN_SOCKET, url=url, offered="bearer tok-bob") == "opened as bob, bearer"
    assert page.evaluate(OPEN_SOCKET, url=url, offered="bearer wrong") == "refused"
    with connect(
        service.url.replace("http", "ws") + "/me", subprotocols=[Subprotocol("bearer"), Subprotocol("tok-bob")], proxy=None
    ) as socket:
        assert (socket.recv(DEADLINE), socket.subprotocol) == ("opened as bob", "bearer")
