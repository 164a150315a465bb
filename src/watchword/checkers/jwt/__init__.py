"""Verifies JSON Web Tokens (RFC 7519), access tokens among them (RFC 9068)."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from watchword.checkers.jwt.checker import JWT, AnyIssuer
from watchword.checkers.jwt.claim_map import AUTH0, COGNITO, ENTRA_ID, KEYCLOAK, OKTA, RFC9068, ClaimMap
from watchword.checkers.jwt.keys import KeySet
from watchword.checkers.jwt.revocations import Revocations
from watchword.checkers.jwt.sources import KeySource

if TYPE_CHECKING:
    from watchword.checkers.jwt.remote import RemoteKeys

# Imported when asked for: it loads what fetches, which keys that are given do without.
_HOME = {"RemoteKeys": "remote"}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})


__all__ = [
    "AUTH0",
    "COGNITO",
    "ENTRA_ID",
    "JWT",
    "KEYCLOAK",
    "OKTA",
    "RFC9068",
    "AnyIssuer",
    "ClaimMap",
    "KeySet",
    "KeySource",
    "RemoteKeys",
    "Revocations",
]
