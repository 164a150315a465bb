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


def basic(name: str, password: str) -> dict[str, str]:
    """The field that curl sends for `-u name:password`."""
    return {"Authorization": "Basic " + b64encode(f"{name}:{password}".encode()).decode()}


@pytest.mark.parametrize("framework", ["aiohttp", "fastapi", "flask", "litestar", "quart", "starlette"])
def test_the_tests_of_an_example_pass(framework: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those in the folder of the example, which show how an application is tested."""
    monkeypatch.setitem(sys.modules, "app", load_example(f"{framework}/app"))
    tests = [test for name, test in vars(load_example(f"{framework}/test_app")).items() if name.startswith("test_")]
    assert len(tests) >= 4
    for test in tests:
        test()


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
def django() -> Iterator[str]:
    """The URL of the example, served by a process of its own: Django is configured once for a whole process."""
    code = (
        "import app; from wsgiref.simple_server import make_server; app.call_command('migrate', verbosity=0);"
        "app.get_user_model().objects.create_user('ann', password='sesame').groups.create(name='buyers');"
        "server = make_server('127.0.0.1', 0, app.application); print(server.server_port, flush=True); server.serve_forever()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=EXAMPLES / "django", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.kill()
        process.communicate()


class TestDjango:
    def test_every_route_answers_by_its_rule(self, django: str) -> None:
        """The guard stands in Django, and an account of the project logs in."""
        assert httpx2.get(django + "/healthz").json() == {"status": "ok"}
        refused = httpx2.get(django + "/orders/7")
        assert (refused.status_code, refused.headers["www-authenticate"]) == (401, 'Basic realm="orders", charset="UTF-8"')
        assert httpx2.get(django + "/orders/7", auth=("ann", "sesame")).json() == {"order": 7, "for": "ann"}
