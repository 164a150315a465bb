"""Keeps values with an expiry in a dictionary: a part of `MemoryStore`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchword.errors import Unavailable
from watchword.stores.bounds import MAX_VALUES, check_page, check_value, is_key
from watchword.stores.ports import PAGE, ValueStore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from watchword.clock import Clock
    from watchword.locking import ProcessLock


class MemoryValues(ValueStore):
    """Answers `ValueStore` from a dictionary.

    Args:
        lock: of the store.
        clock: of the store.
    """

    def __init__(self, lock: ProcessLock, clock: Clock) -> None:
        self._lock = lock
        self._clock = clock
        self._values: dict[str, tuple[bytes, float]] = {}  # key to value and expiry

    def find_value(self, key: str) -> bytes | None:
        with self._lock:
            return self._living(key)

    def find_values(self, prefix: str, *, limit: int = PAGE) -> Sequence[tuple[str, bytes]]:
        check_page(prefix, limit)
        if not is_key(prefix):
            return ()
        with self._lock:
            now = self._clock.now()
            found = sorted((key, value) for key, (value, end) in self._values.items() if key.startswith(prefix) and end > now)
            return tuple(found[: max(limit, 0)])

    def put_value(self, key: str, value: bytes, ttl: float) -> None:
        check_value(key, value, ttl)
        with self._lock:
            self._put(key, value, ttl)

    def swap_value(self, key: str, old: bytes | None, new: bytes, ttl: float) -> bool:
        check_value(key, new, ttl)
        with self._lock:
            if self._living(key) != old:
                return False
            self._put(key, new, ttl)
            return True

    def remove_value(self, key: str) -> bool:
        with self._lock:
            return self._living(key) is not None and bool(self._values.pop(key))

    def _living(self, key: str) -> bytes | None:
        value, end = self._values.get(key, (None, 0.0))
        return value if end > self._clock.now() else None

    def _put(self, key: str, value: bytes, ttl: float) -> None:
        now = self._clock.now()
        if key not in self._values and len(self._values) >= MAX_VALUES:
            self._values = {key: kept for key, kept in self._values.items() if kept[1] > now}
            if len(self._values) >= MAX_VALUES:
                raise Unavailable(f"the store is full: it has {MAX_VALUES} values")
        self._values[key] = value, now + ttl
