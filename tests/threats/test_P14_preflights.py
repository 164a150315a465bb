"""Threat P14: no field of a request opens a route, and no guarded handler runs for a preflight, whatever the framework."""

# ruff: noqa: N802 - the file and its tests carry the id of their row

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from asgiref import wsgi as bridge
from flask import Flask
from flask_cors import CORS
from litestar import Litestar, get
from litestar.config.cors import CORSConfig
from litestar.middleware import DefineMiddleware
from starlette.middleware.cors import CORSMiddleware

from tests.support.cors import HANDLERS, ORIGIN, in_plain_asgi, in_plain_wsgi, make_guard, opened, preflight
from tests.support.drive import ByASGI, ByWSGI
from tests.support.servers import ROOT
from watchword import Guard, public
from watchword.adapters import asgi, wsgi

if TYPE_CHECKING:
    from tests.support.drive import Answer

OPEN = Guard(make_guard().schemes[0], default=public)


@pytest.mark.parametrize("inside", [False, True], ids=["refused", "inside"])
@pytest.mark.parametrize("name", HANDLERS)
def test_P14_no_field_opens_a_route(name: str, inside: bool) -> None:  # noqa: FBT001 - the setting
    """With every field that is read here or elsewhere, beside those of a preflight, under every method: no handler of the route runs."""
    by, make = HANDLERS[name]
    ran: list[str] = []
    assert opened(by, make(ran), ran, cors_inside=inside) == []


def test_P14_django_and_its_cors_layer() -> None:
    """Function views do not run; django-cors-headers answers with `cors_inside`, where CORS_URLS_REGEX matches, over ASGI and WSGI."""
    done = subprocess.run([sys.executable, "-m", "tests.support.cors"], cwd=ROOT, capture_output=True, text=True, timeout=250, check=False)
    assert done.returncode == 0, done.stderr


as_asgi: Any = bridge.WsgiToAsgi


def allows(answer: Answer) -> bool:
    """Whether a browser lets the script go on."""
    return answer.status in {200, 204} and answer.one("access-control-allow-origin") == ORIGIN


SETTINGS: dict[str, Any] = {"allow_origins": [ORIGIN], "allow_methods": ["GET"], "allow_headers": ["Authorization"]}


def test_P14_the_cors_layer_of_starlette() -> None:
    """Outside it answers; inside it does with `cors_inside` alone; around a guarded WSGI application too."""
    ran: list[str] = []
    inner = in_plain_asgi(ran)
    outside = CORSMiddleware(asgi.GuardMiddleware(inner, make_guard()), **SETTINGS)
    over_wsgi = CORSMiddleware(as_asgi(wsgi.GuardMiddleware(in_plain_wsgi(ran), make_guard())), **SETTINGS)
    assert allows(preflight(OPEN, outside, ByASGI))
    assert allows(preflight(OPEN, over_wsgi, ByASGI))
    layer = CORSMiddleware(inner, **SETTINGS)
    assert allows(preflight(make_guard(cors_inside=True), layer, ByASGI))
    assert preflight(make_guard(), layer, ByASGI).status == 401
    assert preflight(make_guard(cors_inside=True), layer, ByASGI, origin="https://evil.example").status == 401
    assert ran == []


def test_P14_the_cors_layer_of_litestar() -> None:
    """With the guard as a middleware of Litestar it stands outside; around Litestar the guard asks it with `cors_inside` alone."""
    ran: list[str] = []

    @get("/api/admin/report", sync_to_thread=False)
    def report() -> str:
        ran.append("litestar")
        return "SECRET"

    config = CORSConfig(allow_origins=[ORIGIN], allow_methods=["GET"], allow_headers=["Authorization"])
    guarded: Any = asgi.GuardMiddleware
    more: dict[str, Any] = {"cors_config": config, "openapi_config": None, "logging_config": None}
    outside = Litestar([report], middleware=[DefineMiddleware(guarded, guard=make_guard())], **more)
    assert allows(preflight(OPEN, outside, ByASGI))
    layer = Litestar([report], **more)
    assert allows(preflight(make_guard(cors_inside=True), layer, ByASGI))
    assert preflight(make_guard(), layer, ByASGI).status == 401
    assert ran == []


def test_P14_the_cors_layer_of_flask() -> None:
    """Flask-CORS answers with `cors_inside` where a route for OPTIONS alone serves every path; no view runs."""
    ran: list[str] = []
    for with_route in (False, True):
        app = Flask("site")
        CORS(app, origins=[ORIGIN], allow_headers=["Authorization"])

        def report() -> str:
            ran.append("flask")
            return "SECRET"

        app.add_url_rule("/api/admin/report", "report", report)
        if with_route:
            app.add_url_rule("/<path:anything>", "preflights", lambda anything: ("", 204), methods=["OPTIONS"])
        assert allows(preflight(make_guard(cors_inside=True), app.wsgi_app, ByWSGI)) is with_route
        assert preflight(make_guard(), app.wsgi_app, ByWSGI).status == 401
        over_asgi = asgi.GuardMiddleware(as_asgi(app.wsgi_app), make_guard(cors_inside=True))
        assert allows(preflight(OPEN, over_asgi, ByASGI)) is with_route
    assert ran == []
