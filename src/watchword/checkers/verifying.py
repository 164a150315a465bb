"""Verifies passwords at a bounded cost.

The number of hashes at once is limited. Equal requests at the same time share one hash. A password that was right a moment ago costs none.
"""

from __future__ import annotations

from math import inf
from os import urandom
from typing import TYPE_CHECKING

from watchword.cache import FOR, MOST, Bounded, KeyedDigest, check_bounds
from watchword.checkers.names import canonical
from watchword.checkers.passwords import PasswordHasher
from watchword.checkers.passwords.outage import HashUnavailable
from watchword.clock import as_clock
from watchword.observe.notice import OperatorNotice, log_notice
from watchword.protection.hash_limiter import HashLimiter, shared_limiter
from watchword.validators import check_type, invalid

if TYPE_CHECKING:
    from watchword.clock import Clock
    from watchword.observe.notice import Hook
    from watchword.operation import Operation, Steps

_REPORTED_EVERY = 60.0  # seconds
_UNKNOWN = b"", inf


class Verifier:
    """Verifies passwords.

    The cache holds keyed digests of user, password and hash together, so a new hash never matches from the cache. Wrong passwords are
    not cached.

    Args:
        hasher: a `PasswordHasher`, or a `CryptContext` of passlib; None: the default one.
        limiter: bounds the number of hashes that are computed at once; None: the limiter of this process.
        clock: tells the time.
        remember: how many passwords are cached at most; 0: none.
        remember_for: how many seconds they are cached.
        on_event: receives notices of hashes that cannot be computed here; None: the log.

    Raises:
        ConfigurationError: an argument is wrong.
    """

    __slots__ = ("_clock", "_digest", "_known", "_limiter", "_on_event", "_reported", "_ttl", "hasher")

    def __init__(
        self,
        *,
        hasher: object = None,
        limiter: HashLimiter | None = None,
        clock: Clock | None = None,
        remember: int = MOST,
        remember_for: float = FOR,
        on_event: Hook | None = None,
    ) -> None:
        if limiter is not None:
            check_type("Verifier(limiter=...)", limiter, HashLimiter, "HashLimiter(4)")
        check_bounds("Verifier", remember, remember_for)
        self.hasher: PasswordHasher = as_hasher(hasher)
        self._limiter = shared_limiter() if limiter is None else limiter
        self._clock = as_clock(clock, "Verifier")
        self._digest = KeyedDigest()
        self._known: Bounded[bytes, tuple[bytes, float]] = Bounded(remember if remember_for > 0 else 0)
        self._ttl = remember_for
        self._on_event = log_notice if on_event is None else on_event
        self._reported: Bounded[bytes, float] = Bounded(1000)

    @property
    def is_full(self) -> bool:
        """Whether a caller that needs a hash would be refused now."""
        return self._limiter.is_full

    def admit(self, name: str, password: str) -> None:
        """Refuse a caller that needs a hash while the queue is full, before the store is asked.

        A name and password are admitted if they were right a moment ago, or are being verified, whether the name has an account or not.

        Args:
            name: the name in canonical form; untrusted.
            password: the password; untrusted.

        Raises:
            Overloaded: too many requests wait for a hash.
        """
        if self._limiter.is_full:
            pair = self._pair(name, canonical(password))
            if not self._knows(pair, None, self._clock.now()):
                self._limiter.admit(pair)

    def verify(self, name: str, hash: str, password: str, *, remember: bool, subject: str = "") -> Steps[bool]:  # noqa: A002 - what it is
        """Verify one password against one hash.

        Args:
            name: the name in canonical form; untrusted. Two names never share one hash in flight: that would reveal which names
                are verified against the same dummy hash, or against the hash of a user.
            hash: the stored hash, or a dummy hash.
            password: the password; untrusted.
            remember: whether to use the cache. Not if the answer is a refusal for any password: the work must be the same each time.
            subject: the account, for events; empty: the name is unknown.

        Returns:
            A generator that yields one operation, or none for a cached answer, and returns whether the password matches.

        Raises:
            HashUnavailable: the hash cannot be computed now.
            Overloaded: too many requests wait for a hash.
        """
        password = canonical(password)  # as Basic passes it, and as new hashes are made
        # Not cut: a password with a NUL or with 1,025 octets has another key, and the hasher refuses it.
        pair = self._pair(name, password)
        key = self._digest.of(pair, hash.encode("utf-8", "surrogatepass"))
        now = self._clock.now()
        known = self._knows(pair, key, now)  # looked up in each case: an unknown name must take as long
        if remember and known:
            return True
        hasher = self.hasher

        # A closure: the repr of a partial would show the password.
        def work() -> bool:
            # Looked up again, and cached before the answer: a caller that comes after the end of a computation, and before the first
            # caller continues, finds no computation to join.
            if self._knows(pair, key, now) and remember:
                return True
            matches = hasher.verify(hash, password)
            if matches and remember:
                self._known.keep(pair, (key, now))
            return matches

        try:
            answer: bool = yield self._limiter.operation(key, work, about=pair)
        except HashUnavailable as error:
            self.report(error, subject)
            raise
        return answer

    def report(self, error: HashUnavailable, subject: str) -> None:
        """Report that a hash of an account cannot be computed, once a minute for each format and cause."""
        now = self._clock.now()
        key = self._digest.of(*(part.encode("utf-8", "surrogatepass") for part in (subject, error.format, error.cause)))
        since = self._reported.get(key)
        if since is None or not since <= now < since + _REPORTED_EVERY:
            self._reported.keep(key, now)
            self._on_event(OperatorNotice("hash_unavailable", error.why, subject=subject))

    def _pair(self, name: str, password: str) -> bytes:
        return self._digest.of(name.encode("utf-8", "surrogatepass"), password.encode("utf-8", "surrogatepass"))

    def _knows(self, pair: bytes, key: bytes | None, now: float) -> bool:
        """Tell whether a password was right a moment ago, with the hash in the key; None: with any hash."""
        known, since = self._known.get(pair, _UNKNOWN)
        return since <= now < since + self._ttl and key in {None, known}

    def hashing(self, password: str) -> Operation[str]:
        """Return the operation that makes a new hash of a trusted password, in its turn."""
        hasher, password = self.hasher, canonical(password)
        # A random key, so that two requests never share one: each hash has its own salt, also for equal passwords.
        return self._limiter.operation(urandom(32), lambda: hasher.hash(password))

    def __repr__(self) -> str:
        return f"Verifier({len(self._known)} remembered)"


def as_hasher(given: object) -> PasswordHasher:
    """Return the hasher for the argument of a checker: a `PasswordHasher`, passlib's `CryptContext` or its like, or None."""
    if given is None:
        return PasswordHasher()
    if isinstance(given, PasswordHasher):
        return given
    if all(callable(getattr(given, method, None)) for method in ("hash", "identify", "needs_update", "verify")):
        return PasswordHasher(context=given)
    raise invalid("Verifier(hasher=...)", "be a PasswordHasher or a CryptContext of passlib", given, secret=True)
