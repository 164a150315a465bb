"""A program that calls app.py: pip install authlib httpx2; CLIENT_SECRET=... python job.py"""

import os
from collections.abc import Callable

import httpx2
from authlib.integrations.httpx_client import OAuth2Client


def token_endpoint(issuer: str) -> str:
    found = httpx2.get(f"{issuer}/.well-known/oauth-authorization-server").raise_for_status()
    return found.json()["token_endpoint"]


def connect(issuer: str, secret: str) -> OAuth2Client:
    """For itself, by client credentials. Where a token has expired, the next request gets another one."""
    options = {"token_endpoint": token_endpoint(issuer), "grant_type": "client_credentials", "scope": "orders:read"}
    client = OAuth2Client("nightly", secret, **options)
    client.fetch_token()
    return client


def connect_for(issuer: str, secret: str, refresh_token: str, keep: Callable[[str], object]) -> OAuth2Client:
    """For a person who has logged in once. A refresh token counts once: `keep` stores the next one, in a file or a database."""
    options = {"token_endpoint": token_endpoint(issuer), "update_token": lambda token, **_: keep(token["refresh_token"])}
    client = OAuth2Client("nightly", secret, **options)
    client.refresh_token(refresh_token=refresh_token)
    return client


if __name__ == "__main__":
    session = connect(os.environ.get("ISSUER", "http://localhost:9000"), os.environ["CLIENT_SECRET"])
    print(session.get("http://localhost:8000/orders").json())
