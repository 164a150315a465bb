"""Chromium, driven by the DevTools protocol."""

from __future__ import annotations

import json
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

from websockets.sync.client import connect

from tests.support.programs import program
from tests.support.served import until
from tests.support.servers import DEADLINE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from websockets.sync.client import ClientConnection

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
        self._typed: list[tuple[str, str]] = []
        self._dialogs: list[str] = []

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Call a method and return its result."""
        number = self._send(method, params)
        while True:
            message = json.loads(self._socket.recv(DEADLINE))
            self._take_event(message.get("method"), message.get("params", {}))
            if message.get("id") == number:
                if message.get("error", {}).get("code") == _PAGE_LEFT:
                    return {"result": {}}
                assert "error" not in message, message
                result: dict[str, Any] = message["result"]
                return result

    def _send(self, method: str, params: dict[str, Any]) -> int:
        self._last += 1
        self._socket.send(json.dumps({"id": self._last, "method": method, "params": params}))
        return self._last

    @contextmanager
    def dialogs(self, *typed: tuple[str, str]) -> Iterator[list[str]]:
        """Fill in the login dialogs that the browser opens, and note scheme and realm of each.

        Args:
            typed: a name and a password for each dialog; those that follow are cancelled.
        """
        self._typed, self._dialogs = [*typed], []
        self.call("Fetch.enable", handleAuthRequests=True)
        try:
            yield self._dialogs
        finally:
            self.call("Fetch.disable")

    def _take_event(self, event: str | None, params: dict[str, Any]) -> None:
        if event == "Fetch.requestPaused":
            self._send("Fetch.continueRequest", {"requestId": params["requestId"]})
        elif event == "Fetch.authRequired":
            challenge = params["authChallenge"]
            self._dialogs.append(f"{challenge['scheme']} {challenge['realm']}")
            answer = {"response": "CancelAuth"}
            if self._typed:
                name, password = self._typed.pop(0)
                answer = {"response": "ProvideCredentials", "username": name, "password": password}
            self._send("Fetch.continueWithAuth", {"requestId": params["requestId"], "authChallengeResponse": answer})

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


@contextmanager
def opened_browser(profile: Path) -> Iterator[Page]:
    """Start a browser, and end it.

    Args:
        profile: an empty folder for it.
    """
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
            yield page
    finally:
        browser.kill()
        browser.wait(DEADLINE)
