"""A Flask application with refresh tokens: pip install 'watchword[jwt]' flask; flask --app app:app run"""

from argon2 import PasswordHasher
from flask import Flask, request
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from watchword import Accepted, BasicCredentials, Bearer, Guard, public, scope
from watchword.adapters.flask import Watchword, current_principal, requires
from watchword.adapters.token_endpoints import wsgi_app
from watchword.checkers import APIKeys, Users
from watchword.issuing import KeyRing, TokenEndpoints, TokenIssuer
from watchword.stores import MemoryStore

users, store = Users({"ann": PasswordHasher().hash("sesame")}), MemoryStore()  # in production: Accounts and SQLStore
issuer = TokenIssuer(KeyRing.generate(), store, issuer="https://shop.example.com", audience="https://shop.example.com")
app = Flask(__name__)
guard = Guard(Bearer(issuer.access_tokens()), rules={"POST /login": public, "POST /logout": public})
Watchword(app, guard)
endpoints = wsgi_app(TokenEndpoints(issuer, APIKeys(store), public_clients=["app"]))
app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/token": endpoints, "/revoke": endpoints})


@app.post("/login")
def login() -> tuple[dict[str, object], int]:
    verdict = users.check(BasicCredentials(request.form.get("name", ""), request.form.get("password", "")))
    if not isinstance(verdict, Accepted):
        return {"error": "invalid_grant"}, 400
    return issuer.issue(verdict.principal.id, "app", scopes=["orders:read"]).response(), 200


@app.post("/logout")
def logout() -> tuple[str, int]:
    issuer.revoke(request.form.get("refresh_token", ""))
    return "", 204


@app.get("/orders")
@requires(scope("orders:read"))
def orders() -> dict[str, object]:
    return {"for": current_principal.claims["sub"]}
