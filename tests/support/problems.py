"""Reads problems, the bodies of refusals for programs (RFC 9457)."""

from __future__ import annotations

import json


def without_cure(body: bytes) -> str:
    """Return a body without the member `cure` of a problem, which says again what the challenges say: their schemes, realms and scopes.

    Args:
        body: of any media type.
    """
    text = body.decode()
    if not text.startswith("{"):
        return text
    problem = json.loads(text)
    problem.pop("cure", None)
    return json.dumps(problem)
