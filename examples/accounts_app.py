"""A FastAPI application with accounts, tokens and API keys in a database, and what one does when they are stolen.

Make the database and the first account, whose password is asked for:
    pip install 'watchword[cli,sql]' fastapi uvicorn
    export WATCHWORD_STORE=sqlite:///auth.db
    watchword store init
    watchword user add ann --role admin --scope orders:read
Run it:
    python accounts_app.py
Then try:
    curl -u ann -X POST http://127.0.0.1:8000/tokens
    curl -i -H "Authorization: Bearer wwt_..." http://127.0.0.1:8000/orders/7
    curl -u ann -X DELETE http://127.0.0.1:8000/admin/credentials/ann
    curl -i -H "Authorization: Bearer wwt_..." http://127.0.0.1:8000/orders/7

The last answer is 401: the token was revoked, and no memory of it lets anybody in.
"""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, FastAPI, HTTPException, Request

from watchword import APIKey, Basic, Bearer, Guard, NotFound, Principal, role, scope, via
from watchword.adapters.asgi import GuardMiddleware
from watchword.checkers import Accounts, APIKeys, OpaqueTokens
from watchword.stores import SQLStore

if TYPE_CHECKING:
    from collections.abc import Iterator


def principal(request: Request) -> Principal:
    who: Principal = request.user
    return who


Who = Annotated[Principal, Depends(principal)]


def make_app(url: str) -> FastAPI:
    store = SQLStore(url)
    accounts, tokens, keys = Accounts(store, disclose={"password_expired"}, max_age=365 * 86_400), OpaqueTokens(store), APIKeys(store)
    guard = Guard(
        Basic(accounts, realm="orders"),
        Bearer(tokens, realm="orders"),
        APIKey(keys, realm="orders"),
        rules={
            "/orders/{id}": scope("orders:read"),
            # A password makes tokens and keys. A token or a key does not: whoever steals one cannot make more of it.
            "POST /tokens": via("Basic"),
            "POST /keys": via("Basic"),
            "/admin/**": role("admin") & via("Basic"),
        },
    )
    app = FastAPI(title="Orders")
    app.add_middleware(GuardMiddleware, guard=guard)

    # These block, so they are plain functions: FastAPI calls them in worker threads.
    @app.get("/orders/{id}")
    def read(id: int, who: Who) -> dict[str, object]:  # noqa: A002 - the name in the path
        return {"order": id, "for": who.id}

    @app.post("/tokens", status_code=201)
    def log_in(who: Who) -> dict[str, object]:
        made = tokens.create(who.id, scopes=who.scopes, expires_in=3600, label="log in")
        return {"token": made.token, "expires_at": made.record.expires_at}

    @app.post("/keys", status_code=201)
    def make_key(who: Who, label: str) -> dict[str, object]:
        made = keys.create(who.id, scopes=who.scopes, label=label)
        return {"key": made.key, "id": made.record.id}  # the only time that it is there

    @app.delete("/admin/credentials/{name}")
    def revoke(name: str) -> dict[str, int]:
        with not_found_is_404():
            owner = accounts.get(name).id  # of keys and tokens: an account may have several names
        dead_keys, dead_tokens = keys.revoke_all(owner)
        return {"keys": dead_keys, "tokens": dead_tokens}

    @app.post("/admin/accounts/{name}/disable", status_code=204)
    def disable(name: str) -> None:
        with not_found_is_404():
            accounts.disable(name)

    return app


@contextmanager
def not_found_is_404() -> Iterator[None]:
    try:
        yield
    except NotFound as error:
        raise HTTPException(404, str(error)) from None


if __name__ == "__main__":
    import uvicorn

    logging.basicConfig(level=logging.INFO)  # why each request was refused, which the client is not told
    uvicorn.run(make_app(os.environ.get("WATCHWORD_STORE", "sqlite:///auth.db")), port=8000, proxy_headers=False)
