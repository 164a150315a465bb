"""P15 for the middleware of Django: by any server, mount and FORCE_SCRIPT_NAME, the rule that decided is the rule of the view that ran."""

# ruff: noqa: N802 - a test carries the id of its row

from __future__ import annotations

import asyncio
from functools import partial
from logging import CRITICAL
from random import Random
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest

from tests.support import django_settings
from tests.support.frameworks import ask_asgi, ask_wsgi
from tests.support.wire import Request, asgi_scope, wsgi_environ
from watchword import Bearer, Guard, Principal, nobody, role
from watchword.checkers.adapt import nonblocking

# isort: split
# After the settings.
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpResponse
from django.urls import re_path

# The narrower ones first, as the rules have it.
PATHS = ["", "a", "a/", "a/b", "m/a", "m", "m/m/a", "é", "m/{x}/b", "a/{x}", "a/**", "{x}"]
SEGMENTS = [
    "a",
    "b",
    "m",
    "é",
    "%61",
    "%2f",
    "a%2fb",
    "..",
    ".",
    "",
    "%00",
    "%ff",
    "%C3%A9",
    "x%20y",
    "a;b",
    "A",
    "%2e%2e",
    "\\",
    "%5c",
    "%3f",
]
ANN = Principal("ann", roles=[f"role {path}" for path in PATHS])
GUARD = Guard(Bearer(nonblocking(lambda credentials: ANN)), rules={f"/{path}": role(f"role {path}") for path in PATHS}, default=nobody)
MOUNTS = ["", "", "/m", "/a", "/m/"]
TOKEN = (("Authorization", "Bearer x"),)


def view(name: str, ran: list[tuple[str, str]]) -> Any:
    """A view that notes the rule that has let it run."""

    def noting(request: Any, **_: str) -> HttpResponse:
        ran.append((f"/{name}", request.META["watchword.decision"].rule))
        return HttpResponse()

    return noting


def asked(random: Random) -> Request:
    """A request for some path."""
    target = "/" + "/".join(random.choice(SEGMENTS) for _ in range(random.randint(0, 4)))
    return Request(target=target, method=random.choice(["GET", "POST", "get", "HEAD"]), headers=TOKEN)


def by_wsgi(random: Random, request: Request) -> dict[str, Any]:
    """What a server makes of it that has a mount: it takes that off the path, or leaves it on."""
    path, mount = unquote_to_bytes(request.target), random.choice(MOUNTS)
    below = path.removeprefix(mount.encode()) if random.random() < 0.7 else path
    return {**wsgi_environ(request), "SCRIPT_NAME": mount, "PATH_INFO": below.decode("latin-1")}


def by_asgi(random: Random, request: Request) -> dict[str, Any]:
    """What a server makes of it that has a mount: it puts that before the path, or does not."""
    path, mount = unquote_to_bytes(request.target).decode("utf-8", "surrogateescape"), random.choice(MOUNTS)
    return {**asgi_scope(request), "root_path": mount, "path": mount.rstrip("/") + path if random.random() < 0.5 else path}


@pytest.mark.parametrize("forced", [None, "/m", "/m/"])
def test_P15_decision_and_view_agree_in_django(
    forced: str | None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """And nothing that a client or a server sends is an error."""
    caplog.set_level(CRITICAL)
    ran: list[tuple[str, str]] = []
    patterns = [path.replace("{x}", "(?P<x>[^/]+)").replace("**", "(?P<x>.+)") for path in PATHS]
    urls = [re_path(f"^{pattern}$", view(path, ran)) for path, pattern in zip(PATHS, patterns, strict=True)]
    settings = {"MIDDLEWARE": ["watchword.adapters.django.GuardMiddleware"], "FORCE_SCRIPT_NAME": forced}
    random, statuses = Random(15), set[int]()
    with django_settings.project(urls, GUARD, **settings):
        wsgi, asgi = WSGIHandler(), ASGIHandler()
        monkeypatch.setattr("tests.support.frameworks.wsgi_environ", partial(by_wsgi, random))
        monkeypatch.setattr("tests.support.frameworks.asgi_scope", partial(by_asgi, random))

        async def main() -> None:
            for _ in range(120):
                statuses.add(ask_wsgi(wsgi, asked(random)).status)
                statuses.add((await ask_asgi(asgi, asked(random))).status)

        asyncio.run(main())
    assert ran
    assert [(name, rule) for name, rule in ran if name not in rule.split(" and ")] == []
    assert statuses <= {200, 400, 403, 404}
