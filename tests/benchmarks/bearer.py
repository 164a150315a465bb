"""Measures what a guard adds to a request that is granted: over ASGI, in process, with a table of 1,000 tokens and one scope.

The added cost of a contender is its time for a request less that of the bare application in the same round.
"""

from __future__ import annotations

import gc
import tracemalloc
from hashlib import sha256
from hmac import compare_digest
from typing import TYPE_CHECKING, Any

from starlette.authentication import AuthCredentials, AuthenticationBackend, AuthenticationError, BaseUser, SimpleUser
from starlette.middleware.authentication import AuthenticationMiddleware

from tests.benchmarks.measuring import asgi, figure, interleaved, repeated
from watchword import ALWAYS, Accepted, APIKey, Bearer, BearerToken, Guard, Principal, RequestView, public, role, scope
from watchword.adapters.asgi import GuardMiddleware
from watchword.checkers import Tokens, nonblocking
from watchword.guard.exchange import KEY as EXCHANGE

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import HTTPConnection

    from tests.benchmarks.measuring import App, Figure
    from watchword.observe import EventSink
    from watchword.schemes.base import Scheme

SCOPE = "orders:read"
TOKENS = {f"{number:04}-{sha256(str(number).encode()).hexdigest()[:27]}": f"user-{number}" for number in range(1000)}

# What a browser sends, as servers hand it over; the credentials come last.
HEADERS = [
    (b"host", b"api.example.com"),
    (b"user-agent", b"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
    (b"accept", b"application/json"),
    (b"accept-language", b"en-GB,en;q=0.7,de;q=0.3"),
    (b"accept-encoding", b"gzip, deflate, br, zstd"),
    (b"referer", b"https://app.example.com/orders"),
    (b"connection", b"keep-alive"),
]

BARE, BY_HAND, CAREFUL, STARLETTE = "bare", "the token itself, by hand", "a careful check by hand", "Starlette's middleware"
BEARER, KEY, PUBLIC, SINK = "bearer token", "API key", "public route", "bearer token, and a sink that drops events"
VIEWS, DEMANDING = "bearer token, where views may demand more", "one view that demands a scope"


def request(token: str, name: str = "authorization") -> dict[str, Any]:
    """Return the scope of a request.

    Args:
        token: a bearer token, or what another field holds.
        name: of the field; empty: no credentials are sent.
    """
    sent = [(name.encode(), (f"Bearer {token}" if name == "authorization" else token).encode())] if name else []
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "https",
        "path": "/orders/7",
        "raw_path": b"/orders/7",
        "query_string": b"",
        "root_path": "",
        "headers": [*HEADERS, *sent],
        "client": ("192.0.2.7", 50000),
        "server": ("127.0.0.1", 8000),
        "state": {},
    }


async def bare(connection: Any, receive: Any, send: Any) -> None:
    """The application that all of them protect."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


async def refuse(send: Any, status: int) -> None:
    """Send the least refusal.

    Args:
        send: of the connection.
        status: 401 or 403.
    """
    headers = [(b"content-length", b"0"), (b"www-authenticate", b'Bearer realm="api"')]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


class ByHand:
    """What somebody writes who needs just this: one header, one table, one scope.

    Args:
        digest: look up the digest of the token and compare in constant time, as a careful author does; else the token itself.
    """

    def __init__(self, *, digest: bool) -> None:
        self._digest = digest
        people = {token.encode(): (name, frozenset({SCOPE})) for token, name in TOKENS.items()}
        self._table = {sha256(token).digest() if digest else token: person for token, person in people.items()}
        self._keys = {key: key for key in self._table}

    async def __call__(self, connection: Any, receive: Any, send: Any) -> None:
        """Serve one request."""
        sent = b""
        for name, value in connection["headers"]:
            if name == b"authorization":
                sent = value
                break
        scheme, _, token = sent.partition(b" ")
        if scheme.lower() != b"bearer":
            await refuse(send, 401)
            return
        if self._digest:
            token = sha256(token).digest()
            if not compare_digest(self._keys.get(token, b""), token):
                await refuse(send, 401)
                return
        person = self._table.get(token)
        if person is None:
            await refuse(send, 401)
        elif SCOPE not in person[1]:
            await refuse(send, 403)
        else:
            connection["user"] = person[0]
            await bare(connection, receive, send)


_DEMAND = scope(SCOPE) & ~role("suspended")


async def demanding(connection: Any, receive: Any, send: Any) -> None:
    """A view with a requirement beside the rule, in the application that all of them protect."""
    refusal = await connection[EXCHANGE].aauthorize(_DEMAND)
    if refusal is None:
        await bare(connection, receive, send)
    else:
        await refuse(send, refusal.status)


class Backend(AuthenticationBackend):
    """The same check for Starlette's middleware, as its documentation does it; it authorizes nothing."""

    def __init__(self) -> None:
        digests = {sha256(token.encode()).digest(): name for token, name in TOKENS.items()}
        self._table = {digest: (digest, name) for digest, name in digests.items()}

    async def authenticate(self, conn: HTTPConnection) -> tuple[AuthCredentials, BaseUser] | None:
        """Return who it is."""
        sent = conn.headers.get("Authorization")
        if sent is None:
            return None
        scheme, _, token = sent.partition(" ")
        digest = sha256(token.encode()).digest()
        found = self._table.get(digest)
        if scheme.lower() != "bearer" or found is None or not compare_digest(found[0], digest):
            raise AuthenticationError("Invalid token")
        return AuthCredentials(["authenticated", SCOPE]), SimpleUser(found[1])


def guard(scheme: Callable[[Tokens], Scheme[Any]] = Bearer, on_event: EventSink | None = None) -> Guard:
    """Return a guard with the table of tokens.

    Args:
        scheme: in which callers send them.
        on_event: a sink of events; None: none.
    """
    table = Tokens({token: Principal(name, scopes=[SCOPE]) for token, name in TOKENS.items()})
    return Guard(scheme(table), rules={"GET /orders/{id}": scope(SCOPE), "/open": public}, on_event=on_event)


def contenders() -> dict[str, App]:
    """Return every application that lets callers with a bearer token through, by name."""
    return {
        BARE: bare,
        BY_HAND: ByHand(digest=False),
        CAREFUL: ByHand(digest=True),
        STARLETTE: AuthenticationMiddleware(bare, backend=Backend()),
        BEARER: GuardMiddleware(bare, guard()),
        VIEWS: GuardMiddleware(bare, guard(), views=True),
        DEMANDING: GuardMiddleware(demanding, guard(), views=True),
        SINK: GuardMiddleware(bare, guard(on_event=lambda _: None)),
    }


def figures(*, short: bool) -> list[Figure]:
    """Measure.

    Args:
        short: only try whether it runs.
    """
    rounds, requests = (2, 20) if short else (101, 1000)
    tokens = [list(TOKENS)[number % len(TOKENS)] for number in range(requests)]
    jobs = {name: asgi(app, [request(token) for token in tokens]) for name, app in contenders().items()}
    jobs[KEY] = asgi(GuardMiddleware(bare, guard(APIKey)), [request(token, "x-api-key") for token in tokens])
    opened = {**request("", ""), "path": "/open", "raw_path": b"/open"}
    jobs[PUBLIC] = asgi(GuardMiddleware(bare, guard()), [opened] * requests)
    measured = interleaved(jobs, rounds)
    return [
        measured.ratio(BEARER, CAREFUL, less=BARE, bound=2.0),
        measured.ratio(BEARER, STARLETTE, less=BARE, bound=0.85),
        measured.ratio(BEARER, BY_HAND, less=BARE),
        measured.ratio(KEY, BEARER, less=BARE, bound=1.3),
        measured.ratio(PUBLIC, BEARER, less=BARE, bound=1.0),
        measured.ratio(VIEWS, BEARER, less=BARE),
        measured.absolute(DEMANDING, "µs", less=VIEWS, bound=1.5),
        measured.ratio(SINK, BEARER, less=BARE),
        _event(rounds, requests * 10),
        _memory(requests * 20),
    ]


def _event(rounds: int, times: int) -> Figure:
    """Measure the one exit of a granted request, where no sink listens."""
    guarded = guard()
    view = RequestView("GET", "/open")
    decision = guarded.decide(view)
    name = "one event without a sink"
    return interleaved({name: repeated(lambda: guarded._concluded(decision, view), times)}, rounds).absolute(name, "µs", bound=0.1)


_ANN = Accepted(Principal("ann", scopes=[SCOPE]), lease=ALWAYS)  # one for all: what is kept of it belongs to the checker


@nonblocking
def _accept(_: BearerToken) -> Accepted:
    return _ANN


def _memory(callers: int) -> Figure:
    """Measure the memory of a guard that remembers so many callers, each of whom came twice."""
    job = asgi(GuardMiddleware(bare, Guard(Bearer(_accept), remember=callers)), [request(f"{number:032}") for number in range(callers)])
    gc.collect()
    tracemalloc.start()
    try:
        job()
        job()
        gc.collect()
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return figure([held / callers], f"memory of one of {callers:,} callers in the cache", unit="B", bound=700)
