"""Each row is tried through every adapter that it makes sense for."""

from __future__ import annotations

from tests.conformance.conftest import behind, through

__all__ = ["behind", "through"]
