"""Clients of token endpoints that people use, in Python, against a real server: Authlib and requests-oauthlib."""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

import anyio
import pytest
import requests
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client, OAuth2Client
from authlib.integrations.requests_client import OAuth2Session as AuthlibSession
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata, get_well_known_url
from oauthlib.oauth2 import BackendApplicationClient, InvalidClientError, InvalidGrantError, WebApplicationClient
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

from tests.support.token_server import APP, JOB, ODD, ORDERS, SCOPES, Client, TokenServer, serving_tokens
from watchword.issuing import KeyRing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CHALLENGE = 'Basic realm="token", charset="UTF-8"'
METHODS = ("client_secret_basic", "client_secret_post")
OWN = {"grant_type": "client_credentials", "scope": SCOPES}
ALL = set(SCOPES.split())


@pytest.fixture(scope="module")
def server() -> Iterator[TokenServer]:
    """The endpoints behind uvicorn."""
    with serving_tokens(KeyRing.generate()) as found:
        yield found


@pytest.fixture(scope="module")
def metadata(server: TokenServer) -> dict[str, Any]:
    """What Authlib finds and validates (RFC 8414 §3)."""
    found = AuthorizationServerMetadata(requests.get(get_well_known_url(server.url, external=True), timeout=60).json())
    found.validate()
    return dict(found)


@pytest.fixture(params=[AuthlibSession, OAuth2Client], ids=["requests", "httpx"])
def connect(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Authlib's client, on each HTTP library."""

    def make(client: Client, method: str = METHODS[0], **options: Any) -> Any:
        ways = {"token_endpoint_auth_method": method, "revocation_endpoint_auth_method": method}
        return closing(request.param(client.id, client.secret or None, **ways, **options))

    return make


@pytest.fixture
def plain_http(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let oauthlib talk to a server of this machine."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")


def encoded(client: Client) -> Client:
    """Return id and secret form-encoded, as Basic carries them (RFC 6749 §2.3.1), for clients that leave this to their user."""
    return Client(quote_plus(client.id), quote_plus(client.secret))


def login(server: TokenServer, client: Client = JOB) -> dict[str, Any]:
    """Return the token response of a login whose access token is said to have expired."""
    issued = server.issuer.issue("ann", client.id, scopes=ALL)
    return {**issued.response(), "expires_in": -1, "expires_at": int(time.time()) - 1}


def noted(heard: list[Any], response: Any) -> Any:
    """Keep a response, and return it."""
    heard.append(response)
    return response


def test_authlib_gets_asks_about_and_revokes_a_token(server: TokenServer, metadata: dict[str, Any], connect: Callable[..., Any]) -> None:
    """Each endpoint is the one that the metadata names, and takes the client by Basic and by the form."""
    for method in METHODS:
        assert method in metadata["token_endpoint_auth_methods_supported"]
        with connect(JOB, method) as session, connect(ORDERS, method) as orders:
            token = session.fetch_token(metadata["token_endpoint"], **OWN)
            assert (token["token_type"], set(token["scope"].split()), token["expires_in"]) == ("Bearer", ALL, 600)
            assert session.get(server.api).text.endswith("#client:job")
            for asks in (session, orders):
                said = asks.introspect_token(metadata["introspection_endpoint"], token=token["access_token"]).json()
                assert (said["active"], said["client_id"], said["aud"]) == (True, JOB.id, server.api)
            assert session.revoke_token(metadata["revocation_endpoint"], token=token["access_token"]).status_code == 200
            assert session.get(server.api).status_code == 401
            assert orders.introspect_token(metadata["introspection_endpoint"], token=token["access_token"]).json() == {"active": False}


def test_authlib_refreshes_and_the_token_before_ends(metadata: dict[str, Any], server: TokenServer, connect: Callable[..., Any]) -> None:
    """A refresh token is exchanged for the next one, by itself when the access token has expired, and after that is refused."""
    for client, method in ((JOB, METHODS[0]), (JOB, METHODS[1]), (APP, "none")):
        kept: list[Any] = []
        first = login(server, client)
        options = {"token": first, "token_endpoint": metadata["token_endpoint"], "update_token": lambda new, **_: kept.append(new)}  # noqa: B023
        with connect(client, method, **options) as session:
            assert session.get(server.api).text.endswith("#user:ann")
            (second,) = kept
            assert second["refresh_token"] != first["refresh_token"]
            third = session.refresh_token(metadata["token_endpoint"], refresh_token=second["refresh_token"], scope="orders:read")
            assert third["scope"] == "orders:read"
            with pytest.raises(OAuthError, match="invalid_grant"):
                session.refresh_token(metadata["token_endpoint"], refresh_token=first["refresh_token"])
            assert session.revoke_token(metadata["revocation_endpoint"], token=third["refresh_token"]).status_code == 200
            with pytest.raises(OAuthError, match="invalid_grant"):
                session.refresh_token(metadata["token_endpoint"], refresh_token=third["refresh_token"])


def test_authlib_gets_the_next_token_of_its_own_by_itself(
    metadata: dict[str, Any], server: TokenServer, connect: Callable[..., Any]
) -> None:
    """There is no refresh token to a client's own tokens: it asks anew when one has expired."""
    with connect(JOB, token_endpoint=metadata["token_endpoint"], grant_type="client_credentials") as session:
        first = dict(session.fetch_token(**OWN))
        assert "refresh_token" not in first
        session.token = {**first, "expires_at": int(time.time()) - 1}
        assert session.get(server.api).text.endswith("#client:job")
        assert session.token["access_token"] != first["access_token"]


def test_authlib_sends_odd_secrets(metadata: dict[str, Any], server: TokenServer, connect: Callable[..., Any]) -> None:
    """Colons, percent signs, plus signs, spaces and letters beyond ASCII arrive: in the form as they are, by Basic form-encoded."""
    for client, method in ((encoded(ODD), METHODS[0]), (ODD, METHODS[1])):
        with connect(client, method) as session:
            session.fetch_token(metadata["token_endpoint"], **OWN)
            assert session.get(server.api).status_code == 200
    with connect(Client(ODD.id, "a:b%2+")) as session, pytest.raises(OAuthError, match="invalid_client"):
        session.fetch_token(metadata["token_endpoint"], **OWN)  # Authlib encodes nothing


def test_a_wrong_secret_is_401_with_a_challenge(metadata: dict[str, Any], connect: Callable[..., Any]) -> None:
    """RFC 6749 §5.2: `invalid_client`, and the scheme that was tried."""
    for method in METHODS:
        for client in (
            Client(JOB.id, ODD.secret.encode("ascii", "replace").decode()),
            Client(JOB.id, ORDERS.secret),
            Client("nobody", "x"),
        ):
            heard: list[Any] = []
            with connect(client, method) as session:
                session.register_compliance_hook("access_token_response", lambda response: noted(heard, response))  # noqa: B023
                with pytest.raises(OAuthError, match="invalid_client"):
                    session.fetch_token(metadata["token_endpoint"], **OWN)
            assert [(one.status_code, one.headers["WWW-Authenticate"], one.headers["Cache-Control"]) for one in heard] == [
                (401, CHALLENGE, "no-store")
            ]


def test_authlib_works_where_it_is_awaited(metadata: dict[str, Any], server: TokenServer) -> None:
    """Its third client, on asyncio."""

    async def main() -> None:
        async with AsyncOAuth2Client(JOB.id, JOB.secret) as session:
            token = await session.fetch_token(metadata["token_endpoint"], **OWN)
            assert (await session.get(server.api)).status_code == 200
            await session.revoke_token(metadata["revocation_endpoint"], token=token["access_token"])
            assert (await session.get(server.api)).status_code == 401

    anyio.run(main)


@pytest.mark.usefixtures("plain_http")
def test_requests_oauthlib_gets_and_revokes_a_token(metadata: dict[str, Any], server: TokenServer) -> None:
    """BackendApplicationClient, by Basic and by the form, with an odd id and secret too."""
    for client in (JOB, ODD):
        by_basic = encoded(client)
        ways: list[dict[str, Any]] = [
            {"auth": HTTPBasicAuth(by_basic.id, by_basic.secret)},
            {"client_id": client.id, "client_secret": client.secret, "include_client_id": True},
        ]
        for way in ways:
            backend = BackendApplicationClient(client.id, scope=sorted(ALL))
            with OAuth2Session(client=backend) as session:
                token = session.fetch_token(metadata["token_endpoint"], **way)
                assert set(token["scope"]) == ALL
                assert session.get(server.api).status_code == 200
                url, headers, body = backend.prepare_token_revocation_request(
                    metadata["revocation_endpoint"], token["access_token"], "access_token"
                )
                assert requests.post(url, body, headers=headers, auth=(by_basic.id, by_basic.secret), timeout=60).status_code == 200
                assert session.get(server.api).status_code == 401


@pytest.mark.usefixtures("plain_http")
def test_requests_oauthlib_refreshes_by_itself(metadata: dict[str, Any], server: TokenServer) -> None:
    """The next refresh token is kept, and the one before is refused when that has been used."""
    kept: list[Any] = []
    with OAuth2Session(
        client=WebApplicationClient(JOB.id),
        token=login(server),
        auto_refresh_url=metadata["token_endpoint"],
        auto_refresh_kwargs={"client_id": JOB.id, "client_secret": JOB.secret},  # in the form
        token_updater=kept.append,
    ) as session:
        first = session.token["refresh_token"]
        assert session.get(server.api).text.endswith("#user:ann")
        assert kept[0]["refresh_token"] != first
        session.auto_refresh_kwargs = {}  # which it would send beside Basic
        auth = HTTPBasicAuth(JOB.id, JOB.secret)
        session.refresh_token(metadata["token_endpoint"], kept[0]["refresh_token"], auth=auth)
        with pytest.raises(InvalidGrantError):
            session.refresh_token(metadata["token_endpoint"], first, auth=auth)
        with pytest.raises(InvalidClientError):
            session.refresh_token(metadata["token_endpoint"], first, auth=HTTPBasicAuth(JOB.id, "guess"))
