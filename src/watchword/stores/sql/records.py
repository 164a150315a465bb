"""Rows to records, and records to rows.

A row that no store wrote, because a disk or a person damaged it, is an outage: nobody can say what stood in it. It is neither a
stranger nor somebody with other rights, and no exception of whoever would compute with it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import case, literal

from watchword.errors import Unavailable
from watchword.scopes import check_scope
from watchword.stores.ports import AccountRecord, KeyRecord, TokenRecord
from watchword.stores.sql.schema import accounts, keys, tokens

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# The columns of a record in the order in which the functions below take them. What is told of an owner comes after a key's.
ACCOUNT = tuple(accounts.c)
# The same columns with values where there is no account: fetching and decoding a row takes as long for an unknown name as for a known
# one, or the time would show which names have an account (threat W2). Nothing of a real row is replaced.
_PADDING = {
    "id": "-",
    "names": '["-"]',
    "password_hash": "-" * 96,
    "hash_profile": "-" * 24,
    "password_changed_at": 0.0,
    "roles": '["-"]',
    "scopes": "[]",
    "permissions": "[]",
    "disabled": False,
    "created_at": 0.0,
    "version": 1,
}
PADDED_ACCOUNT = tuple(
    case((accounts.c.id.is_(None), literal(_PADDING[column.name], column.type)), else_=column).label(column.name)
    if column.name in _PADDING
    else column
    for column in accounts.c
)
KEY = (*keys.c, accounts.c.disabled)
TOKEN = (*tokens.c, accounts.c.disabled)

_NOTHING: frozenset[str] = frozenset()
_DECOY_OCTETS = 32


def account(row: Sequence[Any]) -> AccountRecord:
    """Return the record of a row of `ACCOUNT`.

    Args:
        row: the columns.

    Raises:
        Unavailable: the row is damaged.
    """
    id_, names, hash_, profile, changed, roles, scopes, permissions, disabled, locked, created, login, version = row
    try:
        return AccountRecord(
            id=_text(id_),
            names=_texts(names),
            password_hash=None if hash_ is None else _text(hash_, may_be_empty=True),
            hash_profile=profile,
            password_changed_at=_time(changed),
            roles=_set(roles),
            scopes=frozenset(map(check_scope, _set(scopes))),
            permissions=_set(permissions),
            disabled=disabled,
            locked_until=_time(locked),
            created_at=_moment(created),
            last_login_at=_time(login),
            version=_number(version),
        )
    except (ValueError, RecursionError):
        damaged = _damaged("account", id_)
    raise damaged


def key(row: Sequence[Any]) -> KeyRecord:
    """Return the record of a row of `KEY`.

    Args:
        row: the columns.

    Raises:
        Unavailable: the row is damaged.
    """
    id_, digest, owner, label, kind, roles, scopes, permissions, networks, start, end, created, used, revoked, successor, version, off = row
    try:
        return KeyRecord(
            id=_text(id_),
            digest=_octets(digest),
            owner=_text(owner),
            label=_text(label, may_be_empty=True),
            kind=_kind(kind),
            roles=_set(roles),
            scopes=frozenset(map(check_scope, _set(scopes))),
            permissions=_set(permissions),
            networks=_texts(networks),
            not_before=_time(start),
            expires_at=_time(end),
            created_at=_moment(created),
            last_used_at=_time(used),
            revoked_at=_time(revoked),
            replaced_by=successor,
            owner_disabled=bool(off),
            version=_number(version),
        )
    except (ValueError, RecursionError):
        damaged = _damaged("key", id_)
    raise damaged


def token(row: Sequence[Any]) -> TokenRecord:
    """Return the record of a row of `TOKEN`.

    Args:
        row: the columns.

    Raises:
        Unavailable: the row is damaged.
    """
    digest, id_, subject, label, kind, roles, scopes, permissions, created, end, revoked, off = row
    try:
        return TokenRecord(
            digest=_octets(digest),
            id=_text(id_),
            subject=_text(subject),
            label=_text(label, may_be_empty=True),
            kind=_kind(kind),
            roles=_set(roles),
            scopes=frozenset(map(check_scope, _set(scopes))),
            permissions=_set(permissions),
            created_at=_moment(created),
            expires_at=_time(end),
            revoked_at=_time(revoked),
            subject_disabled=bool(off),
        )
    except (ValueError, RecursionError):
        damaged = _damaged("token", id_)
    raise damaged


def dummy_key(octets: object) -> bytes:
    """Return the random key of a store.

    Args:
        octets: what stands in its row.

    Raises:
        Unavailable: the row is damaged.
    """
    if not isinstance(octets, (bytes, memoryview)) or len(octets) != _DECOY_OCTETS:
        raise Unavailable("the store does not answer: the dummy_key of watchword_meta is damaged; restore it from a backup")
    return bytes(octets)


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


def _damaged(what: str, id_: object) -> Unavailable:
    return Unavailable(f"the store does not answer: its record of the {what} {id_!r} is damaged; restore it from a backup")


# Each of these raises ValueError for what no store wrote.


def _texts(text: Any) -> tuple[str, ...]:  # noqa: ANN401 - whatever stands in the row; so below
    if text == "[]":
        return ()
    if not isinstance(text, str):
        raise ValueError("no text")  # noqa: TRY004 - one exception for all
    read = json.loads(text)
    if not isinstance(read, list):
        raise ValueError("no list")  # noqa: TRY004
    return tuple(map(_text, read))


def _set(text: Any) -> frozenset[str]:  # noqa: ANN401
    return _NOTHING if text == "[]" else frozenset(_texts(text))


def _text(text: Any, *, may_be_empty: bool = False) -> str:  # noqa: ANN401
    if not isinstance(text, str) or not (text or may_be_empty):
        raise ValueError("no text")
    return text


def _kind(text: Any) -> Literal["user", "client"]:  # noqa: ANN401
    if text == "user":
        return "user"
    if text == "client":
        return "client"
    raise ValueError("no kind")


def _octets(octets: Any) -> bytes:  # noqa: ANN401
    if not isinstance(octets, (bytes, memoryview)):
        raise ValueError("no octets")  # noqa: TRY004
    return bytes(octets)


def _time(time: Any) -> float | None:  # noqa: ANN401
    return None if time is None else _moment(time)


def _moment(time: Any) -> float:  # noqa: ANN401
    if not isinstance(time, (float, int)):
        raise ValueError("no time")  # noqa: TRY004
    return time


def _number(number: Any) -> int:  # noqa: ANN401
    if not isinstance(number, int):
        raise ValueError("no number")  # noqa: TRY004
    return number
