"""Converts accounts, keys and tokens to JSON: stable names, sorted lists, times as Unix seconds, no hash and no digest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from watchword.stores.ports import KeyRecord, TokenRecord

if TYPE_CHECKING:
    from watchword.stores.ports import AccountRecord, Issued


def account_facts(account: AccountRecord, now: float) -> dict[str, Any]:
    """Return an account at a time, as JSON has it."""
    locked = account.locked_until is not None and now < account.locked_until
    return {
        "id": account.id,
        "names": list(account.names),
        "state": "disabled" if account.disabled else "locked" if locked else "active",
        **_grants(account),
        "has_password": account.password_hash is not None,
        "hash_profile": account.hash_profile,
        "password_changed_at": account.password_changed_at,
        "locked_until": account.locked_until,
        "created_at": account.created_at,
        "last_login_at": account.last_login_at,
    }


def issued_facts(record: Issued, now: float) -> dict[str, Any]:
    """Return a key or token at a time, as JSON has it."""
    is_key = isinstance(record, KeyRecord)
    owner = "owner" if is_key else "subject"
    early = record.not_before is not None and now < record.not_before
    return {
        "id": record.id,
        owner: record.owner,
        "label": record.label,
        "kind": record.kind,
        "state": ended(record, now) or (f"{owner}_disabled" if record.owner_disabled else "not_yet_valid" if early else "active"),
        **_grants(record),
        **({"networks": list(record.networks), "not_before": record.not_before} if is_key else {}),
        "expires_at": record.expires_at,
        "created_at": record.created_at,
        **({"last_used_at": record.last_used_at} if is_key else {}),
        "revoked_at": record.revoked_at,
        **({"audience": list(record.audience), "sid": record.sid} if isinstance(record, TokenRecord) else {}),
        **({"replaced_by": record.replaced_by} if isinstance(record, KeyRecord) else {}),
    }


def ended(record: Issued, now: float) -> str:
    """Return how a key or token ended; empty: it did not."""
    if record.revoked_at is not None or record.login_ended:
        return "revoked"
    return "expired" if record.expires_at is not None and not now < record.expires_at else ""


def _grants(record: AccountRecord | Issued) -> dict[str, list[str]]:
    return {name: sorted(getattr(record, name)) for name in ("roles", "scopes", "permissions")}
