"""Checks what stores are given, the same for all of them: text that every database can hold and index, and finite sizes.

A record beyond these bounds is a `ValueError` where it is to be kept, and what is no record a `TypeError`. A lookup by such a value
finds nothing and asks nobody: it comes from a client as often as not.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from math import isnan
from typing import Any, TypeVar
from unicodedata import normalize

from watchword.stores.ports import AccountRecord, Issued, KeyRecord
from watchword.validators import check_scope, shown

R = TypeVar("R", bound=Issued)

MAX_TEXT = 1024
"""How many octets of UTF-8 an id, a name or a role may have: an index entry of PostgreSQL holds 2,704."""

MAX_HASH = 4096
"""How many octets a password hash may have."""

MAX_NAMES = 100
"""How many names an account may have."""

MAX_GRANTS = 1000
"""How many roles, scopes, permissions or networks one record may have of each."""

DIGEST = 32
"""How many octets a SHA-256 digest has."""

MAX_COUNT = 2**31 - 1
"""What the length of a page is cut to."""


def storable(text: object, limit: int = MAX_TEXT) -> bool:
    """Tell whether text can be kept and looked up: not empty, not too long, no NUL (PostgreSQL) and no lone surrogate (UTF-8).

    Args:
        text: what a caller handed over.
        limit: how many octets it may have.
    """
    if not isinstance(text, str) or not text or len(text) > limit or "\x00" in text:
        return False
    if text.isascii():
        return True
    try:
        return len(text.encode()) <= limit
    except UnicodeEncodeError:
        return False


def fold(name: str) -> str:
    """Return a name without its letter case: the canonical caseless form of the Unicode Standard (D145), composed.

    Args:
        name: a name.
    """
    return normalize("NFC", normalize("NFD", name).casefold())


def is_digest(digest: object) -> bool:
    """Tell whether it is as long as a SHA-256 digest.

    Args:
        digest: what a caller handed over.
    """
    return isinstance(digest, bytes) and len(digest) == DIGEST


def checked_account(account: AccountRecord) -> AccountRecord:
    """Return the account with its collections frozen.

    Args:
        account: what is to be kept.

    Raises:
        ValueError: a store cannot keep it.
        TypeError: it is no record of this kind.
    """
    _record(account, AccountRecord)
    _text("the id of an account", account.id)
    names = _texts("a name of an account", account.names, MAX_NAMES)
    if len(set(names)) < len(names):
        raise ValueError(f"the account {account.id!r} has a name twice")
    for name in names:
        _text("a name of an account, without its case", fold(name))
    if account.password_hash is not None:
        _text("a password hash", account.password_hash, MAX_HASH, secret=True)
    if account.hash_profile is not None:
        _text("the profile of a hash", account.hash_profile)
    _version(account.version)
    checked_time(account.created_at)
    _times(account.password_changed_at, account.locked_until, account.last_login_at)
    return replace(account, names=names, **_grants(account), disabled=bool(account.disabled))


def checked_issued(record: R, kind: type[R]) -> R:
    """Return a key or token with its collections frozen, and without what a store tells of its owner.

    Args:
        record: what is to be kept.
        kind: what it has to be.

    Raises:
        ValueError: a store cannot keep it.
        TypeError: it is no record of this kind.
    """
    _record(record, kind)
    what = kind.what
    _text(f"the id of a {what}", record.id)
    _text(f"the owner of a {what}", record.owner)
    if not is_digest(record.digest):
        raise ValueError(f"a digest is {DIGEST} octets of SHA-256")
    if record.label != "" and not storable(record.label):
        raise ValueError(f"a label is text of at most {MAX_TEXT} octets, without NUL and lone surrogates")
    if not isinstance(record.kind, str) or record.kind not in {"user", "client"}:
        raise ValueError(f"a {what} is of kind 'user' or 'client', not {shown(record.kind)}")
    checked_time(record.created_at)
    _times(record.not_before, record.expires_at, record.last_used_at, record.revoked_at)
    kept = replace(record, **_grants(record), owner_disabled=False)
    if isinstance(kept, KeyRecord):
        if kept.replaced_by is not None:
            _text("the successor of a key", kept.replaced_by)
        _version(kept.version)
        kept = replace(kept, networks=_texts("a network", kept.networks))
    return kept


def checked_time(at: float) -> float:
    """Return a time as a number that every store orders alike.

    Args:
        at: Unix seconds.

    Raises:
        ValueError: it is not a number.
    """
    if not _is_time(at):
        raise ValueError(f"a time is a number of Unix seconds, not {shown(at)}")
    return float(at)


def check_page(after: object, limit: object) -> None:
    """Refuse what is no part of a listing.

    Args:
        after: the id after which it begins.
        limit: how many records it has at most.

    Raises:
        TypeError: they are no text and no whole number.
    """
    if not isinstance(after, str):
        raise TypeError(f"a page begins after an id, which is text, not {type(after).__name__}")
    if not isinstance(limit, int) or isinstance(limit, bool):
        raise TypeError(f"a page has a whole number of records at most, not {shown(limit)}")


def _grants(record: AccountRecord | Issued) -> dict[str, Any]:
    return {
        "roles": frozenset(_texts("a role", record.roles)),
        "scopes": frozenset(map(check_scope, _texts("a scope", record.scopes))),
        "permissions": frozenset(_texts("a permission", record.permissions)),
    }


def _text(what: str, text: object, limit: int = MAX_TEXT, *, secret: bool = False) -> None:
    if not storable(text, limit):
        given = f", not {shown(text)}" if not secret and isinstance(text, str) else ""
        raise ValueError(f"{what} is text of 1 to {limit} octets in UTF-8, without NUL and lone surrogates{given}")


def _texts(what: str, texts: Iterable[str], most: int = MAX_GRANTS) -> tuple[str, ...]:
    if isinstance(texts, (str, bytes, bytearray)) or not isinstance(texts, Iterable):
        # One bare string would be taken letter by letter.
        raise ValueError(f"{what} stands in a collection of text, not in {type(texts).__name__}")  # noqa: TRY004 - as the rest
    kept = tuple(texts)
    if len(kept) > most:
        raise ValueError(f"{what} is one of at most {most}, not of {len(kept)}")
    for text in kept:
        _text(what, text)
    return kept


def _times(*times: float | None) -> None:
    for time in times:
        if time is not None:
            checked_time(time)


def _is_time(time: object) -> bool:
    if not isinstance(time, (int, float)) or isinstance(time, bool):
        return False
    try:
        # NaN equals nothing, and SQLite would keep NULL in its place.
        return not isnan(time)
    except OverflowError:  # a whole number beyond every float
        return False


def _version(version: object) -> None:
    if not isinstance(version, int) or isinstance(version, bool):
        raise ValueError(f"a version is the whole number that a store gave a record, not {shown(version)}")  # noqa: TRY004 - as the rest


def _record(given: object, kind: type) -> None:
    if not isinstance(given, kind):
        # Not shown: it may be a secret.
        article = "an" if kind is AccountRecord else "a"
        raise TypeError(f"a store keeps {article} {kind.__name__}, not {type(given).__name__}")
