"""Logging in by name and password: a hasher that keeps count, accounts in every state, and the ways to ask about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support.core import bcrypt_hash
from tests.support.drive import ByASGI, ByWSGI
from tests.support.wire import Request, basic
from watchword import Accepted, Basic, BasicCredentials, Guard
from watchword.checkers import Accounts, Htpasswd, PasswordHasher, Users, verify_password
from watchword.stores.memory import MemoryStore
from watchword.testing import FixedClock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tests.support.drive import Answer
    from watchword.checkers import FlowChecker
    from watchword.observe.notice import OperatorNotice

NOW = 1_700_000_000.0
DAY = 86_400.0


class CountingHasher(PasswordHasher):
    """Cheap, and keeps count.

    Args:
        settles: whether every hash counts as current, so that none is made anew.
        context: as for `PasswordHasher`.
        noting: is told of each hash that is made, before it is.
        time_cost: passes over the memory.
    """

    def __init__(
        self,
        *,
        settles: bool = False,
        context: object = None,
        noting: Callable[[], object] | None = None,
        time_cost: int = 1,
        plain: bool = False,
    ) -> None:
        super().__init__(time_cost=time_cost, memory_cost=64, parallelism=1, context=context, plain=plain)
        self.verified: list[str | None] = []
        self.made: list[str | bytes] = []
        self._settles = settles
        self._noting = noting

    def verify(self, hash: str, password: str | bytes) -> bool:  # noqa: A002 - its name
        """Verify, and note format and cost."""
        self.verified.append(self.profile(hash))
        return super().verify(hash, password)

    def hash(self, password: str | bytes) -> str:
        """Make a hash, and note it."""
        if self._noting is not None:
            self._noting()
        self.made.append(password)
        return super().hash(password)

    def needs_rehash(self, hash: str) -> bool:  # noqa: A002 - its name
        """Answer no, if so told."""
        return not self._settles and super().needs_rehash(hash)

    def take(self) -> list[str | None]:
        """Return what was verified since the last time."""
        seen, self.verified = self.verified, []
        return seen


class Bcrypt:
    """What a context for bcrypt does."""

    def hash(self, secret: str | bytes) -> str:
        """Make one."""
        return bcrypt_hash(secret.encode() if isinstance(secret, str) else secret)

    def verify(self, secret: str | bytes, hash: str) -> bool:  # noqa: A002 - passlib's names
        """Verify one."""
        return verify_password(hash, secret)

    def needs_update(self, hash: str) -> bool:  # noqa: A002 - as above
        """Call none outdated."""
        return False

    def identify(self, hash: str) -> str | None:  # noqa: A002 - as above
        """Know its own."""
        return "bcrypt" if hash.startswith("$2b$") else None


class Desk:
    """Accounts in memory, by a clock that stands still.

    Args:
        store: where they live; None: a new one.
        options: of the checker.
    """

    def __init__(self, *, store: MemoryStore | None = None, **options: Any) -> None:
        self.clock = FixedClock(NOW)
        self.store = MemoryStore() if store is None else store
        self.events: list[OperatorNotice] = []
        self.hasher: CountingHasher = options.setdefault("hasher", CountingHasher(settles=True))
        options.setdefault("clock", self.clock)
        options.setdefault("on_event", self.events.append)
        self.accounts = Accounts(self.store, **options)

    def shut_some(self, hash_: str | None = None, password: str = "s3cret") -> None:
        """Add ann, and three who are shut out for three reasons, with this hash or password; the clock moves on by two days.

        Of `expired` it shows only with a `max_age` of a day.
        """
        given: dict[str, Any] = {"password": password} if hash_ is None else {"password_hash": hash_}
        self.accounts.add("expired", **given)
        self.clock.advance(2 * DAY)
        for name in ("ann", "disabled", "locked"):
            self.accounts.add(name, **given)
        self.accounts.disable("disabled")
        self.accounts.lock("locked", self.clock.now() + 60)

    def accept(self, name: str, password: str = "s3cret") -> Accepted:
        """Return the verdict about somebody who is let in."""
        verdict = self.accounts.check(BasicCredentials(name, password))
        assert isinstance(verdict, Accepted), verdict
        return verdict


def write_htpasswd(path: Path, hashes: Mapping[str, str]) -> Path:
    """Write a file of these users."""
    path.write_text("".join(f"{name}:{hash_}\n" for name, hash_ in hashes.items()), encoding="utf-8")
    return path


def checker_of(kind: str, hash_: str, hasher: CountingHasher, folder: Path) -> FlowChecker[BasicCredentials]:
    """Return a checker of some kind, in which everybody has this hash; only in accounts is anybody shut out."""
    if kind == "accounts":
        desk = Desk(hasher=hasher, max_age=DAY)
        desk.shut_some(hash_)
        return desk.accounts
    users = {"ann": hash_, "bob": hash_}
    return Users(users, hasher=hasher) if kind == "users" else Htpasswd(write_htpasswd(folder / "users", users), hasher=hasher)


def log_in(name: str, password: str) -> Request:
    """Return a request with Basic credentials."""
    return Request(headers=(basic(name, password),))


def guarded(checker: object, **settings: Any) -> Guard:
    """Return a guard of one checker, that calls each request the same."""
    settings.setdefault("request_id", lambda: "the-id")
    return Guard(Basic(checker, realm="x"), **settings)


def bytes_of(answer: Answer) -> tuple[object, ...]:
    """Return all that a client gets."""
    return answer.status, answer.headers, answer.body


BEHIND = {"asgi": ByASGI, "wsgi": ByWSGI}
