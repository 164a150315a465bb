"""Decides whether credentials are true: the built-in checkers, and what a custom one needs."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from watchword.checkers.adapt import AdaptedChecker, FlowChecker, adapt, nonblocking

if TYPE_CHECKING:
    from watchword.checkers.accounts import Accounts
    from watchword.checkers.any_of import AnyOf
    from watchword.checkers.api_keys import APIKeys
    from watchword.checkers.htpasswd import Htpasswd
    from watchword.checkers.introspection import Introspection
    from watchword.checkers.jwt import JWT
    from watchword.checkers.opaque_tokens import OpaqueTokens
    from watchword.checkers.passwords import PasswordHasher, verify_password
    from watchword.checkers.token_revocations import TokenRevocations
    from watchword.checkers.tokens import Tokens
    from watchword.checkers.users import Users

# Imported when asked for: a guard takes any checker, and `import watchword` need not load all of them.
_HOME = {
    "APIKeys": "api_keys",
    "Accounts": "accounts",
    "AnyOf": "any_of",
    "Htpasswd": "htpasswd",
    "Introspection": "introspection",
    "JWT": "jwt",
    "OpaqueTokens": "opaque_tokens",
    "PasswordHasher": "passwords",
    "TokenRevocations": "token_revocations",
    "Tokens": "tokens",
    "Users": "users",
    "verify_password": "passwords",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})


__all__ = [
    "JWT",
    "APIKeys",
    "Accounts",
    "AdaptedChecker",
    "AnyOf",
    "FlowChecker",
    "Htpasswd",
    "Introspection",
    "OpaqueTokens",
    "PasswordHasher",
    "TokenRevocations",
    "Tokens",
    "Users",
    "adapt",
    "nonblocking",
    "verify_password",
]
