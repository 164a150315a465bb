"""What the tests of the core share: cheap password hashes, requests, and a checker that keeps count of what it was asked."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import bcrypt
from argon2 import PasswordHasher
from argon2.low_level import verify_secret

from watchword import Principal, RequestView
from watchword.checkers import nonblocking
from watchword.checkers.passwords.formats import examine
from watchword.checkers.passwords.probe import HASHES, trouble

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from watchword import Refusal

CHEAP = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
"""Argon2 at a cost that tests can pay."""


def argon2_hash(password: str | bytes) -> str:
    """Return a cheap Argon2 hash."""
    return CHEAP.hash(password)


def bcrypt_hash(password: bytes) -> str:
    """Return the cheapest bcrypt hash."""
    return bcrypt.hashpw(password, bcrypt.gensalt(4)).decode()


@contextmanager
def verifications() -> Iterator[list[str]]:
    """Note every verification of a password in this thread: for Argon2 the parameters of the hash, for bcrypt its name.

    The interpreter reports the calls; the libraries and the code under test are left as they are. The probes of both formats, which are
    made once in a process, are made before: a table that is constructed inside would count them.
    """
    for usable in ("argon2id", "bcrypt"):
        stored = examine(HASHES[usable]).stored
        assert stored is not None
        assert not trouble(stored)
    seen: list[str] = []

    def note(frame: FrameType, event: str, called: object) -> None:
        if event == "call" and frame.f_code is verify_secret.__code__:
            seen.append(frame.f_locals["hash"].decode().rpartition("$")[0].rpartition("$")[0])
        elif event == "c_call" and called is bcrypt.checkpw:
            seen.append("bcrypt")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield seen
    finally:
        sys.setprofile(before)


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
