"""Reads records from rows, and writes them into rows.

A row that no store wrote, because a disk or a person damaged it, is an outage: what stood in it is unknown. It is neither an anonymous
caller nor somebody with other rights, and no exception of whatever would compute with it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from sqlalchemy import case, literal

from watchword.errors import Unavailable
from watchword.stores.ports import AccountRecord, KeyRecord, TokenRecord
from watchword.stores.sql.schema import accounts, keys, tokens
from watchword.validators import check_scope

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sqlalchemy import ColumnElement, Table
R = TypeVar("R", bound=AccountRecord | KeyRecord | TokenRecord)

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

_NOTHING: frozenset[str] = frozenset()
_DECOY_OCTETS = 32


class Codec(Generic[R]):
    """Reads and writes the rows of one kind of record: each column by its name, and each name in one way for all kinds.

    Args:
        kind: the record.
        what: what it is called in messages.
        table: where it is kept.
        told: columns of other tables that come after those of its own, and are never written.
    """

    def __init__(self, kind: type[R], what: str, table: Table, *told: ColumnElement[Any]) -> None:
        self.columns: tuple[ColumnElement[Any], ...] = (*table.c, *told)
        self._kind = kind
        self._what = what
        self._id = list(table.c).index(table.c.id)
        fields = [_FIELDS.get((table.name, column.name), column.name) for column in table.c]
        self._written = [(column.name, field, _WRITERS.get(field)) for column, field in zip(table.c, fields, strict=True)]
        self._read = [(field, _READERS[field]) for field in [*fields, *("owner_disabled" for _ in told)]]

    def record(self, row: Sequence[Any]) -> R:
        """Return the record of a row of `columns`.

        Args:
            row: the columns.

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
        """Return the columns of a record.

        Args:
            record: the record.
        """
        values = {column: getattr(record, field) for column, field, _ in self._written}
        return values | {column: write(values[column]) for column, _, write in self._written if write is not None}


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


def _list(texts: Iterable[str]) -> str:
    return json.dumps(list(texts), ensure_ascii=False, separators=(",", ":"))


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


def _text(text: Any) -> str:  # noqa: ANN401
    if not isinstance(text, str) or not text:
        raise ValueError("no text")
    return text


def _label(text: Any) -> str:  # noqa: ANN401
    if not isinstance(text, str):
        raise ValueError("no text")  # noqa: TRY004
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
    if time is not None and not isinstance(time, (float, int)):
        raise ValueError("no time")
    return time


def _moment(time: Any) -> float:  # noqa: ANN401
    if not isinstance(time, (float, int)):
        raise ValueError("no time")  # noqa: TRY004
    return time


def _number(number: Any) -> int:  # noqa: ANN401
    if not isinstance(number, int):
        raise ValueError("no number")  # noqa: TRY004
    return number


def _scopes(text: Any) -> frozenset[str]:  # noqa: ANN401
    return frozenset(map(check_scope, _set(text)))


def _as_it_is(value: Any) -> Any:  # noqa: ANN401
    return value


# How a field is read from its column: the grants, the times and the rest, whichever kind of record has them.
_READERS: dict[str, Callable[[Any], Any]] = {
    "id": _text,
    "names": _texts,
    "password_hash": lambda text: None if text is None else _label(text),
    "hash_profile": _as_it_is,
    "password_changed_at": _time,
    "digest": _octets,
    "owner": _text,
    "label": _label,
    "kind": _kind,
    "roles": _set,
    "scopes": _scopes,
    "permissions": _set,
    "networks": _texts,
    "disabled": bool,
    "locked_until": _time,
    "not_before": _time,
    "expires_at": _time,
    "created_at": _moment,
    "last_login_at": _time,
    "last_used_at": _time,
    "revoked_at": _time,
    "replaced_by": _as_it_is,
    "owner_disabled": bool,
    "version": _number,
}
# How it is written, where the database cannot keep it as it is.
_WRITERS: dict[str, Callable[[Any], str]] = {
    **dict.fromkeys(("roles", "scopes", "permissions"), lambda names: _list(sorted(names))),
    **dict.fromkeys(("names", "networks"), _list),
}
_FIELDS = {(tokens.name, "subject"): "owner"}  # columns that are called otherwise

ACCOUNT: Codec[AccountRecord] = Codec(AccountRecord, "account", accounts)
KEY: Codec[KeyRecord] = Codec(KeyRecord, KeyRecord.what, keys, accounts.c.disabled)
TOKEN: Codec[TokenRecord] = Codec(TokenRecord, TokenRecord.what, tokens, accounts.c.disabled)
