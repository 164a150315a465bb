"""Finds the handlers of passlib, one for each format."""

from __future__ import annotations

from typing import Any

from watchword.checkers.passwords.stored import Library


def _load() -> object:
    import passlib.hash

    return passlib.hash


PASSLIB = Library("passlib is not installed", "passlib", "watchword[passlib]", _load)


def handler(name: str) -> Any:  # noqa: ANN401 - passlib ships no types
    """Return a handler by the name that passlib gives it."""
    return getattr(_load(), name)


def matches(name: str, text: str, octets: bytes) -> object:
    """Ask a handler."""
    return handler(name).verify(octets, text)
