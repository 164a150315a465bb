"""The examples for frameworks do what they say, in the hands of each framework's own test client."""

from __future__ import annotations

import shutil
import subprocess
import sys
from base64 import b64encode
from typing import TYPE_CHECKING

import httpx2
import pytest
from starlette.testclient import TestClient

from tests.support.command import STRONG, run
from tests.support.examples import EXAMPLES, load_example
from watchword.checkers import Accounts
from watchword.stores import SQLStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask.testing import FlaskClient


def basic(name: str, password: str) -> dict[str, str]:
    """The field that curl sends for `-u name:password`."""
    return {"Authorization": "Basic " + b64encode(f"{name}:{password}".encode()).decode()}


@pytest.fixture(scope="module")
def starlette() -> TestClient:
    """A client of the example."""
    return TestClient(load_example("starlette_app").app)


class TestStarlette:
    def test_every_route_answers_by_its_rule(self, starlette: TestClient) -> None:
        """The rules decide each route, and views get the principal."""
        token = {"Authorization": "Bearer 3f7c0d1e5a924b68"}
        assert starlette.get("/healthz").json() == {"status": "ok"}
        assert starlette.get("/").json() == {"hello": "stranger"}
        assert starlette.get("/", headers=basic("ann", "sesame")).json() == {"hello": "ann"}
        assert starlette.get("/orders/7", headers=basic("ann", "sesame")).json() == {"order": 7, "for": "ann"}
        assert starlette.get("/orders/7", headers=token).json() == {"order": 7, "for": "shop"}
        assert starlette.get("/orders/7").headers.get_list("www-authenticate") == [
            'Basic realm="orders", charset="UTF-8"',
            'Bearer realm="orders", scope="orders:read"',
        ]

    def test_starlettes_own_decorator_adds_to_the_rule(self, starlette: TestClient) -> None:
        """Starlette's `@requires` sees the scopes, and refuses a caller without them whom the rule lets pass."""
        assert starlette.get("/report").status_code == 401
        assert starlette.get("/report", headers=basic("ann", "sesame")).status_code == 403


@pytest.fixture(scope="module")
def fastapi() -> TestClient:
    """A client of the example."""
    return TestClient(load_example("fastapi_app").app)


class TestFastAPI:
    def test_every_route_answers_by_its_rule(self, fastapi: TestClient, capsys: pytest.CaptureFixture[str]) -> None:
        """Reading and deleting need different scopes. The principal is a dependency."""
        shop, ann = {"X-API-Key": "91c2f0a7d35e4b18"}, {"X-API-Key": "e0a6413c7b8f4d25"}
        assert fastapi.get("/orders/7", headers=shop).json() == {"order": 7, "for": "shop"}
        assert fastapi.get("/orders/7").headers["www-authenticate"] == 'ApiKey realm="orders"'
        assert fastapi.delete("/orders/7", headers=shop).status_code == 403
        assert fastapi.delete("/orders/7", headers=ann).status_code == 204
        assert capsys.readouterr().out == "deleted 7\n"
        assert fastapi.get("/openapi.json").json()["info"]["title"] == "Orders"

    def test_a_script_of_the_other_origin_can_read_the_401(self, fastapi: TestClient) -> None:
        """The CORS layer outside the guard adds its fields to refusals, and answers preflights."""
        origin = {"Origin": "https://app.example.com"}
        assert fastapi.get("/orders/7", headers=origin).headers["access-control-allow-origin"] == "https://app.example.com"
        asked = {**origin, "Access-Control-Request-Method": "DELETE", "Access-Control-Request-Headers": "X-API-Key"}
        assert fastapi.options("/orders/7", headers=asked).status_code == 200


@pytest.fixture(scope="module")
def made_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with one account, made by the commands that the example names."""
    path = tmp_path_factory.mktemp("store") / "auth.db"
    for command in (["store", "init"], ["user", "add", "ann", "--role", "admin", "--scope", "orders:read"]):
        made = run(*command, given=f"{STRONG}\n", WATCHWORD_STORE=f"sqlite:///{path}")
        assert made.returncode == 0, made.stderr
    return path


@pytest.fixture
def accounts(made_store: Path, tmp_path: Path) -> Iterator[tuple[TestClient, str]]:
    """A client of the example with a copy of that store, and where the copy is."""
    url = f"sqlite:///{shutil.copy(made_store, tmp_path / 'auth.db')}"
    with TestClient(load_example("accounts_app").make_app(url)) as client:
        yield client, url


class TestAccounts:
    def test_tokens_and_keys_cannot_make_further_ones(self, accounts: tuple[TestClient, str]) -> None:
        """The password gets a token and a key. These read the orders, and make nothing."""
        client, _ = accounts
        ann = basic("ann", STRONG)
        token = {"Authorization": f"Bearer {client.post('/tokens', headers=ann).json()['token']}"}
        key = {"X-API-Key": client.post("/keys", params={"label": "nightly"}, headers=ann).json()["key"]}
        for shown in (ann, token, key):
            assert client.get("/orders/7", headers=shown).json() == {"order": 7, "for": "ann"}
        for path in ("/tokens", "/keys"):
            assert client.post(path, params={"label": "x"}, headers=token).status_code == 401
            assert client.post(path, params={"label": "x"}, headers=key).status_code == 401

    def test_revoked_credentials_are_refused_at_once(self, accounts: tuple[TestClient, str], caplog: pytest.LogCaptureFixture) -> None:
        """Revoking all ends the tokens and keys of an account, cached or not, and leaves its password."""
        client, _ = accounts
        ann = basic("ann", STRONG)
        token = {"Authorization": f"Bearer {client.post('/tokens', headers=ann).json()['token']}"}
        key = {"X-API-Key": client.post("/keys", params={"label": "nightly"}, headers=ann).json()["key"]}
        assert [client.get("/orders/7", headers=shown).status_code for shown in (token, token, key, key)] == [200] * 4
        assert client.delete("/admin/credentials/ann", headers=token).status_code == 401
        assert client.delete("/admin/credentials/zoe", headers=ann).status_code == 404
        assert client.delete("/admin/credentials/ann", headers=ann).json() == {"keys": 1, "tokens": 1}
        with caplog.at_level("INFO", logger="watchword"):
            assert [client.get("/orders/7", headers=shown).status_code for shown in (token, key)] == [401, 401]
        assert caplog.text.count(" of ann), GET /orders/7") == caplog.text.count("refused challenged: revoked (") == 2
        assert client.get("/orders/7", headers=ann).status_code == 200

    def test_a_disabled_account_is_refused(self, accounts: tuple[TestClient, str]) -> None:
        """Disabling an account ends its password, keys and tokens. An unknown account is the application's own 404."""
        client, _ = accounts
        ann = basic("ann", STRONG)
        token = {"Authorization": f"Bearer {client.post('/tokens', headers=ann).json()['token']}"}
        assert client.post("/admin/accounts/zoe/disable", headers=ann).status_code == 404
        assert client.post("/admin/accounts/ann/disable", headers=ann).status_code == 204
        assert [client.get("/orders/7", headers=shown).status_code for shown in (ann, token)] == [401, 401]

    def test_the_store_knows_the_time_of_the_login(self, accounts: tuple[TestClient, str]) -> None:
        """It is stored after the response."""
        client, url = accounts
        with SQLStore(url) as store:
            assert Accounts(store).get("ann").last_login_at is None
            assert client.get("/orders/7", headers=basic("ann", STRONG)).status_code == 200
            assert Accounts(store).get("ann").last_login_at is not None


@pytest.fixture(scope="module")
def flask() -> FlaskClient:
    """A client of the example."""
    client: FlaskClient = load_example("flask_app").app.test_client()
    return client


class TestFlask:
    def test_every_route_answers_by_its_rule(self, flask: FlaskClient) -> None:
        """A path without a rule needs a login, the admin's pages a role, and views get the principal."""
        ann, bob = basic("ann", "sesame"), basic("bob", "mellon")
        assert flask.get("/healthz").json == {"status": "ok"}
        assert flask.get("/orders/7").status_code == 401
        assert flask.get("/orders/7", headers=ann).json == {"order": 7, "for": "Ann Example"}
        assert flask.get("/admin/users", headers=bob).status_code == 403
        assert flask.get("/admin/users", headers=ann).json == {"users": ["ann", "bob"], "asked_by": "ann"}

    def test_a_foreign_network_gets_403_without_a_challenge(self, flask: FlaskClient) -> None:
        """No login helps from outside the network."""
        answer = flask.get("/admin/users", environ_overrides={"REMOTE_ADDR": "192.0.2.7"})
        assert (answer.status_code, answer.headers.get("WWW-Authenticate")) == (403, None)

    def test_the_refusal_page_shows_the_contact(self, flask: FlaskClient) -> None:
        """The HTML page of a refusal shows `Guard(contact=...)`."""
        answer = flask.get("/admin/users", headers={**basic("bob", "mellon"), "Accept": "text/html"})
        assert "mailto:helpdesk@example.com" in answer.text


@pytest.fixture(scope="module")
def django() -> Iterator[str]:
    """The URL of the example, served by a process of its own: Django is configured once for a whole process."""
    code = (
        "import django_app; from wsgiref.simple_server import make_server;"
        "server = make_server('127.0.0.1', 0, django_app.application); print(server.server_port, flush=True); server.serve_forever()"
    )
    process = subprocess.Popen([sys.executable, "-c", code], cwd=EXAMPLES, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.kill()
        process.communicate()


class TestDjango:
    def test_every_route_answers_by_its_rule(self, django: str) -> None:
        """The guard wraps Django, and views get the principal from the request."""
        assert httpx2.get(django + "/healthz").json() == {"status": "ok"}
        refused = httpx2.get(django + "/orders/7")
        assert (refused.status_code, refused.headers["www-authenticate"]) == (401, 'Basic realm="orders", charset="UTF-8"')
        assert httpx2.get(django + "/orders/7", auth=("ann", "sesame")).json() == {"order": 7, "for": "ann"}
