"""An API behind Keycloak: pip install "watchword[jwt]" fastapi uvicorn; ISSUER=http://localhost:8080/realms/shop python app.py

Add a mapper for the audience "orders-api" to the client in Keycloak: it writes no audience by itself.
"""

import os

import uvicorn
from fastapi import FastAPI

from watchword import Bearer, Guard, public, role, scope
from watchword.adapters.fastapi import CurrentPrincipal, install
from watchword.checkers import JWT
from watchword.checkers.jwt import KEYCLOAK


def make_app(issuer: str) -> FastAPI:
    tokens = JWT(issuer=issuer, audience="orders-api", claims=KEYCLOAK)  # the keys are found by the issuer's metadata
    rules = {"/healthz": public, "/orders/{number}": scope("orders"), "/admin/**": role("admin")}
    app = FastAPI(title="Orders", openapi_url=None)
    install(app, Guard(Bearer(tokens, realm="orders"), rules=rules))

    @app.get("/healthz")
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/orders/{number}")
    def order(number: int, who: CurrentPrincipal) -> dict[str, object]:
        return {"order": number, "for": who.claims["preferred_username"]}

    @app.get("/admin/users")
    def users(who: CurrentPrincipal) -> dict[str, list[str]]:
        return {"roles": sorted(who.roles)}

    return app


if __name__ == "__main__":
    uvicorn.run(make_app(os.environ["ISSUER"]), port=8000, proxy_headers=False)
