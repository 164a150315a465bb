"""What it costs to let a caller with a bearer token through: over ASGI, in process, a table of 1,000 tokens and one scope.

The added cost of a contender is its time for a request less that of the bare application in the same round. Times mean nothing beyond
the machine and the moment; their ratios do.
"""

from __future__ import annotations

import gc
from dataclasses import dataclass
from hashlib import sha256
from hmac import compare_digest
from statistics import median
from time import thread_time_ns
from typing import TYPE_CHECKING, Any, TypeAlias

from starlette.authentication import AuthCredentials, AuthenticationBackend, AuthenticationError, BaseUser, SimpleUser
from starlette.middleware.authentication import AuthenticationMiddleware

from watchword import APIKey, Bearer, Guard, Principal, public, scope
from watchword.adapters.asgi import GuardMiddleware
from watchword.checkers import Tokens

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import HTTPConnection

App: TypeAlias = "Callable[[Any, Any, Any], Awaitable[None]]"

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


async def _refuse(send: Any, status: int) -> None:
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
            await _refuse(send, 401)
            return
        if self._digest:
            token = sha256(token).digest()
            if not compare_digest(self._keys.get(token, b""), token):
                await _refuse(send, 401)
                return
        person = self._table.get(token)
        if person is None:
            await _refuse(send, 401)
        elif SCOPE not in person[1]:
            await _refuse(send, 403)
        else:
            connection["user"] = person[0]
            await bare(connection, receive, send)


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


def guarded() -> GuardMiddleware:
    """Return the application behind watchword."""
    table = Tokens({token: Principal(name, scopes=[SCOPE]) for token, name in TOKENS.items()})
    schemes = Bearer(table), APIKey(table)
    return GuardMiddleware(bare, Guard(*schemes, rules={"GET /orders/{id}": scope(SCOPE), "/open": public}))


def contenders() -> dict[str, App]:
    """Return the bare application and every protected one, by name."""
    return {
        "bare": bare,
        "by hand, the token itself": ByHand(digest=False),
        "by hand, digest and compare_digest": ByHand(digest=True),
        "Starlette AuthenticationMiddleware": AuthenticationMiddleware(bare, backend=Backend()),
        "watchword": guarded(),
    }


def status(app: App, connection: dict[str, Any]) -> int:
    """Send a request, and return the status."""
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    _drive(app, [connection], send)
    return int(sent[0]["status"])


@dataclass(frozen=True)
class Row:
    """What was measured of one contender.

    Args:
        name: whose.
        added: microseconds that a request takes longer, the median over all rounds.
        spread: the quartiles of the same.
    """

    name: str
    added: float
    spread: tuple[float, float]


def measure(rounds: int, requests: int) -> list[Row]:
    """Measure: in every round each of them in turn, so that whatever else the machine does befalls all alike.

    Args:
        rounds: how many.
        requests: how many of one contender in one round.
    """
    tokens = list(TOKENS)
    chosen = [tokens[number % len(tokens)] for number in range(requests)]
    jobs: dict[str, tuple[App, list[dict[str, Any]]]] = {
        name: (app, [request(token) for token in chosen]) for name, app in contenders().items()
    }
    jobs["watchword, an API key"] = guarded(), [request(token, "x-api-key") for token in chosen]
    jobs["watchword, a public route"] = guarded(), [{**request("", ""), "path": "/open", "raw_path": b"/open"} for _ in chosen]
    return compare(jobs, rounds, less="bare")


def compare(jobs: dict[str, tuple[App, list[dict[str, Any]]]], rounds: int, *, less: str | None = None) -> list[Row]:
    """Measure some applications, each with its requests.

    Args:
        jobs: application and requests by name.
        rounds: how many.
        less: whose time is taken off that of the others; None: nobody's.
    """
    for app, requested in jobs.values():
        _drive(app, [dict(one) for one in requested], _ignore)
    added: dict[str, list[float]] = {name: [] for name in jobs}
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            took = {
                name: _drive(app, [dict(one) for one in requested], _ignore) / len(requested) / 1000
                for name, (app, requested) in jobs.items()
            }
            for name, time in took.items():
                added[name].append(time - (took[less] if less is not None else 0.0))
    finally:
        gc.enable()
    return [Row(name, median(times), _quartiles(times)) for name, times in added.items() if name != less]


def table(rows: list[Row], title: str = "added cost per request") -> str:
    """Return the measurements, each with its ratio to the others.

    Args:
        rows: what was measured.
        title: of what.
    """
    width = max(len(title), *(len(row.name) for row in rows))
    lines = [f"{title:{width}}     µs   quartiles     ratio to each, in the order of the lines"]
    for row in rows:
        ratios = "  ".join(f"{row.added / other.added:5.2f}" if other.added else "    -" for other in rows)
        lines.append(f"{row.name:{width}}  {row.added:5.2f}   {row.spread[0]:5.2f} {row.spread[1]:5.2f}   {ratios}")
    return "\n".join(lines)


def _drive(app: App, scopes: list[dict[str, Any]], send: Any) -> int:
    """Send requests one after the other, without an event loop, and return the nanoseconds of processor time that it took."""
    begun = thread_time_ns()
    for one in scopes:
        coroutine: Any = app(one, _receive, send)
        try:
            coroutine.send(None)
        except StopIteration:
            continue
        raise RuntimeError("something waited: this is a measurement without an event loop")
    return thread_time_ns() - begun


async def _ignore(message: Any) -> None:
    pass


async def _receive() -> Any:
    return {"type": "http.request", "body": b"", "more_body": False}


def _quartiles(times: list[float]) -> tuple[float, float]:
    ordered = sorted(times)
    return ordered[len(ordered) // 4], ordered[3 * len(ordered) // 4]
