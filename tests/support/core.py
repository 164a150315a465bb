"""What the tests of the core share: cheap password hashes, requests, and a checker that keeps count of what it was asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bcrypt
from argon2 import PasswordHasher

from watchword import Principal, RequestView
from watchword.checkers import nonblocking

if TYPE_CHECKING:
    from watchword import Refusal

CHEAP = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
"""Argon2 at a cost that tests can pay."""


def argon2_hash(password: str | bytes) -> str:
    """Return a cheap Argon2 hash."""
    return CHEAP.hash(password)


def bcrypt_hash(password: bytes) -> str:
    """Return the cheapest bcrypt hash."""
    return bcrypt.hashpw(password, bcrypt.gensalt(4)).decode()


def ask(target: str = "/", *headers: tuple[str, str], method: str = "GET", **facts: Any) -> RequestView:
    """Return the view of a request that a client sent over http from 192.0.2.7.

    Args:
        target: the request target.
        headers: name and value pairs.
        method: the method.
        facts: whatever else `RequestView` takes.
    """
    return RequestView(method, target, list(headers), **{"client": "192.0.2.7", **facts})


class Recorder:
    """A checker that keeps what it was asked, and answers what it was given.

    Args:
        answer: what it answers; raised if it is an exception.
    """

    def __init__(self, answer: object = None) -> None:
        self.answer = answer
        self.asked: list[Any] = []

    @nonblocking
    def check(self, credentials: object) -> object:
        """Answer."""
        self.asked.append(credentials)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


ANN = Principal("ann", roles={"admin"}, scopes={"orders:read"})
"""Somebody."""


def values(refusal: Refusal, name: str) -> list[str]:
    """Return the values of a header field of a refusal, one per line."""
    return [value for given, value in refusal.headers if given.lower() == name.lower()]
