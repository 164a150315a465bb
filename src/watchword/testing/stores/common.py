"""Holds the helpers that the suites for stores share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from concurrent.futures import Future, ThreadPoolExecutor
from hashlib import sha256
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias, TypeVar

from watchword.errors import AlreadyExists
from watchword.stores.ports import AccountRecord, KeyRecord, TokenRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from watchword.stores.ports import Issued

T = TypeVar("T")


Look: TypeAlias = "Callable[[], Any]"  # returns a record

# Composed and decomposed, right to left, beyond the Basic Multilingual Plane, joined emoji, special in SQL, JSON and LIKE.
TEXTS = (
    *("é", "e\u0301", "Å", "ﬁ", "שלום", "مرحبا", "\U0001d518\U0001d52b", "👩‍👩‍👧", "\U0010ffff", "\uffff", "ß", "\u0131", "\u200b"),
    *("'", '"', "\\", "%", "_", "a b", " ", "\t", "\n", "\x01", "\x7f", ";--", "{}", "[]", "null", "NULL", "a" * 1024, "é" * 512),
)
# Text that cannot be kept. Clients may send it, so a lookup must accept it.
UNSTORABLE = ("", "\x00", "a\x00", "\x00a", "\ud800", "a\udfff", "a" * 1025, "é" * 513, "a" * 1_000_000)


def account(id: str = "1", *names: str, **fields: Any) -> AccountRecord:  # noqa: A002, ANN401 - the names of the fields
    """Return an account to add, with an id, names and further fields."""
    return AccountRecord(id=id, names=names, **fields)


def key(id: str = "k1", owner: str = "1", **fields: Any) -> KeyRecord:  # noqa: A002, ANN401 - as above
    """Return a key to add, with an id, an owner and further fields."""
    return KeyRecord(id=id, digest=sha256(id.encode()).digest(), owner=owner, **fields)


def token(id: str = "t1", owner: str = "1", **fields: Any) -> TokenRecord:  # noqa: A002, ANN401 - as above
    """Return a token to add, with a handle, an owner and further fields."""
    return TokenRecord(id=id, digest=sha256(id.encode()).digest(), owner=owner, **fields)


class Contract(ABC):
    """The base of the suites."""

    racers = 100
    """The number of concurrent threads."""

    many = 2500
    """A number of records that makes several pages."""

    ports: ClassVar[tuple[type, ...]] = ()
    """The protocols that the store implements."""

    @abstractmethod
    def store(self) -> Any:  # noqa: ANN401 - any store; so below
        """Return a new and empty store; called once per test."""

    def fill(self, store: Any, records: Sequence[Issued]) -> None:  # noqa: ANN401 - as above
        """Add many keys, or many tokens. Override it if the store has a faster way."""
        for record in records:
            getattr(store, f"add_{record.what}")(record)

    def test_the_store_has_every_method_of_its_protocols(self) -> None:
        """An inherited method of a protocol would return None."""
        store = self.store()
        for port in self.ports:
            for name in dir(port):
                if not name.startswith("_") and (not hasattr(store, name) or getattr(type(store), name, None) is getattr(port, name)):
                    raise AssertionError(f"{type(store).__name__} must implement {name}() of {port.__name__}, and does not")

    def race(self, work: Callable[[int], T]) -> list[T]:
        """Return the answers of all threads, which begin together, to work with their numbers."""
        gate: Future[None] = Future()

        def run(number: int) -> T:
            gate.result()
            return work(number)

        with ThreadPoolExecutor(self.racers) as threads:
            running = [threads.submit(run, number) for number in range(self.racers)]
            gate.set_result(None)
            return [one.result() for one in running]


def same(found: object, expected: object, what: str) -> None:
    """Fail unless two values are equal."""
    if found != expected:
        raise AssertionError(f"{what} must be {expected!r}, got {found!r}")


def raises(kind: type[Exception], work: Callable[[], object], what: str) -> None:
    """Fail unless work raises an exception of a class."""
    try:
        answer = work()
    except kind:
        return
    raise AssertionError(f"{what} must raise {kind.__name__}, got {answer!r}")


def refuses(work: Callable[[], object], what: str) -> None:
    """Fail unless work raises a plain ValueError, and neither AlreadyExists nor an error of a codec."""
    try:
        answer = work()
    except ValueError as error:
        if not isinstance(error, AlreadyExists | UnicodeError):
            return
        raise AssertionError(f"{what} must raise a plain ValueError, got {type(error).__name__}") from error
    raise AssertionError(f"{what} must raise ValueError, got {answer!r}")


def voids(store: Any, look: Look, work: Callable[[], object], what: str, *others: Look) -> None:  # noqa: ANN401 - a store
    """Fail unless work expires cached answers about the record that `look` returns, and none about the records of `others`."""
    subjects = look().subjects
    spared = [other().subjects for other in others]
    revision = store.revision()
    look()
    if not all(store.is_current(revision, one) for one in (None, subjects, *spared)):
        raise AssertionError(f"before {what} nothing has changed, and the revision must be current")
    work()
    look()
    if store.is_current(revision, subjects) or store.is_current(revision):
        raise AssertionError(f"after {what} the revision must not be current: cached answers are wrong")
    if not all(store.is_current(revision, one) for one in spared):
        raise AssertionError(f"after {what} the revision must be current for other records")


def keeps(store: Any, look: Callable[[], object], work: Callable[[], object], what: str) -> None:  # noqa: ANN401 - a store
    """Fail unless a revision is current after the work."""
    look()
    revision = store.revision()
    work()
    look()
    if not store.is_current(revision):
        raise AssertionError(f"after {what} the revision must be current")


def paged(page: Callable[[str], Sequence[Any]]) -> list[str]:
    """Return the ids of all pages."""
    ids: list[str] = []
    while found := page(ids[-1] if ids else ""):
        ids += [record.id for record in found]
    return ids
