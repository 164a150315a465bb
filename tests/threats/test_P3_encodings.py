"""Threat P3: hundreds of spellings of a path against real routers. If the router reaches handler H, the policy of H applied.

Envoy (CVE-2019-9901, CVE-2021-29492) and many others decided about one reading of a path and served another. Here the router is
asked: each handler says its name, and the property is checked for whoever was reached.
"""

# ruff: noqa: N802 - the file and its tests carry the id of their row

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

import pytest
from aiohttp import web
from flask import Flask
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route, Router
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request as WerkzeugRequest
from werkzeug.wrappers import Response

from tests.support.by_aiohttp import ByAiohttp
from tests.support.drive import ByASGI, ByWSGI, Request, bearer
from tests.support.people import check_token
from watchword import Bearer, Guard, nobody, public, role
from watchword.adapters.aiohttp import guard_middleware

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.support.drive import Driver

# What may stand in the place of a slash, behind a path, before one, and for its name; separated by blanks.
PARTS: dict[str, list[str]] = json.loads((Path(__file__).parents[1] / "vectors" / "path_spellings.json").read_text(encoding="utf-8"))


def spellings() -> list[str]:
    """Ways to write `/admin/secret`, `/admin` and what is near, as they come in a request line."""
    found: dict[str, None] = {}
    for slash in PARTS["for_a_slash"]:
        found |= dict.fromkeys([f"{slash}admin/secret", f"/admin{slash}secret", f"{slash}admin{slash}secret", f"/public{slash}admin"])
    for end in PARTS["behind"]:
        found |= dict.fromkeys([f"/admin{end}", f"/admin/secret{end}", f"/admin{end}/secret", f"/public{end}/../admin"])
    for start in PARTS["before"]:
        found |= dict.fromkeys([f"{start}/admin", f"{start}/admin/secret", f"{start}admin"])
    for name in PARTS["for_the_name"]:
        found |= dict.fromkeys([f"/{name}", f"/{name}/secret", f"/public/../{name}", f"//{name}"])
    path = "/admin/secret"
    for at, make in product(
        range(len(path)), (lambda c: f"%{ord(c):02x}", lambda c: f"%{ord(c):02X}", lambda c: f"%25{ord(c):02x}", str.upper)
    ):
        found[path[:at] + make(path[at]) + path[at + 1 :]] = None
    return [spelling.encode().decode("latin-1") for spelling in found]


CORPUS = spellings()


def once_decoded(spellings: Iterable[str]) -> list[str]:
    """Return one of the spellings that are the same where a server hands over the decoded path alone."""
    found = {}
    for spelling in spellings:
        sent = Request(target=spelling)
        found[spelling[:1] == "/", unquote_to_bytes(sent.path.encode("latin-1")), sent.query] = spelling
    return list(found.values())


DECODED = once_decoded(CORPUS)


class Asked:
    """Which handlers were reached since it was last asked."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def reached(self) -> list[str]:
        """Return them, and forget them."""
        names, self.names = self.names, []
        return names


# Every router knows the same handlers. A name says which policy is the handler's: `admin...` or `public...`.
PATHS = {
    "admin": "/admin",
    "admin-secret": "/admin/secret",
    "admin-any": "/admin/{name}",
    "public": "/public",
    "public-any": "/public/{name}",
    "other": "/x",
    "root": "/",
}


def starlette_handler(asked: Asked, name: str) -> Callable[[Any], Any]:
    """A handler that says its name."""

    async def handle(request: Any) -> PlainTextResponse:
        asked.names.append(name)
        return PlainTextResponse(name)

    return handle


def in_starlette(guard: Guard, asked: Asked) -> Driver:
    """Starlette as it is, with slashes redirected, and routes that take the rest of a path."""
    routes = [Route(path, starlette_handler(asked, name)) for name, path in PATHS.items()]
    routes += [Route(f"/{kind}/{{rest:path}}", starlette_handler(asked, f"{kind}-rest")) for kind in ("admin", "public")]
    return ByASGI(guard, app=Starlette(routes=routes), loop=False)


def in_bare_router(guard: Guard, asked: Asked) -> Driver:
    """Starlette's router without redirects."""
    routes = [Route(path, starlette_handler(asked, name)) for name, path in PATHS.items()]
    return ByASGI(guard, app=Router(routes, redirect_slashes=False), loop=False)


def in_mounts(guard: Guard, asked: Asked) -> Driver:
    """Starlette with sub-applications."""
    inner = [Route("/", starlette_handler(asked, "admin")), Route("/{rest:path}", starlette_handler(asked, "admin-rest"))]
    outer = [Route("/", starlette_handler(asked, "public")), Route("/{rest:path}", starlette_handler(asked, "public-rest"))]
    return ByASGI(guard, app=Starlette(routes=[Mount("/admin", routes=inner), Mount("/public", routes=outer)]), loop=False)


def in_flask(guard: Guard, asked: Asked) -> Driver:
    """Flask as it is: slashes merged, and redirected."""
    app = Flask("routers")

    def handle(name: str = "", **_values: str) -> str:
        asked.names.append(name)
        return name

    for name, path in PATHS.items():
        rule = path.replace("{name}", "<value>")
        app.add_url_rule(rule, name, lambda name=name, **_values: handle(name))
    for kind in ("admin", "public"):
        app.add_url_rule(f"/{kind}/<path:rest>", f"{kind}-rest", lambda kind=kind, **_values: handle(f"{kind}-rest"))
    return ByWSGI(guard, app=app.wsgi_app)


def in_werkzeug(guard: Guard, asked: Asked) -> Driver:
    """Werkzeug's map with neither merging nor redirects, which serves what it is given."""
    rules = [Rule(path.replace("{name}", "<value>"), endpoint=name, strict_slashes=False) for name, path in PATHS.items()]
    rules += [Rule(f"/{kind}/<path:rest>", endpoint=f"{kind}-rest", strict_slashes=False) for kind in ("admin", "public")]
    urls = Map(rules, merge_slashes=False, redirect_defaults=False)

    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        try:
            endpoint, _ = urls.bind_to_environ(WerkzeugRequest(environ)).match()
        except HTTPException as error:
            return error(environ, start_response)
        asked.names.append(endpoint)
        return Response(endpoint)(environ, start_response)

    return ByWSGI(guard, app=app)


def in_dispatcher(guard: Guard, asked: Asked) -> Driver:
    """Werkzeug's dispatcher, which mounts by the first segments that fit."""

    def leaf(name: str) -> Callable[..., Iterable[bytes]]:
        def app(environ: Any, start_response: Any) -> Iterable[bytes]:
            asked.names.append(name)
            return Response(name)(environ, start_response)

        return app

    return ByWSGI(guard, app=DispatcherMiddleware(leaf("other"), {"/admin": leaf("admin-rest"), "/public": leaf("public-rest")}))


def in_aiohttp(guard: Guard, asked: Asked) -> Driver:
    """Aiohttp as it is, behind its own parser, with a sub-application."""
    app, inner = web.Application(middlewares=[guard_middleware(guard)]), web.Application()

    def handler(name: str) -> Callable[[web.Request], Any]:
        async def handle(request: web.Request) -> web.Response:
            asked.names.append(name)
            return web.Response(text=name)

        return handle

    for name, path in PATHS.items():
        app.router.add_route("*", path, handler(name))
    inner.router.add_route("*", "/{rest:.*}", handler("admin-rest"))
    app.router.add_route("*", "/public/{rest:.*}", handler("public-rest"))
    app.add_subapp("/admin", inner)
    return ByAiohttp(guard, app=app)


ROUTERS: dict[str, Callable[[Guard, Asked], Driver]] = {
    "starlette": in_starlette,
    "bare router": in_bare_router,
    "mounts": in_mounts,
    "flask": in_flask,
    "werkzeug": in_werkzeug,
    "dispatcher": in_dispatcher,
    "aiohttp": in_aiohttp,
}
GUARDS = {
    # What is forbidden is named, and the rest is open: a rule that misses opens a door.
    "deny": lambda: Guard(Bearer(check_token), rules={"/admin/**": role("admin")}, default=public),
    # The same, but for two places alone: a spelling that the rule takes for another place opens a door.
    "exact": lambda: Guard(Bearer(check_token), rules={"/admin": role("admin"), "/admin/secret": role("admin")}, default=public),
    # What is allowed is named, and the rest is closed: a rule that matches too much opens a door.
    "allow": lambda: Guard(Bearer(check_token), rules={"/public/**": public}, default=nobody),
}
EVERY = {*PATHS, "admin-rest", "public-rest"}
ALLOWED = {
    "deny": {name for name in EVERY if not name.startswith("admin")},
    "exact": EVERY - {"admin", "admin-secret"},
    "allow": {name for name in EVERY if name.startswith("public")},
}


def test_P3_the_corpus_is_large() -> None:
    """There are hundreds of spellings, each once."""
    assert len(CORPUS) == len(set(CORPUS))
    assert len(CORPUS) >= 200


# Each router meets each guard, with the raw target and with the decoded path alone. Half of these cases have a mount, for each router and
# each guard.
CASES = [
    pytest.param(router, mode, ["", "/app"][(row + column + raw) % 2], raw, id=f"{router}-{mode}-{'raw target' if raw else 'decoded only'}")
    for (row, router), (column, mode) in product(enumerate(name for name in ROUTERS if name != "aiohttp"), enumerate(GUARDS))
    for raw in (True, False)
]


@pytest.mark.sampled(4)
@pytest.mark.parametrize(("router", "mode", "mount", "raw"), CASES)
def test_P3_an_anonymous_caller_reaches_only_public_handlers(router: str, mode: str, mount: str, raw: bool) -> None:  # noqa: FBT001 - with and without
    """Whatever the spelling of the path."""
    asked = Asked()
    driver = ROUTERS[router](GUARDS[mode](), asked)
    answers = 0
    for spelling in CORPUS if raw else DECODED:
        target = mount + spelling if spelling.startswith("/") else spelling
        answer = driver(Request(target=target, mount=mount, raw=raw))
        reached = asked.reached()
        assert ALLOWED[mode].issuperset(reached), (target, reached)
        answers += answer.status in {400, 401, 403}
    assert answers > 200


@pytest.mark.parametrize("mode", GUARDS)
def test_P3_an_anonymous_caller_of_aiohttp_reaches_only_public_handlers(mode: str) -> None:
    """Whatever the spelling, as aiohttp's parser reads it: it states the target always, and no mount."""
    test_P3_an_anonymous_caller_reaches_only_public_handlers("aiohttp", mode, "", raw=True)


@pytest.mark.parametrize("router", ROUTERS)
def test_P3_an_authorized_caller_reaches_the_handler(router: str) -> None:
    """The property does not hold by refusing everything: plain and harmless spellings reach their handlers with the right token."""
    asked = Asked()
    driver = ROUTERS[router](GUARDS["deny"](), asked)
    for target in ("/admin/secret", "/%61dmin/secret", "/admin/secre%74", "/admin/secret?x=//"):
        for headers, status in (((), 401), ((bearer("bob-token"),), 403), ((bearer("ann-token"),), 200)):
            assert driver(Request(target=target, headers=headers)).status == status
        assert [name.partition("-")[0] for name in asked.reached()] == ["admin"]
    driver(Request(target="/public/a%20b"))
    assert [name.partition("-")[0] for name in asked.reached()] == ["public"]
