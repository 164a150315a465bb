"""The decision: configuration, the way of a request through it, and the explanation."""

from watchword.guard.guard import Guard
from watchword.guard.identity_headers import IDENTITY_HEADERS

__all__ = ["IDENTITY_HEADERS", "Guard"]
