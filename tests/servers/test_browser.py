"""A real browser with cached Basic credentials, on the service's own pages and on pages of other origins (decision D61, threats S12)."""

from __future__ import annotations

import json
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import pytest
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from tests.support.programs import program
from tests.support.served import until
from tests.support.servers import DEADLINE, Server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from websockets.sync.client import ClientConnection

# What a page does, each as an expression that a promise of a string follows from.
POST_BY_SCRIPT = "fetch({url}, {{method: 'POST', mode: {mode}, credentials: 'include'}}).then(r => r.type + ' ' + r.status, e => 'failed')"
OPEN_SOCKET = """new Promise(done => {{
    const socket = new WebSocket({url}, {offered}.split(' ').filter(name => name)); socket.onerror = () => done('refused')
    socket.onmessage = event => done(event.data + (socket.protocol && ', ' + socket.protocol))
}})"""
SEND_FORM = "document.body.innerHTML = '<form method=post action=' + {url} + '><input name=a value=b></form>'; document.forms[0].submit()"


_PAGE_LEFT = -32000  # of DevTools: another page was opened while an expression of this one was evaluated


class Page:
    """One page of a browser, driven by the DevTools protocol.

    Args:
        socket: the connection to it.
    """

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._last = 0

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Call a method and return its result."""
        self._last += 1
        self._socket.send(json.dumps({"id": self._last, "method": method, "params": params}))
        while True:
            message = json.loads(self._socket.recv(DEADLINE))
            if message.get("id") == self._last:
                if message.get("error", {}).get("code") == _PAGE_LEFT:
                    return {"result": {}}
                assert "error" not in message, message
                result: dict[str, Any] = message["result"]
                return result

    def evaluate(self, expression: str, **values: str) -> Any:
        """Return what an expression is, or what its promise becomes; None where the page is left meanwhile. Values become JSON strings."""
        text = expression.format(**{name: json.dumps(value) for name, value in values.items()}) if values else expression
        return self.call("Runtime.evaluate", expression=text, awaitPromise=True, returnByValue=True)["result"].get("value")

    def text(self) -> str:
        """Return the address and the text of the page as it is now."""
        shown = self.evaluate("document.readyState == 'complete' && document.body ? location.href + ' ' + document.body.innerText : ''")
        return shown or ""

    def visit(self, url: str, shown: str) -> None:
        """Go to a page and wait until it shows something."""
        self.call("Page.navigate", url=url)
        until(lambda: shown in self.text(), f"{shown!r} at {url}")

    def send_form(self, url: str, shown: str) -> None:
        """Post a form from the page that is open, and wait until the answer shows something."""
        self.evaluate(SEND_FORM, url=url)
        until(lambda: (text := self.text()).startswith(url) and shown in text, f"{shown!r} after a form was sent to {url}")


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
    profile: Path = tmp_path_factory.mktemp("profile")
    command = [program("chromium"), "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-port=0"]
    command += ["--disable-background-networking", "--disable-component-update", "--disable-sync", f"--user-data-dir={profile}"]
    command += ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost", "about:blank"]
    browser = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        written = profile / "DevToolsActivePort"
        port = until(lambda: written.exists() and written.read_text().splitlines()[:1], "the browser")[0]
        with urlopen(f"http://127.0.0.1:{port}/json", timeout=DEADLINE) as answer:
            address = next(tab["webSocketDebuggerUrl"] for tab in json.load(answer) if tab["type"] == "page")
        with connect(address, max_size=None, proxy=None) as socket:
            page = Page(socket)
            page.call("Page.enable")
            page.visit(service.url.replace("//", "//ann:s3cret@") + "/me", "GET as ann")
            yield page
    finally:
        browser.kill()
        browser.wait(DEADLINE)


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
