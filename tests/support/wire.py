"""One request, described once, and what each kind of server makes of it: the scope, the environ, the view.

The servers are imitated by hand. ASGI servers list the fields as they came and decode the path as UTF-8; WSGI servers join repeated
fields with a comma, take out the mount and hand over the path as ISO 8859-1 (PEP 3333).
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from io import BytesIO, StringIO
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import unquote, unquote_to_bytes

from watchword import RequestView

if TYPE_CHECKING:
    from watchword.request import Kind

Pairs: TypeAlias = list[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request.

    Args:
        method: as sent.
        target: as sent, undecoded, the mount and the query included.
        headers: names and values as sent; text with one character per octet (ISO 8859-1).
        client: the peer's address; None: the server does not know it.
        scheme: as the server states it; for a websocket `ws` or `wss` is made of it.
        body: the content; a tuple comes chunked, in these parts and without Content-Length.
        mount: `root_path` in ASGI and `SCRIPT_NAME` in WSGI.
        kind: `"http"` or `"websocket"`.
        raw: whether the server tells the undecoded target (`raw_path`, `REQUEST_URI`).
        denial: whether the server has the extension `websocket.http.response`.
    """

    method: str = "GET"
    target: str = "/"
    headers: tuple[tuple[str, str], ...] = ()
    client: str | None = "192.0.2.7"
    scheme: str = "http"
    body: bytes | tuple[bytes, ...] = b""
    mount: str = ""
    kind: Kind = "http"
    raw: bool = True
    denial: bool = True

    @property
    def content(self) -> bytes:
        """The content in one piece."""
        return self.body if isinstance(self.body, bytes) else b"".join(self.body)

    @property
    def path(self) -> str:
        """The undecoded path: of an absolute form what follows the authority, as servers that know it hand it over."""
        path = self.target.partition("?")[0]
        if path.lower().startswith(("http://", "https://")):
            _, slash, rest = path.partition("://")[2].partition("/")
            return slash + rest or "/"
        return path

    @property
    def query(self) -> str:
        """The query without its question mark."""
        return self.target.partition("?")[2]

    @property
    def fields(self) -> Pairs:
        """The header fields with the Content-Length or Transfer-Encoding that the content needs."""
        names = {name.lower() for name, _ in self.headers}
        framing: Pairs = []
        if isinstance(self.body, tuple):
            framing = [("Transfer-Encoding", "chunked")]
        elif self.body and "content-length" not in names:
            framing = [("Content-Length", str(len(self.body)))]
        return [*self.headers, *framing]


def asgi_scope(request: Request) -> dict[str, Any]:
    """Return the scope that an ASGI server makes of a request: fields in lower case, as they came, and the path decoded as UTF-8."""
    websocket = request.kind == "websocket"
    scope: dict[str, Any] = {
        "type": request.kind,
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "scheme": {"http": "ws", "https": "wss"}.get(request.scheme, request.scheme) if websocket else request.scheme,
        "path": unquote(request.path),
        "query_string": request.query.encode("latin-1"),
        "root_path": request.mount,
        "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in request.fields],
        "client": None if request.client is None else (request.client, 50000),
        "server": ("127.0.0.1", 8000),
        "extensions": {"websocket.http.response": {}} if websocket and request.denial else {},
    }
    if request.raw:
        scope["raw_path"] = request.path.encode("latin-1")
    if websocket:
        scope["subprotocols"] = []
    else:
        scope["method"] = request.method
    return scope


def wsgi_environ(request: Request) -> dict[str, Any]:
    """Return the environ that a WSGI server makes of a request: repeated fields joined with a comma, those with an underscore dropped.

    gunicorn and waitress drop them; a server that merges them does so before anybody can see it.
    """
    path = unquote_to_bytes(request.path.encode("latin-1")).decode("latin-1")
    mount = request.mount.rstrip("/").encode().decode("latin-1")
    if mount and f"{path}/".startswith(f"{mount}/"):
        path = path[len(mount) :]
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": mount,
        "PATH_INFO": path,
        "QUERY_STRING": request.query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": request.scheme,
        "wsgi.input": BytesIO(request.content),
        "wsgi.errors": StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    if request.client is not None:
        environ["REMOTE_ADDR"] = request.client
    if request.raw:
        environ["REQUEST_URI"] = request.target
    if isinstance(request.body, tuple):
        environ["wsgi.input_terminated"] = True
    for name, value in request.fields:
        if "_" in name:
            continue
        variable = name.upper().replace("-", "_")
        if variable not in {"CONTENT_TYPE", "CONTENT_LENGTH"}:
            variable = "HTTP_" + variable
        environ[variable] = f"{environ[variable]},{value}" if variable in environ else value
    return environ


def request_view(request: Request) -> RequestView:
    """Return the view that somebody makes whose own server hands over the target as it came."""
    return RequestView(
        request.method,
        request.target,
        request.fields,
        request.client,
        request.scheme,
        mount=request.mount,
        content=request.content,
        kind=request.kind,
    )


def incoming(request: Request) -> list[dict[str, Any]]:
    """Return the messages that an ASGI server has for the application."""
    if request.kind == "websocket":
        return [{"type": "websocket.connect"}]
    parts = request.body if isinstance(request.body, tuple) else (request.body,)
    last = len(parts) - 1
    return [{"type": "http.request", "body": part, "more_body": at < last} for at, part in enumerate(parts)]


def basic(username: str, password: str) -> tuple[str, str]:
    """Return the Authorization field of a user."""
    return "Authorization", "Basic " + b64encode(f"{username}:{password}".encode()).decode()


def bearer(token: str) -> tuple[str, str]:
    """Return the Authorization field of a token."""
    return "Authorization", f"Bearer {token}"
