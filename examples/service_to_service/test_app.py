"""Tests of issuer.py, app.py and job.py, on real servers. Run it: pytest test_app.py"""

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
import uvicorn
from app import make_app
from authlib.integrations.base_client.errors import OAuthError
from issuer import make_issuer
from job import connect, connect_for

from watchword.adapters.token_endpoints import asgi_app
from watchword.checkers import APIKeys
from watchword.issuing import KeyRing, TokenIssuer
from watchword.stores import SQLStore
from watchword.testing import assert_challenged, assert_forbidden


@dataclass
class Services:
    url: str
    api: str
    issuer: TokenIssuer
    keys: APIKeys
    secret: str


@contextmanager
def serving(app: object, bound: socket.socket) -> Iterator[None]:
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
    thread.start()
    yield
    server.should_exit = True
    thread.join()


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    with ExitStack() as stack:
        store = stack.enter_context(closing(SQLStore(f"sqlite:///{tmp_path}/auth.db", create=True)))
        bound = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(2)]
        url, api = (f"http://127.0.0.1:{one.getsockname()[1]}" for one in bound)
        issuer, endpoints = make_issuer(url, KeyRing.generate(), store)
        stack.enter_context(serving(asgi_app(endpoints), bound[0]))
        stack.enter_context(serving(make_app(url), bound[1]))
        keys = APIKeys(store)
        yield Services(url, f"{api}/orders", issuer, keys, keys.create("nightly", kind="client", scopes=["orders:read"]).key)


def test_a_program_calls_for_itself(services: Services) -> None:
    with closing(connect(services.url, services.secret)) as session:
        assert session.get(services.api).json() == {"for": "nightly", "by": "nightly"}
        assert_forbidden(session.post(services.api), "Bearer", error="insufficient_scope")


def test_it_gets_the_next_token_by_itself(services: Services) -> None:
    with closing(connect(services.url, services.secret)) as session:
        first = session.token["access_token"]
        session.token["expires_at"] = 0  # ten minutes later
        assert session.get(services.api).is_success
        assert session.token["access_token"] != first


def test_a_revoked_secret_gets_no_token(services: Services) -> None:
    with closing(connect(services.url, services.secret)) as session:
        (key,) = services.keys.list("nightly")
        services.keys.revoke(key.id)
        session.token["expires_at"] = 0
        with pytest.raises(OAuthError, match="invalid_client"):
            session.get(services.api)


def test_a_program_calls_for_a_person(services: Services) -> None:
    login = services.issuer.issue("ann", "nightly", scopes=["orders:read"])  # the application that ann logs in to does this
    kept = [str(login.refresh_token)]
    with closing(connect_for(services.url, services.secret, kept[-1], kept.append)) as session:
        assert session.get(services.api).json() == {"for": "ann", "by": "nightly"}
        session.token["expires_at"] = 0
        assert session.get(services.api).is_success
        assert kept[0] != kept[1] != kept[2]
        services.issuer.revoke(login.family)  # ann logs out
        session.token["expires_at"] = 0
        with pytest.raises(OAuthError, match="invalid_grant"):
            session.get(services.api)


def test_without_a_token_nothing_is_open(services: Services) -> None:
    assert_challenged(httpx2.get(services.api), "Bearer", scope="orders:read")
