"""Tests the contract of `ValueStore`."""

# ruff: noqa: FBT003 - expected values

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from functools import partial
from math import inf, nan
from typing import TYPE_CHECKING, Any, ClassVar

from watchword.stores.ports import ValueStore
from watchword.testing.clock import FixedClock
from watchword.testing.stores.common import UNSTORABLE, Contract, refuses, same

if TYPE_CHECKING:
    from watchword.clock import Clock

NOW = 1_000_000.0
LONGEST = b"\x00\xff" * 32_768
ODD_KEYS = (*UNSTORABLE, "a b", " ", "a\n", "\x7f", "é", "a" * 256)


class ValueStoreContract(Contract):
    """Tests the contract of `ValueStore`; see `AccountStoreContract`."""

    ports: ClassVar[tuple[type, ...]] = (ValueStore,)

    @abstractmethod
    def store_by(self, clock: Clock) -> Any:  # noqa: ANN401 - a store
        """Return a new and empty store whose time is that of a clock; called once per test."""

    def test_a_value_is_found_by_its_key_until_it_is_replaced_or_removed(self) -> None:
        """Octet by octet, and by no other key."""
        store = self.store()
        for value in (b"", b"x", LONGEST):
            store.put_value("a/b", value, 60)
            same((store.find_value("a/b"), store.find_value("a/B"), store.find_value("a/")), (value, None, None), "the values")
        same((store.remove_value("a/b"), store.remove_value("a/b"), store.find_value("a/b")), (True, False, None), "the removal")

    def test_values_are_listed_by_prefix(self) -> None:
        """In the order of the keys, which are no patterns."""
        store = self.store()
        for key in ("a/2", "a/1", "a0", "b/1", "A/1", "a/~~", "a%", "a_1", "a/"):
            store.put_value(key, key.encode(), 60)

        def keys(prefix: str, **options: int) -> list[str]:
            found = store.find_values(prefix, **options)
            same([value for _, value in found], [key.encode() for key, _ in found], "the values")
            return [key for key, _ in found]

        same(keys("a/"), ["a/", "a/1", "a/2", "a/~~"], "the keys")
        same(keys("a/", limit=2), ["a/", "a/1"], "a page of the keys")
        same((keys("a%"), keys("a_"), keys("c"), keys("a/", limit=0)), (["a%"], ["a_1"], [], []), "the keys by other prefixes")

    def test_a_value_expires(self) -> None:
        """By the clock of the store. One that has expired is not there, and is renewed as if it had never been."""
        clock = FixedClock(NOW)
        store = self.store_by(clock)
        store.put_value("a", b"1", 10)
        store.put_value("b", b"2", 20)
        clock.advance(9)
        same((store.find_value("a"), len(store.find_values("a"))), (b"1", 1), "before the end")
        store.put_value("b", b"2", 5)
        clock.advance(1)
        same((store.find_value("a"), store.find_values("a"), store.remove_value("a")), (None, (), False), "at the end")
        same((store.swap_value("a", b"1", b"3", 10), store.swap_value("a", None, b"3", 10)), (False, True), "the swaps")
        clock.advance(5)
        same((store.find_value("a"), store.find_value("b")), (b"3", None), "after the end of the other one")

    def test_a_swap_compares_before_it_sets(self) -> None:
        """A value that is not as expected stays."""
        store = self.store()
        same(store.swap_value("a", b"0", b"1", 60), False, "a swap of what is not there")
        same([store.swap_value("a", None, b"1", 60), store.swap_value("a", None, b"2", 60)], [True, False], "additions")
        same([store.swap_value("a", b"", b"2", 60), store.swap_value("a", b"1", b"2", 60)], [False, True], "swaps")
        same(store.find_value("a"), b"2", "the value")

    def test_one_of_many_concurrent_swaps_wins(self) -> None:
        """Whether the value is there or not."""
        store = self.store()
        for old in (None, b"old"):
            if old is not None:
                store.put_value("a", old, 60)
            told = Counter(self.race(partial(self._swap, store, old)))
            same(told, {True: 1, False: self.racers - 1}, "the answers")

    def _swap(self, store: Any, old: bytes | None, number: int) -> bool:  # noqa: ANN401 - a store
        return bool(store.swap_value("a", old, b"%d" % number, 60))

    def test_concurrent_puts_of_one_key_all_succeed(self) -> None:
        """And one of the values is kept."""
        store = self.store()
        self.race(lambda number: store.put_value("a", b"%d" % number, 60))
        same(store.find_value("a") in {b"%d" % number for number in range(self.racers)}, True, "whether the value is one of them")

    def test_values_are_bounded(self) -> None:
        """What is beyond a bound is refused, and looking for it finds nothing."""
        store = self.store()
        for key in ODD_KEYS:
            refuses(partial(store.put_value, key, b"", 60), f"putting {key[:9]!r}")
            refuses(partial(store.swap_value, key, None, b"", 60), f"swapping {key[:9]!r}")
            same((store.find_value(key), store.find_values(key), store.remove_value(key)), (None, (), False), f"a look for {key[:9]!r}")
        for value in (LONGEST + b"x", "text", None):
            refuses(partial(store.put_value, "a", value, 60), "putting an odd value")
            refuses(partial(store.swap_value, "a", None, value, 60), "swapping in an odd value")
        for ttl in (0, -1, nan, inf, "5", None, True, 31_622_401):
            refuses(partial(store.put_value, "a", b"", ttl), f"putting for {ttl!r} seconds")
        same(store.find_values("a"), (), "what was kept")
