"""Holds what the suites for stores share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from concurrent.futures import Future, ThreadPoolExecutor
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

from watchword.errors import AlreadyExists
from watchword.stores.ports import AccountRecord, KeyRecord, TokenRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from watchword.stores.ports import Issued

T = TypeVar("T")


class About(Protocol):
    """A record of a store."""

    @property
    def subjects(self) -> tuple[str, ...]:
        """What an answer about it depends on."""
        ...


Look: TypeAlias = "Callable[[], About]"

# Composed and not, right to left, beyond the Basic Multilingual Plane, joined emoji, what SQL and JSON quote, and what LIKE matches.
TEXTS = (
    *("é", "e\u0301", "Å", "ﬁ", "שלום", "مرحبا", "\U0001d518\U0001d52b", "👩‍👩‍👧", "\U0010ffff", "\uffff", "ß", "\u0131", "\u200b"),
    *("'", '"', "\\", "%", "_", "a b", " ", "\t", "\n", "\x01", "\x7f", ";--", "{}", "[]", "null", "NULL", "a" * 1024, "é" * 512),
)
# Nothing that can be kept. Also shown by clients, so a lookup has to bear it.
UNSTORABLE = ("", "\x00", "a\x00", "\x00a", "\ud800", "a\udfff", "a" * 1025, "é" * 513, "a" * 1_000_000)


def account(id: str = "1", *names: str, **fields: Any) -> AccountRecord:  # noqa: A002, ANN401 - the names of the fields
    """Return an account to add.

    Args:
        id: its id.
        names: its names.
        fields: the rest.
    """
    return AccountRecord(id=id, names=names, **fields)


def key(id: str = "k1", owner: str = "1", **fields: Any) -> KeyRecord:  # noqa: A002, ANN401 - as above
    """Return a key to add.

    Args:
        id: its id.
        owner: whose.
        fields: the rest.
    """
    return KeyRecord(id=id, digest=sha256(id.encode()).digest(), owner=owner, **fields)


def token(id: str = "t1", owner: str = "1", **fields: Any) -> TokenRecord:  # noqa: A002, ANN401 - as above
    """Return a token to add.

    Args:
        id: its handle.
        owner: whose.
        fields: the rest.
    """
    return TokenRecord(id=id, digest=sha256(id.encode()).digest(), owner=owner, **fields)


class Contract(ABC):
    """What the suites have in common."""

    racers = 100
    """How many threads try to be the first."""

    many = 2500
    """How many records make several pages."""

    @abstractmethod
    def store(self) -> Any:  # noqa: ANN401 - whatever has the methods
        """Return a new and empty store; called once per test."""

    def fill(self, store: Any, records: Sequence[Issued]) -> None:  # noqa: ANN401 - as above
        """Add many keys, or many tokens; override it where there is a quicker way.

        Args:
            store: the store.
            records: the keys or tokens.
        """
        for record in records:
            getattr(store, f"add_{record.what}")(record)

    def race(self, work: Callable[[int], T]) -> list[T]:
        """Return what all threads are told, each of which begins when all are there.

        Args:
            work: what each does with its number.
        """
        gate: Future[None] = Future()

        def run(number: int) -> T:
            gate.result()
            return work(number)

        with ThreadPoolExecutor(self.racers) as threads:
            running = [threads.submit(run, number) for number in range(self.racers)]
            gate.set_result(None)
            return [one.result() for one in running]


def same(found: object, expected: object, what: str) -> None:
    """Fail where something is not what it has to be.

    Args:
        found: what it is.
        expected: what it has to be.
        what: its name.
    """
    if found != expected:
        raise AssertionError(f"{what}: {found!r} and not {expected!r}")


def raises(kind: type[Exception], work: Callable[[], object], what: str) -> None:
    """Fail where work does not raise an exception of a kind.

    Args:
        kind: the kind.
        work: the work.
        what: its name.
    """
    try:
        answer = work()
    except kind:
        return
    raise AssertionError(f"{what}: answered {answer!r}, and has to raise {kind.__name__}")


def refuses(work: Callable[[], object], what: str) -> None:
    """Fail where work does not raise a ValueError, and a plain one: neither that something is taken, nor of a codec.

    Args:
        work: the work.
        what: its name.
    """
    try:
        answer = work()
    except ValueError as error:
        if not isinstance(error, AlreadyExists | UnicodeError):
            return
        raise AssertionError(f"{what}: {type(error).__name__}, and has to be a plain ValueError") from error
    raise AssertionError(f"{what}: answered {answer!r}, and has to raise ValueError")


def voids(store: Any, look: Look, work: Callable[[], object], what: str, *others: Look) -> None:  # noqa: ANN401 - a store
    """Fail where work leaves current what is cached about a record, or voids what is cached about others.

    Args:
        store: the store.
        look: returns the record that the work changes.
        work: the work.
        what: its name.
        others: return records that it does not change.
    """
    subjects = look().subjects
    spared = [other().subjects for other in others]
    revision = store.revision()
    look()
    if not all(store.is_current(revision, one) for one in (None, subjects, *spared)):
        raise AssertionError(f"{what}: nothing happened, and a revision is not current any more")
    work()
    look()
    if store.is_current(revision, subjects) or store.is_current(revision):
        raise AssertionError(f"{what}: a revision is still current, and what a checker has cached is wrong")
    if not all(store.is_current(revision, one) for one in spared):
        raise AssertionError(f"{what}: a revision is not current any more for others, and their answers are asked for again")


def keeps(store: Any, look: Callable[[], object], work: Callable[[], object], what: str) -> None:  # noqa: ANN401 - a store
    """Fail where a revision is not current after the work.

    Args:
        store: the store.
        look: reads something.
        work: the work.
        what: its name.
    """
    look()
    revision = store.revision()
    work()
    look()
    if not store.is_current(revision):
        raise AssertionError(f"{what}: a revision is not current any more, and answers are asked for again for nothing")


def paged(page: Callable[[str], Sequence[Any]]) -> list[str]:
    """Return the ids of all pages, and fail where one comes again.

    Args:
        page: returns the records after an id.
    """
    ids: list[str] = []
    while found := page(ids[-1] if ids else ""):
        ids += [record.id for record in found]
    return ids
