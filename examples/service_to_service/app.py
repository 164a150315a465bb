"""An API that other programs call: pip install 'watchword[jwt]' starlette uvicorn; ISSUER=http://localhost:9000 python app.py"""

import os

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from watchword import Bearer, Guard, scope
from watchword.adapters.asgi import GuardMiddleware
from watchword.checkers import JWT


async def orders(request: Request) -> Response:
    claims = request.user.claims  # a program is its own subject; a job that acts for a person has two names here
    return JSONResponse({"for": claims["sub"], "by": claims["client_id"]})


def make_app(issuer: str) -> Starlette:
    tokens = JWT(issuer=issuer, audience="orders")  # the keys are found by the issuer's metadata
    guard = Guard(Bearer(tokens), rules={"GET /orders": scope("orders:read"), "POST /orders": scope("orders:write")})
    routes = [Route("/orders", orders, methods=["GET", "POST"])]
    return Starlette(routes=routes, middleware=[Middleware(GuardMiddleware, guard=guard)])


if __name__ == "__main__":
    uvicorn.run(make_app(os.environ["ISSUER"]), port=8000, proxy_headers=False)
