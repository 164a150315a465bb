"""Writes events as the Open Cybersecurity Schema Framework has them, for a SIEM: Authentication (3002) and Authorize Session (3003)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from watchword.networks import parse_address

if TYPE_CHECKING:
    from watchword.observe.event import AuthEvent

SCHEMA = "1.2.0"
"""The version of the schema. Later ones keep what it requires."""

_AUTHENTICATION, _AUTHORIZATION = 3002, 3003
_LOGON, _PRIVILEGES = 1, 1
_SUCCESS, _FAILURE = 1, 2
_INFORMATIONAL, _LOW, _MEDIUM = 1, 2, 3
_NOBODY = "anonymous"


def to_ocsf(event: AuthEvent) -> dict[str, Any]:
    """Return an event as OCSF 1.2 has it; for `JSONLines(path, shape=to_ocsf)`.

    A known caller who may not is Authorize Session, and everything else is Authentication: a granted request proves who the caller is. No
    attribute holds a secret.

    Args:
        event: the event.
    """
    is_authorization = event.decision in {"forbidden", "hidden"} and event.principal != ""
    kind, activity = (_AUTHORIZATION, _PRIVILEGES) if is_authorization else (_AUTHENTICATION, _LOGON)
    is_granted = event.decision == "granted"
    shaped: dict[str, Any] = {
        "category_uid": 3,
        "category_name": "Identity & Access Management",
        "class_uid": kind,
        "class_name": "Authorize Session" if is_authorization else "Authentication",
        "activity_id": activity,
        "type_uid": kind * 100 + activity,
        "time": round(event.time * 1000),  # timestamp_t: milliseconds
        "severity_id": _INFORMATIONAL if is_granted else _MEDIUM if event.decision == "failed" else _LOW,
        "status_id": _SUCCESS if is_granted else _FAILURE,
        "status_code": event.event_id,
        "message": f"{event.event_id}: rule {event.route or 'none'}",
        "metadata": {
            "version": SCHEMA,
            "uid": event.request_id,
            "product": {"name": "watchword", "vendor_name": "watchword"},
        },
        # Required. Nobody is somebody too: the schema has no place for a caller who is not known.
        "user": {"uid": event.principal} if event.principal else {"name": _NOBODY},
        "unmapped": {"duration": event.duration, "cached": event.cached, "requirement": event.requirement, "credential": event.credential},
    }
    if is_authorization:
        shaped["privileges"] = [event.requirement]
    else:
        shaped["service"] = {"name": event.route or "watchword"}
        shaped["auth_protocol"] = event.scheme or "none"
        shaped["auth_protocol_id"] = 99  # other: the name is that of the scheme
    # ip_t; a Unix socket and the network of `Pseudonyms` are none.
    if event.client is not None:
        shaped["src_endpoint"] = {"ip" if parse_address(event.client) is not None else "name": event.client}
    return shaped


__all__ = ["SCHEMA", "to_ocsf"]
