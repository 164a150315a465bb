"""Gives tokens to programs: pip install 'watchword[jwt,sql]' uvicorn; python issuer.py

Clients and keys are made once, and `key create` shows the secret of the client:
    watchword store init --store sqlite:///auth.db
    watchword key create nightly --client --scope orders:read --store sqlite:///auth.db
    watchword keys rotate keys.json --create
"""

import os

import uvicorn

from watchword.adapters.token_endpoints import asgi_app
from watchword.checkers import APIKeys
from watchword.issuing import KeyRingFile, TokenEndpoints, TokenIssuer
from watchword.issuing.sources import RingSource
from watchword.stores import SQLStore

ISSUER = os.environ.get("ISSUER", "http://localhost:9000")  # https beyond this machine


def make_issuer(url: str, ring: RingSource, store: SQLStore) -> tuple[TokenIssuer, TokenEndpoints]:
    issuer = TokenIssuer(ring, store, issuer=url, audience="orders")
    return issuer, TokenEndpoints(issuer, APIKeys(store))


if __name__ == "__main__":
    _, endpoints = make_issuer(ISSUER, KeyRingFile("keys.json"), SQLStore("sqlite:///auth.db"))
    uvicorn.run(asgi_app(endpoints), port=9000, proxy_headers=False)
