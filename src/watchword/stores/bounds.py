"""Checks what stores are given, the same for all of them: text that every database can hold and index, and finite sizes.

A record beyond these bounds raises ValueError, and an object of another class TypeError. A lookup by such a value finds nothing, and the
store sends no query: the value may come from a client.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from math import isnan
from typing import Any, TypeAlias, TypeVar
from unicodedata import normalize

from watchword.stores.families import FamilyRecord, RefreshRecord
from watchword.stores.records import AccountRecord, Issued, KeyRecord, TokenRecord
from watchword.validators import check_scope, invalid, shown

R = TypeVar("R", bound=Issued)

_Record: TypeAlias = AccountRecord | FamilyRecord | Issued

MAX_TEXT = 1024
"""Octets of UTF-8 in an id, a name or a role: an index entry of PostgreSQL holds 2,704."""

MAX_HASH = 4096
"""Octets of a password hash."""

MAX_CLAIMS = 4096
"""Octets of the claims of a family."""

MAX_NAMES = 100
"""Names of one account."""

MAX_GRANTS = 1000
"""Roles, scopes, permissions or networks of one record."""

DIGEST = 32
"""Octets of a SHA-256 digest."""

MAX_KEY = 255
"""Characters in the key of a value."""

MAX_VALUE = 65_536
"""Octets of a value."""

MAX_VALUES = 10_000
"""Values of one store."""

MAX_TTL = 31_622_400.0
"""Seconds, of a value: a year."""

MAX_COUNT = 2**31 - 1
"""Upper limit of a page length."""


def storable(text: object, limit: int = MAX_TEXT) -> bool:
    """Return whether a value is text that can be kept: 1 to `limit` octets, without NUL (PostgreSQL) and lone surrogates (UTF-8)."""
    if not isinstance(text, str) or not text or len(text) > limit or "\x00" in text:
        return False
    if text.isascii():
        return True
    try:
        return len(text.encode()) <= limit
    except UnicodeEncodeError:
        return False


def fold(name: str) -> str:
    """Return the canonical caseless form of a name (Unicode Standard, D145), composed."""
    return normalize("NFC", normalize("NFD", name).casefold())


def is_digest(digest: object) -> bool:
    """Return whether a value is as long as a SHA-256 digest."""
    return isinstance(digest, bytes) and len(digest) == DIGEST


def checked_account(account: AccountRecord) -> AccountRecord:
    """Return an account with frozen collections.

    Raises:
        ValueError: a store cannot keep it.
        TypeError: it is not an `AccountRecord`.
    """
    _check_class(account, AccountRecord)
    _check_text(account, "id")
    names = _texts(account, "names", MAX_NAMES)
    if len(set(names)) < len(names):
        raise _invalid(account, "names", "hold each name once", names)
    for name in names:
        _check_text(account, "names", fold(name))  # the index has this form, which may be longer
    if account.password_hash is not None:
        _check_text(account, "password_hash", limit=MAX_HASH, secret=True)
    if account.hash_profile is not None:
        _check_text(account, "hash_profile")
    _check_version(account, account.version)
    _check_times(account, "password_changed_at", "locked_until", "last_login_at")
    return replace(account, names=names, **_grants(account), disabled=bool(account.disabled))


def checked_issued(record: R, kind: type[R]) -> R:
    """Return a key or token with frozen collections, and without what a store looks up.

    Raises:
        ValueError: a store cannot keep it.
        TypeError: it is not a `kind`.
    """
    _check_class(record, kind)
    _check_text(record, "id")
    _check_text(record, "owner")
    if not is_digest(record.digest):
        raise _invalid(record, "digest", f"be {DIGEST} octets of SHA-256", record.digest, secret=True)
    if record.label != "":
        _check_text(record, "label")
    if not isinstance(record.kind, str) or record.kind not in {"user", "client"}:
        raise _invalid(record, "kind", 'be "user" or "client"', record.kind)
    _check_times(record, "not_before", "expires_at", "last_used_at", "revoked_at")
    kept = replace(record, **_grants(record), owner_disabled=False)
    if isinstance(kept, TokenRecord):
        if kept.sid is not None:
            _check_text(kept, "sid")
        kept = replace(kept, audience=_texts(kept, "audience"), family=None)
    if isinstance(kept, KeyRecord):
        if kept.replaced_by is not None:
            _check_text(kept, "replaced_by")
        _check_version(kept, kept.version)
        kept = replace(kept, networks=_texts(kept, "networks"))
    return kept


def checked_family(family: FamilyRecord) -> FamilyRecord:
    """Return a family with frozen collections, and with `owner_disabled` reset.

    Raises:
        ValueError: a store cannot keep it.
        TypeError: it is not a `FamilyRecord`.
    """
    _check_class(family, FamilyRecord)
    for text in ("id", "owner", "client"):
        _check_text(family, text)
    if family.jkt is not None:
        _check_text(family, "jkt")
    if not storable(family.claims, MAX_CLAIMS) or not _is_json_object(family.claims):
        raise _invalid(family, "claims", f"be a JSON object of at most {MAX_CLAIMS} octets", family.claims)
    _check_times(family, "expires_at", "revoked_at")
    if family.expires_at is None:
        raise _invalid(family, "expires_at", "be a number of Unix seconds", None)
    scopes = frozenset(map(check_scope, _texts(family, "scopes")))
    return replace(family, scopes=scopes, owner_disabled=False)


def checked_first(token: RefreshRecord, family: FamilyRecord) -> RefreshRecord:
    """Return the first token of a family.

    Raises:
        ValueError: a store cannot keep it, or it is not a first token: it is of another family, or has been rotated.
        TypeError: it is not a `RefreshRecord`.
    """
    _check_class(token, RefreshRecord)
    if not is_digest(token.digest):
        raise invalid("RefreshRecord(digest=...)", f"be {DIGEST} octets of SHA-256", token.digest, secret=True)
    if token != RefreshRecord(digest=token.digest, family=family.id, expires_at=token.expires_at):
        raise invalid("RefreshRecord(...)", "be new, and of the family that is started", "another")
    checked_time(token.expires_at, "RefreshRecord(expires_at=...)")
    return token


def check_text(argument: str, text: object, *, limit: int = MAX_TEXT, secret: bool = False) -> None:
    """Refuse text that a store cannot keep.

    Raises:
        ValueError: it is too long, empty, or not such text.
    """
    if not storable(text, limit):
        must = f"be text of 1 to {limit} octets in UTF-8, without NUL and lone surrogates"
        raise invalid(argument, must, text, secret=secret or not isinstance(text, str))


def checked_time(at: float, argument: str = "at") -> float:
    """Return Unix seconds as a float, which every store orders alike.

    Raises:
        ValueError: it is not a number.
    """
    if not _is_time(at):
        raise invalid(argument, "be a number of Unix seconds", at)
    return float(at)


def is_key(key: object) -> bool:
    """Return whether a value is a key of a `ValueStore`."""
    return isinstance(key, str) and 0 < len(key) <= MAX_KEY and key.isascii() and key.isprintable() and " " not in key


def check_value(key: object, value: object, ttl: object) -> None:
    """Refuse what a `ValueStore` cannot keep.

    Raises:
        ValueError: says which argument.
    """
    if not is_key(key):
        raise invalid("key", f"be 1 to {MAX_KEY} visible ASCII characters", key)
    if not isinstance(value, bytes) or len(value) > MAX_VALUE:
        raise invalid("value", f"be at most {MAX_VALUE} octets", value, secret=True)
    if not isinstance(ttl, (int, float)) or isinstance(ttl, bool) or not 0 < ttl <= MAX_TTL:
        raise invalid("ttl", f"be a number of seconds above 0 and at most {MAX_TTL:.0f}", ttl)


def check_page(after: object, limit: object) -> None:
    """Refuse arguments of a listing that are not an id and a whole number.

    Raises:
        TypeError: says which one.
    """
    if not isinstance(after, str):
        raise TypeError(f'after=... must be the id that the page follows, got {type(after).__name__}. Use "" for the first page.')
    if not isinstance(limit, int) or isinstance(limit, bool):
        raise TypeError(f"limit=... must be a whole number of records, got {shown(limit)}.")


def _is_json_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _invalid(record: _Record, field: str, must: str, value: object, *, secret: bool = False) -> ValueError:
    return invalid(_argument(record, field), must, value, secret=secret)


def _argument(record: _Record, field: str) -> str:
    return f"{type(record).__name__}({field}=...)"


def _grants(record: _Record) -> dict[str, Any]:
    roles, scopes, permissions = (_texts(record, grants) for grants in ("roles", "scopes", "permissions"))
    return {"roles": frozenset(roles), "scopes": frozenset(map(check_scope, scopes)), "permissions": frozenset(permissions)}


def _check_text(record: _Record, field: str, text: object = None, *, limit: int = MAX_TEXT, secret: bool = False) -> None:
    check_text(_argument(record, field), getattr(record, field) if text is None else text, limit=limit, secret=secret)


def _texts(record: _Record, field: str, most: int = MAX_GRANTS) -> tuple[str, ...]:
    texts = getattr(record, field)
    # One bare string would be taken letter by letter.
    if isinstance(texts, (str, bytes, bytearray)) or not isinstance(texts, Iterable):
        raise _invalid(record, field, "be a collection of text", texts)
    kept = tuple(texts)
    if len(kept) > most:
        raise _invalid(record, field, f"hold at most {most} texts", len(kept))
    for text in kept:
        _check_text(record, field, "" if text is None else text)
    return kept


def _check_times(record: _Record, *optional: str) -> None:
    checked_time(record.created_at, _argument(record, "created_at"))
    for field in optional:
        if (time := getattr(record, field)) is not None:
            checked_time(time, _argument(record, field))


def _is_time(time: object) -> bool:
    if not isinstance(time, (int, float)) or isinstance(time, bool):
        return False
    try:
        # NaN equals nothing, and SQLite would keep NULL in its place.
        return not isnan(time)
    except OverflowError:  # a whole number beyond every float
        return False


def _check_version(record: _Record, version: object) -> None:
    if not isinstance(version, int) or isinstance(version, bool):
        raise _invalid(record, "version", "be the whole number that a store gave the record", version)


def _check_class(given: object, kind: type) -> None:
    if not isinstance(given, kind):
        # Not shown: it may be a secret.
        article = "an" if kind is AccountRecord else "a"
        raise TypeError(f"the store needs {article} {kind.__name__}, got {type(given).__name__}.")
