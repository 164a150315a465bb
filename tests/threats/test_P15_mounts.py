"""Threats P15 and P16: guard and router must mean the same path below a mount, whatever the server states and whoever asks for it."""

# ruff: noqa: N802 - the file and its tests carry the id of their row

from __future__ import annotations

import subprocess
import sys
from random import getrandbits
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client

from tests.support.mounts import ASGI_ROUTERS, BRIDGES, DJANGO_ROUTERS, WSGI_ROUTERS, Fuzz, make_guard
from tests.support.stores import program
from watchword import Bearer, Guard, Principal, public, role
from watchword.adapters import asgi, wsgi
from watchword.checkers import Tokens

if TYPE_CHECKING:
    from collections.abc import Iterable

RULES = {"/": public, "/help/**": public, "/admin/**": role("admin")}
BOB = {"Authorization": "Bearer bob"}
ANN = {"Authorization": "Bearer ann"}


def guard(**more: Any) -> Guard:
    """Return a guard that knows ann, who is an admin, and bob."""
    return Guard(Bearer(Tokens({"ann": Principal("ann", roles={"admin"}), "bob": Principal("bob")})), rules=RULES | more)


async def secret(request: Any) -> PlainTextResponse:
    """Serve."""
    return PlainTextResponse("SECRET")


async def by_path(scope: Any, receive: Any, send: Any) -> None:
    """Route by the whole path, as an application does that knows no mounts."""
    body = {"/": b"home", "/admin": b"SECRET", "/admin/help/x": b"SECRET", "/private": b"SECRET"}.get(scope["path"])
    await send({"type": "http.response.start", "status": 200 if body else 404, "headers": []})
    await send({"type": "http.response.body", "body": body or b""})


def plain(environ: Any, start_response: Any) -> Iterable[bytes]:
    """Serve whatever comes."""
    start_response("200 OK", [])
    return [b"SECRET"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("routers", "tries", "served"),
    [(ASGI_ROUTERS, 2500, 300), (WSGI_ROUTERS, 2500, 100), (BRIDGES, 150, 15)],
    ids=["asgi", "wsgi", "bridges"],
)
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_P15_the_rule_that_was_decided_is_that_of_the_handler_that_ran(routers: dict[str, Any], tries: int, served: int) -> None:
    """Through any server and router, below any mount, no handler runs for a caller whom the rule of its own pattern refuses."""
    fuzz = Fuzz("mounts", [*routers])
    assert await fuzz.run(tries) == []
    assert fuzz.served > served, "the property does not hold by refusing everything"


def test_P15_in_django_too() -> None:
    """In Django over ASGI and WSGI, with FORCE_SCRIPT_NAME and without."""
    assert _in_a_process("mounts", 500, DJANGO_ROUTERS)[-1].endswith(" served, 0 wrong")


FORCED = """
import asyncio
import httpx
from tests.support.mounts import in_django_with_script_name
from watchword import Bearer, Guard, Principal, role
from watchword.adapters.asgi import GuardMiddleware
from watchword.checkers import Tokens

guard = Guard(Bearer(Tokens({"bob": Principal("bob")})), rules={"/admin/**": role("admin")})
ran = []
app = in_django_with_script_name(lambda app: GuardMiddleware(app, guard), ran, "/api")

async def ask(path):
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://localhost") as client:
        return (await client.get(path, headers={"Authorization": "Bearer bob"})).status_code

print([asyncio.run(ask(path)) for path in ("/api/admin/x", "/admin/x", "/api/public/x")], ran)
"""


def test_P15_the_mount_that_django_sets_is_taken_off() -> None:
    """With FORCE_SCRIPT_NAME its router takes a prefix off that no server states. So does the guard."""
    done = program(FORCED, python=("-W", "ignore"))
    assert done.stdout == "[403, 403, 200] ['public']\n"


@pytest.mark.long
@pytest.mark.timeout(0)
@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_P15_for_long(fuzz_tries: int) -> None:
    """The same for long; pytest-randomly's seed makes the cases, so that each run tries others."""
    for routers, share in ((ASGI_ROUTERS | WSGI_ROUTERS, 2), (BRIDGES, 40)):
        assert await Fuzz(getrandbits(64), [*routers]).run(fuzz_tries // share) == []
    assert _in_a_process(str(getrandbits(64)), fuzz_tries // 40, DJANGO_ROUTERS)[-1].endswith(" served, 0 wrong")


def _in_a_process(seed: str, tries: int, routers: Iterable[str]) -> list[str]:
    command = [sys.executable, "-W", "ignore", "-m", "tests.support.mounts", seed, str(tries), *routers]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


# What is refused


@pytest.mark.parametrize("path", ["/help/api/admin/x", "/apiadmin/x", "/help/api", "/admin/x/api", "/x/api/admin/x"])
@pytest.mark.parametrize("pinned", [True, False], ids=["pinned", "stated"])
def test_P15_a_path_that_holds_the_mount_elsewhere_is_refused(path: str, pinned: bool) -> None:  # noqa: FBT001 - both ways
    """Routers disagree about it: 400 for every caller, over ASGI and WSGI alike."""
    options: dict[str, Any] = {"mount": "/api"} if pinned else {}
    over_asgi = TestClient(asgi.GuardMiddleware(Starlette(), guard(), **options), root_path="/api")
    over_wsgi = wsgi.GuardMiddleware(plain, guard(), **options)
    environ = {"PATH_INFO": path, "REQUEST_URI": path} | ({} if pinned else {"SCRIPT_NAME": "/api"})
    assert over_asgi.get(path, headers=ANN).status_code == 400
    assert Client(over_wsgi).get("/", headers=ANN, environ_overrides=environ).status_code == 400


def test_P15_a_server_that_cuts_within_a_segment_is_refused() -> None:
    """A PATH_INFO without its slash is served by Werkzeug all the same, so it is refused even where relative paths are let through."""
    from watchword import Firewall

    lenient = Guard(Bearer(Tokens({"bob": Principal("bob")})), rules=RULES, firewall=Firewall(off=["relative_path"]))
    client = Client(wsgi.GuardMiddleware(plain, lenient))
    for path in ("admin/x", "help/x"):
        assert client.get("/", environ_overrides={"SCRIPT_NAME": "/api", "PATH_INFO": path}).status_code == 400


def test_P15_a_mount_from_daphne_is_refused_unless_one_is_pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    """Daphne takes root_path from a field of the client. In its process a stated mount is 400, and a pinned one counts."""
    monkeypatch.setitem(sys.modules, "daphne.server", ModuleType("daphne.server"))
    loose = asgi.GuardMiddleware(by_path, guard())
    for root in ("/admin", "/", "admin", "/admin/help"):
        client = TestClient(loose, root_path=root)
        assert {client.get(path).status_code for path in ("/admin", "/admin/help/x")} <= {400, 401}
    # No rule names this one: a client that states it as the mount would ask for `/`.
    assert TestClient(loose, root_path="/private").get("/private").status_code == 400
    assert TestClient(loose).get("/").text == "home"
    pinned = asgi.GuardMiddleware(by_path, guard(), mount="")
    assert TestClient(pinned, root_path="/admin").get("/admin").status_code == 401
    assert TestClient(pinned, root_path="/admin").get("/admin", headers=ANN).text == "SECRET"


@pytest.mark.parametrize("root", ["/admin", "/admin/help"])
def test_P15_a_rule_that_speaks_of_the_mount_binds_unknown_applications(root: str) -> None:
    """An application that may route by the whole path is guarded by the rule of the whole path as well."""
    client = TestClient(asgi.GuardMiddleware(by_path, guard()), root_path=root)
    for path in ("/admin", "/admin/help/x"):
        assert client.get(path).status_code in {400, 401}
        assert client.get(path, headers=BOB).status_code in {400, 403}


@pytest.mark.parametrize("field", ["/admin", "", "/"])
def test_P15_no_field_moves_the_root_of_a_router(field: str) -> None:
    """Pyramid's traversal starts where X-Vhm-Root says: the field is refused from every client, over ASGI as well."""
    sent = {**ANN, "X-Vhm-Root": field}
    assert Client(wsgi.GuardMiddleware(plain, guard())).get("/help/x", headers=sent).status_code == 400
    assert TestClient(asgi.GuardMiddleware(Starlette(), guard())).get("/help/x", headers=sent).status_code == 400


# P16


def test_P16_the_same_guard_outside_and_around_a_mounted_part_decides_twice() -> None:
    """Below a mount it compares another path, so that what it has let through outside says nothing there."""
    one = guard()
    inner = asgi.GuardMiddleware(Starlette(routes=[Route("/admin/users", secret)]), one)
    alone = Starlette(routes=[Mount("/help", app=inner)])
    for app in (alone, asgi.GuardMiddleware(alone, one)):
        client = TestClient(app)
        assert [client.get("/help/admin/users", headers=who).status_code for who in ({}, BOB, ANN)] == [401, 403, 200]
    nothing = DispatcherMiddleware(plain, {"/help": wsgi.GuardMiddleware(plain, one)})
    for wsgi_app in (nothing, wsgi.GuardMiddleware(nothing, one)):
        assert [Client(wsgi_app).get("/help/admin/users", headers=who).status_code for who in ({}, BOB, ANN)] == [401, 403, 200]


def test_P16_the_marker_holds_guard_method_mount_and_path() -> None:
    """A layer between two middlewares of one guard that changes any of them is decided about again."""
    one = guard(**{"GET /public/**": public, "POST /public/**": role("admin")})
    for change in ({"path": "/admin/x"}, {"root_path": "/public"}, {"method": "POST"}):
        inner = asgi.GuardMiddleware(Starlette(routes=[Route("/{rest:path}", secret, methods=["GET", "POST"])]), one)

        async def between(scope: Any, receive: Any, send: Any, inner: Any = inner, change: Any = change) -> None:
            await inner({**scope, "raw_path": None, **change}, receive, send)

        assert TestClient(asgi.GuardMiddleware(between, one)).get("/public/admin/x").status_code == 401
    for variables in ({"PATH_INFO": "/admin/x"}, {"REQUEST_METHOD": "POST"}):
        inside = wsgi.GuardMiddleware(plain, one)

        def around(environ: Any, start_response: Any, inside: Any = inside, variables: Any = variables) -> Any:
            return inside(environ | variables, start_response)

        assert Client(wsgi.GuardMiddleware(around, one)).get("/public/x").status_code == 401


def test_P16_a_pinned_mount_is_pinned_again_after_a_layer_that_moved_it() -> None:
    """The marker alone does not hand over a scope whose mount is another one."""
    one, seen = make_guard(), []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["root_path"])
        await PlainTextResponse("")(scope, receive, send)

    inner = asgi.GuardMiddleware(app, one, mount="/api")

    async def between(scope: Any, receive: Any, send: Any) -> None:
        await inner({**scope, "root_path": "/elsewhere"}, receive, send)

    assert TestClient(asgi.GuardMiddleware(between, one, mount="/api")).get("/api/public/x").status_code == 200
    assert seen == ["/api"]
