"""Keeps callers whom a checker accepted, for as long as it would accept them again.

Facts alone are kept, never decisions: whom credentials stand for. Expiry, the network they count from and the rule are evaluated for every
request. A fact is forgotten when its lease ends, because an account, a key or a stored hash changed. Refusals and anonymous callers are not
kept: a caller who guesses fills no memory and finds no answer (threats C2, C4, C6, C7).

The key of a caller is a keyed digest. It covers the header field as it came, where the scheme is one of ours and looks at that field alone;
otherwise the credentials, of the kinds that this package makes. The key of the digest is random and never leaves the process. Credentials
of another kind are not kept (threat C3).
"""

from __future__ import annotations

from math import inf
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from watchword.cache import FOR, MOST, Bounded, KeyedDigest
from watchword.decision import Caller
from watchword.schemes.known import OF_CREDENTIALS
from watchword.verdict import ALWAYS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from watchword.authorization.rules import Route
    from watchword.clock import Clock
    from watchword.credentials import Carrier, Credentials
    from watchword.decision import CacheAdvice, Challenged, Forbidden, Granted
    from watchword.guard.policy import Entry
    from watchword.principal import Principal
    from watchword.verdict import Lease


NONE: Final[Mapping[Any, Any]] = MappingProxyType({})
"""An empty table, which all facts share until they have more to keep."""


class Grant:
    """A decision of the fast path. It cannot change, so it is made once, with all that adapters make of it.

    Args:
        granted: the decision.
    """

    __slots__ = ("advice", "granted", "told")

    def __init__(self, granted: Granted) -> None:
        self.granted: Granted = granted
        self.advice: CacheAdvice | None = granted.cache or None
        """What the response says to caches; None: nothing."""
        self.told: object = None
        """What the adapter that granted last tells the application beside it; another adapter makes its own."""

    def __repr__(self) -> str:
        return f"Grant({self.granted!r})"


class Fact:
    """One caller whom a checker accepted.

    Args:
        principal: the caller, with the evidence filled in.
        scheme: the scheme of the credentials, as in its challenge.
        lease: for how long the checker would give the same answer.
        since: when the checker was asked; before that nothing is known.
        until: from when on the checker is asked again.
        carrier: which part of the request brought the credentials.
        credential: as in `AuthEvent`; empty: nobody takes events.
    """

    __slots__ = ("_lease", "_since", "_until", "caller", "first", "grants", "is_timeless", "principal", "refusals", "scheme")

    def __init__(  # noqa: PLR0917 - the facts
        self, principal: Principal, scheme: str, lease: Lease, since: float, until: float, carrier: Carrier, credential: str = ""
    ) -> None:
        self.principal: Principal = principal
        self.scheme: str = scheme
        self._since = since
        self._until = until
        ends = principal.evidence is not None and principal.evidence.expires_at is not None
        # A table that never changes would give the same answer again, for a caller who does not expire.
        self.is_timeless: bool = lease is ALWAYS and not ends
        self._lease = lease
        # Of the fast path, which bounds them. Most callers come to one rule: a dictionary for each would be a third of the memory.
        self.first: Grant | None = None
        self.grants: Mapping[Route, Grant] = NONE
        self.refusals: Mapping[Route, Challenged | Forbidden] = NONE
        self.caller: Caller = Caller(principal, scheme, carrier, self, cached=True, credential=credential)

    def is_current(self, clock: Clock) -> bool:
        """Tell whether it may be used.

        Args:
            clock: tells the time. One that was set back before the fact makes it useless, too.
        """
        return self.is_timeless or (self._since <= clock.now() < self._until and self._lease.is_current())


class CredentialCache:
    """Callers who were let in before.

    Args:
        clock: tells the time.
        entries: how many callers are remembered at most, the latest; 0: none.
        ttl: for how many seconds.
    """

    __slots__ = ("_clock", "_credentials", "_fields", "_ttl", "facts")

    def __init__(self, clock: Clock, *, entries: int = MOST, ttl: float = FOR) -> None:
        self._clock = clock
        self._ttl = ttl if entries else 0.0
        # A key for each field and one for credentials, so that none is taken for another.
        self._fields: dict[str, KeyedDigest] = {}
        self._credentials = KeyedDigest()
        self.facts: Bounded[bytes, Fact] = Bounded(entries)  # by the keys of credentials

    def fact(self, entry: Entry, principal: Principal, lease: Lease | None, carrier: Carrier, credential: str = "") -> Fact | None:
        """Return what may be remembered about a caller whom a checker has accepted.

        Args:
            entry: the scheme.
            principal: the caller, with the evidence filled in.
            lease: what the checker says about how long; None: do not remember.
            carrier: which part of the request brought the credentials.
            credential: as in `AuthEvent`.
        """
        if lease is None:
            return None
        now = self._clock.now()
        # Without a cache too, a view that is reached later in a long request asks whether the answer still counts.
        until = now + self._ttl if self._ttl > 0 else inf
        ends = None if principal.evidence is None else principal.evidence.expires_at
        # In this order NaN stays NaN, and nothing is earlier than that.
        return Fact(principal, entry.scheme.name, lease, now, until if ends is None else min(ends, until), carrier, credential)

    def digest(self, name: str) -> KeyedDigest:
        """Return what makes the keys of a header field.

        Args:
            name: of the field, lower case; one of those that schemes read, so that there are few.
        """
        known = self._fields.get(name)
        return self._fields.setdefault(name, KeyedDigest()) if known is None else known

    def key_of_field(self, name: str, sent: bytes) -> bytes:
        """Return the key of a header field.

        Args:
            name: of the field, lower case.
            sent: the field as it came.
        """
        return self.digest(name).of_one(sent)

    def key_of(self, entry: Entry, credentials: Credentials) -> bytes | None:
        """Return the key of credentials; None: what they depend on is not known.

        Args:
            entry: the scheme that they came by.
            credentials: what was shown.
        """
        row = OF_CREDENTIALS.get(type(credentials))  # exactly: a subclass may hold more
        if row is None or row.shown is None:
            return None
        shown = row.shown(credentials)
        # With the carrier: a password from a form does not answer for one from a header field.
        return self._credentials.of(*(part.encode("utf-8", "surrogatepass") for part in (entry.key, credentials.carrier, *shown)))

    def keep(self, key: bytes, fact: Fact) -> None:
        """Keep a caller.

        Args:
            key: of what was shown.
            fact: the caller.
        """
        if self._ttl > 0:
            self.facts.keep(key, fact)

    def recall(self, key: bytes) -> Fact | None:
        """Return the caller whom the cache knows, if that is still true.

        Args:
            key: of what was shown.
        """
        fact = self.facts.get(key)
        return fact if fact is not None and fact.is_current(self._clock) else None

    def __len__(self) -> int:
        return len(self.facts)

    def __repr__(self) -> str:
        return f"CredentialCache({len(self.facts)} callers)"
