"""Measures the whole cost of a refusal: over ASGI, in process, from the request to the complete response, without the log and with it.

The peers answer less: FastAPI's `HTTPBearer` one challenge and a line of JSON, Starlette's middleware a line of text with status 400 and
no challenge.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, FastAPI
from fastapi.security import HTTPBearer
from starlette.authentication import AuthenticationBackend, AuthenticationError
from starlette.middleware.authentication import AuthenticationMiddleware

from tests.benchmarks.bearer import HEADERS, STARLETTE, TOKENS, bare, request
from tests.benchmarks.measuring import asgi, interleaved, logged
from tests.benchmarks.passwords import asking
from watchword import APIKey, Basic, Bearer, Guard, Principal, Unavailable, role, scope
from watchword.adapters.asgi import GuardMiddleware
from watchword.checkers import PasswordHasher, Tokens, Users, nonblocking
from watchword.protection.flight import Member
from watchword.protection.hash_limiter import HashLimiter

if TYPE_CHECKING:
    from starlette.authentication import AuthCredentials, BaseUser
    from starlette.requests import HTTPConnection

    from tests.benchmarks.measuring import App, Figure
    from watchword.operation import Steps
    from watchword.protection.attempts import Attempt, Reservation

RULES = {"GET /orders/{id}": scope("orders:read"), "/secret": role("admin").hidden()}
NONE = {**request(""), "headers": HEADERS}
KNOWN, WRONG = request(next(iter(TOKENS))), request("0000-no")
SECRET = {**KNOWN, "path": "/secret", "raw_path": b"/secret"}

FASTAPI = "FastAPI, nothing sent"
BOUNDS = {
    "nothing sent": 0.12,
    "nothing sent, three schemes": None,
    "wrong token": 0.25,
    "scope missing": 0.15,
    "store away": 0.35,
    "hash queue full": 0.5,
    "throttled": None,
    "hidden": None,
}
"""Every refusal of ours, and what it may cost as a multiple of FastAPI's; None: no target was set."""

LOGGED = 2.0  # what a refusal with its line in the log may cost, as a multiple of the same without


class Backend(AuthenticationBackend):
    """What Starlette's middleware asks: refuses whoever shows nothing."""

    async def authenticate(self, conn: HTTPConnection) -> tuple[AuthCredentials, BaseUser] | None:
        """Refuse."""
        if "Authorization" not in conn.headers:
            raise AuthenticationError("Not authenticated")
        return None


def fastapi() -> App:
    """Return an application of FastAPI with its own bearer scheme in front of the one handler."""
    app = FastAPI()

    @app.get("/orders/{number}")
    async def read(number: int, _: Annotated[Any, Depends(HTTPBearer())]) -> str:
        return "ok"

    return app


@nonblocking
def down(_: object) -> None:
    """A checker whose store is away."""
    raise Unavailable("the store is away")


class Closed:
    """A throttle that blocks every attempt."""

    def blocked(self, _: Attempt) -> int:
        """Say how many seconds to wait."""
        return 30

    def reserve(self, _: Attempt) -> Steps[Reservation | int]:
        """Give no room."""
        yield from ()
        return 30


def _flooded() -> Users:
    """A table of users whose hash queue is full."""
    limiter = HashLimiter(1, queue=1)
    for place in (b"runs", b"waits"):
        limiter._enter(place, Member(lambda: None))
    return Users({"ann": PasswordHasher().hash("right")}, limiter=limiter)


async def _missing(scope: Any, receive: Any, send: Any) -> None:
    """An application that has nothing at any path."""
    await send({"type": "http.response.start", "status": 404, "headers": [(b"content-length", b"9")]})
    await send({"type": "http.response.body", "body": b"Not Found"})


def contenders() -> dict[str, tuple[App, dict[str, Any], int]]:
    """Return every protected application, with a request that it refuses and the status of the answer, by name."""
    table = Tokens({token: Principal(name) for token, name in TOKENS.items()})

    def guarded(*schemes: Any, app: App = bare, **options: Any) -> GuardMiddleware:
        return GuardMiddleware(app, Guard(*schemes, rules=RULES, **options))

    wrong_password = asking("ann", "wrong")
    return {
        FASTAPI: (fastapi(), NONE, 401),
        STARLETTE: (AuthenticationMiddleware(bare, backend=Backend()), NONE, 400),
        "nothing sent": (guarded(Bearer(table)), NONE, 401),
        "nothing sent, three schemes": (guarded(Basic(down, realm="office"), Bearer(table), APIKey(table)), NONE, 401),
        "wrong token": (guarded(Bearer(table)), WRONG, 401),
        "scope missing": (guarded(Bearer(table)), KNOWN, 403),
        "store away": (guarded(Bearer(down)), KNOWN, 503),
        "hash queue full": (guarded(Basic(_flooded(), realm="office")), wrong_password, 503),
        "throttled": (guarded(Basic(down, realm="office"), throttle=Closed()), wrong_password, 429),
        "hidden": (guarded(Bearer(table), app=_missing), SECRET, 404),
    }


def figures(*, short: bool) -> list[Figure]:
    """Measure.

    Args:
        short: only try whether it runs.
    """
    rounds, requests = (2, 5) if short else (51, 300)
    jobs = {name: asgi(app, [one] * requests) for name, (app, one, _) in contenders().items()}
    with_line = {f"{name}, logged": logged(jobs[name], logging.INFO) for name in BOUNDS}
    without = {name: logged(job, logging.CRITICAL) for name, job in jobs.items()}
    measured = interleaved(without | with_line, rounds)
    return [
        *(measured.ratio(name, FASTAPI, bound=bound) for name, bound in BOUNDS.items()),
        measured.ratio("nothing sent", STARLETTE),
        *(measured.ratio(f"{name}, logged", name, bound=LOGGED) for name in BOUNDS),
        *(measured.ratio(f"{name}, logged", FASTAPI) for name in BOUNDS),
    ]
