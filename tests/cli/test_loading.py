"""Finds the guard in front of an application, wherever a framework keeps it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.test import override_settings
from fastapi import FastAPI
from flask import Flask
from litestar import Litestar, get
from quart import Quart
from starlette.applications import Starlette
from starlette.middleware import Middleware

from tests.support.listing import guard_of
from watchword.adapters import asgi, fastapi, flask, quart, wsgi
from watchword.adapters.aiohttp import guard_middleware
from watchword.adapters.litestar import GuardPlugin
from watchword.cli.failures import Failure
from watchword.cli.loading import find_guard

if TYPE_CHECKING:
    from collections.abc import Callable

    from watchword import Guard

if not settings.configured:
    settings.configure(ALLOWED_HOSTS=["*"], SECRET_KEY="x")


def with_extension(app: Any, extension: Any, guard: Guard) -> Any:
    """Return an application with the extension."""
    extension(app, guard)
    return app


def with_attribute(app: Any, guard: Guard) -> Any:
    """Return an application whose `wsgi_app` is guarded."""
    app.wsgi_app = wsgi.GuardMiddleware(app.wsgi_app, guard)
    return app


@get("/x")
async def view() -> None:
    """Answer."""


MADE: dict[str, Callable[[Guard], Any]] = {
    "starlette": lambda guard: Starlette(middleware=[Middleware(asgi.GuardMiddleware, guard=guard)]),
    "starlette, positional": lambda guard: Starlette(middleware=[Middleware(asgi.GuardMiddleware, guard)]),
    "fastapi": lambda guard: with_extension(FastAPI(), fastapi.install, guard),
    "flask": lambda guard: with_extension(Flask("x"), flask.Watchword, guard),
    "flask, wsgi_app": lambda guard: with_attribute(Flask("x"), guard),
    "quart": lambda guard: with_extension(Quart("x"), quart.Watchword, guard),
    "aiohttp": lambda guard: web.Application(middlewares=[guard_middleware(guard)]),
    "litestar": lambda guard: Litestar([view], plugins=[GuardPlugin(guard)]),
    "asgi": lambda guard: asgi.GuardMiddleware(Starlette(), guard),
    "wsgi": lambda guard: wsgi.GuardMiddleware(Flask("x"), guard),
}


@pytest.mark.parametrize("name", MADE)
def test_the_guard_is_found(name: str) -> None:
    """It stands around the application, or among its middlewares, extensions and plugins."""
    guard = guard_of()
    assert find_guard(MADE[name](guard)) is guard


def test_the_guard_of_django_is_found() -> None:
    """The settings name it."""
    guard = guard_of()
    with override_settings(WATCHWORD={"GUARD": guard}, MIDDLEWARE=[], ROOT_URLCONF=__name__):
        assert find_guard(WSGIHandler()) is guard
    with override_settings(MIDDLEWARE=[], ROOT_URLCONF=__name__), pytest.raises(Failure, match="shows no guard"):
        find_guard(WSGIHandler())
