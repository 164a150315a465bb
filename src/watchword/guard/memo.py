"""The memo: whom a checker accepted, for as long as it would accept them again.

Facts alone are remembered, never decisions: whom credentials stand for. Expiry, the network they count from and the rule are
evaluated for every request, and a fact is forgotten the moment its lease ends, because an account, a key or a stored hash
changed. Refusals are not remembered, and neither is anybody anonymous: whoever guesses fills no memory and finds no
answer in it (threats C2, C4, C6, C7).

The key is a keyed digest of the credentials, of the kinds that this package makes. Nobody can supply it, and what a scheme
of one's own shows is not remembered (threat C3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchword.credentials import APIKeyCredentials, BasicCredentials, BearerToken
from watchword.remembering import Bounded, KeyedDigest
from watchword.verdict import ALWAYS

if TYPE_CHECKING:
    from watchword.clock import Clock
    from watchword.credentials import Credentials
    from watchword.guard.policy import Entry
    from watchword.principal import Principal
    from watchword.verdict import Lease

ENTRIES = 10_000
TTL = 300.0  # seconds


class Fact:
    """One caller whom a checker accepted.

    Args:
        principal: who it is, with the evidence filled in.
        scheme: the scheme of the credentials, as in its challenge.
        lease: for how long the checker would give the same answer.
        since: when the checker was asked; before that nothing is known.
        until: from when on the checker is asked again.
    """

    __slots__ = ("_lease", "_since", "_until", "principal", "scheme", "timeless")

    def __init__(self, principal: Principal, scheme: str, lease: Lease, since: float, until: float) -> None:
        self.principal = principal
        self.scheme = scheme
        self._lease = None if lease is ALWAYS else lease  # most of all requests spare a call
        self._since = since
        self._until = until
        # What a table that never changes says of somebody who does not expire: asking it again would tell nothing new.
        self.timeless: bool = lease is ALWAYS and (principal.evidence is None or principal.evidence.expires_at is None)

    def holds(self, now: float) -> bool:
        """Tell whether it may be used.

        Args:
            now: the present. A clock that was set back before the fact makes it useless, too.
        """
        return self._since <= now < self._until and (self._lease is None or self._lease.holds())


class Memo:
    """Callers who were let in before.

    Args:
        clock: tells the time.
        entries: how many callers are remembered at most, the latest; 0: none.
        ttl: for how many seconds.
    """

    __slots__ = ("_clock", "_digest", "_facts", "_spelling", "_spellings", "_ttl")

    def __init__(self, clock: Clock, *, entries: int = ENTRIES, ttl: float = TTL) -> None:
        self._clock = clock
        self._ttl = ttl if entries else 0.0
        self._digest = KeyedDigest()
        self._spelling = KeyedDigest()
        self._facts: Bounded[Fact] = Bounded(entries)
        # The same facts under the field as it came, for the short way, which does not parse it.
        self._spellings: Bounded[Fact] = Bounded(entries)

    def fact(self, entry: Entry, principal: Principal, lease: Lease | None) -> Fact | None:
        """Return what may be remembered about somebody whom a checker has accepted.

        Args:
            entry: the scheme.
            principal: who it is, with the evidence filled in.
            lease: what the checker says about how long; None: do not remember.
        """
        if lease is None or self._ttl <= 0:
            return None
        now = self._clock.now()
        until = now + self._ttl
        ends = None if principal.evidence is None else principal.evidence.expires_at
        return Fact(principal, entry.scheme.name, lease, now, until if ends is None else min(until, ends))

    def remember(self, entry: Entry, credentials: Credentials, fact: Fact) -> None:
        """Remember whom credentials stand for.

        Args:
            entry: the scheme that they came by.
            credentials: what was shown; only a digest of it is kept.
            fact: who it is.
        """
        key = self._key(entry, credentials)
        if key is not None:
            self._facts.keep(key, fact)

    def recall(self, entry: Entry, credentials: Credentials) -> Principal | None:
        """Return whom credentials stand for, if that is remembered and still true.

        Args:
            entry: the scheme that they came by.
            credentials: what was shown.
        """
        if not self._facts:
            return None
        key = self._key(entry, credentials)
        fact = None if key is None else self._facts.get(key)
        if fact is None or not (fact.timeless or fact.holds(self._clock.now())):
            return None
        return fact.principal

    def remember_field(self, sent: bytes, fact: Fact) -> None:
        """Remember whom an Authorization field stands for.

        Args:
            sent: the field as it came; only a digest of it is kept.
            fact: who it is.
        """
        self._spellings.keep(self._spelling.of_one(sent), fact)

    def recall_field(self, sent: bytes) -> Fact | None:
        """Return whom an Authorization field stands for, if that is remembered and still true.

        Args:
            sent: the field as it came.
        """
        fact = self._spellings.get(self._spelling.of_one(sent))
        if fact is None or fact.timeless:
            return fact
        return fact if fact.holds(self._clock.now()) else None

    def _key(self, entry: Entry, credentials: Credentials) -> bytes | None:
        kind = type(credentials)
        shown: tuple[str, ...]
        if kind is BasicCredentials:
            shown = (credentials.username, credentials.password)  # type: ignore[attr-defined]  # by its type, exactly
        elif kind is BearerToken:
            shown = (credentials.token,)  # type: ignore[attr-defined]  # as above
        elif kind is APIKeyCredentials:
            shown = (credentials.key,)  # type: ignore[attr-defined]  # as above
        else:
            return None
        return self._digest.of(*(part.encode("utf-8", "surrogatepass") for part in (entry.key, credentials.carrier, *shown)))

    def __repr__(self) -> str:
        return f"Memo({len(self._facts)} callers)"
