"""A FastAPI application behind a guard; who it is comes as a dependency.

Run it:
    pip install watchword fastapi uvicorn
    python fastapi_app.py
Then try:
    curl -i -H "X-API-Key: 91c2f0a7d35e4b18" http://127.0.0.1:8000/orders/7
    curl -i -H "X-API-Key: 91c2f0a7d35e4b18" -X DELETE http://127.0.0.1:8000/orders/7
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, FastAPI, Request
from fastapi.middleware.cors import CORSMiddleware

from watchword import APIKey, Guard, Principal, public, scope
from watchword.adapters.asgi import GuardMiddleware
from watchword.checkers import Tokens

keys = Tokens(
    {
        "91c2f0a7d35e4b18": Principal("shop", scopes={"orders:read"}, kind="client"),
        "e0a6413c7b8f4d25": Principal("ann", scopes={"orders:read", "orders:write"}),
    }
)
guard = Guard(
    APIKey(keys, realm="orders"),
    rules={
        "/docs": public,
        "/openapi.json": public,
        "/orders/{id}": scope("orders:read"),
        "DELETE /orders/{id}": scope("orders:write"),
    },
)

app = FastAPI(title="Orders")
# The middleware that is added last stands outermost. CORS belongs outside: without its headers a script cannot read a 401.
app.add_middleware(GuardMiddleware, guard=guard)
app.add_middleware(CORSMiddleware, allow_origins=["https://app.example.com"], allow_methods=["*"], allow_headers=["X-API-Key"])


def principal(request: Request) -> Principal:
    who: Principal = request.user
    return who


Who = Annotated[Principal, Depends(principal)]


@app.get("/orders/{id}")
def read(id: int, who: Who) -> dict[str, object]:  # noqa: A002 - the name in the path
    return {"order": id, "for": who.id}


@app.delete("/orders/{id}", status_code=204)
def delete(id: int) -> None:  # noqa: A002 - the name in the path
    print("deleted", id)


if __name__ == "__main__":
    import uvicorn

    uvicorn.run(app, port=8000, proxy_headers=False)
