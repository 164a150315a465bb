"""Where checkers run: what may block never runs on the event loop, on asyncio and on trio; what is quick needs no thread."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING, Any

import argon2
import pytest

from tests.support.drive import ByASGI, Request, basic, bearer, request_view, who
from tests.support.people import ANN
from watchword import Basic, Bearer, BearerToken, Guard, Operation, Principal, Unavailable, Verdict
from watchword.checkers import PasswordHasher, Tokens, Users
from watchword.checkers.adapt import FlowChecker, nonblocking
from watchword.verdict import Accepted

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

pytestmark = pytest.mark.anyio

REQUEST = Request(target="/me", headers=(bearer("t"),))


class Where:
    """Keeps the threads in which it was called."""

    def __init__(self) -> None:
        self.idents: list[int] = []

    def here(self) -> None:
        """Keep the thread."""
        self.idents.append(threading.get_ident())

    def plain(self, credentials: BearerToken) -> Principal:
        """Be a plain method."""
        self.here()
        return ANN

    async def awaited(self, credentials: BearerToken) -> Principal:
        """Be an async method."""
        self.here()
        return ANN

    @nonblocking
    def fast_check(self, credentials: BearerToken) -> Principal:
        """Be a plain method that is marked."""
        self.here()
        return ANN

    def generating(self, credentials: BearerToken) -> Generator[Operation[None], None, Principal]:
        """Be a generator method: itself on the loop, its operation in a thread."""
        yield Operation(self.here)
        return ANN


class Callee:
    """An object that is called."""

    def __init__(self, where: Where) -> None:
        self.where = where

    def __call__(self, credentials: BearerToken) -> Principal:
        """Be a plain call."""
        return self.where.plain(credentials)


class Checking(Callee):
    """An object with check()."""

    def check(self, credentials: BearerToken) -> Principal:
        """Be a plain check."""
        return self.where.plain(credentials)


class Flowing(FlowChecker[BearerToken]):
    """An object with flow()."""

    def __init__(self, where: Where) -> None:
        self.where = where

    def flow(self, credentials: BearerToken) -> Generator[Operation[Any], Any, Verdict]:
        """Ask for one operation."""
        yield Operation(self.where.here)
        return Accepted(ANN)


def function(where: Where) -> Callable[[BearerToken], Principal]:
    """Return a plain function."""

    def check(credentials: BearerToken) -> Principal:
        return where.plain(credentials)

    return check


BLOCKING: dict[str, Callable[[Where], Any]] = {
    "method": lambda where: where.plain,
    "function": function,
    "partial": lambda where: partial(where.plain),
    "callable object": Callee,
    "object with check": Checking,
    "generator": lambda where: where.generating,
    "object with flow": Flowing,
}
ON_THE_LOOP: dict[str, Callable[[Where], Any]] = {"async": lambda where: where.awaited, "nonblocking": lambda where: where.fast_check}


@pytest.mark.parametrize("form", BLOCKING)
async def test_what_may_block_runs_elsewhere(form: str) -> None:
    """A plain checker of every form, and every operation of a flow, runs in a worker thread."""
    where = Where()
    answer = await ByASGI(Guard(Bearer(BLOCKING[form](where)))).awaited(REQUEST)
    assert who(answer) == "ann"
    assert len(where.idents) == 1
    assert where.idents[0] != threading.get_ident()


@pytest.mark.parametrize("form", ON_THE_LOOP)
async def test_what_does_not_block_stays_here(form: str) -> None:
    """An async checker and one that is marked run on the event loop."""
    where = Where()
    answer = await ByASGI(Guard(Bearer(ON_THE_LOOP[form](where)))).awaited(REQUEST)
    assert (who(answer), where.idents) == ("ann", [threading.get_ident()])


@pytest.mark.parametrize("form", [*BLOCKING, "nonblocking"])
async def test_adecide_and_decide_agree(form: str) -> None:
    """The bare guard drives the same steps in both worlds."""
    where = Where()
    guard = Guard(Bearer((BLOCKING | ON_THE_LOOP)[form](where)))
    assert (await guard.adecide(request_view(REQUEST))).principal == guard.decide(request_view(REQUEST)).principal
    assert where.idents[1] == threading.get_ident()


async def test_hashing_never_runs_on_the_loop() -> None:
    """Users verifies in a worker thread, a name that exists as one that does not."""
    where = Where()

    class Watched(PasswordHasher):
        def verify(self, hash: str, password: str | bytes) -> bool:  # noqa: A002 - the name of the argument
            where.here()
            return super().verify(hash, password)

    users = Users({"ann": argon2.PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash("s3cret")}, hasher=Watched())
    driver = ByASGI(Guard(Basic(users, realm="r")))
    answers = [await driver.awaited(Request(target="/me", headers=(basic(name, "s3cret"),))) for name in ("ann", "nobody")]
    assert (who(answers[0]), answers[1].status) == ("ann", 401)
    assert len(where.idents) == 2
    assert threading.get_ident() not in where.idents


def drain(steps: Any) -> list[Operation[Any]]:
    """Run steps by hand; return their operations."""
    operations: list[Operation[Any]] = []
    try:
        operations.append(next(steps))
        while True:
            operations.append(steps.send(operations[-1].run()))
    except StopIteration:
        return operations


async def test_a_table_of_tokens_needs_no_operation() -> None:
    """Tokens answers at once: there is nothing to run elsewhere."""
    assert drain(Guard(Bearer(Tokens({"t": ANN}))).steps(request_view(REQUEST))) == []


async def test_an_outage_in_a_thread_is_503() -> None:
    """Unavailable comes through from a worker thread, and so does a bug."""

    def down(credentials: BearerToken) -> Principal:
        raise Unavailable("down")

    def broken(credentials: BearerToken) -> Principal:
        raise LookupError("bug")

    assert (await ByASGI(Guard(Bearer(down))).awaited(REQUEST)).status == 503
    with pytest.raises(LookupError, match="bug"):
        await ByASGI(Guard(Bearer(broken))).awaited(REQUEST)


async def test_a_failing_operation_can_be_caught_in_the_flow() -> None:
    """A flow sees the error of its own operation where it yields, in both worlds."""

    def fails() -> None:
        raise ConnectionError("gone")

    def check(credentials: BearerToken) -> Generator[Operation[None], None, Principal]:
        try:
            yield Operation(fails)
        except ConnectionError as error:
            raise Unavailable("the store is gone", retry_after=3) from error
        return ANN

    guard = Guard(Bearer(check))
    answer = await ByASGI(guard).awaited(REQUEST)
    assert (answer.status, answer.one("retry-after")) == (503, "3")
    assert type(guard.decide(request_view(REQUEST))).__name__ == "Failed"
