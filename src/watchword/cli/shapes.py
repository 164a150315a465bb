"""Accounts, keys and tokens as they go into JSON: stable names, sorted lists, times as Unix seconds. No hash and no digest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from watchword.stores.ports import AccountRecord, KeyRecord, TokenRecord


def account_facts(account: AccountRecord, now: float) -> dict[str, Any]:
    """Return what there is to know about an account.

    Args:
        account: the account.
        now: Unix seconds.
    """
    locked = account.locked_until is not None and now < account.locked_until
    return {
        "id": account.id,
        "names": list(account.names),
        "state": "disabled" if account.disabled else "locked" if locked else "active",
        "roles": sorted(account.roles),
        "scopes": sorted(account.scopes),
        "permissions": sorted(account.permissions),
        "has_password": account.password_hash is not None,
        "hash_profile": account.hash_profile,
        "password_changed_at": account.password_changed_at,
        "locked_until": account.locked_until,
        "created_at": account.created_at,
        "last_login_at": account.last_login_at,
    }


def key_facts(key: KeyRecord, now: float) -> dict[str, Any]:
    """Return what there is to know about a key, but not the key.

    Args:
        key: the key.
        now: Unix seconds.
    """
    early = key.not_before is not None and now < key.not_before
    state = ended(key, now) or ("owner_disabled" if key.owner_disabled else "not_yet_valid" if early else "active")
    return {
        "id": key.id,
        "owner": key.owner,
        "label": key.label,
        "kind": key.kind,
        "state": state,
        "roles": sorted(key.roles),
        "scopes": sorted(key.scopes),
        "permissions": sorted(key.permissions),
        "networks": list(key.networks),
        "not_before": key.not_before,
        "expires_at": key.expires_at,
        "created_at": key.created_at,
        "last_used_at": key.last_used_at,
        "revoked_at": key.revoked_at,
        "replaced_by": key.replaced_by,
    }


def token_facts(token: TokenRecord, now: float) -> dict[str, Any]:
    """Return what there is to know about a token, but not the token.

    Args:
        token: the token.
        now: Unix seconds.
    """
    return {
        "id": token.id,
        "subject": token.subject,
        "label": token.label,
        "kind": token.kind,
        "state": ended(token, now) or ("subject_disabled" if token.owner_disabled else "active"),
        "roles": sorted(token.roles),
        "scopes": sorted(token.scopes),
        "permissions": sorted(token.permissions),
        "expires_at": token.expires_at,
        "created_at": token.created_at,
        "revoked_at": token.revoked_at,
    }


def ended(record: KeyRecord | TokenRecord, now: float) -> str:
    """Return how a key or token ended; empty: it did not.

    Args:
        record: the key or token.
        now: Unix seconds.
    """
    if record.revoked_at is not None:
        return "revoked"
    return "expired" if record.expires_at is not None and not now < record.expires_at else ""
