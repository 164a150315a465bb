"""Serves `watchword demo`: five routes behind one guard with three schemes, and the console behind another guard."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from argon2 import PasswordHasher

from watchword import APIKey, Basic, Bearer, Guard, Principal, Requirement, authenticated, optional, public, role, scope
from watchword.adapters.asgi import GuardMiddleware
from watchword.checkers import Tokens, Users
from watchword.cli.demo_page import PAGE_HEADERS, front_page
from watchword.console import Console, Observed
from watchword.grammar.accept import preferred_type

if TYPE_CHECKING:
    from watchword.adapters.asgi import ASGIApp, Receive, Scope, Send

# The parameters that OWASP recommends for Argon2id: a hash takes some 20 ms, so the demo starts at once.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)

RULES: dict[str, Requirement] = {
    "/healthz": public,
    "/": optional,
    "/me": authenticated,
    "/orders": scope("orders:read"),
    "/admin": role("admin"),
}


@dataclass(frozen=True, slots=True)
class Demo:
    """The secrets of one run of the demo, by the names that they stand for, and the guarded application."""

    users: dict[str, str] = field(repr=False)
    tokens: dict[str, str] = field(repr=False)
    keys: dict[str, str] = field(repr=False)
    app: ASGIApp = field(repr=False)


def make_demo() -> Demo:
    """Make new secrets, a guard that accepts them, and the application behind it."""
    users = {name: token_hex(6) for name in ("ann", "bob")}
    tokens = {name: token_hex(16) for name in ("shop", "newsletter")}
    keys = {"robot": token_hex(16)}
    check_user = Users(
        {name: _HASHER.hash(password) for name, password in users.items()},
        principals={
            "ann": Principal(
                "ann", roles={"admin"}, scopes={"orders:read"}, permissions={"watchword:console"}, claims={"name": "Ann Example"}
            )
        },
    )
    check_token = Tokens(
        {
            tokens["shop"]: Principal("shop", scopes={"orders:read"}, kind="client"),
            tokens["newsletter"]: Principal("newsletter", scopes={"mail:send"}, kind="client"),
        }
    )
    check_key = Tokens({keys["robot"]: Principal("robot", scopes={"orders:read"}, kind="client")})
    realm = "watchword demo"
    observed = Observed()
    guard = Guard(
        Basic(check_user, realm=realm), Bearer(check_token, realm=realm), APIKey(check_key, realm=realm), rules=RULES, on_event=observed
    )
    console = Console(Guard(Basic(check_user, realm="watchword console")), observed=observed)
    return Demo(users, tokens, keys, _beside(GuardMiddleware(_answer, guard), console.asgi(mount="/console")))


def _beside(demo: ASGIApp, console: ASGIApp) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        await (console if path == "/console" or path.startswith("/console/") else demo)(scope, receive, send)

    return app


async def _answer(scope: Scope, _receive: Receive, send: Send) -> None:
    """Describe the caller in JSON, and show a browser the front page. The guard has let the request pass before."""
    allow: list[tuple[bytes, bytes]] = []
    kind = [(b"content-type", b"application/json")]
    if scope["path"] not in RULES:
        status, content = 404, _json(error="there is no such page")
    elif scope["method"] not in {"GET", "HEAD"}:
        status, content, allow = 405, _json(error="only GET and HEAD are served here"), [(b"allow", b"GET, HEAD")]
    elif scope["path"] == "/" and _is_browser(scope):
        status, content = 200, front_page(RULES, scope["user"]).encode()
        kind = [(name.lower().encode(), value.encode()) for name, value in PAGE_HEADERS]
    else:
        status, content = 200, _json(path=scope["path"], needs=str(RULES[scope["path"]]), **_who(scope["user"]))
    headers = [*kind, (b"content-length", b"%d" % len(content)), *allow]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else content})


def _is_browser(scope: Scope) -> bool:
    accept = b", ".join(value for name, value in scope["headers"] if name == b"accept")
    return preferred_type(accept or None, ["application/json", "text/html"]) == "text/html"


def _who(principal: Principal) -> dict[str, Any]:
    return {
        "you": principal.display_name or None,
        "id": principal.id or None,
        "scheme": None if principal.evidence is None else principal.evidence.scheme,
        "roles": sorted(principal.roles),
        "scopes": sorted(principal.scopes),
    }


def _json(**facts: object) -> bytes:
    return json.dumps(facts, indent=2).encode() + b"\n"
