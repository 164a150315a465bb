"""The endpoints of an issuer without a server: a desk that sends them forms, by ASGI or by WSGI."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus, urlencode

from watchword.adapters.token_endpoints import asgi_app, wsgi_app
from watchword.checkers import APIKeys
from watchword.issuing import KeyRing, TokenEndpoints, TokenIssuer
from watchword.stores import MemoryStore
from watchword.testing import FixedClock

if TYPE_CHECKING:
    from collections.abc import Mapping

RING = KeyRing.generate()
FORM = "application/x-www-form-urlencoded"
ODD = "sales: a+b% é"  # an id that Basic carries form-encoded alone


def basic(id: str, secret: str) -> str:  # noqa: A002 - the parameter's name
    """Return an Authorization field (RFC 6749 §2.3.1)."""
    return "Basic " + b64encode(f"{quote_plus(id)}:{quote_plus(secret)}".encode()).decode()


class Answer:
    """What came back."""

    def __init__(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.status, self.headers, self.body = status, {name.lower(): value for name, value in headers}, body

    @property
    def members(self) -> dict[str, Any]:
        """The JSON object in it."""
        return dict(json.loads(self.body))


class Desk:
    """An issuer with endpoints, a confidential client for each kind of secret, and a public one."""

    def __init__(
        self, by: str, issuer: str = "https://auth.example.com", store: MemoryStore | None = None, kind: Any = "at+jwt", **options: Any
    ) -> None:
        self.clock = FixedClock(1_700_000_000)
        self.store = store or MemoryStore(clock=self.clock)
        self.issuer = TokenIssuer(RING, self.store, issuer=issuer, audience="orders", clock=self.clock, on_event=str, access_tokens=kind)
        keys = APIKeys(self.store, clock=self.clock)
        self.secret = keys.create("web", kind="client", scopes=["a", "b"]).key
        self.server = keys.create("orders", kind="client", permissions=["introspect"]).key
        self.odd = keys.create(ODD, kind="client").key
        self.person = keys.create("ann", kind="user", scopes=["a"]).key
        self.near = keys.create("near", kind="client", networks=["10.0.0.0/8"]).key
        self.endpoints = TokenEndpoints(self.issuer, keys, public_clients=["app"], **options)
        self._send = self._by_asgi if by == "asgi" else self._by_wsgi

    def post(
        self,
        path: str,
        content: bytes | Mapping[str, object],
        auth: str | None = None,
        type: str | None = FORM,  # noqa: A002 - the field's name
        query: str = "",
    ) -> Answer:
        """Send a form."""
        octets = content if isinstance(content, bytes) else urlencode(content).encode()
        return self._send("POST", path, octets, auth, type, query)

    def get(self, path: str, method: str = "GET") -> Answer:
        """Send a request without content."""
        return self._send(method, path, b"", None, None)

    def _by_wsgi(self, method: str, path: str, content: bytes, auth: str | None, type_: str | None, query: str = "") -> Answer:
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method, "SCRIPT_NAME": "", "PATH_INFO": path, "REMOTE_ADDR": "192.0.2.7", "wsgi.input": BytesIO(content),
            "CONTENT_LENGTH": str(len(content)), "QUERY_STRING": query,
        }  # fmt: skip
        environ |= {} if auth is None else {"HTTP_AUTHORIZATION": auth}
        environ |= {} if type_ is None else {"CONTENT_TYPE": type_}
        started: list[Any] = []
        body = b"".join(wsgi_app(self.endpoints)(environ, lambda status, headers, *_: started.append((status, headers))))
        ((status, headers),) = started
        return Answer(int(status[:3]), headers, body)

    def _by_asgi(self, method: str, path: str, content: bytes, auth: str | None, type_: str | None, query: str = "") -> Answer:
        headers = [(b"authorization", auth.encode())] if auth is not None else []
        headers += [(b"content-type", type_.encode())] if type_ is not None else []
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "headers": headers,
            "client": ("192.0.2.7", 5),
            "query_string": query.encode(),
        }
        pieces = [content[:9], content[9:]]
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}

        async def send(message: Any) -> None:
            sent.append(message)

        async def serve() -> None:
            await asgi_app(self.endpoints)(scope, receive, send)

        asyncio.run(serve())
        fields = [(name.decode(), value.decode()) for name, value in sent[0]["headers"]]
        return Answer(sent[0]["status"], fields, sent[1]["body"])
