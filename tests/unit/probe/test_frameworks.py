"""Known faults of frameworks and libraries are found, in the applications that their documentation shows."""

from __future__ import annotations

import base64
import datetime as dt
from typing import Any

from django.urls import path as django_path
from fastapi import Depends, FastAPI
from fastapi.security import APIKeyHeader, HTTPBasic, HTTPBearer, HTTPDigest, OAuth2PasswordBearer
from flask import Flask
from flask_httpauth import HTTPBasicAuth, HTTPDigestAuth, HTTPTokenAuth
from flask_jwt_extended import JWTManager, create_access_token, jwt_required
from starlette.applications import Starlette
from starlette.authentication import AuthCredentials, AuthenticationBackend, AuthenticationError, SimpleUser, requires
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from tests.support import django_settings
from tests.support.each import each
from tests.support.probed import levels
from watchword.probe import basic, bearer
from watchword.testing import probe_app

PASSWORD = "correct horse battery"


def faults(app: Any, **options: Any) -> dict[str, str]:
    """The errors and warnings about the path /orders."""
    return levels(probe_app(app, "/orders", fail_on="never", **options))


def flask_httpauth(auth: Any) -> Flask:
    """An application behind a login of Flask-HTTPAuth."""
    app = Flask(__name__)
    app.config["SECRET_KEY"] = "x" * 40
    app.get("/orders")(auth.login_required(lambda: "served"))
    return app


def test_flask_httpauth() -> None:
    """Basic is right. A refused token is not told apart from none. Digest quotes its algorithm, and offers MD5 alone."""
    auth = HTTPBasicAuth()
    auth.verify_password(lambda name, password: name if password == PASSWORD else None)
    assert faults(flask_httpauth(auth)) == {}
    assert faults(flask_httpauth(auth), presented=basic("ann", PASSWORD)) == {}
    tokens = HTTPTokenAuth("Bearer")
    tokens.verify_token(lambda token: "ann" if token == "right-token" else None)
    assert faults(flask_httpauth(tokens)) == {"R6750-3-6": "warning"}
    assert faults(flask_httpauth(tokens), presented=bearer("right-token")) == {"R6750-3-6": "warning"}
    digest = HTTPDigestAuth()
    digest.get_password(lambda _: PASSWORD)
    assert faults(flask_httpauth(digest)) == {"R7616-3.3-4": "error", "R7616-3.7-3": "warning"}


def fastapi(scheme: Any) -> FastAPI:
    """An application that reads credentials by a scheme of FastAPI, and verifies none."""
    app = FastAPI()
    app.get("/orders", dependencies=[Depends(scheme)])(lambda: "served")
    return app


@each(
    ("scheme", "expected"),
    [
        (HTTPBasic(), {"R7617-2-1": "error", "R9110-11.4-2": "error"}),
        (HTTPBasic(realm="orders"), {"R9110-11.4-2": "error"}),
        (HTTPBearer(), {"R6750-3-2": "error", "R9110-11.4-2": "error"}),
        (OAuth2PasswordBearer("token"), {"R6750-3-2": "error", "R9110-11.4-2": "error"}),
        (APIKeyHeader(name="X-API-Key"), {}),
        (HTTPDigest(), {"R7616-3.3-1": "error", "R7616-3.7-3": "warning"}),
    ],
)
def test_fastapi(scheme: Any, expected: dict[str, str]) -> None:
    """The schemes send challenges without realm, and read credentials that nobody verifies here."""
    assert faults(fastapi(scheme)) == expected


class Backend(AuthenticationBackend):
    """The backend of Starlette's documentation."""

    async def authenticate(self, conn: Any) -> Any:
        """Return who it is."""
        scheme, _, text = conn.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            name, _, password = base64.b64decode(text).decode("ascii").partition(":")
        except ValueError:
            raise AuthenticationError("Invalid basic auth credentials") from None
        if password != PASSWORD:
            raise AuthenticationError("Invalid basic auth credentials")
        return AuthCredentials(["authenticated"]), SimpleUser(name)


@requires("authenticated")
async def orders(request: Any) -> PlainTextResponse:
    """Serve."""
    return PlainTextResponse("served")


def test_starlette() -> None:
    """`requires` answers 403 to a caller without credentials, and the middleware 400 to one with wrong ones."""
    app = Starlette(routes=[Route("/orders", orders)], middleware=[Middleware(AuthenticationMiddleware, backend=Backend())])
    assert faults(app, presented=basic("ann", PASSWORD)) == {"R9110-11.4-1": "warning"}
    assert faults(app, presented=basic("ann", "wrong horse")) == {"R9110-11.4-2": "warning", "credentials-accepted": "error"}


def test_django_rest_framework() -> None:
    """With sessions first, as it comes, a caller without credentials is 403; with Basic first all is right."""
    from rest_framework.authentication import BasicAuthentication, SessionAuthentication, TokenAuthentication
    from rest_framework.permissions import IsAuthenticated
    from rest_framework.response import Response
    from rest_framework.views import APIView

    def view(*classes: Any) -> Any:
        class Orders(APIView):  # type: ignore[misc]
            authentication_classes = classes
            permission_classes = (IsAuthenticated,)

            def get(self, request: Any) -> Response:
                return Response("served")

        return Orders.as_view()

    from django.core.handlers.wsgi import WSGIHandler

    for classes, expected in [
        ((SessionAuthentication, BasicAuthentication), {"R9110-11.4-1": "warning"}),
        ((BasicAuthentication, SessionAuthentication), {}),
        ((TokenAuthentication,), {}),
    ]:
        with django_settings.project([django_path("orders", view(*classes))], None, MIDDLEWARE=[]), django_settings.database():
            assert faults(WSGIHandler()) == expected


def test_flask_jwt_extended() -> None:
    """A 401 without a challenge, 422 for a token that is none, a scheme that is compared by letter case; an expired token is explained."""
    app = Flask(__name__)
    app.config["JWT_SECRET_KEY"] = "x" * 40
    JWTManager(app)
    app.get("/orders")(jwt_required()(lambda: "served"))
    with app.app_context():
        valid = create_access_token("ann")
        expired = create_access_token("ann", expires_delta=dt.timedelta(hours=-3))
    known = {"R9110-11.6.1-1": "error", "R9110-11.4-2": "warning"}
    assert faults(app) == known
    assert faults(app, presented=bearer(valid)) == {**known, "R9110-11.1-1": "error"}
    report = probe_app(app, "/orders", presented=bearer(expired), fail_on="never")
    assert levels(report) == {**known, "credentials-accepted": "error", "token-time": "error"}
    assert any("expired 3 h ago" in finding.message for finding in report.findings)
    assert any('"Token has expired"' in finding.message for finding in report.findings)
