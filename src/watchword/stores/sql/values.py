"""Keeps values with an expiry in a database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import BindParameter, Double, bindparam, cast, delete, extract, func, insert, select, update

from watchword.clock import SystemClock
from watchword.errors import Unavailable
from watchword.stores.bounds import MAX_COUNT, MAX_VALUES, check_page, check_value, is_key
from watchword.stores.ports import PAGE, ValueStore
from watchword.stores.sql.part import Part
from watchword.stores.sql.schema import values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement

    from watchword.stores.sql.change import Change

_BATCH = 20  # expired rows that an addition deletes: more than it adds
_KEY: BindParameter[Any] = bindparam("which")  # not "key", which would name the column that is set
_NOW: BindParameter[Any] = bindparam("now", type_=Double)
# The clock of the server: in this statement, so that no time passes between the question and the answer.
_SERVER_NOW: ColumnElement[Any] = cast(extract("epoch", func.clock_timestamp()), Double)

_THIS = values.c.key == _KEY
_CHANGE = update(values).where(_THIS).values(value=bindparam("new"), expires_at=bindparam("until"))
_LIVING = select(values.c.value).where(_THIS, values.c.expires_at > _NOW)
_ALL = select(func.count()).select_from(select(values.c.key).limit(MAX_VALUES).subquery())
_EXPIRED = select(values.c.key).where(values.c.expires_at <= _NOW).limit(_BATCH)
# Skips locked rows, which the next addition takes. The outer condition is tried again: a row may be renewed meanwhile.
_FORGET = delete(values).where(values.c.key.in_(_EXPIRED.with_for_update(skip_locked=True)), values.c.expires_at <= _NOW)


class SQLValues(Part, ValueStore):
    """Answers `ValueStore` from a database."""

    def find_value(self, key: str) -> bytes | None:
        if not is_key(key):
            return None
        now, parameters = self._now()
        found = self._database.read(select(values.c.value).where(_THIS, values.c.expires_at > now), {"which": key, **parameters})
        return bytes(found[0][0]) if found else None

    def find_values(self, prefix: str, *, limit: int = PAGE) -> Sequence[tuple[str, bytes]]:
        check_page(prefix, limit)
        if limit < 1 or not is_key(prefix):
            return ()
        now, parameters = self._now()
        # Keys are visible ASCII, ordered by octets: all with this prefix are before its extension by DEL.
        among = values.c.key >= prefix, values.c.key < f"{prefix}\x7f", values.c.expires_at > now
        question = select(values.c.key, values.c.value).where(*among).order_by(values.c.key).limit(min(limit, MAX_COUNT))
        return tuple((str(key), bytes(value)) for key, value in self._database.read(question, parameters))

    def put_value(self, key: str, value: bytes, ttl: float) -> None:
        check_value(key, value, ttl)
        self._database.change(lambda change: self._put(change, key, value, ttl, self._at(change)), locks=[_lock(key)])

    def swap_value(self, key: str, old: bytes | None, new: bytes, ttl: float) -> bool:
        check_value(key, new, ttl)

        def work(change: Change) -> bool:
            now = self._at(change)
            found = change.rows(_LIVING, {"which": key, "now": now})
            if (bytes(found[0][0]) if found else None) != old:
                return False
            self._put(change, key, new, ttl, now)
            return True

        return self._database.change(work, locks=[_lock(key)])

    def remove_value(self, key: str) -> bool:
        if not is_key(key):
            return False

        def work(change: Change) -> bool:
            return bool(change.execute(delete(values).where(_THIS, values.c.expires_at > _NOW), {"which": key, "now": self._at(change)}))

        return self._database.change(work, locks=[_lock(key)])

    def _put(self, change: Change, key: str, value: bytes, ttl: float, now: float) -> None:
        if change.execute(_CHANGE, {"which": key, "new": value, "until": now + ttl}):
            return
        change.execute(_FORGET, {"now": now})
        if change.rows(_ALL)[0][0] >= MAX_VALUES:
            raise Unavailable(f"the store is full: it has {MAX_VALUES} values")
        change.execute(insert(values), {"key": key, "value": value, "expires_at": now + ttl})

    def _at(self, change: Change) -> float:
        """Return the time, after the lock was waited for."""
        return change.now(self._database.clock)

    def _now(self) -> tuple[ColumnElement[Any], dict[str, float]]:
        """Return the time as an expression for a statement that reads, with its parameters; see `Change.now`."""
        if self._database.is_postgresql and isinstance(self._database.clock, SystemClock):
            return _SERVER_NOW, {}
        return _NOW, {"now": self._database.clock.now()}


def _lock(key: str) -> str:
    return f"value:{key}"
