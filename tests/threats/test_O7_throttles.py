"""Attempts that come at the same time take their room before the secret is verified (threat O7)."""

# ruff: noqa: N802 - a test carries the id of its row

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import TYPE_CHECKING

import anyio

from tests.support.core import ask
from tests.support.wire import basic
from watchword import Basic, BasicCredentials, Challenged, Guard, Operation, Principal, Throttled

if TYPE_CHECKING:
    from watchword.operation import Steps
    from watchword.protection.attempts import Attempt, Outcome

LIMIT, ATTEMPTS = 10, 40


class Rooms:
    """A throttle with a few rooms for everybody. None is given back for a wrong secret."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.taken = 0

    def blocked(self, attempt: Attempt) -> int | None:
        """Refuse nothing beforehand: all attempts look at the same time, and see room."""
        return None

    def reserve(self, attempt: Attempt) -> Steps[Rooms | int]:
        """Take a room, or say when there is one."""
        took = yield Operation(self._take)
        return self if took else 60

    def _take(self) -> bool:
        with self.lock:
            self.taken += self.taken < LIMIT + 1
            return self.taken <= LIMIT

    def settle(self, outcome: Outcome) -> None:
        """Keep the room."""


def counted() -> tuple[Guard, list[str]]:
    """Return a guard with such a throttle, and the passwords that its checker was asked about."""
    asked: list[str] = []

    def check(credentials: BasicCredentials) -> Principal | None:
        asked.append(credentials.password)
        return None

    return Guard(Basic(check, realm="office"), throttle=Rooms()), asked


def test_O7_threads_that_guess_at_once_get_no_more_than_the_limit() -> None:
    """Reading a count and writing it later would let all of them through."""
    guard, asked = counted()
    with ThreadPoolExecutor(ATTEMPTS) as pool:
        decisions = list(pool.map(lambda number: guard.decide(ask("/", basic("ann", str(number)))), range(ATTEMPTS)))
    assert len(asked) == LIMIT
    assert [type(decision) for decision in decisions].count(Challenged) == LIMIT
    assert [type(decision) for decision in decisions].count(Throttled) == ATTEMPTS - LIMIT


def test_O7_tasks_that_guess_at_once_get_no_more_than_the_limit() -> None:
    """The same on an event loop, where each waits for its reservation."""
    guard, asked = counted()

    async def guess(number: int) -> None:
        await guard.adecide(ask("/", basic("ann", str(number))))

    async def main() -> None:
        async with anyio.create_task_group() as group:
            for number in range(ATTEMPTS):
                group.start_soon(guess, number)

    anyio.run(main)
    assert len(asked) == LIMIT
