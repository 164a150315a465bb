"""A guard in a server of one's own: here the one of the standard library.

Run it:
    pip install watchword
    python own_server.py
Then try:
    curl -i -u ann:sesame http://127.0.0.1:8000/orders/7
    curl -i -H "Accept: text/html" http://127.0.0.1:8000/orders/7

Four steps: say what came, ask, serve or refuse, and log what was refused.
"""

from __future__ import annotations

import json
import logging
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from argon2 import PasswordHasher

from watchword import Basic, Granted, Guard, Principal, RequestView, public
from watchword.checkers import Users

guard = Guard(
    Basic(Users({"ann": PasswordHasher().hash("sesame")}), realm="orders"),
    rules={"/healthz": public},
)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        view = RequestView(
            method=self.command,
            target=self.path,
            headers=self.headers.items(),  # every field, the repeated ones repeated
            client=str(self.client_address[0]),
            scheme="http",
        )
        decision = guard.decide(view)
        if isinstance(decision, Granted):
            self.serve(decision.principal)
            return
        # The client is told a reference, and the log says under it what the client is not told.
        refusal = guard.refuse(decision, view)
        self.respond(refusal.status, refusal.reason_phrase, refusal.headers, refusal.body)

    def do_HEAD(self) -> None:
        self.do_GET()

    def serve(self, who: Principal) -> None:
        body = json.dumps({"path": self.path, "for": who.id}).encode()
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        self.respond(200, "OK", headers, b"" if self.command == "HEAD" else body)

    def respond(self, status: int, phrase: str, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response(status, phrase)
        for name, value in headers:  # one line per pair: challenges are not joined
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)  # refusals are information, outages are warnings
    with ThreadingHTTPServer(("127.0.0.1", 8000), Handler) as server:
        server.serve_forever()
