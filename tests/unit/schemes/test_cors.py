"""Tests the request fields that a CORS layer must allow."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.testclient import TestClient

from watchword import APIKey, Basic, Bearer, Guard, Principal
from watchword.adapters.asgi import GuardMiddleware
from watchword.checkers import Tokens
from watchword.schemes import cors_request_headers

TABLE = Tokens({"token": Principal("ann")})


def test_RFETCH_5_the_fields_of_all_schemes_are_named_once() -> None:  # noqa: N802 - the row of the requirements
    """Authorization and the key fields are listed by name; cookies and content types, which browsers send unasked, are not."""
    guard = Guard(Bearer(TABLE, form=True), APIKey(TABLE, header="X-Shop-Key", cookie="key"), Basic(lambda credentials: None, realm="a"))
    assert cors_request_headers(guard.schemes) == ["authorization", "x-shop-key"]
    assert [scheme.name for scheme in guard.schemes] == ["Basic", "Bearer", "ApiKey"]
    assert cors_request_headers([]) == []


def test_RFETCH_5_a_preflight_for_credentials_succeeds_with_them() -> None:  # noqa: N802 - the row of the requirements
    """A CORS layer that allows what the helper names lets a script of another origin send a token."""
    guard = Guard(Bearer(TABLE), APIKey(TABLE))
    app = CORSMiddleware(GuardMiddleware(Starlette(), guard), allow_origins=["*"], allow_headers=cors_request_headers(guard.schemes))
    asked = {
        "Origin": "https://a.example",
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "authorization, x-api-key",
    }
    answer = TestClient(app).options("/", headers=asked)
    assert answer.status_code == 200
    assert {"authorization", "x-api-key"} <= {name.strip().lower() for name in answer.headers["access-control-allow-headers"].split(",")}
