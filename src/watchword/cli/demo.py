"""Serves `watchword demo`: five routes behind one guard with three schemes."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from argon2 import PasswordHasher

from watchword import APIKey, Basic, Bearer, Guard, Principal, Requirement, authenticated, optional, public, role, scope
from watchword.adapters.asgi import GuardMiddleware
from watchword.checkers import Tokens, Users

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
        principals={"ann": Principal("ann", roles={"admin"}, scopes={"orders:read"}, claims={"name": "Ann Example"})},
    )
    check_token = Tokens(
        {
            tokens["shop"]: Principal("shop", scopes={"orders:read"}, kind="client"),
            tokens["newsletter"]: Principal("newsletter", scopes={"mail:send"}, kind="client"),
        }
    )
    check_key = Tokens({keys["robot"]: Principal("robot", scopes={"orders:read"}, kind="client")})
    realm = "watchword demo"
    guard = Guard(Basic(check_user, realm=realm), Bearer(check_token, realm=realm), APIKey(check_key, realm=realm), rules=RULES)
    return Demo(users, tokens, keys, GuardMiddleware(_answer, guard))


async def _answer(scope: Scope, _receive: Receive, send: Send) -> None:
    """Describe the caller in JSON. The guard has let the request pass before."""
    allow: list[tuple[bytes, bytes]] = []
    if scope["path"] not in RULES:
        status, content = 404, _json(error="there is no such page")
    elif scope["method"] not in {"GET", "HEAD"}:
        status, content, allow = 405, _json(error="only GET and HEAD are served here"), [(b"allow", b"GET, HEAD")]
    else:
        status, content = 200, _json(path=scope["path"], needs=str(RULES[scope["path"]]), **_who(scope["user"]))
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(content)), *allow]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else content})


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
