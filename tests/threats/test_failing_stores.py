"""A store that fails at every single call, one after the other: an outage is 503, and nothing else changes."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event

from tests.support.core import ask
from tests.support.logins import NOW, CountingHasher
from tests.support.stores import fill, methods
from tests.support.wire import basic
from watchword import APIKey, Basic, Bearer, Challenged, Failed, Granted, Guard, Unavailable
from watchword.checkers import Accounts, APIKeys, OpaqueTokens
from watchword.stores import SQLStore
from watchword.stores.memory import MemoryStore
from watchword.testing import FixedClock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from watchword.decision import Decision

ASKED = {"find_account", "find_key", "find_token", "hash_samples", "dummy_key", "note_login", "note_key_use", "swap_hash"}


class FailsAt:
    """A store that cannot answer one of its calls.

    Args:
        call: which, from 0.
    """

    def __init__(self, call: int) -> None:
        self._store: Any = MemoryStore()
        self._left = call
        self.armed = False

    @property
    def has_failed(self) -> bool:
        """Whether it came to that call."""
        return self._left < 0

    def __getattr__(self, name: str) -> Any:
        """Return a method that may fail before it does anything."""
        method = getattr(self._store, name)
        if name not in ASKED or not self.armed:
            return method

        def called(*arguments: object, **options: object) -> object:
            self._left -= 1
            if self._left == -1:
                raise Unavailable("the disk is gone", retry_after=5)
            return method(*arguments, **options)

        return called


class Service:
    """A guard over a store that has one of each, and the requests that are right and wrong about each."""

    def __init__(self, call: int) -> None:
        self.clock = FixedClock(NOW)
        self.store = FailsAt(call)
        hasher = CountingHasher()
        self.accounts = Accounts(self.store, hasher=hasher, clock=self.clock, on_event=str)
        self.accounts.add("ann", password_hash=CountingHasher(time_cost=2).hash("s3cret"))
        keys, tokens = APIKeys(self.store, clock=self.clock), OpaqueTokens(self.store, clock=self.clock)
        key, token = keys.create("ann").key, tokens.create("ann").token
        self.guard = Guard(Basic(self.accounts, realm="x"), APIKey(keys), Bearer(tokens), clock=self.clock)
        self.right = [basic("ann", "s3cret"), ("X-API-Key", key), ("Authorization", f"Bearer {token}")]
        lost = OpaqueTokens(MemoryStore()).create("ann").token
        strange = APIKeys(MemoryStore()).create("ann").key
        self.wrong = [basic("ann", "wrong"), basic("bob", "s3cret"), ("X-API-Key", strange), ("Authorization", f"Bearer {lost}")]

    def answers(self, sent: tuple[str, str]) -> Decision:
        """Decide, and do what is left for after_response."""
        decision = self.guard.decide(ask("/", sent))
        self.guard.finish(decision)
        return decision


def test_whichever_call_fails_the_answer_is_503_and_the_next_one_right() -> None:
    """Never 401 for what is right, never 200 for what is wrong, never an exception; and it is over with the next request."""
    call = 0
    while True:
        service = Service(call)
        service.store.armed = True
        failed = 0
        for _ in range(2):  # the second time from memory, where there is one
            for sent, granted in [(sent, True) for sent in service.right] + [(sent, False) for sent in service.wrong]:
                decision = service.answers(sent)
                assert isinstance(decision, (Failed, Granted if granted else Challenged)), (call, sent[0])
                failed += isinstance(decision, Failed)
            service.clock.advance(120)
        assert failed <= 1, call
        service.store.armed = False
        service.clock.advance(400)  # nothing is remembered any more
        for sent in service.right:
            assert isinstance(service.answers(sent), Granted), call
        for sent in service.wrong:
            assert isinstance(service.answers(sent), Challenged), call
        # Also what was left for after the response was done in the end, once the store answered again.
        account = service.accounts.get("ann")
        assert account.last_login_at is not None
        assert account.hash_profile == "argon2id m=64 t=1 p=1"
        if not service.store.has_failed:
            break
        call += 1
    assert call > len(ASKED)


def _everything(path: Path) -> list[Any]:
    with closing(sqlite3.connect(path)) as other:
        tables = ("meta", "accounts", "names", "keys", "tokens")
        return [other.execute(f"SELECT * FROM watchword_{table} ORDER BY 1").fetchall() for table in tables]  # noqa: S608


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with one of each."""
    path = tmp_path_factory.mktemp("template") / "auth.db"
    with SQLStore(f"sqlite:///{path}") as store:
        fill(store)
    return path


def _try(method: Callable[[], object]) -> str:
    try:
        method()
    except Unavailable as outage:
        return outage.why
    return ""


@pytest.mark.sampled(5)
@pytest.mark.parametrize("traced", [False, True])
@pytest.mark.parametrize("method", sorted(methods(SQLStore("sqlite://", check=False))))
def test_whichever_statement_fails_nothing_is_half_written(
    method: str,
    template: Path,
    tmp_path: Path,
    traced: bool,  # noqa: FBT001 - the setting
) -> None:
    """Every statement of every method in turn, whoever executes it: `Unavailable`, the tables as they were, and the next try does it."""
    before = _everything(template)
    statement = 0
    failed = ["at first"]
    while failed:
        path = tmp_path / f"{statement}.db"
        shutil.copy(template, path)
        with SQLStore(f"sqlite:///{path}") as store:
            with Failing(store, statement, traced=traced) as failed:
                why = _try(methods(store)[method])
            assert ("disk I/O error" in why) == bool(failed), why
            if failed:
                assert _everything(path) == before
                methods(store)[method]()
        statement += 1
    assert statement > 1


class Failing:
    """Let a statement of a store fail, counted from now, in the cursor of the driver: whoever executes it.

    Args:
        store: the store.
        at: which statement, from 0.
        traced: whether somebody listens to statements, so that SQLAlchemy executes every one. Else single records are read without it.
    """

    def __init__(self, store: SQLStore, at: int, *, traced: bool) -> None:
        self._engines: list[Any] = [store._database._engine, store._database._spare.get()]  # no other store has them
        self._left = at
        self._traced = traced
        self._failed: list[str] = []
        self._connections: list[Any] = []

    def __enter__(self) -> list[str]:
        for engine in self._engines:
            event.listen(engine, "checkout", self._lent)
            if self._traced:
                event.listen(engine, "before_cursor_execute", _hear)
        return self._failed

    def __exit__(self, *_: object) -> None:
        for engine in self._engines:
            event.remove(engine, "checkout", self._lent)
            if self._traced:
                event.remove(engine, "before_cursor_execute", _hear)
        for connection in self._connections:
            vars(connection).pop("cursor", None)
            vars(connection).pop("execute", None)

    def _lent(self, connection: Any, *_: object) -> None:
        failing = self

        class Cursor(sqlite3.Cursor):
            def execute(self, statement: str, *parameters: Any) -> Any:
                failing.count(statement)
                return super().execute(statement, *parameters)

        self._connections.append(connection)
        connection.cursor = lambda: type(connection).cursor(connection, Cursor)
        connection.execute = lambda *given: connection.cursor().execute(*given)

    def count(self, statement: str) -> None:
        """Fail, if it is the one."""
        self._left -= 1
        if self._left == -1:
            self._failed.append(statement)
            raise sqlite3.OperationalError("disk I/O error")


def _hear(*_: object) -> None:
    """Do as tracing does."""
