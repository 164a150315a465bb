"""An authorization server for tests of clients: the endpoints of an issuer, and an API that takes its tokens."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.support.in_threads import bind, serving
from watchword import Bearer, Guard, Principal, scope
from watchword.adapters.asgi import GuardMiddleware as ASGIGuard
from watchword.adapters.token_endpoints import asgi_app, wsgi_app
from watchword.adapters.wsgi import GuardMiddleware as WSGIGuard
from watchword.checkers import Tokens
from watchword.issuing import KeyRing, TokenEndpoints, TokenIssuer
from watchword.stores import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from watchword.clock import Clock
    from watchword.stores.ports import IssuerStore


@dataclass(frozen=True)
class Client:
    """A client that the server knows.

    Args:
        id: its id.
        secret: its secret; empty: a public client.
    """

    id: str
    secret: str = ""


JOB = Client("job", "ww_zG8yE1q-7Rk.4fXn~2cVw0tBs")
ODD = Client("https://sales.example/a b?c=%20&d", "pa:ss%41+w&=örd ☃")  # Basic carries both form-encoded alone
ORDERS = Client("orders", "uK3vQ9sX5mWz7aLbT1hN")  # the API
APP = Client("app")

SCOPES = "orders:read orders:write"


class TokenServer:
    """The applications.

    Args:
        url: where they are served.
        ring: the keys.
        clock: tells the time; None: the system clock.
        store: keeps the families; None: one in memory.
    """

    def __init__(self, url: str, ring: KeyRing, clock: Clock | None = None, store: IssuerStore | None = None) -> None:
        self.url = url
        self.api = f"{url}/orders"
        kept = MemoryStore(clock=clock) if store is None else store
        self.issuer = TokenIssuer(ring, kept, issuer=url, audience=self.api, clock=clock, on_event=lambda _: None)
        own = SCOPES.split()
        principals = {
            JOB.secret: Principal(JOB.id, kind="client", scopes=own),
            ODD.secret: Principal(ODD.id, kind="client", scopes=own),
            ORDERS.secret: Principal(ORDERS.id, kind="client", permissions=["introspect"]),
        }
        endpoints = TokenEndpoints(self.issuer, Tokens(principals), public_clients=[APP.id])
        self.endpoints = endpoints
        self.guard = Guard(Bearer(self.issuer.access_tokens()), rules={"/orders": scope("orders:read")}, clock=clock)
        self.asgi = _by_path(asgi_app(endpoints), ASGIGuard(_asgi_orders, self.guard))
        self.wsgi = _by_path_of_wsgi(wsgi_app(endpoints), WSGIGuard(_wsgi_orders, self.guard))


def _by_path(endpoints: Any, api: Any) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await (api if scope.get("path") == "/orders" else endpoints)(scope, receive, send)

    return app


def _by_path_of_wsgi(endpoints: Any, api: Any) -> Any:
    return lambda environ, start_response: (api if environ["PATH_INFO"] == "/orders" else endpoints)(environ, start_response)


@contextmanager
def serving_tokens(ring: KeyRing) -> Iterator[TokenServer]:
    """Serve it behind uvicorn, in a thread.

    Args:
        ring: the keys.
    """
    bound = bind()
    made = TokenServer(f"http://127.0.0.1:{bound.getsockname()[1]}", ring)
    with serving({"tokens": ("uvicorn", made.asgi)}, {"tokens": bound}):
        yield made


async def _asgi_orders(scope: Any, receive: Any, send: Any) -> None:
    body = str(scope["user"].id).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", str(len(body)).encode())]})
    await send({"type": "http.response.body", "body": body})


def _wsgi_orders(environ: Any, start_response: Any) -> Iterable[bytes]:
    body = str(environ["watchword.principal"].id).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
