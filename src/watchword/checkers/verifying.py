"""Verifies passwords at a bounded price.

So many hashes at once and no more; equal requests at the same time for one hash; a password that was right a moment ago for none.
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

    The cache holds that a password of a user matched a hash, by keyed digests of all three: a new hash never matches
    from the cache. Wrong passwords are not remembered.

    Args:
        hasher: knows the formats; None: one with the usual parameters. A `CryptContext` of passlib is taken, too.
        limiter: bounds the work; None: the one of this process.
        clock: tells the time.
        remember: how many passwords are remembered at most; 0: none.
        remember_for: for how many seconds.
        on_event: is told of hashes that cannot be computed here; None: the log.

    Raises:
        ConfigurationError: one of them is something else.
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

    def admit(self, name: str, password: str) -> None:
        """Refuse a caller that needs a hash while the queue is full, before a store is asked and anything is made.

        Admitted are a name and password that were right a moment ago, and those that are being verified. Which names have an account
        makes no difference.

        Args:
            name: for whom, in canonical form; untrusted.
            password: what was shown; untrusted.

        Raises:
            Overloaded: too many wait for a hash.
        """
        if self._limiter.is_full:
            pair = self._pair(name, canonical(password))
            if not self._knows(pair, None, self._clock.now()):
                self._limiter.admit(pair)

    def verify(self, name: str, hash: str, password: str, *, remember: bool, subject: str = "") -> Steps[bool]:  # noqa: A002 - what it is
        """Verify one password against one hash.

        Args:
            name: for whom, in canonical form; untrusted. Two names never share one hash in flight: that would show which names
                are verified against the same dummy, or against the hash of a user.
            hash: the stored hash, or a dummy.
            password: what was shown; untrusted.
            remember: whether memory may answer and be filled. Where the answer will be a refusal whatever the password, it may
                not: then the work is the same each time.
            subject: the account, for events; empty: the name is unknown.

        Returns:
            A generator that asks for one hash, or for none where it is remembered, and ends in whether it matches.

        Raises:
            HashUnavailable: the hash cannot be computed here and now.
            Overloaded: too many wait for a hash.
        """
        password = canonical(password)  # as Basic hands it over, and as new hashes are made
        # All in full: they are what the answer depends on. A NUL or 1,025 octets make another key and the hasher's refusal.
        pair = self._pair(name, password)
        key = self._digest.of(pair, hash.encode("utf-8", "surrogatepass"))
        now = self._clock.now()
        known = self._knows(pair, key, now)  # looked up whether it may answer or not: an unknown name takes as long
        if remember and known:
            return True
        hasher = self.hasher

        # A closure and no partial, which would print what it is bound to.
        def work() -> bool:
            # Looked up once more, and kept before the answer is given: a caller between the end of a computation and the moment at
            # which the first caller goes on finds no computation to join.
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
        """Report that a hash cannot be computed: of one account, format and cause once a minute.

        Args:
            error: names format and cause.
            subject: the account; empty: the name is unknown.
        """
        now = self._clock.now()
        key = self._digest.of(*(part.encode("utf-8", "surrogatepass") for part in (subject, error.format, error.cause)))
        since = self._reported.get(key)
        if since is None or not since <= now < since + _REPORTED_EVERY:
            self._reported.keep(key, now)
            self._on_event(OperatorNotice("hash_unavailable", error.why, subject=subject))

    def _pair(self, name: str, password: str) -> bytes:
        return self._digest.of(name.encode("utf-8", "surrogatepass"), password.encode("utf-8", "surrogatepass"))

    def _knows(self, pair: bytes, key: bytes | None, now: float) -> bool:
        """Tell whether a password was right a moment ago: with the hash that the key names; None: with any."""
        known, since = self._known.get(pair, _UNKNOWN)
        return since <= now < since + self._ttl and key in {None, known}

    def hashing(self, password: str) -> Operation[str]:
        """Return the operation that makes a new hash of a password, in its turn.

        Args:
            password: what was proven right, or what an operator chose.
        """
        hasher, password = self.hasher, canonical(password)
        # No two of these are alike: each has a salt of its own, also where two people chose the same password at the same time.
        return self._limiter.operation(urandom(32), lambda: hasher.hash(password))

    def __repr__(self) -> str:
        return f"Verifier({len(self._known)} remembered)"


def as_hasher(given: object) -> PasswordHasher:
    """Return a hasher for what a checker was given.

    Args:
        given: a `PasswordHasher`, an object with the methods of passlib's `CryptContext`, or None.

    Raises:
        ConfigurationError: it is something else.
    """
    if given is None:
        return PasswordHasher()
    if isinstance(given, PasswordHasher):
        return given
    if all(callable(getattr(given, method, None)) for method in ("hash", "identify", "needs_update", "verify")):
        return PasswordHasher(context=given)
    raise invalid("Verifier(hasher=...)", "be a PasswordHasher or a CryptContext of passlib", given, secret=True)
