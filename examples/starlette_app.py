"""A Starlette application behind a guard: passwords for people, tokens for programs.

Run it:
    pip install watchword starlette uvicorn
    python starlette_app.py
Then try:
    curl -i -u ann:sesame http://127.0.0.1:8000/orders/7
    curl -i -H "Authorization: Bearer 3f7c0d1e5a924b68" http://127.0.0.1:8000/orders/7
"""

from argon2 import PasswordHasher
from starlette.applications import Starlette
from starlette.authentication import requires
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from watchword import Basic, Bearer, Guard, Principal, authenticated, optional, public, scope
from watchword.adapters.asgi import GuardMiddleware
from watchword.checkers import Tokens, Users

# In earnest the hashes are made once and kept outside the source, and so are the tokens.
users = Users({"ann": PasswordHasher().hash("sesame")}, principals={"ann": Principal("ann", scopes={"orders:read"})})
tokens = Tokens({"3f7c0d1e5a924b68": Principal("shop", scopes={"orders:read"}, kind="client")})

guard = Guard(
    Basic(users, realm="orders"),
    Bearer(tokens, realm="orders"),
    rules={
        "/healthz": public,
        "/": optional,
        "/orders/{id}": scope("orders:read"),
        "/report": authenticated,
    },
)


async def healthz(_request: Request) -> JSONResponse:
    return JSONResponse({"status": "ok"})


async def home(request: Request) -> JSONResponse:
    # request.user is a Principal on every route, somebody or nobody in particular: never None.
    return JSONResponse({"hello": request.user.display_name or "stranger"})


async def order(request: Request) -> JSONResponse:
    return JSONResponse({"order": request.path_params["id"], "for": request.user.id})


@requires("reports:read")  # Starlette's own decorator sees the scopes too, and can add to a rule
async def report(request: Request) -> JSONResponse:  # noqa: ARG001 (requires() looks for it by this name)
    return JSONResponse({"orders": 1})


app = Starlette(
    routes=[Route("/healthz", healthz), Route("/", home), Route("/orders/{id:int}", order), Route("/report", report)],
    middleware=[Middleware(GuardMiddleware, guard=guard)],
)

if __name__ == "__main__":
    import uvicorn

    uvicorn.run(app, port=8000, proxy_headers=False)
