"""Below a mount that real servers state, or take from a client, the rule of the handler decides (P15)."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.support.served import get
from tests.support.servers import Server

if TYPE_CHECKING:
    from collections.abc import Iterator

BOB = ("Authorization", "Bearer tok-bob")


@contextmanager
def serving(name: str, ready: str, **environment: str) -> Iterator[Server]:
    """Start a server, and stop it."""
    server = Server(name, "tests.servers.mounted", **environment)
    try:
        server.wait(ready)
        yield server
    finally:
        server.stop()


# What each server makes of a target: uvicorn puts the mount before it, gunicorn over WSGI wants it there.
ASKED = {
    "uvicorn-mounted": {"/public/x": 200, "/admin/x": 401, "/public/api/x": 200, "/x/api/admin/x": 401},
    "hypercorn-mounted": {"/api/public/x": 200, "/api/admin/x": 401, "/admin/x": 401, "/public/api/admin/x": 400, "/apiadmin/x": 400},
    "granian-mounted": {"/api/public/x": 200, "/api/admin/x": 401, "/admin/x": 401, "/public/api/admin/x": 400, "/apiadmin/x": 400},
    "gunicorn-asgi-mounted": {"/api/public/x": 200, "/api/admin/x": 401, "/admin/x": 401, "/public/api/admin/x": 400, "/apiadmin/x": 400},
    "gunicorn-mounted": {"/api/public/x": 200, "/api/admin/x": 401, "/apiadmin/x": 400, "/api/public/api/admin/x": 200},
    "granian-wsgi-mounted": {"/api/public/x": 200, "/api/admin/x": 401, "/apiadmin/x": 400},
}


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", ASKED)
def test_the_mount_that_a_server_states_moves_no_rule(name: str) -> None:
    """Public below the mount is public, what needs a role needs it, and what routers disagree about is refused."""
    with serving(name, next(iter(ASKED[name]))) as server:
        assert {path: get(server, path).status for path in ASKED[name]} == ASKED[name]
        assert get(server, next(iter(ASKED[name]))).body == b"/api x"


@pytest.mark.long
def test_what_a_client_tells_daphne_opens_nothing() -> None:
    """Its field is refused; without the field the application is served as ever."""
    with serving("daphne", "/public/x") as server:
        for mount in ("/public", "/admin", "public", "/public/x", "/public/"):
            field = ("Daphne-Root-Path", mount)
            assert {get(server, path, field).status for path in ("/public/admin/x", "/admin/public/x", "/admin/x")} <= {400, 401}
        assert get(server, "/admin/x", ("Daphne-Root-Path", "/")).status == 401
        assert (get(server, "/public/x").status, get(server, "/admin/x").status, get(server, "/admin/x", BOB).status) == (200, 401, 403)


def test_a_pinned_mount_holds_behind_daphne() -> None:
    """Whatever the client's field says, guard and router take off the mount that was pinned."""
    with serving("daphne", "/api/public/x", PIN="/api") as server:
        for field in ((), (("Daphne-Root-Path", "/admin"),), (("Daphne-Root-Path", "/api/admin"),)):
            assert get(server, "/api/public/x", *field).body == b"/api x"
            assert get(server, "/api/admin/public/x", *field).status == 401
            assert get(server, "/admin/public/x", *field).status == 401


def test_a_field_moves_no_rule_behind_gunicorn() -> None:
    """Gunicorn takes SCRIPT_NAME from a header of a client that it trusts: guard and router see the same path all the same."""
    with serving("gunicorn", "/public/x") as server:
        answer = get(server, "/public/admin/x", ("SCRIPT_NAME", "/public"))
        assert answer.status == 401
        assert get(server, "/publicadmin/x", ("SCRIPT_NAME", "/public")).status == 400
    with serving("gunicorn", "/public/x", PIN="") as server:
        assert get(server, "/public/admin/x", ("SCRIPT_NAME", "/public")).body == b" admin/x"
