"""A guarded application in Starlette and in Flask, below a mount that the environment may pin; see test_mounts.py."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from flask import Flask, request
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from watchword import Bearer, Guard, Principal, public, role
from watchword.adapters.asgi import GuardMiddleware as ASGIGuard
from watchword.adapters.wsgi import GuardMiddleware as WSGIGuard
from watchword.checkers import Tokens

if TYPE_CHECKING:
    from starlette.requests import Request

guard = Guard(Bearer(Tokens({"tok-bob": Principal("bob")})), rules={"/public/**": public, "/admin/**": role("admin")})
PIN = os.environ.get("PIN")


async def _serve(asked: Request) -> PlainTextResponse:
    return PlainTextResponse(f"{asked.scope['root_path']} {asked.path_params['rest']}")


_paths = ["/public/{rest:path}", "/admin/{rest:path}"]
asgi = ASGIGuard(Starlette(routes=[Route(path, _serve) for path in _paths]), guard, mount=PIN)

_flask = Flask("mounted")


@_flask.get("/public/<path:rest>")
@_flask.get("/admin/<path:rest>")
def _view(rest: str) -> str:
    return f"{request.environ['SCRIPT_NAME']} {rest}"


wsgi = WSGIGuard(_flask.wsgi_app, guard, mount=PIN)
