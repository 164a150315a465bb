"""Checkers behind both adapters, where it matters what a client gets."""

from __future__ import annotations

from tests.conformance.conftest import behind

__all__ = ["behind"]
