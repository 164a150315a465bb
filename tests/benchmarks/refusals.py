"""What it costs to say no: over ASGI, in process, from the request to the complete response.

The whole time of a contender is measured, not what it adds: a refusal never reaches the application. The peers answer less: FastAPI's
`HTTPBearer` one challenge and a line of JSON, Starlette's middleware a line of text with status 400 and no challenge.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, FastAPI
from fastapi.security import HTTPBearer
from starlette.authentication import AuthenticationBackend, AuthenticationError
from starlette.middleware.authentication import AuthenticationMiddleware

from tests.benchmarks.bearer import HEADERS, TOKENS, App, bare, compare, request
from tests.benchmarks.passwords import asking
from watchword import APIKey, Basic, Bearer, Guard, Principal, Unavailable, scope
from watchword.adapters.asgi import GuardMiddleware
from watchword.checkers import PasswordHasher, Tokens, Users, nonblocking
from watchword.protection.flight import Member
from watchword.protection.hash_limiter import HashLimiter

if TYPE_CHECKING:
    from starlette.authentication import AuthCredentials, BaseUser
    from starlette.requests import HTTPConnection

    from tests.benchmarks.bearer import Row

TITLE = "whole cost of a refusal"
RULES = {"GET /orders/{id}": scope("orders:read")}
NONE = {**request(""), "headers": HEADERS}
KNOWN, WRONG = request(next(iter(TOKENS))), request("0000-no")


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


def _flooded() -> Users:
    """A table of users whose hash queue is full."""
    limiter = HashLimiter(1, queue=1)
    for place in (b"runs", b"waits"):
        limiter._enter(place, Member(lambda: None))
    return Users({"ann": PasswordHasher().hash("right")}, limiter=limiter)


def contenders() -> dict[str, tuple[App, dict[str, Any], int]]:
    """Return every protected application, with a request that it refuses and the status of the answer, by name."""
    table = Tokens({token: Principal(name) for token, name in TOKENS.items()})

    def guarded(*schemes: Any) -> GuardMiddleware:
        return GuardMiddleware(bare, Guard(*schemes, rules=RULES))

    return {
        "FastAPI HTTPBearer": (fastapi(), NONE, 401),
        "Starlette AuthenticationMiddleware": (AuthenticationMiddleware(bare, backend=Backend()), NONE, 400),
        "watchword, nothing sent": (guarded(Bearer(table)), NONE, 401),
        "watchword, three schemes": (guarded(Basic(down, realm="office"), Bearer(table), APIKey(table)), NONE, 401),
        "watchword, a wrong token": (guarded(Bearer(table)), WRONG, 401),
        "watchword, a scope missing": (guarded(Bearer(table)), KNOWN, 403),
        "watchword, the store away": (guarded(Bearer(down)), KNOWN, 503),
        "watchword, the hash queue full": (guarded(Basic(_flooded(), realm="office")), asking("ann", "wrong"), 503),
    }


def measure(rounds: int, requests: int) -> list[Row]:
    """Measure, as `bearer.measure` does.

    Args:
        rounds: how many.
        requests: how many of one contender in one round.
    """
    return compare({name: (app, [one] * requests) for name, (app, one, _) in contenders().items()}, rounds)
