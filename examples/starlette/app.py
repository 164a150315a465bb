"""A Starlette application behind a guard: pip install watchword starlette uvicorn; python app.py
Then try: curl -i -H "Authorization: Bearer 3f7c0d1e5a924b68" http://127.0.0.1:8000/orders/7
"""

import uvicorn
from argon2 import PasswordHasher
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from watchword import Basic, Bearer, Guard, Principal, optional, role, scope
from watchword.adapters.asgi import GuardMiddleware
from watchword.adapters.starlette import requires
from watchword.checkers import Tokens, Users

ann = Principal("ann", roles={"auditor"}, scopes={"orders:read"})
passwords = Basic(Users({"ann": PasswordHasher().hash("sesame")}, principals={"ann": ann}), realm="orders")
tokens = Bearer(Tokens({"3f7c0d1e5a924b68": Principal("shop", scopes={"orders:read"})}), realm="orders")
guard = Guard(passwords, tokens, rules={"/": optional, "/orders/{id}": scope("orders:read")})  # every other path needs a login


async def home(request: Request) -> JSONResponse:
    return JSONResponse({"hello": request.user.display_name or "world"})


async def order(request: Request) -> JSONResponse:
    return JSONResponse({"order": request.path_params["id"], "for": request.user.id})


@requires(role("auditor"))
def reports(request: Request) -> JSONResponse:
    return JSONResponse({"reports": [], "for": request.user.id})


routes = [Route("/", home), Route("/orders/{id:int}", order), Route("/reports", reports)]
app = Starlette(routes=routes, middleware=[Middleware(GuardMiddleware, guard=guard)])
if __name__ == "__main__":
    uvicorn.run(app, port=8000, proxy_headers=False)
