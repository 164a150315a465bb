"""What every store takes, so that all of them take the same: text that every database can hold and index, and finite sizes.

A record beyond these bounds is a `ValueError` where it is to be kept. A lookup by such a value finds nothing and asks nobody:
it comes from a client as often as not.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from unicodedata import normalize

if TYPE_CHECKING:
    from collections.abc import Iterable

    from watchword.stores.ports import AccountRecord, KeyRecord, TokenRecord

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
    """
    _text("the id of an account", account.id)
    names = _texts("a name of an account", account.names, MAX_NAMES)
    if len(set(names)) < len(names):
        raise ValueError(f"the account {account.id!r} has a name twice")
    for name in names:
        _text("a name of an account, without its case", fold(name))
    if account.password_hash is not None:
        _text("a password hash", account.password_hash, MAX_HASH, shown=False)
    if account.hash_profile is not None:
        _text("the profile of a hash", account.hash_profile)
    _times(account.password_changed_at, account.locked_until, account.created_at, account.last_login_at)
    return replace(
        account,
        names=names,
        roles=frozenset(_texts("a role", account.roles)),
        scopes=frozenset(_texts("a scope", account.scopes)),
        permissions=frozenset(_texts("a permission", account.permissions)),
        disabled=bool(account.disabled),
    )


def checked_key(key: KeyRecord) -> KeyRecord:
    """Return the key with its collections frozen, and without what a store tells of its owner.

    Args:
        key: what is to be kept.

    Raises:
        ValueError: a store cannot keep it.
    """
    _text("the id of a key", key.id)
    _text("the owner of a key", key.owner)
    _issued(key)
    if key.replaced_by is not None:
        _text("the successor of a key", key.replaced_by)
    _times(key.not_before, key.expires_at, key.created_at, key.last_used_at, key.revoked_at)
    return replace(
        key,
        roles=frozenset(_texts("a role", key.roles)),
        scopes=frozenset(_texts("a scope", key.scopes)),
        permissions=frozenset(_texts("a permission", key.permissions)),
        networks=_texts("a network", key.networks),
        owner_disabled=False,
    )


def checked_token(token: TokenRecord) -> TokenRecord:
    """Return the token with its collections frozen, and without what a store tells of its subject.

    Args:
        token: what is to be kept.

    Raises:
        ValueError: a store cannot keep it.
    """
    _text("the handle of a token", token.id)
    _text("the subject of a token", token.subject)
    _issued(token)
    _times(token.created_at, token.expires_at, token.revoked_at)
    return replace(
        token,
        roles=frozenset(_texts("a role", token.roles)),
        scopes=frozenset(_texts("a scope", token.scopes)),
        permissions=frozenset(_texts("a permission", token.permissions)),
        subject_disabled=False,
    )


def checked_time(at: float) -> float:
    """Return a time as a number that every store orders alike.

    Args:
        at: Unix seconds.

    Raises:
        ValueError: it is not a number.
    """
    _times(at)
    return float(at)


def _issued(record: KeyRecord | TokenRecord) -> None:
    if not is_digest(record.digest):
        raise ValueError(f"a digest is {DIGEST} octets of SHA-256")
    if record.label and not storable(record.label):
        raise ValueError(f"a label is text of at most {MAX_TEXT} octets, without NUL and lone surrogates")
    if record.kind not in {"user", "client"}:
        raise ValueError(f"a key or token is of kind 'user' or 'client', not {record.kind!r}")


def _text(what: str, text: object, limit: int = MAX_TEXT, *, shown: bool = True) -> None:
    if not storable(text, limit):
        given = f", not {text!r}" if shown and isinstance(text, str) and len(text) <= MAX_TEXT else ""
        raise ValueError(f"{what} is text of 1 to {limit} octets in UTF-8, without NUL and lone surrogates{given}")


def _texts(what: str, texts: Iterable[str], most: int = MAX_GRANTS) -> tuple[str, ...]:
    if isinstance(texts, str):
        raise ValueError(f"{what} stands in a collection: one bare string would be taken letter by letter")  # noqa: TRY004 - as the rest
    kept = tuple(texts)
    if len(kept) > most:
        raise ValueError(f"{what} is one of at most {most}, not of {len(kept)}")
    for text in kept:
        _text(what, text)
    return kept


def _times(*times: float | None) -> None:
    for time in times:
        # NaN equals nothing, and SQLite would keep NULL in its place.
        if time is not None and (isinstance(time, bool) or not isinstance(time, (int, float)) or time != time):  # noqa: PLR0124 - NaN
            raise ValueError(f"a time is a number of Unix seconds, not {time!r}")
