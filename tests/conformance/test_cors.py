"""CORS: a preflight is decided like every other OPTIONS (WHATWG Fetch; D57, threats P13, P14). `test_cors_inside.py` has the exception."""

# ruff: noqa: N802 - a test carries the id of its rule

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from tests.support.drive import ByASGI, Request, asgi_scope, basic, bearer, who
from tests.support.each import each
from tests.support.people import ASK_ALL, BAD_REQUEST, orders_guard
from watchword.adapters.asgi import GuardMiddleware

if TYPE_CHECKING:
    from starlette.requests import Request as StarletteRequest

    from tests.support.drive import Through

ORIGIN, ACRM = ("Origin", "https://app.example"), ("Access-Control-Request-Method", "PUT")


def options(*headers: tuple[str, str], target: str = "/me", method: str = "OPTIONS") -> Request:
    """An OPTIONS request with these fields."""
    return Request(method=method, target=target, headers=headers)


@each("target", ["/me", "/admin", "/orders", "/inside", "/hidden", "/", "/elsewhere", "/nobody"])
def test_RFETCH_1_a_preflight_is_decided_like_every_options(target: str, through: Through) -> None:
    """Its two fields change nothing: neither the decision, nor the caller, nor what a checker is asked."""
    driver = through(orders_guard())
    for more in ((), (bearer("ann-token"),), (basic("ann", "x"),), (("X-API-Key", "ann-key"),), (bearer("outage"),)):
        plain, preflight = driver(options(*more, target=target)), driver(options(ORIGIN, ACRM, *more, target=target))
        assert (preflight.status, who(preflight), preflight.challenges) == (plain.status, who(plain), plain.challenges)


def test_RFETCH_1_the_firewall_comes_first(through: Through) -> None:
    """A preflight whose path or credentials are ambiguous is refused like anything else."""
    driver = through(orders_guard())
    assert driver(options(ORIGIN, ACRM, target="//me")).status == 400
    answer = driver(options(ORIGIN, ACRM, bearer("a"), bearer("b")))
    assert (answer.status, answer.challenges) == (400, [BAD_REQUEST])


@each(
    "request_",
    [
        options(),
        options(ORIGIN),
        options(ACRM),
        options(ORIGIN, ACRM),
        options(("Access-Control-Request-Headers", "authorization"), ORIGIN),
        options(ORIGIN, ACRM, method="GET"),
        options(ORIGIN, ACRM, method="POST"),
        options(ORIGIN, ACRM, method="options"),
        options(ORIGIN, ACRM, method="OPTIONSX"),
        options(ORIGIN, ACRM, ("X-HTTP-Method-Override", "OPTIONS"), method="POST"),
    ],
)
def test_RFETCH_2_anything_else_is_authenticated(request_: Request, through: Through) -> None:
    """OPTIONS with or without the two fields, and any other method with both, is treated like every request."""
    answer = through(orders_guard())(request_)
    assert (answer.status, answer.challenges, answer.called) == (401, ASK_ALL, False)


def test_RFETCH_2_an_ordinary_options_has_its_principal(through: Through) -> None:
    """OPTIONS with credentials, and no preflight, identifies its caller."""
    answer = through(orders_guard())(options(bearer("ann-token")))
    assert (answer.status, who(answer)) == (200, "ann")


@pytest.mark.parametrize("driver", [ByASGI])
def test_RFETCH_2_a_websocket_is_no_preflight(driver: Any) -> None:
    """A handshake with the fields of a preflight is a handshake."""
    assert driver(orders_guard())(Request(kind="websocket", target="/me", headers=(ORIGIN, ACRM))).status == 401


def test_RFETCH_3_scripts_of_other_origins_may_read_what_they_must(through: Through) -> None:
    """With cors_expose, a refusal to a request with Origin names those of our fields that it has, and never an asterisk."""
    driver = through(orders_guard(cors_expose=True))
    assert driver(options(ORIGIN, method="GET")).one("access-control-expose-headers") == "WWW-Authenticate"
    assert driver(options(ORIGIN, basic("outage", "x"), method="GET")).one("access-control-expose-headers") == "Retry-After"
    assert driver(options(ORIGIN, basic("bob", "hunter2"), method="GET", target="/admin")).one("access-control-expose-headers") is None


def test_RFETCH_3_only_when_asked_and_only_with_an_origin(through: Through) -> None:
    """Without Origin, or without the setting, no such field is sent."""
    assert through(orders_guard(cors_expose=True))(options(method="GET")).one("access-control-expose-headers") is None
    assert through(orders_guard())(options(ORIGIN, method="GET")).one("access-control-expose-headers") is None


def test_R9449_CORS_1_the_challenge_is_exposed(through: Through) -> None:
    """A cross-origin client can read WWW-Authenticate of a 401; DPoP-Nonce comes with DPoP."""
    answer = through(orders_guard(cors_expose=True))(options(ORIGIN, bearer("expired"), method="GET"))
    assert (answer.status, answer.one("access-control-expose-headers")) == (401, "WWW-Authenticate")


async def show(request: StarletteRequest) -> PlainTextResponse:
    """Answer."""
    return PlainTextResponse(f"hello {request.user.display_name}")


def site() -> Starlette:
    """An application with one route."""
    return Starlette(routes=[Route("/me", show, methods=["GET", "PUT"])])


SETTINGS: dict[str, Any] = {"allow_origins": ["https://app.example"], "allow_methods": ["PUT"], "allow_headers": ["Authorization"]}


@pytest.mark.anyio
async def test_RFETCH_4_cors_outside_lets_scripts_see_the_refusal() -> None:
    """With the CORS layer outside the guard a refusal has its CORS fields, and so has what is granted."""
    app = CORSMiddleware(GuardMiddleware(site(), orders_guard()), **SETTINGS)
    for headers, status in (((), 401), ((bearer("ann-token"),), 200)):
        got, fields = await fetch(app, options(ORIGIN, *headers, method="GET"))
        assert (got, fields.get("access-control-allow-origin")) == (status, "https://app.example")


@pytest.mark.anyio
async def test_RFETCH_4_cors_inside_does_not() -> None:
    """With the CORS layer inside, a refusal comes without CORS fields: a script sees an error. Preflights pass with `cors_inside`."""
    for inside, expected in ((False, 401), (True, 200)):
        app = GuardMiddleware(CORSMiddleware(site(), **SETTINGS), orders_guard(cors_inside=inside))
        status, fields = await fetch(app, options(ORIGIN, method="GET"))
        assert (status, "access-control-allow-origin" in fields) == (401, False)
        status, fields = await fetch(app, options(ORIGIN, ACRM))
        assert (status, fields.get("access-control-allow-origin")) == (expected, "https://app.example" if inside else None)


async def fetch(app: Any, request: Request) -> tuple[int, dict[str, str]]:
    """Send a request to an ASGI application; return status and fields."""
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(asgi_scope(request), receive, send)
    return sent[0]["status"], {name.decode(): value.decode() for name, value in sent[0]["headers"]}
