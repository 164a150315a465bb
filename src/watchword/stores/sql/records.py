"""Rows to records, and records to rows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from watchword.stores.ports import AccountRecord, KeyRecord, TokenRecord
from watchword.stores.sql.schema import accounts, keys, tokens

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# The columns of a record in the order in which the functions below take them. What is told of an owner comes after a key's.
ACCOUNT = tuple(accounts.c)
KEY = (*keys.c, accounts.c.disabled)
TOKEN = (*tokens.c, accounts.c.disabled)

_NOTHING: frozenset[str] = frozenset()


def account(row: Sequence[Any]) -> AccountRecord:
    """Return the record of a row of `ACCOUNT`.

    Args:
        row: the columns.
    """
    id_, names, hash_, profile, changed, roles, scopes, permissions, disabled, locked, created, login, version = row
    return AccountRecord(
        id=id_,
        names=tuple(json.loads(names)),
        password_hash=hash_,
        hash_profile=profile,
        password_changed_at=changed,
        roles=_set(roles),
        scopes=_set(scopes),
        permissions=_set(permissions),
        disabled=disabled,
        locked_until=locked,
        created_at=created,
        last_login_at=login,
        version=version,
    )


def key(row: Sequence[Any]) -> KeyRecord:
    """Return the record of a row of `KEY`.

    Args:
        row: the columns.
    """
    id_, digest, owner, label, kind, roles, scopes, permissions, networks, start, end, created, used, revoked, successor, version, off = row
    return KeyRecord(
        id=id_,
        digest=bytes(digest),
        owner=owner,
        label=label,
        kind=kind,
        roles=_set(roles),
        scopes=_set(scopes),
        permissions=_set(permissions),
        networks=tuple(json.loads(networks)) if networks != "[]" else (),
        not_before=start,
        expires_at=end,
        created_at=created,
        last_used_at=used,
        revoked_at=revoked,
        replaced_by=successor,
        owner_disabled=bool(off),
        version=version,
    )


def token(row: Sequence[Any]) -> TokenRecord:
    """Return the record of a row of `TOKEN`.

    Args:
        row: the columns.
    """
    digest, id_, subject, label, kind, roles, scopes, permissions, created, end, revoked, off = row
    return TokenRecord(
        digest=bytes(digest),
        id=id_,
        subject=subject,
        label=label,
        kind=kind,
        roles=_set(roles),
        scopes=_set(scopes),
        permissions=_set(permissions),
        created_at=created,
        expires_at=end,
        revoked_at=revoked,
        subject_disabled=bool(off),
    )


def account_row(record: AccountRecord) -> dict[str, Any]:
    """Return the columns of an account.

    Args:
        record: the account.
    """
    row = {column.name: getattr(record, column.name) for column in accounts.c}
    return row | _grants(record) | {"names": _list(record.names)}


def key_row(record: KeyRecord) -> dict[str, Any]:
    """Return the columns of a key.

    Args:
        record: the key.
    """
    row = {column.name: getattr(record, column.name) for column in keys.c}
    return row | _grants(record) | {"networks": _list(record.networks)}


def token_row(record: TokenRecord) -> dict[str, Any]:
    """Return the columns of a token.

    Args:
        record: the token.
    """
    return {column.name: getattr(record, column.name) for column in tokens.c} | _grants(record)


def _grants(record: AccountRecord | KeyRecord | TokenRecord) -> dict[str, str]:
    return {name: _list(sorted(getattr(record, name))) for name in ("roles", "scopes", "permissions")}


def _list(texts: Iterable[str]) -> str:
    return json.dumps(list(texts), ensure_ascii=False, separators=(",", ":"))


def _set(text: str) -> frozenset[str]:
    return _NOTHING if text == "[]" else frozenset(json.loads(text))
