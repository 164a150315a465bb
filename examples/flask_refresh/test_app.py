"""Tests of app.py: log in, refresh, log out. Run it: pytest test_app.py"""

from app import app

from watchword.testing import assert_challenged, bearer

client = app.test_client()
APP = {"grant_type": "refresh_token", "client_id": "app"}


def login() -> dict[str, str]:
    return client.post("/login", data={"name": "ann", "password": "sesame"}).json


def test_a_login_gives_tokens() -> None:
    assert client.post("/login", data={"name": "ann", "password": "guess"}).json == {"error": "invalid_grant"}
    assert client.get("/orders", headers=bearer(login()["access_token"])).json == {"for": "ann"}
    assert_challenged(client.get("/orders"), "Bearer")


def test_a_refresh_token_gives_the_next_tokens() -> None:
    first = login()
    again = client.post("/token", data={**APP, "refresh_token": first["refresh_token"]})
    assert again.json["refresh_token"] != first["refresh_token"]
    assert client.get("/orders", headers=bearer(again.json["access_token"])).json == {"for": "ann"}


def test_fewer_scopes_are_fewer_rights() -> None:
    none = client.post("/token", data={**APP, "refresh_token": login()["refresh_token"], "scope": "orders:write"})
    assert none.json["error"] == "invalid_scope"


def test_a_log_out_ends_both_tokens() -> None:
    tokens = login()
    assert client.post("/logout", data=tokens).status == "204 NO CONTENT"
    assert client.post("/token", data={**APP, "refresh_token": tokens["refresh_token"]}).json["error"] == "invalid_grant"
    assert_challenged(client.get("/orders", headers=bearer(tokens["access_token"])), "Bearer")
