"""A store is asked at once if it does not block, and otherwise in one operation, which waits without a thread where the store can."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from watchword import APIKey, Bearer, Granted, Guard, Operation, RequestView
from watchword.checkers import APIKeys, OpaqueTokens
from watchword.checkers.asking import ask, async_side
from watchword.stores import MemoryStore
from watchword.testing import FixedClock

if TYPE_CHECKING:
    from collections.abc import Generator

    from watchword.operation import Steps


class Store:
    """One question, asked of a dictionary or of a network."""

    def __init__(self, *, blocking: bool) -> None:
        self.blocking = blocking

    def revision(self) -> int:
        """Never change."""
        return 0

    def is_current(self, revision: int, subjects: object = None) -> bool:
        """Never change."""
        return True

    def find(self, name: str) -> str:
        """Answer."""
        return f"found {name}"

    async def afind(self, name: str) -> str:
        """Answer, awaited."""
        return f"awaited {name}"


def operations(steps: Steps[object]) -> tuple[list[Operation[object]], object]:
    """Drive steps by hand, and return what they asked for with what they returned."""
    asked: list[Operation[object]] = []
    running: Generator[Operation[object], object, object] = steps
    try:
        operation = next(running)
        while True:
            asked.append(operation)
            operation = running.send(operation.run())
    except StopIteration as end:
        return asked, end.value


def test_a_store_that_does_not_block_is_asked_without_an_operation() -> None:
    """No thread is taken from an event loop to look into a dictionary; a store that blocks costs one operation, in either form."""
    for blocking in (False, True):
        store = Store(blocking=blocking)
        asked, answer = operations(ask(store, partial(store.find, "ann"), async_side(store, "find", "ann")))
        assert (len(asked), answer) == (int(blocking), "found ann")
        assert all(operation.arun is not None for operation in asked)


def test_keys_and_tokens_in_memory_are_looked_up_without_an_operation() -> None:
    """The checkers of issued secrets ask a `MemoryStore` at once, for known secrets and for unknown ones."""
    clock = FixedClock(1_700_000_000)
    keys, tokens = APIKeys(MemoryStore(), clock=clock), OpaqueTokens(MemoryStore(), clock=clock)
    guard = Guard(APIKey(keys), Bearer(tokens), clock=clock)
    fields = {"X-API-Key": keys.create("ann").key, "Authorization": f"Bearer {tokens.create('ann').token}"}
    for name, secret in fields.items():
        for sent, granted in ((secret, True), (secret[:-1], False)):
            asked, decision = operations(guard.steps(RequestView("GET", "/x", [(name, sent)])))
            assert not asked
            assert isinstance(decision, Granted) is granted
