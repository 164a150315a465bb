"""Events to give to sinks."""

from __future__ import annotations

from typing import Any

from watchword import AuthEvent, Reason


def event(**facts: Any) -> AuthEvent:
    """Return an event of a granted request.

    Args:
        facts: what differs.
    """
    common: dict[str, Any] = {
        "time": 1_700_000_000.5,
        "request_id": "r1",
        "decision": "granted",
        "reason": None,
        "scheme": "Bearer",
        "principal": "ann",
        "client": "192.0.2.7",
        "route": "GET /orders/{id}",
        "requirement": 'scope("orders:read")',
        "duration": 0.25,
        "cached": False,
        "credential": "00112233445566aa",
    }
    return AuthEvent(**{**common, **facts})


def refused(reason: Reason = Reason.WRONG_SECRET, **facts: Any) -> AuthEvent:
    """Return an event of a refused request.

    Args:
        reason: why.
        facts: what differs.
    """
    return event(**{"decision": "challenged", "reason": reason, "principal": "", **facts})
