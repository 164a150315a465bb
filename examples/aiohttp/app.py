"""An aiohttp application behind a guard: `python app.py`, then `curl -i -u ann:sesame http://127.0.0.1:8000/reports`."""

from aiohttp import web
from argon2 import PasswordHasher

from watchword import Basic, Guard, Principal, public, role
from watchword.adapters.aiohttp import guard_middleware, principal_of, requires
from watchword.checkers import Users

hashes = {name: PasswordHasher().hash(password) for name, password in {"ann": "sesame", "bob": "mellon"}.items()}
users = Users(hashes, principals={"ann": Principal("ann", roles={"auditor"})})
guard = Guard(Basic(users, realm="orders"), rules={"/healthz": public})  # every other path needs a login
routes = web.RouteTableDef()


@routes.get("/healthz")
async def healthz(_request: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


@routes.get("/orders/{number}")
async def order(request: web.Request) -> web.Response:
    return web.json_response({"order": request.match_info["number"], "for": principal_of(request).id})


@routes.get("/reports")
@requires(role("auditor"))
async def reports(_request: web.Request) -> web.Response:
    return web.json_response({"reports": []})


def make_app() -> web.Application:
    app = web.Application(middlewares=[guard_middleware(guard)])
    app.add_routes(routes)
    return app


if __name__ == "__main__":
    web.run_app(make_app(), host="127.0.0.1", port=8000)
