"""Reads records from rows, and writes them into rows.

A row that a disk or a person has damaged is an outage: its content is unknown. It must not turn into an anonymous caller, other rights, or
an exception in later code.
"""

from __future__ import annotations

import json
from dataclasses import replace
from types import NoneType
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from sqlalchemy import case, literal

from watchword.errors import Unavailable
from watchword.stores.ports import AccountRecord, FamilyRecord, KeyRecord, RefreshRecord, TokenRecord
from watchword.stores.sql.schema import accounts, families, keys, refresh_tokens, tokens
from watchword.validators import check_scope

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sqlalchemy import ColumnElement, Table

R = TypeVar("R", bound=AccountRecord | KeyRecord | TokenRecord | FamilyRecord | RefreshRecord)

# Values for the columns of an unknown account: fetching and decoding a row must take as long for an unknown name as for a known one, or
# the time would reveal which names have an account (threat W2). Values of a real row stay.
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

_NOTHING: frozenset[str] = frozenset()
_DUMMY_KEY_OCTETS = 32


class Codec(Generic[R]):
    """Reads and writes the rows of one kind of record: each column by its name, in the same way for all kinds.

    Args:
        kind: the class of the record.
        what: its name in messages.
        table: the table of the records.
        told: columns of other tables, behind those of the table; they are never written.
        named_by: the column that messages show.
    """

    def __init__(self, kind: type[R], what: str, table: Table, *told: ColumnElement[Any], named_by: str = "id") -> None:
        self.columns: tuple[ColumnElement[Any], ...] = (*table.c, *told)
        self._kind = kind
        self._what = what
        self._id = list(table.c).index(table.c[named_by])
        fields = [_FIELDS.get((table.name, column.name), column.name) for column in table.c]
        self._written = [(column.name, field, _WRITERS.get(field)) for column, field in zip(table.c, fields, strict=True)]
        self._read = [(field, _READERS[field]) for field in [*fields, *("owner_disabled" for _ in told)]]

    def record(self, row: Sequence[Any]) -> R:
        """Return the record of a row of `columns`.

        Raises:
            Unavailable: the row is damaged.
        """
        try:
            return self._kind(**{field: read(value) for (field, read), value in zip(self._read, row, strict=True)})
        except (ValueError, RecursionError):
            damaged = Unavailable(
                f"the store does not answer: its record of the {self._what} {row[self._id]!r} is damaged; restore it from a backup"
            )
        raise damaged

    def row(self, record: R) -> dict[str, Any]:
        """Return the columns of a record."""
        values = {column: getattr(record, field) for column, field, _ in self._written}
        return values | {column: write(values[column]) for column, _, write in self._written if write is not None}


class TokenCodec(Codec[TokenRecord]):
    """Reads a token with its family, whose columns are behind those of the token."""

    def __init__(self) -> None:
        super().__init__(TokenRecord, TokenRecord.what, tokens, accounts.c.disabled)
        self._width = len(self.columns)
        self.columns: tuple[ColumnElement[Any], ...] = (*self.columns, *FAMILY.columns)

    def record(self, row: Sequence[Any]) -> TokenRecord:
        """Return the token of a row; see `Codec.record`."""
        token, family = super().record(row[: self._width]), row[self._width :]
        return token if family[0] is None else replace(token, family=FAMILY.record(family))


def dummy_key(octets: object) -> bytes:
    """Return the random key of a store from its row.

    Raises:
        Unavailable: the row is damaged.
    """
    if not isinstance(octets, (bytes, memoryview)) or len(octets) != _DUMMY_KEY_OCTETS:
        raise Unavailable("the store does not answer: the dummy_key of watchword_meta is damaged; restore it from a backup")
    return bytes(octets)


def _list(texts: Iterable[str]) -> str:
    return json.dumps(list(texts), ensure_ascii=False, separators=(",", ":"))


# Each reader raises ValueError for a damaged value.


def _texts(text: Any) -> tuple[str, ...]:  # noqa: ANN401 - any value of a driver; so below
    if text == "[]":
        return ()
    if not isinstance(text, str):
        raise ValueError("not text")  # noqa: TRY004 - one exception for all
    read = json.loads(text)
    if not isinstance(read, list):
        raise ValueError("not a list")  # noqa: TRY004
    return tuple(map(_text, read))


def _set(text: Any) -> frozenset[str]:  # noqa: ANN401
    return _NOTHING if text == "[]" else frozenset(_texts(text))


def _text(text: Any) -> str:  # noqa: ANN401
    if not isinstance(text, str) or not text:
        raise ValueError("not text")
    return text


def _json_object(text: Any) -> str:  # noqa: ANN401
    # Whoever reads it relies upon it.
    if text != "{}" and not isinstance(json.loads(_text(text)), dict):
        raise ValueError("not an object")
    return str(text)


def _of(*kinds: type) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:  # noqa: ANN401
        if not isinstance(value, kinds):
            raise ValueError("a value of another type")  # noqa: TRY004
        return value

    return read


def _octets(value: Any) -> bytes:  # noqa: ANN401
    return bytes(_of(bytes, memoryview)(value))


def _kind(text: Any) -> Literal["user", "client"]:  # noqa: ANN401
    if text == "user" or text == "client":  # noqa: PLR1714 - mypy narrows by it
        return text  # type: ignore[no-any-return]
    raise ValueError("not a kind")


def _scopes(text: Any) -> frozenset[str]:  # noqa: ANN401
    return frozenset(map(check_scope, _set(text)))


def _as_it_is(value: Any) -> Any:  # noqa: ANN401
    return value


# Field to the function that reads it from its column, the same for all kinds of records.
_READERS: dict[str, Callable[[Any], Any]] = {
    "id": _text,
    "names": _texts,
    "password_hash": _of(str, NoneType),
    "hash_profile": _as_it_is,
    "password_changed_at": _of(float, int, NoneType),
    "digest": _octets,
    "owner": _text,
    "label": _of(str),
    "kind": _kind,
    "roles": _set,
    "scopes": _scopes,
    "permissions": _set,
    "networks": _texts,
    "disabled": bool,
    "locked_until": _of(float, int, NoneType),
    "not_before": _of(float, int, NoneType),
    "expires_at": _of(float, int, NoneType),
    "created_at": _of(float, int),
    "last_login_at": _of(float, int, NoneType),
    "last_used_at": _of(float, int, NoneType),
    "revoked_at": _of(float, int, NoneType),
    "replaced_by": _as_it_is,
    "audience": lambda text: () if text is None else _texts(text),
    "sid": _of(str, NoneType),
    "owner_disabled": bool,
    "version": _of(int),
    "client": _text,
    "jkt": _of(str, NoneType),
    "claims": _json_object,
    "family": _text,
    "rotated_at": _of(float, int, NoneType),
    "successor": lambda octets: None if octets is None else _octets(octets),
    "nonce": lambda octets: None if octets is None else _octets(octets),
    "key_id": _of(str, NoneType),
    "uses": _of(int),
}
# Field to the function that writes it, if the database cannot keep it as it is.
_WRITERS: dict[str, Callable[[Any], str]] = {
    **dict.fromkeys(("roles", "scopes", "permissions"), lambda names: _list(sorted(names))),
    **dict.fromkeys(("names", "networks", "audience"), _list),
}
_FIELDS = {(tokens.name, "subject"): "owner"}  # columns with another name than the field

ACCOUNT: Codec[AccountRecord] = Codec(AccountRecord, "account", accounts)
KEY: Codec[KeyRecord] = Codec(KeyRecord, KeyRecord.what, keys, accounts.c.disabled)
FAMILY: Codec[FamilyRecord] = Codec(FamilyRecord, FamilyRecord.what, families, accounts.c.disabled)
TOKEN: Codec[TokenRecord] = TokenCodec()
REFRESH: Codec[RefreshRecord] = Codec(RefreshRecord, "refresh tokens of the family", refresh_tokens, named_by="family")
