"""A console behind its guard, asked by ASGI and by WSGI through httpx."""

from __future__ import annotations

import re
from base64 import b64encode
from html import unescape
from typing import TYPE_CHECKING, Any

import anyio
import httpx

from watchword import Basic, Guard, Principal
from watchword.console import PERMISSIONS, Console, Observed

if TYPE_CHECKING:
    from watchword import BasicCredentials

INTERFACES = ["asgi", "wsgi"]
OWN = {"Sec-Fetch-Site": "same-origin"}


def as_user(name: str, password: str = "s3cret") -> dict[str, str]:
    """Return the field with credentials."""
    return {"Authorization": "Basic " + b64encode(f"{name}:{password}".encode()).decode()}


ADMIN, VIEWER, NOBODY = as_user("admin"), as_user("viewer"), as_user("eve")
RIGHTS = {"admin": PERMISSIONS, "viewer": ("watchword:console",), "eve": ()}


def check(credentials: BasicCredentials) -> Principal | None:
    """Accept three callers: one with all permissions, one who may look, one who may do nothing."""
    if credentials.username in RIGHTS and credentials.password == "s3cret":
        return Principal(credentials.username, permissions=RIGHTS[credentials.username])
    return None


def own_guard(**options: Any) -> Guard:
    """Return a guard for a console."""
    return Guard(Basic(check, realm="console"), **options)


def make_console(**options: Any) -> Console:
    """Return a console."""
    return Console(options.pop("guard", None) or own_guard(), observed=options.pop("observed", None) or Observed(), **options)


def ask(console: Console, interface: str, method: str, path: str, **options: Any) -> httpx.Response:
    """Send one request to a console that is mounted at `/console`."""
    headers = {name: value for name, value in {**ADMIN, **options.pop("headers", {})}.items() if value is not None}
    url = f"http://service.example/console{path}"
    if interface == "wsgi":
        transport = httpx.WSGITransport(console.wsgi(mount="/console"), raise_app_exceptions=True)
        with httpx.Client(transport=transport) as client:
            return client.request(method, url, headers=headers, **options)

    async def send() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(console.asgi(mount="/console"))) as client:
            return await client.request(method, url, headers=headers, **options)

    return anyio.run(send)


def text_of(answer: httpx.Response) -> str:
    """Return the text of a page, without its markup."""
    return unescape(re.sub(r"<[^>]*>", " ", answer.text.partition("</style>")[2]))
