"""The application whose documentation page a browser visits: served by uvicorn for `test_docs_page.py`, and imported by nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from argon2 import PasswordHasher
from fastapi_offline import FastAPIOffline

from watchword import APIKey, Basic, Bearer, Guard, Principal, public, role, scope, via
from watchword.adapters.fastapi import CurrentPrincipal, Requires, install
from watchword.checkers import Tokens, Users

if TYPE_CHECKING:
    from fastapi import FastAPI

_hash = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash


def make(*paths: str) -> FastAPI:
    """Make an application with an operation at each path, which says who the caller is."""
    app = FastAPIOffline(redoc_url=None)
    for path in paths:

        @app.get(f"/{path}", operation_id=path, dependencies=[Requires(scope("read"))] if path == "token" else [])
        async def who(principal: CurrentPrincipal) -> str:
            return f"served to {principal.id or 'anybody'}"

    return app


guard = Guard(
    Basic(Users({"ann": _hash("s3cret")}), realm="office"),
    Bearer(Tokens({"tok-bob": Principal("bob", scopes={"read"})})),
    APIKey(Tokens({"key-cid": Principal("cid")})),
    rules={
        "/docs": public,
        "/openapi.json": public,
        "/static-offline-docs/**": public,
        "/open": public,
        "/password": via("Basic"),
        "/token": via("Bearer"),
        "/key": via("ApiKey"),
        "/private/**": via("Basic"),
        "/secret": role("admin").hidden(),
    },
)
asgi = make("open", "password", "token", "key", "secret")
install(asgi, guard)
asgi.mount("/private", make("inner"))
